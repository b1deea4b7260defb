/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A swap while it happens: forward step by step, each written down before it is
 * taken, or back to what was loaded before.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "cli.h"
#include "guesttest.h"
#include "paramkeep.h"
#include "plan.h"

#define TIMES_MAX	16

/**
 * struct swap - one in progress
 * @cli: whose
 * @journal: what is on the disk, or is about to be
 * @policy: for the words of an error
 * @times: how long each step took; @n_times of them
 * @blackout_ms: time without /dev/kvm, from its hiding to its return
 * @modules_ms: of that, unloading and loading
 * @guest: the guest check on the new modules
 * @differences: parameters that are not what they were
 * @busy: it was refused because KVM is in use; waiting may help
 * @untidy: the former modules are back, but something of the swap is left
 * @why: what went wrong
 */
struct swap {
	const struct cli *cli;
	struct journal *journal;
	struct policy policy;
	struct {
		const char *name;
		double ms;
	} times[TIMES_MAX];
	unsigned int n_times;
	double blackout_start;
	double blackout_ms;
	double modules_ms;
	struct guest_result guest;
	struct differences differences;
	bool busy;
	bool untidy;
	char why[WHY_MAX];
};

/*
 * From SWAP_PREPARED to the end. The lock is held, files are kept, the journal is not
 * written yet. Returns an exit code; other than EX_DONE comes with @why.
 */
int engine_swap(struct swap *swap);

/* Back to the former modules. Returns EX_BACK, EX_GONE or EX_STUCK; @why is kept or added to. */
int engine_undo(struct swap *swap);

/* From SWAP_COMMITTING to the end. EX_DONE, or EX_FAILED with @why. */
int engine_commit(struct swap *swap);

/*
 * What a swap that is over, or never was, may have left: nothing of it stays. The lock is held.
 */
void engine_tidy(const struct host *host);

/* Of that, the files that were written and not given their names yet. */
void engine_sweep(const struct host *host);

#endif
