// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is what is loaded what should be? Each "no" is one line: what, and what to do.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "status.h"

#define REBUILD	CLI_LIBDIR "/dkms-kernel install"

__attribute__((format(printf, 2, 3)))
static void problem(struct status *status, const char *fmt, ...)
{
	va_list ap;

	if (status->n_problems == PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(status->problems[status->n_problems++], WHY_MAX, fmt, ap);
	va_end(ap);
}

const char *carried_name(enum carried carried)
{
	static const char * const names[] = { "no", "same", "unknown", "old" };

	return names[carried];
}

/* One module's name in an initrd: nothing, the wanted one among others, or not. */
static enum carried carries_module(const struct initrd *initrd, const char *name,
				   const char *build_id)
{
	enum carried found = CARRIED_NOTHING;

	for (unsigned int i = 0; i < initrd->n; i++) {
		const struct initrd_module *module = &initrd->modules[i];

		if (strcmp(module->name, name) != 0)
			continue;
		if (*build_id && strcmp(module->build_id, build_id) == 0)
			return CARRIED_SAME;
		found = *module->build_id ? CARRIED_OTHER : CARRIED_UNKNOWN;
	}
	return found;
}

enum carried initrd_carries(const struct host *host, const struct kernel *kernel,
			    const struct initrd *initrd)
{
	enum carried kvm, vendor;

	if (!initrd->known)
		return CARRIED_UNKNOWN;
	kvm = carries_module(initrd, "kvm", kernel->next_build_id);
	vendor = carries_module(initrd, host->vendor, kernel->next_vendor_build_id);
	return kvm > vendor ? kvm : vendor;
}

const char *next_boot(const struct host *host, const struct kernel *kernel,
		      const struct initrd *initrd)
{
	if (initrd_carries(host, kernel, initrd) == CARRIED_OTHER)
		return "initrd";
	if (*host->vendor && kernel->next_origin != kernel->next_vendor_origin)
		return "mixed";
	return origin_name(kernel->next_origin);
}

bool taint_remains(const struct status *status)
{
	if (status->taint < 0 || !(status->taint & (TAINT_OUT_OF_TREE | TAINT_UNSIGNED)))
		return false;
	for (int i = 0; i < PARTS; i++) {
		if (strpbrk(status->parts[i].loaded.taint, "OE"))
			return false;
	}
	return true;
}

/* The modules that are there must be what modprobe would load. */
static void judge_loaded(struct status *status, const struct part *part)
{
	const char *to = part->next_origin == ORIGIN_STOCK || status->boot_stock ? "stock" :
			 "fixed";

	if (strcmp(part->loaded.state, "live") != 0)
		problem(status, "%s is %s; wait a moment, and if it stays so, reboot", part->name,
			part->loaded.state);
	else if (!*part->loaded.build_id)
		problem(status, "%s shows no build-id, so it cannot be told what is loaded; look into /sys/module/%s/notes",
			part->name, part->name);
	else if (!*part->wanted_id)
		problem(status, "%s is loaded (%s) and modprobe would find no readable file for it; run: kvm-fixes recover",
			part->name, origin_name(part->origin));
	else if (strcmp(part->loaded.build_id, part->wanted_id) != 0)
		problem(status, "%s is loaded as %s%s, and %s would be loaded from %.200s; run: kvm-fixes swap --to %s",
			part->name, origin_name(part->origin), *part->file ? "" : " (its file is gone)",
			status->boot_stock ? "the stock one" : origin_name(part->next_origin),
			status->boot_stock ? "the kernel's folder" : part->next, to);
}

/* Nothing is loaded: then modprobe must be about to load the right thing. */
static void judge_absent(struct status *status, const struct part *part)
{
	if (!*part->next)
		problem(status, "%s is not loaded and modprobe would find no file for it; run: kvm-fixes recover",
			part->name);
	else if (part->next_origin == ORIGIN_OTHER)
		problem(status, "%s is not loaded and modprobe would load %.200s, which is neither the kernel's own nor ours; remove that file and run: depmod",
			part->name, part->next);
}

/* Not loaded, and cannot be: no other advice helps before that is mended. */
static bool judge_refused(struct status *status, const struct part *part)
{
	if (part->next_origin != ORIGIN_OURS || part->verdict.accepted != STATE_NO ||
	    (part->loaded.present && part->origin != ORIGIN_STOCK))
		return false;
	problem(status, "%s is %s and the kernel would refuse ours: %s", part->name,
		part->loaded.present ? "loaded as stock" : "not loaded", part->verdict.why);
	return true;
}

/* What modprobe would load, against what the record and the choice say. Is it wrong? */
static bool judge_next(struct status *status, const struct part *part)
{
	const struct kernel *kernel = &status->kernels[status->running];
	bool installed = strcmp(kernel->state, "installed") == 0;
	bool withdrawn = !installed && strcmp(kernel->state, "missing") != 0 &&
			 strcmp(kernel->state, "damaged") != 0;
	unsigned int before = status->n_problems;

	if (!*part->next)
		return false;
	if (installed && status->choice == CHOICE_FIXED && part->next_origin != ORIGIN_OURS)
		problem(status, "the replaced %s is installed and chosen, and modprobe would load %.200s; run: " REBUILD " %s",
			part->name, part->next, kernel->release);
	else if (status->choice == CHOICE_STOCK && part->next_origin == ORIGIN_OURS)
		problem(status, "the stock modules are chosen, and modprobe would load %.200s; run: kvm-fixes swap --to stock",
			part->next);
	else if (withdrawn && part->next_origin == ORIGIN_OURS)
		problem(status, "kernel %s is on record as %s, and modprobe would load %.200s; run: " REBUILD " %s",
			kernel->release, kernel->state, part->next, kernel->release);
	return status->n_problems > before;
}

static void judge_pair(struct status *status)
{
	const struct part *kvm = &status->parts[PART_KVM], *vendor = &status->parts[PART_VENDOR];

	if (status->pair == PAIR_NO)
		problem(status, "kvm (%s) and %s (%s) are not of the same build; run: kvm-fixes swap --to %s",
			origin_name(kvm->origin), vendor->name, origin_name(vendor->origin),
			choice_name(status->boot_stock ? CHOICE_STOCK : status->choice));
	else if (*vendor->name && kvm->loaded.present && !vendor->loaded.present)
		problem(status, "kvm is loaded without %s; run: modprobe %s, and see dmesg if that fails",
			vendor->name, vendor->name);
	else if (vendor->loaded.present && !kvm->loaded.present)
		problem(status, "%s is loaded and kvm is not; reboot", vendor->name);
}

/* A reason may end in a call of dkms-kernel, wherever that lies: it is said once. */
static int reason_length(const char *reason)
{
	static const char run[] = "; run: ", name[] = "dkms-kernel";
	const char *end = strstr(reason, run);
	size_t length = strlen(reason);

	if (end) {
		const char *program = end + strlen(run), *space = strchr(program, ' ');

		if (space && (size_t)(space - program) >= strlen(name) &&
		    strncmp(space - strlen(name), name, strlen(name)) == 0)
			length = (size_t)(end - reason);
	}
	return length < 200 ? (int)length : 200;
}

static void judge_kernels(struct status *status)
{
	const struct kernel *running = &status->kernels[status->running];
	const struct initrd *initrd = &status->initrds[status->running];

	for (size_t i = 0; i < status->n_kernels; i++) {
		const struct kernel *kernel = &status->kernels[i];

		if (strcmp(kernel->state, "damaged") == 0)
			problem(status, "the record of kernel %s is damaged: %.200s; run: " REBUILD " %s",
				kernel->release, kernel->reason, kernel->release);
	}
	if (running->stale)
		problem(status, "the replacement for kernel %s masks a newer module of its own; run: " REBUILD " %s",
			running->release, running->release);
	if (strcmp(running->state, "failed") == 0 && status->choice == CHOICE_FIXED)
		problem(status, "kernel %s has no replacement: %.*s; mend that and run: " REBUILD " %s",
			running->release, reason_length(running->reason), running->reason, running->release);
	if (initrd_carries(status->host, running, initrd) == CARRIED_OTHER)
		problem(status, "%.200s carries other KVM modules than modprobe would load; run: update-initramfs -u -k %s (or dracut -f)",
			initrd->path, running->release);
}

/* "unknown" is no violation: what was published before the guard was switched on. */
static void judge_guard(struct status *status)
{
	static const char *const rules[] = { "unprotected", "not_covered", "slots_lock", "not_retired",
					     "address_space", "update_in_progress", "not_waited" };
	const struct guard *guard = &status->guard;
	unsigned long long count;
	char name[32];

	for (unsigned int i = 0; i < guard->n_lines; i++) {
		if (sscanf(guard->lines[i], "%31s %llu", name, &count) != 2 || !count)
			continue;
		for (size_t j = 0; j < sizeof(rules) / sizeof(rules[0]); j++)
			if (strcmp(rules[j], name) == 0)
				problem(status, "the unmap guard has seen memory taken from guests against its rule (%s: %llu), a defect of this kernel; take the guests off and see UNMAP-GUARD.md",
					name, count);
	}
}

void status_judge(struct status *status)
{
	bool builtin = status->parts[PART_KVM].loaded.builtin;

	if (status->swap.present)
		problem(status, "a swap has not ended (%s)%s%.250s; unless one is running right now, run: kvm-fixes recover",
			status->swap.step, *status->swap.why ? ": " : "", status->swap.why);
	for (int i = 0; i < PARTS && !builtin; i++) {
		const struct part *part = &status->parts[i];

		if (!*part->name || part->loaded.builtin || judge_next(status, part) ||
		    judge_refused(status, part))
			continue;
		if (part->loaded.present)
			judge_loaded(status, part);
		else
			judge_absent(status, part);
	}
	if (!builtin)
		judge_pair(status);
	judge_guard(status);
	judge_kernels(status);
}
