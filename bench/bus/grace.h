/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts of what the kernel does about SRCU grace periods, of all of the host, and
 * what our kvm.ko says of itself.
 */
#ifndef BUS_GRACE_H
#define BUS_GRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRACE_MAX_CPUS	16

enum grace_event {
	GRACE_EXPEDITED,	/* waits that asked for an expedited one */
	GRACE_NORMAL,		/* waits that did not */
	GRACE_CALLBACKS,	/* callbacks, which start normal ones */
	GRACE_STARTED,		/* grace periods, of either kind */
	GRACE_EVENTS
};

/**
 * struct grace - counters
 * @ncpus: CPUs that are counted on, 0: not open
 * @fd: for each event and CPU
 */
struct grace {
	unsigned int ncpus;
	int fd[GRACE_EVENTS][GRACE_MAX_CPUS];
};

/**
 * struct grace_counts - what was counted
 * @n: for each event
 */
struct grace_counts {
	uint64_t n[GRACE_EVENTS];
};

int grace_open(struct grace *grace, char *why, size_t size);
void grace_close(struct grace *grace);
int grace_read(const struct grace *grace, struct grace_counts *counts);
void grace_print(const struct grace_counts *before, const struct grace_counts *after);

/**
 * struct retired - the numbers of debugfs that matter here
 * @there: there is such a file
 * @retained: bytes retained now, of all VMs
 * @peak: the most that one bus retained since kvm.ko was loaded
 * @waits: grace periods that registrations have paid
 * @polls: times that a grace period was looked at
 */
struct retired {
	bool there;
	uint64_t retained;
	uint64_t peak;
	uint64_t waits;
	uint64_t polls;
};

void retired_read(struct retired *retired);
void retired_print(const struct retired *before, const struct retired *after);

#endif
