/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ends a run that does not end by itself.
 */
#ifndef VMM_WATCHDOG_H
#define VMM_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>

#include "check.h"

/**
 * struct watchdog - the time limit of a run
 * @ctx: the run
 * @seconds: the time it has
 * @grace: seconds to clean up in after that
 * @last_resort: called when that was not enough; does not return
 * @arg: for @last_resort
 * @lock: protects @done
 * @cond: signalled when @done changes
 * @done: the run is over
 * @thread: who waits
 */
struct watchdog {
	struct check_ctx *ctx;
	unsigned int seconds;
	unsigned int grace;
	void (*last_resort)(void *arg);
	void *arg;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	pthread_t thread;
};

int watchdog_start(struct watchdog *dog);
void watchdog_stop(struct watchdog *dog);

#endif
