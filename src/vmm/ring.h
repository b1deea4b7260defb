/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a memslot's RAM must hold when some of a vCPU's numbered writes went there and
 * the others came out as exits.
 */
#ifndef VMM_RING_H
#define VMM_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"

/**
 * enum ring_place - where the slot is
 * @RING_CHANGING: about to go or to come: any write may go either way
 * @RING_NOWHERE: it is not there: every access exits
 * @RING_EVERYWHERE: both addresses of the guest are in it: none exits
 * @RING_AT_A: at the address of odd writes: even ones exit
 * @RING_AT_B: at the address of even writes: odd ones exit
 */
enum ring_place { RING_CHANGING, RING_NOWHERE, RING_EVERYWHERE, RING_AT_A, RING_AT_B };

/**
 * struct ring_epoch - a time in which the slot stays where it is
 * @number: different for each
 * @place: where that is
 * @begun: the latest write that the vCPU may have begun before the slot came to rest
 */
struct ring_epoch {
	unsigned int number;
	enum ring_place place;
	uint32_t begun;
};

/**
 * struct ring - the account of one vCPU
 * @cells: what its cells in the RAM must hold
 * @last: number of the latest write known of; numbers begin at 1 and may wrap
 * @last_was_read: the latest exit was a read, the one after that write
 * @seen: the epoch of the latest exit
 * @writes: writes that exited
 * @reads: reads that exited
 * @why: in words, after an error
 */
struct ring {
	uint32_t cells[RING_CELLS];
	uint32_t last;
	bool last_was_read;
	struct ring_epoch seen;
	uint32_t writes;
	uint32_t reads;
	char why[160];
};

void ring_init(struct ring *ring);
int ring_write_exit(struct ring *ring, struct ring_epoch now, uint32_t number);
int ring_read_exit(struct ring *ring, struct ring_epoch now, uint32_t number);
void ring_advance(struct ring *ring, uint32_t number);
int ring_compare(struct ring *ring, const uint8_t *cells);

#endif
