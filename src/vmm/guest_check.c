// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the checks that were asked for, each in all of its modes.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest_check.h"
#include "options.h"
#include "report.h"
#include "vm.h"
#include "watchdog.h"

#define PROGRAM		"kvm-guest-check"
#define GRACE_SECONDS	5

#ifndef VMM_VERSION
#define VMM_VERSION	"unknown"
#endif

static const char usage[] =
	"Usage: " PROGRAM " [OPTION]...\n"
	"Run small guests on KVM and check that they run right.\n"
	"\n"
	"      --list               name the checks and stop\n"
	"      --only NAME[,NAME]   run these checks only\n"
	"      --loops N            do N times the usual amount of work\n"
	"      --timeout SECONDS    fail when the whole run takes longer (60)\n"
	"      --json               print one JSON object in place of text\n"
	"      --device PATH        the KVM device (/dev/kvm)\n"
	"      --help               print this and stop\n"
	"      --version            print the version and stop\n"
	"\n"
	"Exit status: 0 all passed, 1 a check failed, 2 wrong usage, 3 refused: KVM\n"
	"cannot be used and nothing was run.\n";

/* What the last resort needs to know. */
struct run {
	struct check_ctx ctx;
	struct report report;
	const char *current;
	double start;	/* of the current one */
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void run_modes(struct check_ctx *ctx, const struct check *check, struct result *result)
{
	for (unsigned int mode = 0; mode < GUEST_MODES; mode++) {
		if (!(check->modes & MODE_BIT(mode)))
			continue;
		ctx->mode = (enum guest_mode)mode;
		if (check->run(ctx) || ctx_failed(ctx)) {
			result->verdict = VERDICT_FAIL;
			snprintf(result->detail, sizeof(result->detail), "%s mode: %s",
				 guest_mode_names[mode], ctx->reason);
			return;
		}
	}
	result->verdict = VERDICT_PASS;
	snprintf(result->detail, sizeof(result->detail), "%s", ctx->detail);
}

static void run_check(struct run *run, const struct check *check)
{
	struct result result = { .name = check->name };

	ctx_reset(&run->ctx);
	if (ctx_expired(&run->ctx)) {
		result.verdict = VERDICT_NOT_RUN;
		snprintf(result.detail, sizeof(result.detail), "no time was left");
	} else {
		run->current = check->name;
		run->start = now();
		run_modes(&run->ctx, check, &result);
		result.seconds = now() - run->start;
	}
	report_add(&run->report, &result);
}

/* In the watchdog's thread, while the main one hangs in the kernel. */
static void last_resort(void *arg)
{
	struct run *run = arg;
	struct result result = {
		.name = run->current,
		.verdict = VERDICT_FAIL,
		.seconds = now() - run->start,
	};

	snprintf(result.detail, sizeof(result.detail), "could not be stopped: %s",
		 run->ctx.reason);
	report_add(&run->report, &result);
	report_end(&run->report);
	_exit(EXIT_FAILED);
}

static int run_checks(struct run *run, const struct options *options, const struct check *table,
		      size_t n)
{
	struct watchdog dog = {
		.ctx = &run->ctx,
		.seconds = options->timeout,
		.grace = GRACE_SECONDS,
		.last_resort = last_resort,
		.arg = run,
	};
	int ret = watchdog_start(&dog);

	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++)
		if (options->selected >> i & 1)
			run_check(run, &table[i]);
	watchdog_stop(&dog);
	return 0;
}

static int refuse(const struct options *options, FILE *out, int code, const char *why)
{
	fprintf(stderr, PROGRAM ": %s\n", why);
	if (options->json)
		report_error(out, code == EXIT_USAGE ? "usage" : "refused", why);
	return code;
}

static int run_all(const struct options *options, const struct check *table, size_t n, FILE *out)
{
	struct run run = { .report = { .out = out, .json = options->json } };
	char why[REASON_SIZE];
	size_t run_size;
	int kvm, ret;

	kvm = kvm_open(options->device, &run_size, why, sizeof(why));
	if (kvm < 0)
		return refuse(options, out, EXIT_REFUSED, why);
	ctx_init(&run.ctx, kvm, run_size, options->loops);
	ret = kicks_init();
	if (ret == 0)
		ret = run_checks(&run, options, table, n);
	ctx_destroy(&run.ctx);
	close(kvm);
	if (ret) {
		snprintf(why, sizeof(why), "cannot start: %s; see the process limits",
			 strerror(-ret));
		return refuse(options, out, EXIT_REFUSED, why);
	}
	return report_end(&run.report) ? EXIT_FAILED : EXIT_PASSED;
}

/**
 * guest_check() - the program
 * @argc: as in main()
 * @argv: as in main()
 * @table: the checks
 * @n: how many
 * @out: where the results go; errors go to standard error
 *
 * Return: the exit code, EXIT_*.
 */
int guest_check(int argc, char *const argv[], const struct check *table, size_t n, FILE *out)
{
	struct options options;

	if (options_parse(&options, argc, argv, table, n))
		return refuse(&options, out, EXIT_USAGE, options.why);
	switch (options.action) {
	case ACTION_LIST:
		report_list(out, options.json, table, n);
		break;
	case ACTION_HELP:
		fputs(usage, out);
		break;
	case ACTION_VERSION:
		fputs(PROGRAM " " VMM_VERSION "\n", out);
		break;
	case ACTION_RUN:
		return run_all(&options, table, n, out);
	}
	return fflush(out) || ferror(out) ? EXIT_FAILED : EXIT_PASSED;
}
