// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a swap ends when the host is not as it should be, as far as that needs no kernel: what
 * is loaded is what /sys of a folder says, and nothing can be loaded or unloaded.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "cli_elf.h"
#include "cli_tree.h"
#include "devnode.h"
#include "engine.h"
#include "run.h"
#include "swap.h"

#define MODULES	"/lib/modules/" SAMPLE_RELEASE
#define UEVENT	"/sys/class/misc/kvm/uevent"

static struct cli cli;
static struct host *const host = &cli.host;
static struct journal journal;
static struct swap swap;

/* What a set of modules is known by, in the last byte of their build-ids. */
enum { FORMER = 1, NEXT = 3 };

static void image(struct image *to, const char *name, unsigned char last)
{
	memset(to, 0, sizeof(*to));
	snprintf(to->build_id, sizeof(to->build_id), "%.38s%02x", SAMPLE_ID, last);
	snprintf(to->file, sizeof(to->file), SWAP_FILES "/%s/%s.ko", to->build_id, name);
}

/* A swap that is as far as @step, from kvm and kvm_intel to others. */
static void begin(enum swap_step step)
{
	memset(&journal, 0, sizeof(journal));
	journal.step = step;
	journal.to = CHOICE_STOCK;
	journal.had_node = true;
	snprintf(journal.boot, sizeof(journal.boot), "0b8c");
	snprintf(journal.release, sizeof(journal.release), "%s", host->release);
	snprintf(journal.vendor, sizeof(journal.vendor), "%s", host->vendor);
	image(&journal.former.kvm, "kvm", FORMER);
	image(&journal.former.vendor, "kvm-intel", FORMER + 1);
	image(&journal.next.kvm, "kvm", NEXT);
	image(&journal.next.vendor, "kvm-intel", NEXT + 1);
	memset(&swap, 0, sizeof(swap));
	swap.cli = &cli;
	swap.journal = &journal;
}

static void load_one(const char *name, unsigned char last)
{
	char path[PATH_MAX];
	struct sample sample;

	SAMPLE(&sample, STOCK_INFO);
	sample.id.id[19] = last;
	snprintf(path, sizeof(path), "/sys/module/%s/notes/.note.gnu.build-id", name);
	tree_bytes(host, path, &sample.id, sizeof(sample.id));
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	tree_text(host, path, "live\n");
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	tree_text(host, path, "0\n");
}

static void load(unsigned char set)
{
	load_one("kvm", set);
	load_one("kvm_intel", (unsigned char)(set + 1));
}

static int setup(void **state)
{
	(void)state;
	memset(&cli, 0, sizeof(cli));
	cli.command = "swap";
	cli.out = cli.err = tmpfile();
	tree_make(host, SAMPLE_RELEASE);
	tree_folder(host, "/dev");
	tree_folder(host, SWAP_DIR);
	return cli.err ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fclose(cli.err);
	tree_remove(host);
	return 0;
}

/* Of a device that opens and is not KVM's. Only root may make nodes. */
static void make_node(void)
{
	if (mknod(host_path(host, NODE), S_IFCHR | 0640, makedev(1, 3)))
		skip();
}

static bool there(const char *path)
{
	return access(host_path(host, "%s", path), F_OK) == 0;
}

/* As where a systemd unit's DevicePolicy= or a security module keeps us from the device. */
static void former_modules_that_do_not_answer_are_not_kept_from_others(void **state)
{
	struct stat before, after;

	(void)state;
	make_node();
	load(FORMER);
	assert_int_equal(stat(host_path(host, NODE), &before), 0);
	begin(SWAP_TESTING);
	assert_int_equal(node_hide(host), 0);
	assert_int_equal(autoload_block(host), 0);
	snprintf(swap.why, sizeof(swap.why), "the guest check did not pass");
	assert_int_equal(engine_undo(&swap), EX_BACK);
	assert_true(swap.untidy);
	assert_int_equal(strncmp(swap.why, "the guest check did not pass; then: /dev/kvm does not answer (", 62), 0);
	assert_non_null(strstr(swap.why, "; the former modules are back, but nothing proved that they work; see whether /dev/kvm can be opened here, then run: kvm-fixes recover"));
	assert_int_equal(stat(host_path(host, NODE), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode, after.st_mode);
	assert_false(there(NODE_DIR));
	assert_false(there(BLOCK_FILE));
	/* For recover, which is told to be run. It comes to no other end, and changes nothing. */
	assert_true(there(SWAP_JOURNAL));
	assert_int_equal(engine_undo(&swap), EX_BACK);
	assert_true(node_exists(host));
}

/* What docs/OPERATIONS.md says for "by hand", and then recover all the same. */
static void a_node_that_was_removed_by_hand_comes_back(void **state)
{
	char text[8];

	(void)state;
	make_node();
	assert_int_equal(unlink(host_path(host, NODE)), 0);
	tree_text(host, UEVENT, "");
	load(FORMER);
	begin(SWAP_HIDING);
	assert_int_equal(autoload_block(host), 0);
	/* Whether it answers is up to the machine that this runs on. */
	assert_int_equal(engine_undo(&swap), EX_BACK);
	assert_true(node_exists(host));
	assert_false(there(NODE_DIR));
	assert_false(there(BLOCK_FILE));
	read_text(host_path(host, UEVENT), text, sizeof(text));
	assert_string_equal(text, "add");
}

static void others_that_cannot_be_unloaded_stay_out_of_reach(void **state)
{
	(void)state;
	load(NEXT);
	begin(SWAP_TESTING);
	assert_int_equal(node_hide(host), 0);
	assert_int_equal(engine_undo(&swap), EX_STUCK);
	assert_true(node_is_hidden(host));
	assert_true(there(SWAP_JOURNAL));
	assert_non_null(strstr(swap.why, "end what uses KVM"));
}

/* For this process alone. */
static bool make_read_only(const char *dir)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount(dir, dir, NULL, MS_BIND, NULL) == 0 &&
	       mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
}

static void a_swap_that_is_begun_on_a_read_only_var_touches_nothing(void **state)
{
	char var[PATH_MAX];
	int code;

	(void)state;
	snprintf(var, sizeof(var), "%s", host_path(host, "/var"));
	load(FORMER);
	begin(SWAP_PREPARED);
	if (!make_read_only(var))
		skip();
	code = engine_swap(&swap);
	assert_int_equal(umount(var), 0);
	assert_int_equal(code, EX_REFUSED);
	assert_non_null(strstr(swap.why, "journal.json: cannot be written (Read-only file system)"));
	assert_false(there(SWAP_JOURNAL));
	assert_false(there(NODE_DIR));
}

/* A kernel that has our modules, and a depmod that does @script. */
static void depmod_does(const char *script)
{
	struct sample sample;
	unsigned char *file;
	char path[PATH_MAX];
	size_t size;

	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
	tree_bytes(host, MODULES "/updates/dkms/kvm.ko", file, size);
	free(file);
	tree_text(host, "/bin/depmod", script);
	assert_int_equal(chmod(host_path(host, "/bin/depmod"), 0755), 0);
	snprintf(path, sizeof(path), "%s:%s", host_path(host, "/bin"), getenv("PATH"));
	setenv("PATH", path, 1);
}

/* What swap_settle() says when it fails. */
static void settle_says(const char *expected)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	char text[2 * WHY_MAX] = "";

	assert_non_null(plan);
	plan->journal.to = CHOICE_STOCK;
	assert_int_equal(swap_settle(&cli, plan), EX_FAILED);
	free(plan);
	rewind(cli.err);
	assert_true(fread(text, 1, sizeof(text) - 1, cli.err) > 0);
	rewind(cli.err);
	assert_string_equal(text, expected);
}

static void a_choice_that_is_not_settled_says_what_to_run(void **state)
{
	char *former = strdup(getenv("PATH"));

	(void)state;
	depmod_does("#!/bin/sh\necho no room; exit 7\n");
	settle_says("kvm-fixes swap: what later boots load is not settled: depmod ended with 7: no room; then run: kvm-fixes swap --to stock\n");
	assert_true(there(CHOICE_FILE));
	assert_int_equal(ftruncate(fileno(cli.err), 0), 0);
	run_interrupted = 1;
	settle_says("kvm-fixes swap: what later boots load is not settled: depmod was interrupted; then run: kvm-fixes swap --to stock\n");
	run_interrupted = 0;
	setenv("PATH", former, 1);
	free(former);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(former_modules_that_do_not_answer_are_not_kept_from_others,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_node_that_was_removed_by_hand_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(others_that_cannot_be_unloaded_stay_out_of_reach, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_swap_that_is_begun_on_a_read_only_var_touches_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_choice_that_is_not_settled_says_what_to_run, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
