// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages must be dirty, and what must stand in them.
 */
#include "pages.h"

/**
 * pages_add() - the union of two sets
 * @pages: the set that grows
 * @more: what comes in
 */
void pages_add(struct pages *pages, const struct pages *more)
{
	for (unsigned int i = 0; i < PAGES_WORDS; i++)
		pages->bits[i] |= more->bits[i];
}

/**
 * pages_touch() - what a vCPU's work leaves behind
 * @pages: the pages touched are added here
 * @sums: what the word in each page holds; grows by the increments
 * @touching: the work; it stays within GUEST_DIRTY_PAGES
 * @rounds: how often it was done, once or more
 */
void pages_touch(struct pages *pages, uint32_t *sums, const struct touching *touching,
		 uint32_t rounds)
{
	for (uint32_t i = 0; i < touching->count; i++) {
		uint32_t page = touching->first + i * touching->stride;

		pages->bits[page / 64] |= 1ULL << (page % 64);
		sums[page] += rounds;
	}
}

/**
 * pages_differ() - hold a set against the one that is expected
 * @got: what was seen
 * @want: what is right
 * @page: becomes the first page that is in one only
 *
 * Return: 0 when they are equal, 1 when @page is in @got only, -1 when in @want only.
 */
int pages_differ(const struct pages *got, const struct pages *want, unsigned int *page)
{
	for (unsigned int i = 0; i < PAGES_WORDS; i++) {
		uint64_t other = got->bits[i] ^ want->bits[i];

		if (other) {
			*page = i * 64 + (unsigned int)__builtin_ctzll(other);
			return got->bits[i] >> (*page % 64) & 1 ? 1 : -1;
		}
	}
	return 0;
}

/**
 * pages_count() - the size of a set
 * @pages: the set
 *
 * Return: the number of pages in it.
 */
unsigned int pages_count(const struct pages *pages)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PAGES_WORDS; i++)
		n += (unsigned int)__builtin_popcountll(pages->bits[i]);
	return n;
}
