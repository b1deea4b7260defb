// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times, and the lines of results that they become: one JSON object a line.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

const char *const bus_names[BUSES] = { "pio", "mmio" };
const char *const load_names[LOADS] = { "loop", "exit" };

/**
 * now_ns() - the monotonic clock
 *
 * Return: nanoseconds.
 */
uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/**
 * pause_ms() - sleep
 * @ms: for how long
 */
void pause_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/**
 * line_begin() - start a line of results
 * @bench: the run
 * @kind: what the line is about
 */
void line_begin(const struct bench *bench, const char *kind)
{
	printf("{\"kind\":\"%s\",\"set\":\"%s\",\"round\":%u", kind, bench->set, bench->round);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The smallest time that this many percent of all do not exceed. */
static unsigned long long percentile(const uint64_t *sorted, unsigned int n, unsigned int percent)
{
	return sorted[((uint64_t)n * percent + 99) / 100 - 1];
}

/**
 * line_times() - add what a set of times comes to
 * @ns: the times; they are sorted
 * @n: how many, 1 or more
 */
void line_times(uint64_t *ns, unsigned int n)
{
	qsort(ns, n, sizeof(*ns), compare);
	printf(",\"samples\":%u,\"median_ns\":%llu,\"p99_ns\":%llu,\"worst_ns\":%llu", n,
	       percentile(ns, n, 50), percentile(ns, n, 99), percentile(ns, n, 100));
}

/**
 * line_end() - the line is whole
 */
void line_end(void)
{
	puts("}");
}
