// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kvm.ko with bus-retire says of itself in debugfs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "grace.h"

#define RETIRED_FILE	"/sys/kernel/debug/kvm/fixes/bus_retire"

static void take(struct retired *retired, const char *name, uint64_t value)
{
	if (strcmp(name, "retained_bytes") == 0)
		retired->retained = value;
	else if (strcmp(name, "retained_peak_bytes") == 0)
		retired->peak = value;
	else if (strcmp(name, "waits") == 0)
		retired->waits = value;
	else if (strcmp(name, "polls") == 0)
		retired->polls = value;
}

/**
 * retired_read() - read them
 * @retired: what to fill in; not @there with modules that have no such file
 */
void retired_read(struct retired *retired)
{
	char line[96], name[64];
	uint64_t value;
	FILE *file = fopen(RETIRED_FILE, "re");

	memset(retired, 0, sizeof(*retired));
	if (!file)
		return;
	retired->there = true;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNu64, name, &value) == 2)
			take(retired, name, value);
	fclose(file);
}

/**
 * retired_print() - add what happened between two readings to a line of results
 * @before: the one
 * @after: the other
 */
void retired_print(const struct retired *before, const struct retired *after)
{
	if (!after->there)
		return;
	printf(",\"retained_bytes\":%" PRIu64 ",\"retained_peak_bytes\":%" PRIu64
	       ",\"waits\":%" PRIu64 ",\"polls\":%" PRIu64,
	       after->retained, after->peak, after->waits - before->waits,
	       after->polls - before->polls);
}
