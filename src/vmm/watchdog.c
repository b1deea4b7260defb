// SPDX-License-Identifier: GPL-2.0-only
/*
 * When time is up the watchdog fails the check, which kicks all vCPUs out of the guest
 * and ends every wait. If the program has not come to its end some seconds later, some
 * system call hangs, and nothing is left but to leave.
 */
#include <errno.h>
#include <time.h>

#include "watchdog.h"

static void later(struct timespec *when, unsigned int seconds)
{
	clock_gettime(CLOCK_MONOTONIC, when);
	when->tv_sec += seconds;
}

static bool done_before(struct watchdog *dog, const struct timespec *when)
{
	bool done;
	int ret = 0;

	pthread_mutex_lock(&dog->lock);
	while (!dog->done && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&dog->cond, &dog->lock, when);
	done = dog->done;
	pthread_mutex_unlock(&dog->lock);
	return done;
}

static void *watch(void *arg)
{
	struct watchdog *dog = arg;
	struct timespec when;

	later(&when, dog->seconds);
	if (done_before(dog, &when))
		return NULL;
	ctx_expire(dog->ctx, dog->seconds);
	later(&when, dog->grace);
	if (!done_before(dog, &when))
		dog->last_resort(dog->arg);
	return NULL;
}

/**
 * watchdog_start() - begin to count the seconds
 * @dog: with all but its lock, cond, done and thread filled in
 *
 * Return: 0 or a negative errno.
 */
int watchdog_start(struct watchdog *dog)
{
	pthread_condattr_t attr;
	int error;

	dog->done = false;
	pthread_mutex_init(&dog->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dog->cond, &attr);
	pthread_condattr_destroy(&attr);
	error = pthread_create(&dog->thread, NULL, watch, dog);
	if (error) {
		pthread_cond_destroy(&dog->cond);
		pthread_mutex_destroy(&dog->lock);
	}
	return -error;
}

/**
 * watchdog_stop() - the run is over
 * @dog: what watchdog_start() began
 */
void watchdog_stop(struct watchdog *dog)
{
	pthread_mutex_lock(&dog->lock);
	dog->done = true;
	pthread_cond_signal(&dog->cond);
	pthread_mutex_unlock(&dog->lock);
	pthread_join(dog->thread, NULL);
	pthread_cond_destroy(&dog->cond);
	pthread_mutex_destroy(&dog->lock);
}
