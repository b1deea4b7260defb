/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What swap and rollback share: the run from preflight to report.
 */
#ifndef SWAP_H
#define SWAP_H

#include "plan.h"

/**
 * struct swap_options
 * @target: what to go to
 * @dry_run: only say what would be done and what stands against it
 * @wait: seconds to wait until nobody uses KVM
 */
struct swap_options {
	enum target target;
	bool dry_run;
	unsigned int wait;
};

/* Returns an exit code. */
int swap_run(struct cli *cli, const struct swap_options *options);

/* For a plan whose modules are loaded already: only what later boots load is to be settled. */
int swap_settle(const struct cli *cli, const struct plan *plan);

/* --wait's value. 0 or -EINVAL. */
int swap_parse_wait(const char *text, unsigned int *seconds);

#endif
