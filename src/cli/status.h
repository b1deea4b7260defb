/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that `kvm-fixes status` knows: gathered, judged, and then shown to a person
 * or as JSON.
 */
#ifndef STATUS_H
#define STATUS_H

#include "choice.h"
#include "cli.h"
#include "holders.h"
#include "initrd.h"
#include "journal.h"
#include "kernels.h"
#include "loaded.h"
#include "policy.h"

#define PROBLEMS_MAX	24
#define GUARD_LINES_MAX	24

/* kvm, and this CPU's vendor module if it has one. */
enum { PART_KVM, PART_VENDOR, PARTS };

/**
 * struct part - one of the two modules
 * @name: "" if this CPU has no vendor module
 * @file: with the build-id of what is loaded, "" if that is gone
 * @next @next_origin @next_id: what modprobe would load
 * @wanted_id: build-id of what should be loaded in this boot
 * @installed: file of the replacement, "" if there is none
 * @verdict: would the kernel accept @installed
 */
struct part {
	const char *name;
	struct loaded loaded;
	enum origin origin;
	char file[PATH_MAX];
	const char *next;
	enum origin next_origin;
	const char *next_id;
	char wanted_id[BUILD_ID_MAX];
	char installed[PATH_MAX];
	struct acceptance verdict;
};

enum pair { PAIR_NONE, PAIR_YES, PAIR_NO };

/* What an initrd carries, against what modprobe would load; of two the worse counts. */
enum carried { CARRIED_NOTHING, CARRIED_SAME, CARRIED_UNKNOWN, CARRIED_OTHER };

/**
 * struct guard - the unmap guard, where the loaded kvm has one
 * @mode: its parameter, "" if it has none
 * @lines: its counters as the kernel shows them
 */
struct guard {
	char mode[32];
	char lines[GUARD_LINES_MAX][80];
	unsigned int n_lines;
};

/**
 * struct swap_left - a swap that did not end
 * @present: there is a journal
 * @step: how far it came, "damaged" if that cannot be told
 */
struct swap_left {
	bool present;
	char step[64];
	char why[WHY_MAX];
};

/**
 * struct status - the whole of it
 * @kernels @initrds: @n_kernels of each; @running is the index of the running one
 * @boot_stock: does this boot load the stock modules, whatever is chosen, and why
 * @taint: /proc/sys/kernel/tainted, -1 if unknown
 * @reboot: why a reboot is pending, "" if none is
 * @with_holders: @holders was filled in
 * @ms: how long all but the scan for holders took
 */
struct status {
	const struct host *host;
	struct part parts[PARTS];
	enum pair pair;
	struct guard guard;
	struct kernel *kernels;
	struct initrd *initrds;
	size_t n_kernels;
	size_t running;
	enum choice choice;
	enum boot_stock boot_stock;
	struct policy policy;
	struct swap_left swap;
	long long taint;
	char reboot[WHY_MAX];
	bool with_holders;
	struct holders holders;
	char problems[PROBLEMS_MAX][WHY_MAX];
	unsigned int n_problems;
	double ms;
};

/* status_free() it in any case. 0 or -errno with @why set. */
int status_read(const struct host *host, bool with_holders, struct status *status, char *why);
void status_free(struct status *status);

/* Fills in the problems: everything for which the exit status is not 0. */
void status_judge(struct status *status);

void status_print(const struct cli *cli, const struct status *status);
struct json_object *status_json(const struct cli *cli, const struct status *status);
struct json_object *status_kernel_json(const struct status *status, size_t index);
/* NULL if there is no file. */
struct json_object *status_next_json(const char *file, enum origin origin, const char *build_id);

/* In words that text and JSON share. */
const char *carried_name(enum carried carried);
enum carried initrd_carries(const struct host *host, const struct kernel *kernel,
			    const struct initrd *initrd);
/* "ours", "stock", "other", "mixed", "initrd" or "none": what a boot of @kernel loads. */
const char *next_boot(const struct host *host, const struct kernel *kernel,
		      const struct initrd *initrd);

#define TAINT_OUT_OF_TREE	(1ll << 12)
#define TAINT_UNSIGNED		(1ll << 13)

/* A kernel has it in its taint although no KVM module that is loaded causes it. */
bool taint_remains(const struct status *status);

#endif
