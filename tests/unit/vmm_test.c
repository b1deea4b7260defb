// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-guest-check: the command line, what is printed, the first failure, the watchdog.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"
#include "report.h"
#include "watchdog.h"

static int never_run(struct check_ctx *ctx)
{
	return ctx_fail(ctx, "this check is here for its name only");
}

static const struct check table[] = {
	{ "alpha", "the first", ALL_MODES, never_run },
	{ "beta", "the second", ALL_MODES, never_run },
	{ "alpha-two", "the third", ALL_MODES, never_run },
};

#define NCHECKS	(sizeof(table) / sizeof(table[0]))

static int parse_words(struct options *options, const char *const *words)
{
	int n = 0;

	while (words[n])
		n++;
	return options_parse(options, n, (char *const *)words, table, NCHECKS);
}

#define parse(options, ...) \
	parse_words(options, (const char *const[]){ "kvm-guest-check", ##__VA_ARGS__, NULL })

static void options_defaults(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options), 0);
	assert_int_equal(options.action, ACTION_RUN);
	assert_string_equal(options.device, "/dev/kvm");
	assert_int_equal(options.loops, 1);
	assert_int_equal(options.timeout, 60);
	assert_int_equal(options.selected, 7);
	assert_false(options.json);
}

static void options_all(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "--loops", "20", "--timeout=86400", "--device", "/x",
			       "--json"), 0);
	assert_int_equal(options.loops, 20);
	assert_int_equal(options.timeout, 86400);
	assert_string_equal(options.device, "/x");
	assert_true(options.json);
	assert_int_equal(parse(&options, "--list"), 0);
	assert_int_equal(options.action, ACTION_LIST);
	assert_int_equal(parse(&options, "--help"), 0);
	assert_int_equal(options.action, ACTION_HELP);
	assert_int_equal(parse(&options, "--version"), 0);
	assert_int_equal(options.action, ACTION_VERSION);
}

static void options_wrong(void **state)
{
	static const char *const numbers[] = { "", "0", "-1", "+1", " 1", "1x", "1e3", "100001",
					       "99999999999999999999" };
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_int_equal(parse(&options, "--loops", numbers[i]), -EINVAL);
	assert_int_equal(parse(&options, "--timeout", "86401"), -EINVAL);
	assert_non_null(strstr(options.why, "--timeout"));
	assert_int_equal(parse(&options, "--bogus"), -EINVAL);
	assert_non_null(strstr(options.why, "--bogus"));
	assert_int_equal(parse(&options, "--only"), -EINVAL);
	assert_non_null(strstr(options.why, "--only"));
	assert_int_equal(parse(&options, "stray"), -EINVAL);
	assert_non_null(strstr(options.why, "stray"));
	/* The first complaint counts, and --json is honoured wherever it stands. */
	assert_int_equal(parse(&options, "--bogus", "--loops", "0", "--json"), -EINVAL);
	assert_non_null(strstr(options.why, "--bogus"));
	assert_true(options.json);
}

static void options_only(void **state)
{
	static const char *const wrong[] = { "", ",", "alpha,", ",alpha", "alpha,,beta", "alph",
					     "alpha-", "gamma", "alpha beta" };
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "--only", "beta"), 0);
	assert_int_equal(options.selected, 2);
	assert_int_equal(parse(&options, "--only", "alpha-two,alpha,alpha"), 0);
	assert_int_equal(options.selected, 5);
	assert_int_equal(parse(&options, "--only", "beta", "--only", "alpha"), 0);
	assert_int_equal(options.selected, 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(&options, "--only", wrong[i]), -EINVAL);
}

/* What report_end() returned; the text goes to @text. */
static int print(bool json, const struct result *results, size_t n, char **text)
{
	size_t size;
	struct report report = { .out = open_memstream(text, &size), .json = json };
	int ret;

	assert_non_null(report.out);
	for (size_t i = 0; i < n; i++)
		report_add(&report, &results[i]);
	ret = report_end(&report);
	fclose(report.out);
	return ret;
}

static void report_text(void **state)
{
	struct result results[] = {
		{ "alpha", VERDICT_PASS, 0.25, "fine" },
		{ "beta", VERDICT_FAIL, 1.5, "broken" },
		{ "gamma", VERDICT_NOT_RUN, 0, "no time was left" },
	};
	char *text;

	(void)state;
	assert_int_equal(print(false, results, 1, &text), 0);
	assert_string_equal(text, "alpha              PASS       0.250 s  fine\n"
			    "guest-check: PASS (1 checks)\n");
	free(text);
	assert_int_equal(print(false, results, 3, &text), 1);
	assert_non_null(strstr(text, "\nguest-check: FAIL (beta: broken)\n"));
	free(text);
	assert_int_equal(print(false, results + 2, 1, &text), 1);
	assert_non_null(strstr(text, "guest-check: FAIL (gamma: no time was left)\n"));
	free(text);
	assert_int_equal(print(false, results, 0, &text), 1);
	assert_null(strstr(text, "PASS"));
	free(text);
}

static void report_json(void **state)
{
	struct result results[] = {
		{ "alpha", VERDICT_PASS, 0.25, "" },
		{ "beta", VERDICT_FAIL, 1.5, "a \"b\" \\ \n\x01 \xc3" },
	};
	char *text;

	(void)state;
	assert_int_equal(print(true, results, 1, &text), 0);
	assert_string_equal(text,
			    "{\"schema\":1,\"result\":\"pass\",\"checks\":[{\"name\":\"alpha\","
			    "\"result\":\"pass\",\"seconds\":0.250,\"detail\":\"\"}]}\n");
	free(text);
	assert_int_equal(print(true, results, 2, &text), 1);
	assert_non_null(strstr(text, "{\"schema\":1,\"result\":\"fail\""));
	assert_non_null(strstr(text, "},{\"name\":\"beta\",\"result\":\"fail\",\"seconds\":1.500,"
			       "\"detail\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 \\ufffd\"}]}\n"));
	free(text);
	assert_int_equal(print(true, results, 0, &text), 1);
	assert_non_null(strstr(text, "\"result\":\"fail\""));
	free(text);
}

static void ctx_first_reason(void **state)
{
	struct check_ctx ctx;
	unsigned int counter = 0;
	uint32_t word = 0;

	(void)state;
	ctx_init(&ctx, -1, 0, 1);
	ctx_add(&ctx, &counter);
	assert_int_equal(ctx_wait(&ctx, &counter, 1, "it"), 0);
	assert_int_equal(ctx_poll(&ctx, &word, UINT32_MAX, 1, "it"), 0);
	ctx_note(&ctx, "one");
	ctx.mode = GUEST_LONG;
	ctx_note(&ctx, "%d", 2);
	assert_string_equal(ctx.detail, "real: one; long: 2");
	assert_int_equal(ctx_fail(&ctx, "reason %d", 1), -1);
	assert_int_equal(ctx_fail(&ctx, "reason %d", 2), -1);
	assert_string_equal(ctx.reason, "reason 1");
	/* A failure ends waits that nothing else would end. */
	assert_int_equal(ctx_wait(&ctx, &counter, 2, "it"), -1);
	assert_int_equal(ctx_poll(&ctx, &word, 0, 1, "it"), -1);
	/* Another try may follow, and what was said before stays. */
	assert_int_equal(ctx_retry(&ctx), 0);
	assert_false(ctx_failed(&ctx));
	assert_string_equal(ctx.reason, "");
	assert_string_equal(ctx.detail, "real: one; long: 2");
	ctx_reset(&ctx);
	assert_false(ctx_failed(&ctx));
	assert_string_equal(ctx.detail, "");
	ctx.waits_for = "godot";
	ctx_expire(&ctx, 3);
	assert_string_equal(ctx.reason,
			    "still waits for godot after the 3 s that the whole run may take");
	assert_int_equal(ctx_retry(&ctx), -1);
	ctx_reset(&ctx);
	assert_true(ctx_failed(&ctx) && ctx_expired(&ctx));
	ctx_destroy(&ctx);
}

static void note_call(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELEASE);
}

static void watchdog_bites(void **state)
{
	struct check_ctx ctx;
	int calls = 0;
	struct watchdog dog = { .ctx = &ctx, .seconds = 0, .grace = 60, .last_resort = note_call,
				.arg = &calls };
	unsigned int never = 0;

	(void)state;
	ctx_init(&ctx, -1, 0, 1);
	assert_int_equal(watchdog_start(&dog), 0);
	assert_int_equal(ctx_wait(&ctx, &never, 1, "nothing"), -1);
	watchdog_stop(&dog);
	assert_int_equal(calls, 0);
	assert_true(ctx_expired(&ctx));
	/* Nobody says that it is over: the last resort. */
	dog.grace = 0;
	assert_int_equal(watchdog_start(&dog), 0);
	while (!__atomic_load_n(&calls, __ATOMIC_ACQUIRE))
		ctx_pause(1000);
	watchdog_stop(&dog);
	assert_int_equal(calls, 1);
	ctx_destroy(&ctx);
}

static void watchdog_sleeps(void **state)
{
	struct check_ctx ctx;
	struct watchdog dog = { .ctx = &ctx, .seconds = 60, .grace = 60, .last_resort = note_call };

	(void)state;
	ctx_init(&ctx, -1, 0, 1);
	assert_int_equal(watchdog_start(&dog), 0);
	watchdog_stop(&dog);
	assert_false(ctx_failed(&ctx));
	ctx_destroy(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_defaults),
		cmocka_unit_test(options_all),
		cmocka_unit_test(options_wrong),
		cmocka_unit_test(options_only),
		cmocka_unit_test(report_text),
		cmocka_unit_test(report_json),
		cmocka_unit_test(ctx_first_reason),
		cmocka_unit_test(watchdog_bites),
		cmocka_unit_test(watchdog_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
