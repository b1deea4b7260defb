// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gathers what status shows. Nothing is judged here, and nothing is touched.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remember.h"
#include "resolve.h"
#include "status.h"

/* The file of the kernel's own module, from its folder or else from our copy. */
static void stock_id(const struct host *host, const char *name, char *build_id)
{
	char dir[PATH_MAX], path[PATH_MAX], why[WHY_MAX];
	struct identity identity;

	path_stock_dir(host, host->release, dir);
	if (modfile_find(dir, name, path)) {
		path_stock_copy(host, host->release, dir);
		if (modfile_find(dir, name, path))
			return;
	}
	if (identity_read(host, path, false, &identity, why) == 0)
		snprintf(build_id, BUILD_ID_MAX, "%s", identity.build_id);
}

static void judge_installed(const struct status *status, struct part *part)
{
	char dir[PATH_MAX];

	path_fixed_dir(status->host, status->host->release, dir);
	if (modfile_find(dir, part->name, part->installed) == 0)
		policy_judge_path(status->host, &status->policy, part->installed, &part->verdict);
}

/* As loaded_origin() has it, which need not look when it is what modprobe would load. */
static enum origin find_origin(const struct host *host, struct part *part)
{
	bool stamped = part->loaded.stamp.present;

	if (*part->loaded.build_id && strcmp(part->loaded.build_id, part->next_id) == 0 &&
	    part->next_origin == (stamped ? ORIGIN_OURS : ORIGIN_STOCK)) {
		snprintf(part->file, sizeof(part->file), "%s", part->next);
		return part->next_origin;
	}
	return loaded_origin(host, part->name, &part->loaded, part->file);
}

static int read_part(struct status *status, int index, char *why)
{
	const struct kernel *kernel = &status->kernels[status->running];
	struct part *part = &status->parts[index];
	int err;

	part->name = index == PART_KVM ? "kvm" : status->host->vendor;
	part->next = index == PART_KVM ? kernel->next : kernel->next_vendor;
	part->next_id = index == PART_KVM ? kernel->next_build_id : kernel->next_vendor_build_id;
	part->next_origin = index == PART_KVM ? kernel->next_origin : kernel->next_vendor_origin;
	if (!*part->name)
		return 0;
	err = loaded_read(status->host, part->name, &part->loaded, why);
	if (err)
		return err;
	part->origin = find_origin(status->host, part);
	if (status->boot_stock)
		stock_id(status->host, part->name, part->wanted_id);
	else
		snprintf(part->wanted_id, sizeof(part->wanted_id), "%s", part->next_id);
	judge_installed(status, part);
	return 0;
}

static enum pair find_pair(const struct part *kvm, const struct part *vendor)
{
	if (!kvm->loaded.present || !vendor->loaded.present)
		return PAIR_NONE;
	if (kvm->origin == ORIGIN_OURS && vendor->origin == ORIGIN_OURS)
		return strcmp(kvm->loaded.stamp.build, vendor->loaded.stamp.build) ? PAIR_NO :
		       PAIR_YES;
	return kvm->origin == ORIGIN_STOCK && vendor->origin == ORIGIN_STOCK ? PAIR_YES : PAIR_NO;
}

static void read_guard(const struct host *host, struct guard *guard)
{
	char text[GUARD_LINES_MAX * sizeof(guard->lines[0])];
	char *line, *rest = text;

	read_text(host_path(host, "/sys/module/kvm/parameters/unmap_guard"), guard->mode,
		  sizeof(guard->mode));
	text_printable(guard->mode);
	if (read_text(host_path(host, "/sys/kernel/debug/kvm/fixes/unmap_guard"), text,
		      sizeof(text)) <= 0)
		return;
	while (guard->n_lines < GUARD_LINES_MAX && (line = strsep(&rest, "\n"))) {
		snprintf(guard->lines[guard->n_lines], sizeof(guard->lines[0]), "%.79s", line);
		text_printable(guard->lines[guard->n_lines++]);
	}
}

static void read_swap(const struct host *host, struct swap_left *swap)
{
	struct journal *journal = malloc(sizeof(*journal));
	int err = -ENOMEM;

	if (journal)
		err = journal_read(host, SWAP_JOURNAL, journal, swap->why);
	swap->present = err != -ENOENT;
	if (err == -ENOMEM)
		snprintf(swap->why, sizeof(swap->why), "no memory is left to read it");
	snprintf(swap->step, sizeof(swap->step), "%s",
		 err ? "damaged" : swap_step_name(journal->step));
	free(journal);
}

/* The running kernel is always in the list, whatever is left of it on the disk. */
static int read_kernels(struct status *status, char *why)
{
	const char *release = status->host->release;
	struct kernel *larger;
	int err = kernels_read(status->host, &status->kernels, &status->n_kernels, why);

	if (err)
		return err;
	for (size_t i = 0; i < status->n_kernels; i++) {
		status->running = i;
		if (strcmp(status->kernels[i].release, release) == 0)
			return 0;
	}
	larger = realloc(status->kernels, (status->n_kernels + 1) * sizeof(*larger));
	if (!larger) {
		snprintf(why, WHY_MAX, "no memory is left; try again when there is some");
		return -ENOMEM;
	}
	status->kernels = larger;
	status->running = status->n_kernels;
	kernel_read(status->host, release, &larger[status->n_kernels++]);
	return 0;
}

static int read_initrds(struct status *status, char *why)
{
	status->initrds = calloc(status->n_kernels, sizeof(*status->initrds));
	if (!status->initrds) {
		snprintf(why, WHY_MAX, "no memory is left; try again when there is some");
		return -ENOMEM;
	}
	for (size_t i = 0; i < status->n_kernels; i++)
		initrd_read(status->host, status->kernels[i].release, &status->initrds[i]);
	return 0;
}

static void read_taint(struct status *status)
{
	char text[32], *end;

	status->taint = -1;
	if (read_text(host_path(status->host, "/proc/sys/kernel/tainted"), text, sizeof(text)) > 0) {
		long long taint = strtoll(text, &end, 10);

		if (!*end && taint >= 0)
			status->taint = taint;
	}
}

static int read_holders(struct status *status, char *why)
{
	int err = holders_scan(status->host, &status->parts[PART_KVM].loaded,
			       &status->parts[PART_VENDOR].loaded, &status->holders);

	if (err)
		snprintf(why, WHY_MAX,
			 "the processes that use KVM cannot be looked for (%s); run it again, or with --no-holders",
			 strerror(-err));
	status->with_holders = !err;
	return err;
}

int status_read(const struct host *host, bool with_holders, struct status *status, char *why)
{
	double begin = now_ms();
	int err;

	status->host = host;
	status->choice = choice_read(host);
	status->boot_stock = choice_boot_stock(host);
	policy_read(host, &status->policy);
	err = read_kernels(status, why);
	if (!err)
		err = read_initrds(status, why);
	for (int i = 0; !err && i < PARTS; i++)
		err = read_part(status, i, why);
	if (err)
		return err;
	status->pair = find_pair(&status->parts[PART_KVM], &status->parts[PART_VENDOR]);
	if (status->parts[PART_KVM].loaded.present)
		read_guard(host, &status->guard);
	read_swap(host, &status->swap);
	read_taint(status);
	if (policy_reboot_pending(host, status->reboot) != STATE_YES)
		status->reboot[0] = '\0';
	status->ms = now_ms() - begin;
	return with_holders ? read_holders(status, why) : 0;
}

void status_free(struct status *status)
{
	holders_free(&status->holders);
	free(status->kernels);
	free(status->initrds);
}
