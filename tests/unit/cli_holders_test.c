// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a folder cannot stand for in the scan for holders: device numbers, folders
 * that may not be read, many processes; and what errors say of the result.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "cli_tree.h"
#include "holders_parts.h"

static struct host host;
static struct loaded kvm, vendor;
static struct holders holders;
static unsigned int looked_up;

/* Stands in for libc's: descriptors 20 and up are /dev/kvm by number. */
int fstatat(int dir, const char *restrict name, struct stat *restrict st, int flags)
{
	(void)dir;
	(void)flags;
	looked_up++;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR | 0600;
	st->st_rdev = atoi(name) >= 20 ? makedev(10, 232) : makedev(10, 200);
	if (atoi(name) == 29)
		st->st_mode = S_IFREG;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	tree_make(&host, "6.1.0-1-amd64");
	tree_folder(&host, "/proc");
	memset(&kvm, 0, sizeof(kvm));
	memset(&vendor, 0, sizeof(vendor));
	looked_up = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	holders_free(&holders);
	tree_remove(&host);
	return 0;
}

static void descriptor(int pid, int fd, const char *target)
{
	tree_folder(&host, host_path(&host, "/proc/%d/fd", pid) + strlen(host.root));
	assert_int_equal(symlink(target, host_path(&host, "/proc/%d/fd/%d", pid, fd)), 0);
}

static void scan(void)
{
	assert_int_equal(holders_scan(&host, &kvm, &vendor, &holders), 0);
}

static void devices_by_number(void **state)
{
	(void)state;
	descriptor(5, 20, "/dev/vm0");
	descriptor(5, 21, "/var/lib/container/dev/kvm");
	descriptor(5, 22, "/dev/kvm (deleted)");
	descriptor(5, 3, "/dev/net/tun");
	descriptor(5, 29, "/srv/kvm");
	descriptor(5, 26, "/dev/null");
	descriptor(5, 27, "/dev/pts/3");
	/* Not even looked up: a look-up can hang on a dead network's file system. */
	descriptor(5, 23, "/srv/nfs/file");
	descriptor(5, 24, "socket:[1]");
	descriptor(5, 25, "/srv/notkvm");
	scan();
	assert_int_equal(holders.n, 1);
	assert_int_equal(holders.list[0].devices, 3);
	assert_int_equal(looked_up, 5);
}

static void names_need_no_look_up(void **state)
{
	(void)state;
	descriptor(5, 3, "/dev/kvm");
	descriptor(5, 4, "/dev/.kvm-fixes/kvm");
	scan();
	assert_int_equal(holders.list[0].devices, 2);
	assert_int_equal(looked_up, 0);
}

static void folders_that_may_not_be_read(void **state)
{
	uid_t uid = geteuid();

	(void)state;
	descriptor(5, 3, "/dev/kvm");
	chmod(host.root, 0755);
	chmod(host_path(&host, "/proc/5/fd"), 0);
	vendor = (struct loaded){ .present = true, .refcnt = 1 };
	if (!uid && seteuid(65534))
		skip();
	if (access(host.root, X_OK) && !uid) {
		assert_int_equal(seteuid(uid), 0);
		skip();
	}
	scan();
	if (!uid)
		assert_int_equal(seteuid(uid), 0);
	chmod(host_path(&host, "/proc/5/fd"), 0700);
	assert_int_equal(holders.n, 0);
	assert_int_equal(holders.unreadable, 1);
	assert_non_null(strstr(holders.unexplained, "of the 1 processes that only root"));
}

static void many_come_in_order(void **state)
{
	char expected[WHY_MAX], text[WHY_MAX];

	(void)state;
	for (int pid = 1300; pid > 1000; pid--)
		descriptor(pid, 3, "anon_inode:kvm-vm");
	tree_text(&host, "/proc/1001/comm", "first\n");
	scan();
	assert_int_equal(holders.n, 300);
	for (size_t i = 0; i < holders.n; i++)
		assert_int_equal(holders.list[i].pid, 1001 + (int)i);
	holders_text(&holders, text, sizeof(text));
	snprintf(expected, sizeof(expected), "first (pid 1001), 299 more");
	assert_string_equal(text, expected);
}

static void text_of_one_and_of_none(void **state)
{
	struct holder one = { .pid = 812, .command = "qemu-system-x86", .vm = "web1" };
	struct holders some = { .list = &one, .n = 1, .unexplained = "vfio" };
	char text[64], small[8];

	(void)state;
	holders_text(&some, text, sizeof(text));
	assert_string_equal(text, "qemu-system-x86 (pid 812, VM web1)");
	holders_text(&some, small, sizeof(small));
	assert_string_equal(small, "qemu-sy");
	some.n = 0;
	holders_text(&some, text, sizeof(text));
	assert_string_equal(text, "vfio");
}

static void use_by_reference_counts(void **state)
{
	static const struct {
		struct loaded kvm, vendor;
		bool used;
	} cases[] = {
		{ { 0 }, { 0 }, false },
		{ { .present = true, .refcnt = 0 }, { 0 }, false },
		{ { .present = true, .refcnt = 1, .holders = "kvm_intel", .n_holders = 1 },
		  { .present = true, .refcnt = 0 }, false },
		{ { .present = true, .refcnt = 1, .holders = "kvm_amd", .n_holders = 1 },
		  { .present = true, .refcnt = 0 }, false },
		{ { .present = true, .refcnt = 1, .holders = "kvm_intel", .n_holders = 1 },
		  { .present = true, .refcnt = 1 }, true },
		{ { .present = true, .refcnt = 2, .holders = "kvm_intel", .n_holders = 1 },
		  { .present = true, .refcnt = 0 }, true },
		{ { .present = true, .refcnt = 2, .holders = "kvm_intel kvmgt", .n_holders = 2 },
		  { .present = true, .refcnt = 0 }, true },
		{ { .present = true, .refcnt = 1, .holders = "kvmgt", .n_holders = 1 }, { 0 }, true },
		{ { .present = true, .refcnt = 1, .holders = "kvm_intel", .n_holders = 1 },
		  { .present = true, .refcnt = 1, .holders = "x", .n_holders = 1 }, true },
		{ { .present = true, .refcnt = -1 }, { 0 }, true },
		{ { .present = true, .refcnt = 1, .holders = "kvm_intel", .n_holders = 1 },
		  { .present = true, .refcnt = -1 }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("case %zu\n", i);
		assert_int_equal(kvm_in_use(&cases[i].kvm, &cases[i].vendor), cases[i].used);
	}
}

/* The line ends at its length, whatever is to be said. */
static void explanation_is_bounded(void **state)
{
	(void)state;
	kvm = (struct loaded){ .present = true, .refcnt = 99, .n_holders = 60 };
	for (size_t i = 0; i + 4 < sizeof(kvm.holders); i += 4)
		snprintf(kvm.holders + i, sizeof(kvm.holders) - i, "abc ");
	memset(vendor.holders, 'v', sizeof(vendor.holders) - 1);
	vendor.present = true;
	vendor.n_holders = 1;
	vendor.refcnt = 5;
	scan();
	assert_int_equal(strlen(holders.unexplained), WHY_MAX - 1);
}

static void no_proc(void **state)
{
	(void)state;
	rmdir(host_path(&host, "/proc"));
	assert_int_equal(holders_scan(&host, &kvm, &vendor, &holders), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(devices_by_number, setup, teardown),
		cmocka_unit_test_setup_teardown(names_need_no_look_up, setup, teardown),
		cmocka_unit_test_setup_teardown(folders_that_may_not_be_read, setup, teardown),
		cmocka_unit_test_setup_teardown(many_come_in_order, setup, teardown),
		cmocka_unit_test(text_of_one_and_of_none),
		cmocka_unit_test(use_by_reference_counts),
		cmocka_unit_test_setup_teardown(explanation_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(no_proc, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
