/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line.
 */
#ifndef BUS_OPTIONS_H
#define BUS_OPTIONS_H

#include <stdbool.h>

#define LIST_MAX	8

/**
 * struct list - numbers with commas between them
 * @n: how many
 * @at: the numbers
 */
struct list {
	unsigned int n;
	unsigned int at[LIST_MAX];
};

/**
 * struct bench_options - what was asked for
 * @device: the KVM device; there is no default, so that a real host's is not used by mistake
 * @set: what the loaded modules are called, for the results
 * @round: how often they have been measured before, from 1
 * @sizes: bursts of so many ioeventfds
 * @vcpus: with so many running vCPUs
 * @repeat: how many bursts of each kind
 * @calls: samples of each call after a burst; 0 for none
 * @exits: samples of an exit; 0 for none
 * @budget: no burst is begun when the run has lasted so many seconds
 * @timeout: seconds for the whole run
 * @count: count grace periods as well, which takes a little time
 * @help: print the usage and stop
 * @why: in words, after an error
 */
struct bench_options {
	const char *device;
	const char *set;
	unsigned int round;
	struct list sizes;
	struct list vcpus;
	unsigned int repeat;
	unsigned int calls;
	unsigned int exits;
	unsigned int budget;
	unsigned int timeout;
	bool count;
	bool help;
	char why[160];
};

int bench_options_parse(struct bench_options *options, int argc, char *const argv[]);

#endif
