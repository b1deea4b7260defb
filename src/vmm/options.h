/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line.
 */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

#define LOOPS_MAX	100000U
#define TIMEOUT_MAX	86400U

enum action { ACTION_RUN, ACTION_LIST, ACTION_HELP, ACTION_VERSION };

/**
 * struct options - what was asked for
 * @action: what to do
 * @device: the KVM device
 * @loops: how many times the usual amount of work, 1 to LOOPS_MAX
 * @timeout: seconds for the whole run, 1 to TIMEOUT_MAX
 * @json: one JSON object on standard output in place of text
 * @selected: bit n is entry n of the table of checks
 * @why: in words, after an error
 */
struct options {
	enum action action;
	const char *device;
	unsigned int loops;
	unsigned int timeout;
	bool json;
	unsigned long selected;
	char why[160];
};

int options_parse(struct options *options, int argc, char *const argv[], const struct check *table,
		  size_t n);
int options_select(struct options *options, const char *names, const struct check *table, size_t n);

#endif
