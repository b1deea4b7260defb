// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-bus-storm: is each write an event, exactly, while the I/O buses change?
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "guest_check.h"
#include "storm.h"
#include "watchdog.h"

#define PROGRAM		"kvm-bus-storm"
#define GRACE_SECONDS	30

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int refuse(const struct options *options, int code, const char *why)
{
	fprintf(stderr, PROGRAM ": %s\n", why);
	if (options->json)
		report_error(stdout, code == EXIT_USAGE ? "usage" :
				     code == EXIT_REFUSED ? "refused" : "fail", why);
	return code;
}

/* In the watchdog's thread, while others hang in the kernel. */
static void last_resort(void *arg)
{
	struct storm *storm = arg;

	refuse(&storm->options, EXIT_FAILED, storm->ctx.reason);
	_exit(EXIT_FAILED);
}

static void run_rounds(struct storm *storm)
{
	struct worker vms = { .storm = NULL };
	int ret = worker_start(&vms, storm, STORM_WORKERS_MAX + 1, vms_work);

	while (ret == 0 && storm_total(storm, WRITES) < storm->options.writes) {
		ret = storm_round(storm);
		if (isatty(STDERR_FILENO))
			fprintf(stderr, PROGRAM ": %llu of %u writes\n",
				(unsigned long long)storm_total(storm, WRITES),
				storm->options.writes);
	}
	__atomic_store_n(&storm->over, true, __ATOMIC_RELAXED);
	worker_join(&vms);
}

static int run(struct storm *storm)
{
	struct watchdog dog = {
		.ctx = &storm->ctx,
		.seconds = storm->options.timeout,
		.grace = GRACE_SECONDS,
		.last_resort = last_resort,
		.arg = storm,
	};
	double start = now();

	if (kicks_init() || watchdog_start(&dog))
		return refuse(&storm->options, EXIT_REFUSED, "cannot start; see the process limits");
	if (targets_make(storm) == 0)
		run_rounds(storm);
	watchdog_stop(&dog);
	targets_close(storm);
	if (ctx_failed(&storm->ctx))
		return refuse(&storm->options, EXIT_FAILED, storm->ctx.reason);
	return storm_print(storm, stdout, now() - start) ? EXIT_PASSED : EXIT_FAILED;
}

int main(int argc, char *argv[])
{
	static struct storm storm;
	char why[REASON_SIZE];
	size_t run_size;
	int kvm, ret;

	if (storm_options(&storm.options, argc, argv))
		return refuse(&storm.options, EXIT_USAGE, storm.options.why);
	if (storm.options.help)
		return fputs(storm_usage, stdout) < 0 || fflush(stdout) ? EXIT_FAILED : EXIT_PASSED;
	kvm = kvm_open(storm.options.device, &run_size, why, sizeof(why));
	if (kvm < 0)
		return refuse(&storm.options, EXIT_REFUSED, why);
	ctx_init(&storm.ctx, kvm, run_size, 1);
	storm.ctx.mode = GUEST_LONG;
	pthread_mutex_init(&storm.ring_lock, NULL);
	ret = run(&storm);
	pthread_mutex_destroy(&storm.ring_lock);
	ctx_destroy(&storm.ctx);
	close(kvm);
	return ret;
}
