// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all threads count, and the line that says it.
 */
#include "storm.h"

static const char *const names[TOTALS] = {
	[WRITES] = "writes",		/* counted by the guest while they had to be eventfds' */
	[ZONE_WRITES] = "zone_writes",	/* and while they had to be ring entries, if there was room */
	[EVENTS] = "events",		/* eventfds' sums and ring entries, of these and others */
	[LOST] = "lost",		/* writes that had to be events and were none */
	[STRAY] = "stray",		/* events of no write, writes taken by a foreign device */
	[EXITS] = "exits",		/* to userspace */
	[REGISTRATIONS] = "registrations",
	[UNREGISTRATIONS] = "unregistrations",
	[SLOTS] = "slots",		/* changes of memslots */
	[VMS] = "vms",
	[REFUSED] = "refused",		/* registrations, for want of memory */
	[BUSES_LOST] = "buses_lost",	/* emptied, for want of memory to shrink them */
	[DISCARDED] = "discarded",	/* counted writes on such buses */
};

/**
 * storm_count() - count up
 * @storm: the storm
 * @total: what
 * @n: by how much
 */
void storm_count(struct storm *storm, enum total total, uint64_t n)
{
	__atomic_add_fetch(&storm->totals[total], n, __ATOMIC_RELAXED);
}

/**
 * storm_total() - what has been counted so far
 * @storm: the storm
 * @total: what
 *
 * Return: the sum.
 */
uint64_t storm_total(struct storm *storm, enum total total)
{
	return __atomic_load_n(&storm->totals[total], __ATOMIC_RELAXED);
}

static void field(FILE *out, bool json, const char *name, uint64_t value)
{
	if (json)
		fprintf(out, ",\"%s\":%llu", name, (unsigned long long)value);
	else
		fprintf(out, " %s %llu", name, (unsigned long long)value);
}

/**
 * storm_print() - print the totals
 * @storm: a storm that is over
 * @out: where to
 * @seconds: how long it took
 *
 * Return: true when nothing was lost, nothing came from nowhere, and enough was done.
 */
bool storm_print(struct storm *storm, FILE *out, double seconds)
{
	const struct options *options = &storm->options;
	bool good = !storm->totals[LOST] && !storm->totals[STRAY] &&
		    storm->totals[WRITES] >= options->writes;

	if (options->json)
		fprintf(out, "{\"schema\":1,\"result\":\"%s\"", good ? "pass" : "fail");
	else
		fprintf(out, "bus-storm: %s", good ? "PASS" : "FAIL");
	for (unsigned int i = 0; i < TOTALS; i++)
		field(out, options->json, names[i], storm->totals[i]);
	field(out, options->json, "seed", options->seed);
	if (options->json)
		fprintf(out, ",\"seconds\":%.1f}\n", seconds);
	else
		fprintf(out, " seconds %.1f\n", seconds);
	return !fflush(out) && !ferror(out) && good;
}
