// SPDX-License-Identifier: GPL-2.0-only
/*
 * Initrds made on the spot: the forms that there are, and headers that lie.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli_elf.h"
#include "cli_tree.h"
#include "initrd_parts.h"

#define IMAGE_MAX	(1u << 20)
#define KVM		"usr/lib/modules/x/kernel/arch/x86/kvm/kvm.ko"
#define INTEL		"usr/lib/modules/x/kernel/arch/x86/kvm/kvm-intel.ko"

static struct initrd initrd;
static unsigned char image[IMAGE_MAX], *module;
static size_t size, module_size;

static int setup(void **state)
{
	struct sample sample;

	(void)state;
	SAMPLE(&sample, STOCK_INFO);
	module = sample_build(&sample, &module_size);
	size = 0;
	memset(&initrd, 0xff, sizeof(initrd));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(module);
	return 0;
}

static void pad(size_t to)
{
	while (size % to)
		image[size++] = 0;
}

/* Lengths as they are written into the header; they may lie. */
static void header(const char *magic, const char *length, const char *name_length)
{
	size += (size_t)sprintf((char *)image + size, "%s%048d%s%032d%s%08d", magic, 0, length, 0,
				name_length, 0);
}

static void entry(const char *path, const void *data, size_t n)
{
	char length[32], name_length[32];

	sprintf(length, "%08zx", n);
	sprintf(name_length, "%08zX", strlen(path) + 1);
	header("070701", length, name_length);
	strcpy((char *)image + size, path);
	size += strlen(path) + 1;
	pad(4);
	memcpy(image + size, data, n);
	size += n;
	pad(4);
}

static void end(void)
{
	entry("TRAILER!!!", "", 0);
}

static int parse(void)
{
	/* A copy of its own size, so that a read beyond it is seen. */
	unsigned char *copy = malloc(size ? size : 1);
	int err;

	memcpy(copy, image, size);
	err = initrd_parse(copy, size, &initrd);
	free(copy);
	assert_int_equal(initrd.known, !err);
	return err;
}

static void plain(void **state)
{
	(void)state;
	entry("kernel/x86/microcode/GenuineIntel.bin", "xyz", 3);
	end();
	pad(512);
	size += 512;
	memset(image + size - 512, 0, 512);
	entry("init", "x", 1);
	entry(KVM, module, module_size);
	entry(INTEL, module, module_size);
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(initrd.n, 2);
	assert_string_equal(initrd.modules[0].name, "kvm");
	assert_string_equal(initrd.modules[0].path, KVM);
	assert_string_equal(initrd.modules[0].build_id, SAMPLE_ID);
	assert_string_equal(initrd.modules[1].name, "kvm_intel");
}

/* With checksums, without a trailer, and not at the multiple of four at its end. */
static void other_forms(void **state)
{
	(void)state;
	entry("kvm_amd.ko", module, module_size + 1);
	memcpy(image, "070702", 6);
	size -= 3;
	assert_int_equal(parse(), 0);
	assert_int_equal(initrd.n, 1);
	assert_string_equal(initrd.modules[0].name, "kvm_amd");
}

static void names(void **state)
{
	static const char * const no[] = {
		"kvm.ko.bak", "xkvm.ko", "kvmgt.ko", "kvm", "kvm.ko/x", "kvm-intel", "kvm.ko.",
		"kvm-intel-uncore.ko", "a/kvm.ko.lz4",
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(initrd_wants(no[i], name));
	assert_true(initrd_wants("kvm.ko.gz", name));
	assert_string_equal(name, "kvm");
	assert_true(initrd_wants("./a/kvm-amd.ko.zst", name));
	assert_string_equal(name, "kvm_amd");
}

/* A module that cannot be read is there all the same. */
static void damaged_module(void **state)
{
	(void)state;
	entry(KVM, module, 100);
	entry("kvm-intel.ko.xz", module, module_size);
	entry("kvm-amd.ko.xz", "\xfd" "7zXZ\0rest", 10);
	assert_int_equal(parse(), 0);
	assert_int_equal(initrd.n, 3);
	assert_string_equal(initrd.modules[0].build_id, "");
	assert_string_equal(initrd.modules[2].build_id, "");
}

static void more_than_there_is_room_for(void **state)
{
	(void)state;
	for (int i = 0; i < INITRD_MODULES_MAX + 3; i++)
		entry(KVM, "x", 1);
	assert_int_equal(parse(), 0);
	assert_int_equal(initrd.n, INITRD_MODULES_MAX);
}

static void path_with_control_characters(void **state)
{
	(void)state;
	entry("\x1b[2J/kvm.ko", "x", 1);
	assert_int_equal(parse(), 0);
	assert_string_equal(initrd.modules[0].path, "?[2J/kvm.ko");
}

static void headers_that_lie(void **state)
{
	static const struct {
		const char *length, *name_length;
	} cases[] = {
		{ "00000001", "00000000" },	/* no name */
		{ "00000001", "00001001" },	/* a name beyond any path */
		{ "00000001", "ffffffff" },
		{ "00000001", "00000100" },	/* a name beyond the end */
		{ "00000100", "00000007" },	/* contents beyond the end */
		{ "ffffffff", "00000007" },
		{ "fffffffc", "00000007" },
		{ "-0000001", "00000007" },
		{ "+0000001", "00000007" },
		{ "0x000001", "00000007" },
		{ "       1", "00000007" },
		{ "00000001", "0000000g" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("case %zu\n", i);
		size = 0;
		header("070701", cases[i].length, cases[i].name_length);
		memcpy(image + size, "kvm.ko\0\0rest", 12);
		size += 12;
		assert_int_not_equal(parse(), 0);
		assert_true(*initrd.why);
		assert_int_equal(initrd.n, 0);
	}
}

static void every_cut(void **state)
{
	size_t whole;

	(void)state;
	entry("init", "abc", 3);
	entry(KVM, "0123456789", 10);
	end();
	whole = size;
	for (size = 0; size < whole; size++) {
		parse();
		assert_true(initrd.n <= 1);
	}
	size = whole;
	assert_int_equal(parse(), 0);
	assert_int_equal(initrd.n, 1);
}

static void garbage_behind(void **state)
{
	(void)state;
	entry(KVM, "x", 1);
	end();
	memcpy(image + size, "garbage", 7);
	size += 7;
	assert_int_not_equal(parse(), 0);
	assert_non_null(strstr(initrd.why, "cannot be read"));
}

/* Zeros, which pack well, as a module of @n bytes in a compressed archive. */
static void packed(size_t n)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *file = archive_entry_new();
	static const char zeros[1 << 16];
	size_t used = 0;

	archive_write_set_format_cpio_newc(archive);
	archive_write_add_filter_zstd(archive);
	assert_int_equal(archive_write_open_memory(archive, image + size, IMAGE_MAX - size, &used),
			 ARCHIVE_OK);
	archive_entry_set_pathname(file, KVM);
	archive_entry_set_filetype(file, AE_IFREG);
	archive_entry_set_size(file, (la_int64_t)n);
	assert_int_equal(archive_write_header(archive, file), ARCHIVE_OK);
	for (size_t done = 0; done < n; done += sizeof(zeros))
		archive_write_data(archive, zeros, n - done < sizeof(zeros) ? n - done : sizeof(zeros));
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_entry_free(file);
	archive_write_free(archive);
	size += used;
}

static void packed_and_large(void **state)
{
	(void)state;
	packed(1000);
	assert_int_equal(parse(), 0);
	assert_int_equal(initrd.n, 1);
	size = 0;
	packed(INITRD_MODULE_MAX + 1);
	assert_int_not_equal(parse(), 0);
	assert_int_equal(initrd.n, 0);
}

static void none_and_unreadable(void **state)
{
	struct host host;

	(void)state;
	tree_make(&host, "6.1.0-1-amd64");
	initrd_read(&host, host.release, &initrd);
	assert_true(initrd.known);
	assert_string_equal(initrd.path, "");
	tree_folder(&host, "/boot/initrd.img-6.1.0-1-amd64");
	initrd_read(&host, host.release, &initrd);
	assert_false(initrd.known);
	assert_true(*initrd.why);
	tree_remove(&host);
}

/* A file that grows shorter while it is read. */
static void file_cut_while_read(void **state)
{
	struct bytes bytes = { .size = 4096 };
	struct host host;
	uint64_t offset;

	(void)state;
	tree_make(&host, "6.1.0-1-amd64");
	entry("init", "x", 1);
	tree_bytes(&host, "/boot/x", image, size);
	bytes.fd = open(host_path(&host, "/boot/x"), O_RDONLY);
	assert_true(bytes.fd >= 0);
	memset(&initrd, 0, sizeof(initrd));
	assert_int_equal(cpio_walk(&bytes, &offset, &initrd), 0);
	assert_int_not_equal(packed_walk(&bytes, offset, &initrd), 0);
	close(bytes.fd);
	tree_remove(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain, setup, teardown),
		cmocka_unit_test_setup_teardown(other_forms, setup, teardown),
		cmocka_unit_test(names),
		cmocka_unit_test_setup_teardown(damaged_module, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_there_is_room_for, setup, teardown),
		cmocka_unit_test_setup_teardown(path_with_control_characters, setup, teardown),
		cmocka_unit_test_setup_teardown(headers_that_lie, setup, teardown),
		cmocka_unit_test_setup_teardown(every_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(packed_and_large, setup, teardown),
		cmocka_unit_test_setup_teardown(none_and_unreadable, setup, teardown),
		cmocka_unit_test_setup_teardown(file_cut_while_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
