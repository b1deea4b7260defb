// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it takes to delete memslots and to give memory back, call by call. No vCPU runs
 * and nothing is mapped to be zapped, so that there is little else than what is checked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "storm.h"

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int delete_and_create(struct area *area)
{
	return area_set(area, 0, area->gpa, 0, 0) ||
	       area_set(area, 0, area->gpa, AREA_SIZE, 0) ? -1 : 0;
}

static int give_back(struct area *area, size_t size)
{
	if (madvise(area->memory, size, MADV_DONTNEED))
		return ctx_fail(area->vm->ctx, "madvise(MADV_DONTNEED): %s", strerror(errno));
	return 0;
}

static int give_back_a_page(struct area *area)
{
	return give_back(area, 4096);
}

static int give_back_all(struct area *area)
{
	return give_back(area, AREA_SIZE);
}

static const struct {
	const char *name;
	int (*deed)(struct area *area);
	size_t fill;	/* bytes in use before it */
} costs[] = {
	{ "memslot", delete_and_create, 0 },
	{ "page", give_back_a_page, 4096 },
	{ "area", give_back_all, AREA_SIZE },
};

/**
 * storm_cost() - print how long each kind of call takes, on the average
 * @area: the area, which no vCPU uses
 * @rounds: how many calls of each kind, 1 or more
 *
 * Return: 0, or -1 after ctx_fail().
 */
int storm_cost(struct area *area, unsigned int rounds)
{
	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		unsigned int calls = 0;
		uint64_t total = 0;

		do {
			uint64_t start;

			memset(area->memory, 1, costs[i].fill);
			start = now();
			if (costs[i].deed(area))
				return -1;
			total += now() - start;
		} while (++calls < rounds);
		printf("%s %llu\n", costs[i].name, (unsigned long long)(total / calls));
	}
	return 0;
}
