/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a swap is going to do, and every reason for which it must not begin.
 */
#ifndef PLAN_H
#define PLAN_H

#include "cli.h"
#include "journal.h"
#include "loaded.h"
#include "policy.h"

#define REASONS_MAX	16

enum target { TARGET_FIXED, TARGET_STOCK, TARGET_LAST };

/**
 * struct plan - a swap before it begins
 * @journal: what will be written down; the files are still those on the host, not copies
 * @next_kvm @next_vendor: the files that will be loaded
 * @already: they are what is loaded
 * @in_use: one of the reasons is that KVM is in use: waiting may help
 * @reasons: why it must not begin; @n_reasons of them, each one line
 * @note @site: something to be said all the same, "" if nothing; @site is of what the
 * host's own configuration does, and worth telling afterwards too
 */
struct plan {
	struct journal journal;
	struct modfile next_kvm, next_vendor;
	struct policy policy;
	bool already;
	bool in_use;
	char reasons[REASONS_MAX][WHY_MAX];
	unsigned int n_reasons;
	char note[WHY_MAX], site[WHY_MAX];
};

/* Looks at everything and touches nothing. Always fills in @plan; plan_free() it. */
void plan_make(const struct cli *cli, enum target target, struct plan *plan);
void plan_free(struct plan *plan);

void plan_refuse(struct plan *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Keeps copies of all files of the plan, so that nothing done to the originals
 * matters from here on, and points the journal's sets to them. 0 or -errno with @why set.
 */
int plan_keep_files(const struct host *host, struct plan *plan, char *why);

/* Drops the copies that neither of these needs. */
void kept_drop_others(const struct host *host, const struct journal *journal);

#endif
