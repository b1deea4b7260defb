// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-bus-bench: what registering ioeventfds takes on the KVM that is loaded, and what
 * it does to others. One JSON object a line.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "options.h"
#include "watchdog.h"

#define PROGRAM		"kvm-bus-bench"
#define GRACE_SECONDS	10
#define EXIT_DONE	0
#define EXIT_FAILED	1
#define EXIT_USAGE	2
#define EXIT_REFUSED	3

static const char usage[] =
	"Usage: " PROGRAM " --device PATH [OPTION]...\n"
	"Time registrations of ioeventfds, the calls after them, and exits to them.\n"
	"\n"
	"      --device PATH        the KVM device, in a throwaway host\n"
	"      --set NAME           what the loaded modules are called in the results\n"
	"      --round N            how often they have been measured, from 1\n"
	"      --sizes N[,N]        register bursts of so many (10,100,1000)\n"
	"      --vcpus N[,N]        with so many running vCPUs (0,1,4)\n"
	"      --repeat N           that many bursts of each kind (1)\n"
	"      --calls N            N samples of each call after a burst (0)\n"
	"      --exits N            N samples of an exit (0)\n"
	"      --count              count the grace periods of the bursts too\n"
	"      --budget SECONDS     begin no burst after that; what is missing is no failure\n"
	"      --timeout SECONDS    fail when the whole run takes longer (600)\n"
	"      --help               print this and stop\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused: KVM cannot be used.\n";

/* vCPUs that do not run need no second kind of load. */
static unsigned int loads_of(unsigned int nvcpus)
{
	return nvcpus ? LOADS : 1;
}

static int one_burst(struct bench *bench, enum bus bus, unsigned int n, unsigned int nvcpus,
		     enum load load)
{
	struct machine machine;
	int ret = machine_open(&machine, bench, bus, nvcpus, load);

	if (ret == 0)
		ret = machine_start(&machine);
	if (ret == 0)
		ret = bench_burst(bench, &machine, n);
	machine_close(&machine);
	return ret;
}

static int repeated_bursts(struct bench *bench, const struct bench_options *options, enum bus bus,
			   unsigned int n, unsigned int nvcpus)
{
	for (unsigned int load = 0; load < loads_of(nvcpus); load++)
		for (unsigned int i = 0; i < options->repeat; i++)
			if (now_ns() < bench->last_start_ns &&
			    one_burst(bench, bus, n, nvcpus, (enum load)load))
				return -1;
	return 0;
}

/* Small ones first: what is retained at most is only known since the modules were loaded. */
static int bursts(struct bench *bench, const struct bench_options *options)
{
	for (unsigned int i = 0; i < options->sizes.n; i++)
		for (unsigned int v = 0; v < options->vcpus.n; v++)
			for (unsigned int bus = 0; bus < BUSES; bus++)
				if (repeated_bursts(bench, options, (enum bus)bus,
						    options->sizes.at[i], options->vcpus.at[v]))
					return -1;
	return 0;
}

static int calls(struct bench *bench, const struct bench_options *options)
{
	for (unsigned int i = 0; i < options->vcpus.n; i++)
		for (unsigned int load = 0; load < loads_of(options->vcpus.at[i]); load++)
			if (bench_calls(bench, options->vcpus.at[i], (enum load)load,
					options->calls))
				return -1;
	return 0;
}

static int exits(struct bench *bench, const struct bench_options *options)
{
	static const unsigned int devices[] = { 0, 1000 };

	for (unsigned int bus = 0; bus < BUSES; bus++)
		for (unsigned int i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
			if (bench_exits(bench, (enum bus)bus, devices[i], options->exits))
				return -1;
	return 0;
}

static int measure(struct bench *bench, const struct bench_options *options)
{
	if (pin_caller(&bench->ctx) || bursts(bench, options))
		return -1;
	if (options->calls && calls(bench, options))
		return -1;
	return options->exits ? exits(bench, options) : 0;
}

static void last_resort(void *arg)
{
	const struct bench *bench = arg;

	fprintf(stderr, PROGRAM ": could not be stopped: %s\n", bench->ctx.reason);
	_exit(EXIT_FAILED);
}

static int measure_in_time(struct bench *bench, const struct bench_options *options)
{
	struct watchdog dog = {
		.ctx = &bench->ctx,
		.seconds = options->timeout,
		.grace = GRACE_SECONDS,
		.last_resort = last_resort,
		.arg = bench,
	};
	int ret = watchdog_start(&dog);

	if (ret)
		return ctx_fail(&bench->ctx, "cannot start a thread: %s", strerror(-ret));
	ret = measure(bench, options);
	watchdog_stop(&dog);
	return ret;
}

static int run(struct bench *bench, const struct bench_options *options)
{
	char why[REASON_SIZE];
	size_t run_size;
	int ret, kvm = kvm_open(options->device, &run_size, why, sizeof(why));

	if (kvm < 0 || (options->count && grace_open(&bench->grace, why, sizeof(why)))) {
		fprintf(stderr, PROGRAM ": %s\n", why);
		return EXIT_REFUSED;
	}
	ctx_init(&bench->ctx, kvm, run_size, 1);
	bench->ctx.mode = GUEST_LONG;
	ret = kicks_init();
	ret = ret ? ctx_fail(&bench->ctx, "no signal for the vCPUs: %s", strerror(-ret)) :
		    measure_in_time(bench, options);
	if (ret)
		fprintf(stderr, PROGRAM ": %s\n", bench->ctx.reason);
	ctx_destroy(&bench->ctx);
	grace_close(&bench->grace);
	close(kvm);
	return ret || fflush(stdout) || ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char *argv[])
{
	struct bench_options options;
	struct bench bench = { 0 };
	int code;

	if (bench_options_parse(&options, argc, argv)) {
		fprintf(stderr, PROGRAM ": %s\n", options.why);
		return EXIT_USAGE;
	}
	if (options.help) {
		fputs(usage, stdout);
		return EXIT_DONE;
	}
	bench.set = options.set;
	bench.round = options.round;
	bench.last_start_ns = now_ns() + options.budget * 1000000000ULL;
	bench.ns = calloc(BENCH_MAX_DEVICES, sizeof(*bench.ns));
	if (!bench.ns) {
		fprintf(stderr, PROGRAM ": no memory for the times\n");
		return EXIT_FAILED;
	}
	code = run(&bench, &options);
	free(bench.ns);
	return code;
}
