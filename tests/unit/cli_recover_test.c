// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module files that are missing: which kernels are repaired, in what order and how long.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli_tree.h"
#include "recover.h"
#include "run.h"

#define PROGRAM	CLI_LIBDIR "/dkms-kernel"

static struct cli cli;
static struct recovery recovery;

/* Three kernels without any module of theirs, and the one in the middle runs. */
static int setup(void **state)
{
	static const char *const releases[] = { "6.1.0-1-test", "6.1.0-2-test", "6.1.0-3-test" };
	char path[PATH_MAX];

	(void)state;
	tree_make(&cli.host, releases[1]);
	cli.command = "recover";
	cli.out = stdout;
	cli.err = stderr;
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/kernel", releases[i]);
		tree_folder(&cli.host, path);
		snprintf(path, sizeof(path), "/var/lib/kvm-fixes/stock/%s", releases[i]);
		tree_folder(&cli.host, path);
	}
	memset(&recovery, 0, sizeof(recovery));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run_interrupted = 0;
	tree_remove(&cli.host);
	return 0;
}

/* A dkms-kernel that notes its kernel in ran and goes on with @body. */
static void program(const char *body)
{
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "#!/bin/sh\nprintf '%%s ' \"$2\" >>%s/ran\n%s\n", cli.host.root,
		 body);
	tree_text(&cli.host, PROGRAM, text);
	assert_int_equal(chmod(host_path(&cli.host, PROGRAM), 0755), 0);
}

static void assert_ran(const char *releases)
{
	char text[256];

	read_text(host_path(&cli.host, "/ran"), text, sizeof(text));
	assert_string_equal(text, releases);
}

static void the_running_kernel_comes_first(void **state)
{
	(void)state;
	program("");
	assert_int_equal(recover_files(&cli, 20, &recovery), 0);
	assert_ran("6.1.0-2-test 6.1.0-1-test 6.1.0-3-test");
	assert_int_equal(recovery.repaired, 3);
	assert_true(recovery.running);
	assert_int_equal(recovery.failures, 0);
}

static void one_that_fails_keeps_no_other(void **state)
{
	(void)state;
	program("[ $2 = 6.1.0-1-test ] || { echo $2 is broken; exit 1; }");
	assert_int_equal(recover_files(&cli, 20, &recovery), 0);
	assert_ran("6.1.0-2-test 6.1.0-1-test 6.1.0-3-test");
	assert_int_equal(recovery.repaired, 1);
	assert_false(recovery.running);
	assert_int_equal(recovery.failures, 2);
	assert_non_null(strstr(recovery.first, "6.1.0-2-test is broken"));
	assert_non_null(strstr(recovery.more, "6.1.0-3-test is broken"));
}

static void the_time_is_for_all_of_them(void **state)
{
	double begin = now_ms();

	(void)state;
	program("sleep 20");
	assert_int_equal(recover_files(&cli, 1, &recovery), 0);
	assert_true(now_ms() - begin < 15e3);
	assert_ran("6.1.0-2-test");
	assert_int_equal(recovery.failures, 3);
	assert_non_null(strstr(recovery.first, "did not end within 1 s; run: kvm-fixes recover"));
	assert_non_null(strstr(recovery.more, "6.1.0-1-test: its module files are not all there, and no time was left for it; run: kvm-fixes recover; "));
}

static void a_signal_ends_it(void **state)
{
	(void)state;
	program("");
	run_interrupted = 1;
	assert_int_equal(recover_files(&cli, 20, &recovery), -EINTR);
	assert_int_equal(access(host_path(&cli.host, "/ran"), F_OK), -1);
	assert_int_equal(recovery.failures, 0);
}

static void what_finds_no_room_is_left_out(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		recovery_failed(&recovery, "failure %u of those that there are today", i);
	assert_int_equal(recovery.failures, 100);
	assert_string_equal(recovery.first, "failure 0 of those that there are today");
	assert_int_equal(strncmp(recovery.more, "failure 1 of those that there are today; failure 2 ", 51), 0);
	assert_int_equal(strlen(recovery.more), sizeof(recovery.more) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_running_kernel_comes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_fails_keeps_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(the_time_is_for_all_of_them, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(what_finds_no_room_is_left_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
