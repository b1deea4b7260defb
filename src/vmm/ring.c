// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounts for numbered writes: each is either in the RAM or has come out, never both
 * and never neither. A write that did not exit must be found in its cell until a later
 * one to that cell; and while the slot stays put, which accesses exit is settled.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ring.h"

/**
 * ring_init() - begin an account
 * @ring: what to fill in; the guest has written nothing and its cells are 0
 */
void ring_init(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->last_was_read = true;
}

static bool is_outside(enum ring_place place, uint32_t number)
{
	if (place == RING_AT_A)
		return number % 2 == 0;
	if (place == RING_AT_B)
		return number % 2 == 1;
	return place == RING_NOWHERE;
}

/*
 * Which exit follows the last one while the slot stays at @place. The last one itself may
 * be left over from before: it was on its way when the slot came to rest.
 */
static bool next_exit(const struct ring *ring, enum ring_place place, uint32_t *number, bool *read)
{
	*number = ring->last;
	*read = !ring->last_was_read && is_outside(place, ring->last);
	if (*read)
		return true;
	(*number)++;
	if (is_outside(place, *number))
		return true;
	(*number)++;
	return is_outside(place, *number);
}

/* Is this exit right, given that the slot did not move since the one before? */
static int check_at_rest(struct ring *ring, struct ring_epoch now, uint32_t number, bool read)
{
	uint32_t want;
	bool want_read, any;

	if (now.place == RING_CHANGING || ring->seen.number != now.number)
		return 0;
	any = next_exit(ring, now.place, &want, &want_read);
	if (any && number == want && read == want_read)
		return 0;
	snprintf(ring->why, sizeof(ring->why), "slot at rest: %s %u exited after %s %u, expected %s%.0u",
		 read ? "read" : "write", number, ring->last_was_read ? "read" : "write", ring->last,
		 any ? want_read ? "read " : "write " : "none", any ? want : 0);
	return -EPROTO;
}

/**
 * ring_advance() - the writes up to this one did not exit, so they are in the RAM
 * @ring: the account
 * @number: the latest write that the guest has done
 */
void ring_advance(struct ring *ring, uint32_t number)
{
	uint32_t n = number - ring->last;

	/* What came before the latest RING_CELLS of them has been overwritten. */
	if (n > RING_CELLS)
		n = RING_CELLS;
	for (; n; n--)
		ring->cells[(number - n + 1) % RING_CELLS] = number - n + 1;
	ring->last = number;
}

/**
 * ring_write_exit() - a write came out
 * @ring: the account
 * @now: the epoch, read after the exit
 * @number: the write
 *
 * Return: 0, or -EPROTO with ring->why set when it should not have come out or when
 * others before it should have.
 */
int ring_write_exit(struct ring *ring, struct ring_epoch now, uint32_t number)
{
	if (check_at_rest(ring, now, number, false))
		return -EPROTO;
	ring_advance(ring, number - 1);
	ring->last = number;
	ring->last_was_read = false;
	ring->seen = now;
	ring->writes++;
	return 0;
}

/**
 * ring_read_exit() - the read after a write came out
 * @ring: the account
 * @now: the epoch, read after the exit
 * @number: the write before the read
 *
 * Return: 0, or -EPROTO with ring->why set as for ring_write_exit().
 */
int ring_read_exit(struct ring *ring, struct ring_epoch now, uint32_t number)
{
	if (check_at_rest(ring, now, number, true))
		return -EPROTO;
	ring_advance(ring, number);
	ring->last_was_read = true;
	ring->seen = now;
	ring->reads++;
	return 0;
}

/**
 * ring_compare() - hold the RAM against the account
 * @ring: the account, which knows of all that the guest has done
 * @cells: the vCPU's cells in the RAM; the vCPU is stopped
 *
 * Return: 0, or -EPROTO with ring->why set when a write is missing or is there although
 * it came out.
 */
int ring_compare(struct ring *ring, const uint8_t *cells)
{
	for (unsigned int i = 0; i < RING_CELLS; i++) {
		uint32_t cell;

		memcpy(&cell, cells + i * sizeof(cell), sizeof(cell));
		if (cell != ring->cells[i]) {
			snprintf(ring->why, sizeof(ring->why),
				 "cell %u holds write %u, expected %u (at write %u)", i, cell,
				 ring->cells[i], ring->last);
			return -EPROTO;
		}
	}
	return 0;
}
