// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounts for writes to an address that gets, or loses, an eventfd meanwhile. The
 * change happens once, so the exits are one run of numbers: the first ones, or the last.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tally.h"

/**
 * tally_exit() - a write came out
 * @tally: the account, all zero at first
 * @number: the write; they begin at 1
 *
 * Return: 0, or -EPROTO with tally->why set when it does not follow the one before.
 */
int tally_exit(struct tally *tally, uint32_t number)
{
	if (tally->exits && number != tally->last + 1) {
		snprintf(tally->why, sizeof(tally->why),
			 "write %" PRIu32 " exited after write %" PRIu32, number, tally->last);
		return -EPROTO;
	}
	if (!tally->exits)
		tally->first = number;
	tally->last = number;
	tally->exits++;
	return 0;
}

static int wrong(struct tally *tally, const struct tally_end *end, const char *what)
{
	snprintf(tally->why, sizeof(tally->why),
		 "%s: %" PRIu32 " writes, change seen after %" PRIu32 ", %" PRIu32
		 " exits (%" PRIu32 " to %" PRIu32 "), %" PRIu64 " events",
		 what, end->total, end->seen, tally->exits, tally->first, tally->last, end->events);
	return -EPROTO;
}

/**
 * tally_check() - does it all add up?
 * @tally: the account
 * @end: what is known at the end of the round
 *
 * Return: 0, or -EPROTO with tally->why set.
 */
int tally_check(struct tally *tally, const struct tally_end *end)
{
	if (end->seen >= end->total)
		return wrong(tally, end, "no write after the change");
	if (end->assigned) {
		if (tally->exits && tally->first != 1)
			return wrong(tally, end, "a write hit an eventfd that was not there yet");
		if (tally->exits && tally->last > end->seen)
			return wrong(tally, end, "a write missed an eventfd that was there");
	} else {
		if (!tally->exits || tally->last != end->total)
			return wrong(tally, end, "the last write hit an eventfd that was gone");
		if (tally->first > end->seen + 1)
			return wrong(tally, end, "a write hit an eventfd that was gone");
	}
	if (end->events + tally->exits != end->total)
		return wrong(tally, end, "events and exits are not the writes");
	return 0;
}
