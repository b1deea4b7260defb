/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program, apart from its table of checks.
 */
#ifndef VMM_GUEST_CHECK_H
#define VMM_GUEST_CHECK_H

#include <stddef.h>
#include <stdio.h>

#include "check.h"

/* Exit codes. */
#define EXIT_PASSED	0
#define EXIT_FAILED	1
#define EXIT_USAGE	2
#define EXIT_REFUSED	3

int guest_check(int argc, char *const argv[], const struct check *table, size_t n, FILE *out);

#endif
