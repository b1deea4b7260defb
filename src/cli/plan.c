// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preflight: all that can be known before anything is touched.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "devnode.h"
#include "guesttest.h"
#include "holders.h"
#include "json.h"
#include "plan.h"
#include "resolve.h"

#define SPARE_MEMORY_KB	(32ul << 10)

void plan_refuse(struct plan *plan, const char *fmt, ...)
{
	va_list ap;

	if (plan->n_reasons == REASONS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(plan->reasons[plan->n_reasons++], WHY_MAX, fmt, ap);
	va_end(ap);
}

static void check_caller(const struct cli *cli, struct plan *plan)
{
	struct journal journal;
	char why[WHY_MAX];

	if (!cli->host.root[0] && geteuid() != 0)
		plan_refuse(plan, "not root; run it as root");
	if (!*cli->host.vendor)
		plan_refuse(plan, "this CPU is neither Intel's nor AMD's; no KVM module belongs to it");
	if (journal_read(&cli->host, SWAP_JOURNAL, &journal, why) != -ENOENT)
		plan_refuse(plan, "an earlier swap did not end; run: kvm-fixes recover");
}

/* What loading and trying modules takes, and a mere choice does not. */
static void check_means(const struct host *host, struct plan *plan, const struct loaded *vendor)
{
	char text[8];
	int err = 0;

	if (read_text(host_path(host, "/proc/sys/kernel/modules_disabled"), text, sizeof(text)) > 0 &&
	    strcmp(text, "1") == 0)
		plan_refuse(plan, "loading modules was switched off until the next boot (/proc/sys/kernel/modules_disabled); reboot");
	if (access(host_path(host, GUEST_CHECK), X_OK))
		plan_refuse(plan, "%s cannot be run (%s), and without it nobody would know whether the modules work; reinstall kvm-fixes",
			    GUEST_CHECK, strerror(errno));
	/* Without a vendor module nobody answers, and opening a node may load one. */
	if (vendor->present && plan->journal.had_node && geteuid() == 0)
		err = node_answers(host_path(host, NODE));
	if (err)
		plan_refuse(plan, NODE " does not answer (%s), and without it nobody would know whether the modules work; run this where it may be opened: systemd's DevicePolicy= and security modules can forbid that",
			    strerror(-err));
}

/* The file that a loaded module came from: without it there is no way back. */
static void find_former(const struct host *host, struct plan *plan, const char *name,
			const struct loaded *loaded, struct image *image)
{
	char file[PATH_MAX], why[WHY_MAX];

	if (loaded->builtin) {
		plan_refuse(plan, "%s is built into this kernel and cannot be replaced; boot a kernel with KVM as modules",
			    name);
		return;
	}
	if (!loaded->present)
		return;
	loaded_origin(host, name, loaded, file);
	if (!file[0]) {
		plan_refuse(plan, "the file that the loaded %s came from (build-id %s) is nowhere on this host, so there would be no way back; reboot first",
			    name, loaded->build_id[0] ? loaded->build_id : "unknown");
		return;
	}
	snprintf(image->file, sizeof(image->file), "%s", file + strlen(host->root));
	snprintf(image->build_id, sizeof(image->build_id), "%s", loaded->build_id);
	if (resolve_options(host, name, image->options, sizeof(image->options), why))
		plan_refuse(plan, "%s", why);
}

static void read_former(const struct host *host, struct plan *plan, struct loaded *kvm,
			struct loaded *vendor)
{
	char why[WHY_MAX];

	memset(kvm, 0, sizeof(*kvm));
	memset(vendor, 0, sizeof(*vendor));
	if (loaded_read(host, "kvm", kvm, why) || loaded_read(host, host->vendor, vendor, why)) {
		plan_refuse(plan, "%s", why);
		return;
	}
	find_former(host, plan, "kvm", kvm, &plan->journal.former.kvm);
	find_former(host, plan, host->vendor, vendor, &plan->journal.former.vendor);
	/* What a rollback returns to lasts as well, whatever the choice was when it was loaded. */
	if (kvm->present)
		plan->journal.from = kvm->stamp.present ? CHOICE_FIXED : CHOICE_STOCK;
	if (kvm->present)
		params_read(host, "kvm", &plan->journal.kvm_before);
	if (vendor->present)
		params_read(host, host->vendor, &plan->journal.vendor_before);
}

/* One file of the set that is to be. */
static void read_next(const struct host *host, struct plan *plan, const char *name,
		      const char *path, struct modfile *file, struct image *image)
{
	struct acceptance verdict;
	char why[WHY_MAX];

	if (modfile_read(path, file, why)) {
		plan_refuse(plan, "%s", why);
		return;
	}
	if (strcmp(file->name, name) || !file->build_id[0]) {
		plan_refuse(plan, "%s: is not the module %s, or has no build-id; build it again", path,
			    name);
		return;
	}
	policy_judge(host, &plan->policy, file, &verdict);
	if (verdict.accepted == STATE_NO)
		plan_refuse(plan, "%s", verdict.why);
	else if (verdict.why[0])
		snprintf(plan->note, sizeof(plan->note), "%s", verdict.why);
	snprintf(image->file, sizeof(image->file), "%s", path + strlen(host->root));
	snprintf(image->build_id, sizeof(image->build_id), "%s", file->build_id);
	if (resolve_options(host, name, image->options, sizeof(image->options), why))
		plan_refuse(plan, "%s", why);
}

static bool find_in(const char *dir, const char *name, char *path)
{
	return modfile_find(dir, name, path) == 0;
}

/* Finds both files in one folder, or says what is missing where. */
static bool find_pair(const struct host *host, struct plan *plan, enum target target, char *kvm,
		      char *vendor)
{
	char dir[PATH_MAX], copy[PATH_MAX];

	if (target == TARGET_FIXED) {
		path_fixed_dir(host, host->release, dir);
		if (find_in(dir, "kvm", kvm) && find_in(dir, host->vendor, vendor))
			return true;
		plan_refuse(plan, "there are no replaced modules for kernel %s in %s; run: /usr/lib/kvm-fixes/dkms-kernel install %s",
			    host->release, dir, host->release);
		return false;
	}
	path_stock_dir(host, host->release, dir);
	path_stock_copy(host, host->release, copy);
	if ((find_in(dir, "kvm", kvm) && find_in(dir, host->vendor, vendor)) ||
	    (find_in(copy, "kvm", kvm) && find_in(copy, host->vendor, vendor)))
		return true;
	plan_refuse(plan, "the kernel's own modules are neither in %s nor in %s; reinstall linux-image-%s",
		    dir, copy, host->release);
	return false;
}

static void check_ours(const struct host *host, struct plan *plan)
{
	const struct stamp *kvm = &plan->next_kvm.stamp, *vendor = &plan->next_vendor.stamp;

	if (!kvm->present || !vendor->present)
		plan_refuse(plan, "%s is not a module of kvm-fixes; run: /usr/lib/kvm-fixes/dkms-kernel install %s",
			    kvm->present ? plan->next_vendor.path : plan->next_kvm.path,
			    host->release);
	else if (strcmp(kvm->build, vendor->build))
		plan_refuse(plan, "%s and %s are of two builds (%.12s, %.12s); run: /usr/lib/kvm-fixes/dkms-kernel install %s",
			    plan->next_kvm.path, plan->next_vendor.path, kvm->build, vendor->build,
			    host->release);
	else if (strcmp(kvm->kernel, host->release))
		plan_refuse(plan, "%s was built for kernel %s and not for %s, which runs",
			    plan->next_kvm.path, kvm->kernel, host->release);
}

/* Is it the shipped pair plus the declared fixes, and nothing else? */
static void check_audit(const struct host *host, struct plan *plan)
{
	const char *const files[] = { plan->next_kvm.path, plan->next_vendor.path };
	char note[WHY_MAX], why[WHY_MAX];

	if (audit_gate(host, host->release, files, 2, note, why))
		plan_refuse(plan, "%s", why);
	else if (note[0])
		snprintf(plan->note, sizeof(plan->note), "%s", note);
}

static void check_stock(const struct host *host, struct plan *plan)
{
	if (plan->next_kvm.stamp.present || plan->next_vendor.stamp.present)
		plan_refuse(plan, "%s is a module of kvm-fixes where the kernel's own should be; run: kvm-fixes recover",
			    plan->next_kvm.stamp.present ? plan->next_kvm.path :
							   plan->next_vendor.path);
	(void)host;
}

/* Would the way back be open? What was accepted once need not be now. */
static void check_way_back(const struct host *host, struct plan *plan, const struct modfile *file)
{
	struct acceptance verdict;

	policy_judge(host, &plan->policy, file, &verdict);
	if (verdict.accepted == STATE_NO)
		plan_refuse(plan, "there would be no way back: %.400s", verdict.why);
}

/* Does the pair fit this kernel, as seen from a module that is known to? */
static void check_fit(const struct host *host, struct plan *plan)
{
	struct modfile kvm, vendor;
	const struct image_set *former = &plan->journal.former;
	bool has_kvm = false, has_vendor = false;
	char why[WHY_MAX];

	if (former->kvm.file[0])
		has_kvm = modfile_read(host_path(host, "%s", former->kvm.file), &kvm, why) == 0;
	if (former->vendor.file[0])
		has_vendor = modfile_read(host_path(host, "%s", former->vendor.file), &vendor, why) == 0;
	if (policy_fits(host, &plan->next_kvm, has_kvm ? &kvm : NULL, NULL, why) ||
	    policy_fits(host, &plan->next_vendor, has_vendor ? &vendor : NULL, &plan->next_kvm, why))
		plan_refuse(plan, "%s", why);
	if (has_kvm) {
		check_way_back(host, plan, &kvm);
		modfile_free(&kvm);
	}
	if (has_vendor) {
		check_way_back(host, plan, &vendor);
		modfile_free(&vendor);
	}
}

static unsigned long available_kb(const struct host *host)
{
	char text[4096];
	const char *line;

	read_text(host_path(host, "/proc/meminfo"), text, sizeof(text));
	line = strstr(text, "MemAvailable:");
	return line ? strtoul(line + strlen("MemAvailable:"), NULL, 10) : ~0ul;
}

static void check_memory(const struct host *host, struct plan *plan)
{
	/* The file, and what the kernel makes of it, for a moment both. */
	unsigned long want = (plan->next_kvm.size + plan->next_vendor.size) / 1024 * 3 +
			     SPARE_MEMORY_KB;
	unsigned long have = available_kb(host);

	if (have < want)
		plan_refuse(plan, "only %lu kB of memory are available and loading may need %lu; free some first",
			    have, want);
}

static void check_use(const struct host *host, struct plan *plan, const struct loaded *kvm,
		      const struct loaded *vendor)
{
	struct holders holders;
	char text[WHY_MAX / 2];

	if (!kvm_in_use(kvm, vendor))
		return;
	plan->in_use = true;
	if (holders_scan(host, kvm, vendor, &holders)) {
		plan_refuse(plan, "KVM is in use; stop all guests, or use --wait SECONDS");
		return;
	}
	if (holders.n) {
		holders_text(&holders, text, sizeof(text));
		plan_refuse(plan, "KVM is in use by %s; stop it, or use --wait SECONDS", text);
	} else {
		plan_refuse(plan, "KVM is in use: %s",
			    holders.unexplained[0] ? holders.unexplained :
			    "no process that could be seen explains it; look for other pid namespaces");
	}
	holders_free(&holders);
}

/* A kernel may have been built again under its name since: its own modules of before are none of it. */
static bool still_stock(const struct host *host, const struct journal *last)
{
	char dir[PATH_MAX], path[PATH_MAX], boot[64], why[WHY_MAX];
	struct modfile file;

	boot_id_read(host, boot, sizeof(boot));
	if (last->from != CHOICE_STOCK || strcmp(boot, last->boot) == 0)
		return true;
	path_stock_dir(host, host->release, dir);
	return modfile_find(dir, "kvm", path) == 0 && modfile_identify(path, &file, why) == 0 &&
	       strcmp(file.build_id, last->former.kvm.build_id) == 0;
}

/* The set that the last swap came from, as it was kept. */
static bool last_set(const struct cli *cli, struct plan *plan, char *kvm, char *vendor)
{
	struct journal last;
	char why[WHY_MAX];
	int err = journal_read(&cli->host, SWAP_LAST, &last, why);

	if (err) {
		plan_refuse(plan, "%s", err == -ENOENT ?
			    "there was no swap yet that could be rolled back; see: kvm-fixes swap --help" : why);
		return false;
	}
	plan->journal.to = last.from;
	if (strcmp(last.release, cli->host.release)) {
		plan_refuse(plan, "the last swap was on kernel %s and %s is running; use: kvm-fixes swap --to %s",
			    last.release, cli->host.release, choice_name(last.from));
		return false;
	}
	if (!last.former.kvm.file[0] || !last.former.vendor.file[0]) {
		plan_refuse(plan, "before the last swap KVM was not loaded; use: kvm-fixes swap --to fixed or stock");
		return false;
	}
	if (!still_stock(&cli->host, &last)) {
		plan_refuse(plan, "the kernel's own modules are others since the last swap, in an earlier boot; use: kvm-fixes swap --to stock");
		return false;
	}
	snprintf(kvm, PATH_MAX, "%s", host_path(&cli->host, "%s", last.former.kvm.file));
	snprintf(vendor, PATH_MAX, "%s", host_path(&cli->host, "%s", last.former.vendor.file));
	return true;
}

static bool same_image(const struct image *a, const struct image *b)
{
	return a->file[0] && b->file[0] && strcmp(a->build_id, b->build_id) == 0;
}

static void find_next(const struct cli *cli, struct plan *plan, enum target target)
{
	const struct host *host = &cli->host;
	char kvm[PATH_MAX], vendor[PATH_MAX];
	unsigned int before = plan->n_reasons;

	if (!(target == TARGET_LAST ? last_set(cli, plan, kvm, vendor) :
				      find_pair(host, plan, target, kvm, vendor)))
		return;
	read_next(host, plan, "kvm", kvm, &plan->next_kvm, &plan->journal.next.kvm);
	read_next(host, plan, host->vendor, vendor, &plan->next_vendor, &plan->journal.next.vendor);
	plan->already = same_image(&plan->journal.former.kvm, &plan->journal.next.kvm) &&
			same_image(&plan->journal.former.vendor, &plan->journal.next.vendor);
	if (plan->n_reasons > before)
		return;
	if (target == TARGET_FIXED)
		check_ours(host, plan);
	else if (target == TARGET_STOCK)
		check_stock(host, plan);
	check_fit(host, plan);
	if (!plan->already)
		check_memory(host, plan);
	if (target == TARGET_FIXED && plan->n_reasons == before)
		check_audit(host, plan);
}

/* Somebody else's modules, where modprobe takes those. */
static void check_rival(const struct host *host, struct plan *plan, enum target target)
{
	const char *const names[] = { "kvm", host->vendor };
	char stock[PATH_MAX], fixed[PATH_MAX], path[PATH_MAX], why[WHY_MAX];

	path_stock_dir(host, host->release, stock);
	path_fixed_dir(host, host->release, fixed);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (resolve_file(host, host->release, names[i], path, why) ||
		    path_inside(path, stock) || path_inside(path, fixed))
			continue;
		if (target == TARGET_FIXED)
			plan_refuse(plan, "modprobe loads %.200s, which is neither the kernel's own nor ours; remove it (dpkg -S tells whose it is) and run: /usr/lib/kvm-fixes/dkms-kernel install %s",
				    path, host->release);
		else
			snprintf(plan->site, sizeof(plan->site), "modprobe loads %.200s, which is neither the kernel's own nor ours; where stock is chosen, it does not any more",
				 path);
	}
}

/* What else modprobe would do. The files are loaded by themselves, without that. */
static void check_install_lines(const struct host *host, struct plan *plan)
{
	const char *const names[] = { "kvm", host->vendor };
	char command[WHY_MAX / 2];

	if (choice_boot_stock(host) != BOOT_AS_CHOSEN)
		return;	/* then the lines are ours */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (resolve_install_command(host, names[i], command, sizeof(command)) || !command[0])
			continue;
		text_printable(command);
		snprintf(plan->site, sizeof(plan->site), "modprobe.d has 'install %s %s', which a swap does not run; afterwards run what of it is still wanted",
			 names[i], command);
	}
}

void plan_make(const struct cli *cli, enum target target, struct plan *plan)
{
	const struct host *host = &cli->host;
	struct journal *journal = &plan->journal;
	struct loaded kvm, vendor;
	char why[WHY_MAX];

	memset(plan, 0, sizeof(*plan));
	journal->step = SWAP_PREPARED;
	boot_id_read(host, journal->boot, sizeof(journal->boot));
	snprintf(journal->release, sizeof(journal->release), "%s", host->release);
	snprintf(journal->vendor, sizeof(journal->vendor), "%s", host->vendor);
	journal->to = target == TARGET_STOCK ? CHOICE_STOCK : CHOICE_FIXED;
	journal->from = choice_read(host);
	journal->had_node = node_exists(host);
	policy_read(host, &plan->policy);
	check_caller(cli, plan);
	if (!*host->vendor)
		return;
	read_former(host, plan, &kvm, &vendor);
	find_next(cli, plan, target);
	if (plan->already)
		return;
	check_means(host, plan, &vendor);
	check_rival(host, plan, target);
	check_install_lines(host, plan);
	check_use(host, plan, &kvm, &vendor);
	if (target != TARGET_LAST && policy_reboot_pending(host, why) == STATE_YES)
		plan_refuse(plan, "%s", why);
}

void plan_free(struct plan *plan)
{
	modfile_free(&plan->next_kvm);
	modfile_free(&plan->next_vendor);
}
