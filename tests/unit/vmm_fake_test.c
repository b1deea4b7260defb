// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-guest-check on a fake KVM: the checks pass when it is right and fail for each
 * defect; whatever fails, nothing is left open; and the exit codes are as promised.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "guest_check.h"
#include "vm.h"
#include "vmm_fake_kvm.h"

/* Stands for the device: its ioctls are the fake's. */
#define DEVICE	"/dev/null"

static unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Runs a check in one mode; the reason of a failure goes to @reason. */
static int run(int (*check)(struct check_ctx *ctx), enum guest_mode mode, char *reason)
{
	unsigned int before = open_files();
	struct check_ctx ctx;
	int ret;

	ctx_init(&ctx, 0, 8192, 2);
	ctx.mode = mode;
	ret = check(&ctx);
	assert_int_equal(ctx_failed(&ctx), ret != 0);
	assert_int_equal(strlen(ctx.reason) != 0, ret != 0);
	assert_int_equal(strlen(ctx.detail) != 0, ret == 0);
	memcpy(reason, ctx.reason, REASON_SIZE);
	ctx_destroy(&ctx);
	assert_int_equal(open_files(), before);
	return ret;
}

static void checks_pass(void **state)
{
	int (*const checks[])(struct check_ctx *ctx) = { check_pio, check_mmio, check_ioeventfd };
	char reason[REASON_SIZE];

	(void)state;
	for (unsigned int i = 0; i < 3 * GUEST_MODES; i++) {
		fake_reset();
		if (run(checks[i / GUEST_MODES], (enum guest_mode)(i % GUEST_MODES), reason))
			fail_msg("%s", reason);
	}
}

static void checks_see_defects(void **state)
{
	char reason[REASON_SIZE];

	(void)state;
	for (int defect = DEFECT_ADDR; defect <= DEFECT_ANYTHING_GOES; defect++) {
		fake_reset();
		fake.defect = (enum defect)defect;
		if (defect <= DEFECT_TWICE) {
			if (!run(check_pio, GUEST_REAL, reason))
				fail_msg("pio passed with defect %d", defect);
			if (!run(check_mmio, GUEST_LONG, reason))
				fail_msg("mmio passed with defect %d", defect);
		}
		/* It has no reads. */
		if (defect != DEFECT_READ && !run(check_ioeventfd, GUEST_LONG, reason))
			fail_msg("ioeventfd passed with defect %d", defect);
	}
}

/* Each ioctl of each check fails once; what the fake cannot run fails anyway. */
static void nothing_left_behind(void **state)
{
	int (*const checks[])(struct check_ctx *ctx) = {
		check_pio, check_mmio, check_ioeventfd, check_irqfd, check_dirty_log,
		check_memslot_delete, check_memslot_move, check_io_register_race,
	};
	char reason[REASON_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		for (unsigned int at = 1; at < 20; at++) {
			fake_reset();
			fake.fail_at = at;
			assert_int_equal(run(checks[i], GUEST_LONG, reason), -1);
		}
	}
}

static int passing(struct check_ctx *ctx)
{
	ctx_note(ctx, "fine");
	return 0;
}

static int failing(struct check_ctx *ctx)
{
	return ctx_fail(ctx, "as it should");
}

static const struct check good[] = {
	{ "good", "passes", ALL_MODES, passing },
	{ "pio", "runs a guest", MODE_BIT(GUEST_REAL), check_pio },
};
static const struct check bad[] = {
	{ "good", "passes", ALL_MODES, passing },
	{ "bad", "fails", MODE_BIT(GUEST_LONG), failing },
	{ "after", "is run all the same", MODE_BIT(GUEST_LONG), passing },
};

/* The program with one option; returns its exit code. */
static int program(const struct check *table, size_t n, const char *option, char **out)
{
	const char *const argv[] = { "kvm-guest-check", "--device", DEVICE, option, NULL };
	unsigned int before = open_files();
	size_t size;
	FILE *file = open_memstream(out, &size);
	int ret;

	assert_non_null(file);
	ret = guest_check(option ? 4 : 3, (char *const *)argv, table, n, file);
	fclose(file);
	assert_int_equal(open_files(), before);
	return ret;
}

static void expect_end(char *text, const char *end)
{
	assert_true(strlen(text) >= strlen(end));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	free(text);
}

static void program_codes(void **state)
{
	char *out;

	(void)state;
	fake_reset();
	assert_int_equal(program(good, 2, NULL, &out), EXIT_PASSED);
	expect_end(out, "\nguest-check: PASS (2 checks)\n");
	assert_int_equal(program(good, 2, "--only=good", &out), EXIT_PASSED);
	expect_end(out, "real: fine; big-real: fine; long: fine\nguest-check: PASS (1 checks)\n");
	assert_int_equal(program(bad, 3, NULL, &out), EXIT_FAILED);
	assert_non_null(strstr(out, "\nafter              PASS"));
	expect_end(out, "\nguest-check: FAIL (bad: long mode: as it should)\n");
	assert_int_equal(program(good, 2, "--only=bad", &out), EXIT_USAGE);
	expect_end(out, "");
	fake.defect = DEFECT_DATA;
	assert_int_equal(program(good, 2, "--json", &out), EXIT_FAILED);
	assert_non_null(strstr(out,
			       "{\"schema\":1,\"result\":\"fail\",\"checks\":[{\"name\":\"good\","
			       "\"result\":\"pass\""));
	free(out);
}

static void program_nothing_run(void **state)
{
	char *out;

	(void)state;
	fake_reset();
	for (unsigned int i = 0; i < 3; i++) {
		static const char *const options[] = { "--help", "--version", "--list" };

		assert_int_equal(program(good, 2, options[i], &out), EXIT_PASSED);
		assert_true(strlen(out) > 0);
		free(out);
	}
	assert_int_equal(program(good, 2, "--help", &out), EXIT_PASSED);
	expect_end(out, "nothing was run.\n");
	assert_int_equal(fake.calls, 0);
}

static void expect_refused(const char *why)
{
	char *out;

	assert_int_equal(program(good, 2, "--json", &out), EXIT_REFUSED);
	assert_non_null(strstr(out, "{\"schema\":1,\"result\":\"refused\",\"error\":\""));
	if (!strstr(out, why))
		fail_msg("%s does not say %s", out, why);
	free(out);
	fake.calls = 0;
	assert_int_equal(program(good, 2, NULL, &out), EXIT_REFUSED);
	expect_end(out, "");
}

static void program_refuses(void **state)
{
	(void)state;
	fake_reset();
	fake.vm_error = EBUSY;
	expect_refused("another hypervisor");
	fake_reset();
	fake.vm_error = ENODEV;
	expect_refused("cannot create a VM");
	fake_reset();
	fake.api = 11;
	expect_refused("(API version 11) lacks API version 12");
	fake_reset();
	fake.missing = KVM_CAP_IOEVENTFD_ANY_LENGTH;
	expect_refused("IOEVENTFD_ANY_LENGTH");
	fake_reset();
	fake.fail_at = 1;
	expect_refused("no KVM at");
}

/* A guest that never comes back: the run ends soon after its second, as a failure. */
static void program_hung_guest(void **state)
{
	static const struct check table[] = {
		{ "pio", "hangs", MODE_BIT(GUEST_REAL), check_pio },
		{ "later", "is not run", MODE_BIT(GUEST_REAL), passing },
	};
	time_t start = time(NULL);
	char *out;

	(void)state;
	fake_reset();
	fake.hang = true;
	assert_int_equal(program(table, 2, "--timeout=1", &out), EXIT_FAILED);
	assert_in_range(time(NULL) - start, 0, 5);
	assert_non_null(strstr(out, "\nlater              NOT RUN"));
	expect_end(
		out,
		"guest-check: FAIL (pio: real mode: still waits for the guest to go on after the 1 s that the whole run may take)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_pass), cmocka_unit_test(checks_see_defects),
		cmocka_unit_test(nothing_left_behind), cmocka_unit_test(program_codes),
		cmocka_unit_test(program_nothing_run), cmocka_unit_test(program_refuses),
		cmocka_unit_test(program_hung_guest),
	};

	if (kicks_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
