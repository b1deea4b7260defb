/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the numbered writes of hammer.S went: each is an exit or an event.
 */
#ifndef VMM_TALLY_H
#define VMM_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct tally - the exits of one round
 * @first: number of the first write that exited
 * @last: number of the last one
 * @exits: how many
 * @why: in words, after an error
 */
struct tally {
	uint32_t first;
	uint32_t last;
	uint32_t exits;
	char why[160];
};

/**
 * struct tally_end - what is known when the guest is done
 * @assigned: the eventfd was put on in this round; otherwise it was taken off
 * @seen: writes done when the guest saw that
 * @total: writes done in all
 * @events: what the eventfd has counted
 */
struct tally_end {
	bool assigned;
	uint32_t seen;
	uint32_t total;
	uint64_t events;
};

int tally_exit(struct tally *tally, uint32_t number);
int tally_check(struct tally *tally, const struct tally_end *end);

#endif
