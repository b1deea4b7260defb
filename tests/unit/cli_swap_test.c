// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a swap that need no kernel: the device node's hiding, parameters,
 * programs that are run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "devnode.h"
#include "lock.h"
#include "paramkeep.h"
#include "resolve.h"
#include "run.h"
#include "swap.h"
#include "cli_tree.h"

static struct host host;
static char why[WHY_MAX];

static int setup(void **state)
{
	char dir[] = "/tmp/cli-swap.XXXXXX";

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(host.root, sizeof(host.root), "%s", dir);
	return folder_make(host_path(&host, "/dev"), 0755);
}

static int teardown(void **state)
{
	(void)state;
	remove_tree(host.root);
	return 0;
}

/* Only root may make device nodes. */
static bool make_node(void)
{
	return mknod(host_path(&host, NODE), S_IFCHR | 0640, makedev(10, 232)) == 0 &&
	       chmod(host_path(&host, NODE), 0640) == 0;
}

static void node_goes_and_comes_back_as_it_was(void **state)
{
	struct stat before, after;
	char path[PATH_MAX];

	(void)state;
	if (!make_node())
		skip();
	assert_int_equal(stat(host_path(&host, NODE), &before), 0);
	assert_int_equal(node_hide(&host), 0);
	assert_true(node_is_hidden(&host));
	assert_int_equal(access(host_path(&host, NODE), F_OK), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(node_hide(&host), 0);
	assert_int_equal(node_private(&host, path), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(stat(host_path(&host, NODE_DIR), &after), 0);
	assert_int_equal(after.st_mode & 0777, 0700);
	assert_int_equal(node_show(&host, true), 0);
	assert_int_equal(stat(host_path(&host, NODE), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode, after.st_mode);
	assert_int_equal(access(host_path(&host, NODE_DIR), F_OK), -1);
	unlink(host_path(&host, NODE));
}

/* Killed between the exchange and the second rename. */
static void half_hidden_node_comes_back(void **state)
{
	(void)state;
	if (!make_node())
		skip();
	assert_int_equal(node_hide(&host), 0);
	assert_int_equal(rename(host_path(&host, NODE_HIDDEN), host_path(&host, NODE_DIR "/link")), 0);
	assert_int_equal(node_show(&host, true), 0);
	assert_true(node_exists(&host));
	assert_int_equal(access(host_path(&host, NODE_DIR), F_OK), -1);
	unlink(host_path(&host, NODE));
}

/* All of it was removed by hand, the folder too. */
static void private_node_needs_no_folder_that_is_there(void **state)
{
	struct stat st;
	char path[PATH_MAX];

	(void)state;
	if (!make_node())
		skip();
	assert_false(node_is_lost(&host));
	assert_int_equal(node_hide(&host), 0);
	assert_false(node_is_lost(&host));
	unlink(host_path(&host, NODE));
	remove_tree(host_path(&host, NODE_DIR));
	assert_true(node_is_lost(&host));
	assert_int_equal(node_private(&host, path), 0);
	assert_int_equal(stat(host_path(&host, NODE_DIR), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(node_show(&host, true), 0);
	assert_true(node_exists(&host));
	assert_int_equal(access(host_path(&host, NODE_DIR), F_OK), -1);
	unlink(host_path(&host, NODE));
}

static void only_kvm_answers(void **state)
{
	const char *path = host_path(&host, NODE);

	(void)state;
	assert_int_equal(node_answers(path), -ENOENT);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 3)))
		skip();
	assert_int_equal(node_answers(path), -ENOTTY);
	unlink(path);
}

/* flock() asks for no more than to read it. */
static void lock_is_for_nobody_else_to_hold(void **state)
{
	mode_t mask = umask(0);
	struct stat st;

	(void)state;
	for (int i = 0; i < 2; i++) {
		int lock = lock_take(&host, 0, why);

		assert_true(lock >= 0);
		assert_int_equal(fstat(lock, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(lock_take(&host, 0, why), -EWOULDBLOCK);
		/* As earlier versions made it. */
		assert_int_equal(fchmod(lock, 0644), 0);
		close(lock);
	}
	umask(mask);
}

static void without_a_node_only_the_link_comes_and_goes(void **state)
{
	(void)state;
	assert_int_equal(node_hide(&host), 0);
	assert_true(node_is_hidden(&host));
	assert_int_equal(node_forget(&host), 0);
	assert_int_equal(access(host_path(&host, NODE_DIR), F_OK), -1);
	assert_false(node_exists(&host));
	assert_false(node_is_hidden(&host));
}

static void autoload_is_blocked_by_a_file_of_ours(void **state)
{
	(void)state;
	assert_int_equal(autoload_unblock(&host), 0);
	assert_int_equal(autoload_block(&host), 0);
	assert_int_equal(access(host_path(&host, BLOCK_FILE), R_OK), 0);
	/* A site's own line for the module does not come before it. */
	tree_text(&host, "/etc/modprobe.d/00-kvm.conf", "install kvm_intel modprobe -i kvm_intel\n");
	assert_int_equal(resolve_install_command(&host, "kvm_intel", why, sizeof(why)), 0);
	assert_string_equal(why, "/bin/false");
	assert_int_equal(autoload_unblock(&host), 0);
	assert_int_equal(access(host_path(&host, BLOCK_FILE), F_OK), -1);
}

static void put_param(const char *name, const char *value, int mode)
{
	const char *path = host_path(&host, "/sys/module/kvm/parameters/%s", name);

	assert_int_equal(folder_make(host_path(&host, "/sys/module/kvm/parameters"), 0755), 0);
	assert_int_equal(publish(path, value, strlen(value), mode), 0);
}

static void add(struct params *params, const char *name, const char *value)
{
	struct param *param = &params->list[params->n++];

	snprintf(param->name, sizeof(param->name), "%s", name);
	snprintf(param->value, sizeof(param->value), "%s", value);
	param->known = true;
}

static void parameters_are_set_again_or_told(void **state)
{
	static struct params before;
	static struct differences differences;
	char options[256], value[64];

	(void)state;
	put_param("halt_poll_ns", "200000\n", 0644);
	put_param("nested", "Y\n", 0444);
	put_param("same", "1\n", 0444);
	put_param("text", "a\n", 0444);
	add(&before, "gone", "1");
	add(&before, "halt_poll_ns", "5");
	add(&before, "nested", "N");
	add(&before, "same", "1");
	add(&before, "text", "a b");
	params_restore(&host, "kvm", &before, options, sizeof(options));
	assert_string_equal(options, "nested=N");
	read_text(host_path(&host, "/sys/module/kvm/parameters/halt_poll_ns"), value, sizeof(value));
	assert_int_equal(strncmp(value, "5", 1), 0);
	params_restore(&host, "kvm", &before, options, sizeof("nested="));
	assert_string_equal(options, "");
	put_param("halt_poll_ns", "5\n", 0644);
	params_compare(&host, "kvm", &before, &differences);
	assert_int_equal(differences.n, 3);
	assert_string_equal(differences.list[0].name, "gone");
	assert_true(differences.list[0].gone);
	assert_string_equal(differences.list[1].name, "nested");
	assert_string_equal(differences.list[1].after, "Y");
	assert_string_equal(differences.list[2].name, "text");
}

static void programs_end_or_are_ended(void **state)
{
	const char *good[] = { "sh", "-c", "echo one; echo two >&2", NULL };
	const char *bad[] = { "sh", "-c", "echo it broke; exit 7", NULL };
	const char *missing[] = { "/nowhere/program", NULL };
	const char *endless[] = { "sh", "-c", "yes", NULL };
	const char *much[] = { "sh", "-c", "yes | head -c 100000; echo; echo the end", NULL };
	static struct output output;

	(void)state;
	assert_int_equal(run_program(good, 10, &output, why), 0);
	assert_string_equal(output.text, "one\ntwo\n");
	assert_true(run_program(bad, 10, &output, why) < 0);
	assert_string_equal(why, "sh ended with 7: it broke");
	assert_true(run_program(missing, 10, NULL, why) < 0);
	assert_non_null(strstr(why, "No such file"));
	assert_int_equal(run_program(much, 10, &output, why), 0);
	assert_non_null(strstr(output.text, "the end"));
	assert_int_equal(run_program(endless, 1, NULL, why), -ETIMEDOUT);
	assert_string_equal(why, "sh did not end within 1 s");
	run_interrupted = 1;
	assert_int_equal(run_program(endless, 10, NULL, why), -EINTR);
	run_interrupted = 0;
}

static void seconds_are_read_strictly(void **state)
{
	static const char * const bad[] = { "", "-1", "1.5", "1s", " 1", "86401", "99999999999" };
	unsigned int seconds = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(swap_parse_wait(bad[i], &seconds), -EINVAL);
	assert_int_equal(seconds, 7);
	assert_int_equal(swap_parse_wait("0", &seconds), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(swap_parse_wait("86400", &seconds), 0);
	assert_int_equal(seconds, 86400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_goes_and_comes_back_as_it_was),
		cmocka_unit_test(half_hidden_node_comes_back),
		cmocka_unit_test(private_node_needs_no_folder_that_is_there),
		cmocka_unit_test(only_kvm_answers),
		cmocka_unit_test(lock_is_for_nobody_else_to_hold),
		cmocka_unit_test(without_a_node_only_the_link_comes_and_goes),
		cmocka_unit_test(autoload_is_blocked_by_a_file_of_ours),
		cmocka_unit_test(parameters_are_set_again_or_told),
		cmocka_unit_test(programs_end_or_are_ended),
		cmocka_unit_test(seconds_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
