/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of the pages in the dirty-log area, as the kernel's bitmaps have them.
 */
#ifndef VMM_PAGES_H
#define VMM_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define PAGES_WORDS	(GUEST_DIRTY_PAGES / 64)

/**
 * struct pages - a set of pages
 * @bits: bit n % 64 of word n / 64 is page n
 */
struct pages {
	uint64_t bits[PAGES_WORDS];
};

/**
 * struct touching - which pages one vCPU touches in each of its rounds
 * @first: number of the first page
 * @stride: pages from one to the next
 * @count: how many
 */
struct touching {
	uint32_t first;
	uint32_t stride;
	uint32_t count;
};

void pages_add(struct pages *pages, const struct pages *more);
void pages_touch(struct pages *pages, uint32_t *sums, const struct touching *touching,
		 uint32_t rounds);
int pages_differ(const struct pages *got, const struct pages *want, unsigned int *page);
unsigned int pages_count(const struct pages *pages);

#endif
