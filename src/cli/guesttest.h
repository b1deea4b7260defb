/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest check, run on the loaded modules.
 */
#ifndef GUESTTEST_H
#define GUESTTEST_H

#include "run.h"

#define GUEST_CHECK		CLI_LIBDIR "/kvm-guest-check"
#define GUEST_CHECK_TIMEOUT	"30"	/* seconds for a check; a whole run takes about one */
#define GUEST_CHECK_SECONDS	120u	/* for all of them, whatever the program itself thinks */

/**
 * struct guest_result - how it went
 * @verdict: its last line, "guest-check: PASS (8 checks)"
 * @ms: how long it took
 */
struct guest_result {
	char verdict[WHY_MAX];
	double ms;
};

/* Runs it on @device. 0, -EINTR, or other -errno with @why set. */
int guest_test(const struct host *host, const char *device, struct guest_result *result,
	       char *why);

#endif
