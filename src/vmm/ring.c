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

/* The first write after @number that exits while the slot stays at @place, if there is one. */
static bool next_outside(enum ring_place place, uint32_t number, uint32_t *next)
{
	for (*next = number + 1; *next != number + 3; (*next)++)
		if (is_outside(place, *next))
			return true;
	return false;
}

/*
 * Which exit comes next while the slot is at rest? After one that came in the same rest
 * there is but one; the last one may be left over from before, on its way when the slot
 * came to rest. The first one in a rest may be left over too, if its write was begun.
 */
static bool is_next(const struct ring *ring, struct ring_epoch now, uint32_t number, bool read)
{
	bool first = ring->seen.number != now.number;
	uint32_t next;

	if (first && (int32_t)(number - now.begun) <= 0)
		return true;
	if (!first && !ring->last_was_read && is_outside(now.place, ring->last))
		return read && number == ring->last;
	return !read && next_outside(now.place, first ? now.begun : ring->last, &next) &&
	       number == next;
}

static int check_at_rest(struct ring *ring, struct ring_epoch now, uint32_t number, bool read)
{
	if (now.place == RING_CHANGING || is_next(ring, now, number, read))
		return 0;
	snprintf(ring->why, sizeof(ring->why),
		 "slot at rest (place %d) after write %u: %s %u exited, and before it %s %u",
		 (int)now.place, now.begun, read ? "read" : "write", number,
		 ring->last_was_read ? "read" : "write", ring->last);
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
