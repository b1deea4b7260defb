// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a module's file: whole ones of every shape, and damaged ones of every kind.
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
#include "modfile.h"

static struct modfile module;
static char why[WHY_MAX];

/* Parses and frees; what it read can still be looked at where it is no pointer. */
static int parse_bytes(const void *data, size_t size)
{
	char *exact = malloc(size ? size : 1);	/* so that one byte too far is seen */
	struct modfile parsed;
	int err;

	assert_non_null(exact);
	memcpy(exact, data, size);
	err = modfile_parse(exact, size, "/x/kvm-test.ko", &parsed, why);
	free(exact);
	module = parsed;
	if (!err)
		modfile_free(&parsed);
	else
		assert_true(err == -ENOEXEC && strlen(why) > 20);
	return err;
}

static int parse_sample(const struct sample *sample)
{
	size_t size;
	unsigned char *file = sample_build(sample, &size);
	int err = parse_bytes(file, size);

	free(file);
	return err;
}

static void assert_refused(const void *data, size_t size, const char *part_of_why)
{
	assert_int_equal(parse_bytes(data, size), -ENOEXEC);
	if (!strstr(why, part_of_why))
		fail_msg("expected '%s' in '%s'", part_of_why, why);
}

static void whole(void **state)
{
	struct sample sample;
	unsigned char *file;
	size_t size;

	(void)state;
	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
	assert_int_equal(modfile_parse(file, size, "/x/kvm-intel.ko", &module, why), 0);
	assert_string_equal(module.path, "/x/kvm-intel.ko");
	assert_string_equal(module.name, "kvm_intel");
	assert_string_equal(module.build_id, SAMPLE_ID);
	assert_string_equal(module.vermagic, SAMPLE_VERMAGIC);
	assert_string_equal(module.depends, "kvm,irqbypass");
	assert_false(module.has_signature);
	assert_int_equal(module.size, size);
	assert_string_equal(module.parms[0], "ept");
	assert_string_equal(module.parms[1], "nested");
	assert_null(module.parms[2]);
	assert_int_equal(module.n_imports, 3);
	assert_string_equal(module.imports[0].name, "__fentry__");
	assert_int_equal(module.imports[0].crc, 0x22222222);
	assert_int_equal(module.imports[2].crc, 0x11111111);
	assert_int_equal(module.n_exports, 2);
	assert_string_equal(module.exports[0].name, "alpha");
	assert_int_equal(module.exports[0].crc, 0xcccccccc);
	assert_string_equal(module.exports[1].name, "beta");
	assert_int_equal(module.exports[1].crc, 0xbbbbbbbb);
	modfile_free(&module);
	assert_null(module.imports);
	free(file);
}

static void stamp_of_file(void **state)
{
	struct sample sample;

	(void)state;
	SAMPLE(&sample, STAMP_INFO);
	assert_int_equal(parse_sample(&sample), 0);
	assert_true(module.stamp.present);
	assert_string_equal(module.stamp.version, "1.2.3");
	assert_string_equal(module.stamp.kernel, SAMPLE_RELEASE);
	assert_string_equal(module.stamp.states, "bus-barrier:applied, unmap-lockdep:upstream");
	assert_string_equal(module.stamp.source, "linux-source-6.1 6.1.9-1 sha256:00");
	assert_string_equal(module.stamp.headers, "6.1.9-1");
	assert_string_equal(module.stamp.compiler, "gcc-12 (Debian) 12.2.0");
	assert_string_equal(module.stamp.build, "1b56");
}

/* A version alone makes no stamp, nor does half of one or a forged one. */
static void no_stamp(void **state)
{
#define CASE(info)	{ info, sizeof(info) }
	static const struct {
		const char *info;
		size_t size;
	} cases[] = {
		CASE(STOCK_INFO),
		CASE(STOCK_INFO "\0version=1"),
		CASE(STOCK_INFO "\0kvm_fixes_build=12"),
		CASE(STOCK_INFO "\0kvm_fixes_kernel=6.1"),
		CASE(STOCK_INFO "\0kvm_fixes_kernel=6.1\0kvm_fixes_build="),
		CASE(STOCK_INFO "\0kvm_fixes_kernel=6.1\0kvm_fixes_build=xyz"),
		CASE(STOCK_INFO "\0kvm_fixes_kernel=../x\0kvm_fixes_build=12"),
		CASE(STOCK_INFO "\0kvm_fixes_kernel=6.1\0kvm_fixes_build=12\0kvm_fixes_states=\033[2J"),
		CASE(STOCK_INFO "\0kvm_fixes_kernel=6.1\0kvm_fixes_kernel=6.2\0kvm_fixes_build=12"),
		CASE(STOCK_INFO "\0kvm_fixes_kernel=6.1\0kvm_fixes_build="
		     "0123456789012345678901234567890123456789012345678901234567890123456789"),
	};
	struct sample sample;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sample_make(&sample, cases[i].info, cases[i].size);
		assert_int_equal(parse_sample(&sample), 0);
		assert_false(module.stamp.present);
		assert_string_equal(module.stamp.version, "");
		assert_string_equal(module.stamp.kernel, "");
	}
}

static void name_without_modinfo(void **state)
{
	static const char info[] = "vermagic=x";
	struct sample sample;

	(void)state;
	SAMPLE(&sample, info);
	assert_int_equal(parse_sample(&sample), 0);
	assert_string_equal(module.name, "kvm_test");
	assert_string_equal(module.depends, "");
}

/* The table of sections is the last thing in a file: no shorter one is whole. */
static void cut_short(void **state)
{
	struct sample sample;
	unsigned char *file;
	size_t size;

	(void)state;
	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
	for (size_t length = 0; length < size; length++)
		assert_int_equal(parse_bytes(file, length), -ENOEXEC);
	assert_int_equal(parse_bytes(file, size), 0);
	assert_refused(file, size / 2, "cut short");
	free(file);
}

static void no_module(void **state)
{
	struct sample sample;
	unsigned char *file;
	size_t size;

	(void)state;
	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
#define WITH(member, value)						\
	do {								\
		Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)file, kept = *header;	\
									\
		header->member = value;					\
		assert_int_equal(parse_bytes(file, size), -ENOEXEC);	\
		*header = kept;						\
	} while (0)
	WITH(e_ident[0], 0);
	WITH(e_ident[EI_CLASS], ELFCLASS32);
	WITH(e_ident[EI_DATA], ELFDATA2MSB);
	WITH(e_machine, EM_AARCH64);
	WITH(e_type, ET_DYN);
	WITH(e_shoff, size);
	WITH(e_shoff, 0);
	WITH(e_shoff, 8);
	WITH(e_shoff, UINT64_MAX);
	WITH(e_shoff, UINT64_MAX - 63);
	WITH(e_shnum, 0);
	WITH(e_shnum, 1);
	WITH(e_shnum, 0xffff);
	WITH(e_shnum, 0xfeff);
	WITH(e_shnum, N_PARTS + 3);
	WITH(e_shentsize, 1);
	WITH(e_shstrndx, SHN_XINDEX);
	WITH(e_shstrndx, N_PARTS + 2);
	WITH(e_shstrndx, 0);
	assert_int_equal(parse_bytes(file, size), 0);
	free(file);
}

static void sections_beyond_the_end(void **state)
{
	static const uint64_t bad[] = { 0x7fffffff, 0xffffffff, INT64_MAX, UINT64_MAX, UINT64_MAX - 7 };
	struct sample sample;
	unsigned char *file;
	size_t size;

	(void)state;
	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
	for (size_t part = 0; part <= N_PARTS; part++) {
		Elf64_Shdr *header = sample_header(file, part), kept = *header;

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			header->sh_offset = bad[i];
			assert_refused(file, size, "beyond the file");
			*header = kept;
			header->sh_size = bad[i];
			assert_refused(file, size, "beyond the file");
			*header = kept;
		}
		header->sh_size = size - header->sh_offset + 1;
		assert_refused(file, size, "beyond the file");
		*header = kept;
	}
	free(file);
}

static void bad_modinfo(void **state)
{
	struct sample sample;

	(void)state;
	sample_make(&sample, STOCK_INFO, sizeof(STOCK_INFO) - 1);
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	assert_non_null(strstr(why, ".modinfo"));
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_INFO].type = SHT_NOBITS;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	sample.parts[PART_INFO].type = SHT_PROGBITS;
	sample.parts[PART_INFO].size = 0;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	SAMPLE(&sample, "\0\0\0\0");
	assert_int_equal(parse_sample(&sample), 0);
	assert_string_equal(module.vermagic, "");
}

static void too_many_parameters(void **state)
{
	const size_t n = 5000;
	char *info = malloc(n * 8);
	struct sample sample;

	(void)state;
	for (size_t i = 0; i < n; i++)
		memcpy(info + i * 8, "parm=a:", 8);
	sample_make(&sample, info, n * 8);
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	sample_make(&sample, info, 4096 * 8);
	assert_int_equal(parse_sample(&sample), 0);
	free(info);
}

static void bad_versions(void **state)
{
	struct sample sample;

	(void)state;
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_VERSIONS].size--;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	assert_non_null(strstr(why, "versions"));
	SAMPLE(&sample, STOCK_INFO);
	memset(sample.versions[2].name, 'x', sizeof(sample.versions[2].name));
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_VERSIONS].size = 0;
	assert_int_equal(parse_sample(&sample), 0);
	assert_int_equal(module.n_imports, 0);
}

/* Two parts take the names that kernels since 6.14 use. */
static void extended_versions(void **state)
{
	static const uint32_t crcs[] = { 7, 8 };
	static const char names[] = "second\0first";
	struct sample sample;
	unsigned char *file;
	size_t size;

	(void)state;
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_VERSIONS] = (struct part){ "__version_ext_crcs", SHT_PROGBITS, crcs,
						     sizeof(crcs), 0, 0 };
	sample.parts[PART_ID] = (struct part){ "__version_ext_names", SHT_PROGBITS, names,
					       sizeof(names), 0, 0 };
	file = sample_build(&sample, &size);
	assert_int_equal(modfile_parse(file, size, "x", &module, why), 0);
	assert_string_equal(module.build_id, "");
	assert_int_equal(module.n_imports, 2);
	assert_string_equal(module.imports[0].name, "first");
	assert_int_equal(module.imports[0].crc, 8);
	modfile_free(&module);
	free(file);
	sample.parts[PART_ID].size--;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	sample.parts[PART_ID].size = 7;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	sample.parts[PART_ID].size = sizeof(names);
	sample.parts[PART_VERSIONS].size = 7;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
}

static void bad_symbols(void **state)
{
	static char name[700];
	struct sample sample;
	unsigned char *file;
	size_t size;

	(void)state;
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_STRINGS].size--;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	assert_non_null(strstr(why, "symbol table"));
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_STRINGS].type = SHT_NOBITS;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_SYMBOLS].link = 99;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	SAMPLE(&sample, STOCK_INFO);
	sample.parts[PART_SYMBOLS].entsize = 0;
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	SAMPLE(&sample, STOCK_INFO);
	memset(name, 'n', sizeof(name) - 1);
	memcpy(name, "\0__ksymtab_", 11);
	sample.parts[PART_STRINGS].data = name;
	sample.parts[PART_STRINGS].size = sizeof(name);
	assert_int_equal(parse_sample(&sample), -ENOEXEC);
	/* A name and a CRC where there is nothing. */
	SAMPLE(&sample, STOCK_INFO);
	sample.symbols[1].st_name = 0xffffffff;
	sample.symbols[2].st_value = 5;
	sample.symbols[4].st_shndx = 0x1234;
	file = sample_build(&sample, &size);
	assert_int_equal(modfile_parse(file, size, "x", &module, why), 0);
	assert_int_equal(module.n_exports, 1);
	assert_int_equal(module.exports[0].crc, 0);
	modfile_free(&module);
	free(file);
}

static void signatures(void **state)
{
	struct sample sample;
	unsigned char *file;
	size_t size, all;

	(void)state;
	SAMPLE(&sample, STOCK_INFO);
	file = sample_build(&sample, &size);
	all = sample_sign(file, size, 300, 300);
	assert_int_equal(parse_bytes(file, all), 0);
	assert_true(module.has_signature);
	assert_string_equal(module.signer, "");
	assert_int_equal(module.size, all);
	/* Without its end it is whole for us, if unsigned; the kernel sees it the same way. */
	assert_int_equal(parse_bytes(file, all - 1), 0);
	assert_false(module.has_signature);
	sample_sign(file, size, 301, 300);
	assert_refused(file, all, "beyond the file");
	sample_sign(file, size, (uint32_t)(size + 300), 300);
	assert_refused(file, all, "signature is longer");
	sample_sign(file, size, UINT32_MAX, 300);
	assert_refused(file, all, "signature is longer");
	assert_refused(file + size + 300, 40, "signature is longer");
	free(file);
}

/* Every byte to three other values: it is read or refused, and nothing worse. */
static void every_byte_changed(void **state)
{
	static const unsigned char values[] = { 0x00, 0x80, 0xff };
	struct sample sample;
	unsigned char *file;
	size_t size;
	unsigned int refused = 0;

	(void)state;
	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
	for (size_t i = 0; i < size; i++) {
		for (size_t j = 0; j < sizeof(values); j++) {
			unsigned char kept = file[i];

			file[i] = values[j];
			refused += parse_bytes(file, size) != 0;
			file[i] = kept;
		}
	}
	assert_true(refused > 100);
	free(file);
}

static size_t pack(int (*filter)(struct archive *), const void *data, size_t size, void *packed,
		   size_t room)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	assert_int_equal(filter(archive), ARCHIVE_OK);
	archive_write_set_format_raw(archive);
	archive_write_set_bytes_in_last_block(archive, 1);
	assert_int_equal(archive_write_open_memory(archive, packed, room, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, data, size), (la_ssize_t)size);
	archive_write_close(archive);
	archive_write_free(archive);
	archive_entry_free(entry);
	return used;
}

static int (*const filters[])(struct archive *) = {
	archive_write_add_filter_xz, archive_write_add_filter_zstd, archive_write_add_filter_gzip,
};

static void compressed(void **state)
{
	static unsigned char packed[1 << 16];
	struct sample sample;
	unsigned char *file;
	size_t size, packed_size;

	(void)state;
	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		packed_size = pack(filters[i], file, size, packed, sizeof(packed));
		assert_int_equal(parse_bytes(packed, packed_size), 0);
		assert_true(module.stamp.present);
		assert_string_equal(module.build_id, SAMPLE_ID);
		assert_int_equal(module.size, size);
		for (size_t part = 1; part < 16; part++)
			assert_int_equal(parse_bytes(packed, packed_size * part / 16), -ENOEXEC);
		packed[packed_size / 2] ^= 0x55;
		parse_bytes(packed, packed_size);
	}
	free(file);
}

/* 300 MB of zeros in 300 kB. */
static void bomb(void **state)
{
	const size_t size = 300u << 20, room = 4u << 20;
	char *zeros = calloc(1, size), *packed = malloc(room);
	size_t packed_size = pack(archive_write_add_filter_zstd, zeros, size, packed, room);

	(void)state;
	free(zeros);
	assert_int_equal(modfile_parse(packed, packed_size, "x", &module, why), -EFBIG);
	free(packed);
}

static void on_disk(void **state)
{
	struct sample sample;
	struct host host;
	unsigned char *file;
	char path[PATH_MAX];
	size_t size;

	(void)state;
	tree_make(&host, SAMPLE_RELEASE);
	SAMPLE(&sample, STAMP_INFO);
	file = sample_build(&sample, &size);
	size = sample_sign(file, size, 100, 100);
	snprintf(path, sizeof(path), "%s", host_path(&host, "/m/kvm-intel.ko"));
	tree_bytes(&host, "/m/kvm-intel.ko", file, size);
	assert_int_equal(modfile_identify(path, &module, why), 0);
	assert_string_equal(module.build_id, SAMPLE_ID);
	assert_string_equal(module.vermagic, SAMPLE_VERMAGIC);
	assert_true(module.stamp.present);
	assert_true(module.has_signature);
	assert_null(module.imports);
	assert_int_equal(modfile_read(path, &module, why), 0);
	assert_int_equal(module.n_imports, 3);
	assert_true(module.has_signature);
	assert_int_equal(module.size, size);
	modfile_free(&module);
	for (size_t length = 0; length < size - 140; length += 7) {
		tree_bytes(&host, "/m/kvm-intel.ko", file, length);
		assert_int_equal(modfile_identify(path, &module, why), -ENOEXEC);
		assert_int_equal(modfile_read(path, &module, why), -ENOEXEC);
	}
	free(file);
	assert_int_equal(modfile_read(host_path(&host, "/m"), &module, why), -EINVAL);
	assert_int_equal(modfile_identify(host_path(&host, "/m"), &module, why), -EINVAL);
	assert_int_equal(modfile_identify(host_path(&host, "/n"), &module, why), -ENOENT);
	assert_non_null(strstr(why, "/n: cannot be read"));
	assert_int_equal(truncate(path, (off_t)MODFILE_MAX + 1), 0);
	assert_int_equal(modfile_identify(path, &module, why), -EFBIG);
	tree_remove(&host);
}

static void compressed_on_disk(void **state)
{
	static unsigned char packed[1 << 16];
	struct sample sample;
	struct host host;
	unsigned char *file;
	char path[PATH_MAX];
	size_t size;

	(void)state;
	tree_make(&host, SAMPLE_RELEASE);
	SAMPLE(&sample, STOCK_INFO);
	file = sample_build(&sample, &size);
	size = pack(archive_write_add_filter_xz, file, size, packed, sizeof(packed));
	free(file);
	tree_bytes(&host, "/m/kvm-intel.ko.xz", packed, size);
	snprintf(path, sizeof(path), "%s", host_path(&host, "/m/kvm-intel.ko.xz"));
	assert_int_equal(modfile_identify(path, &module, why), 0);
	assert_string_equal(module.build_id, SAMPLE_ID);
	tree_bytes(&host, "/m/kvm-intel.ko.xz", packed, size / 2);
	assert_int_equal(modfile_identify(path, &module, why), -ENOEXEC);
	tree_remove(&host);
}

static void finding(void **state)
{
	char path[PATH_MAX], dir[PATH_MAX];
	struct host host;

	(void)state;
	tree_make(&host, SAMPLE_RELEASE);
	tree_text(&host, "/m/kvm-intel.ko.zst", "");
	tree_text(&host, "/m/kvm-intel.ko.old", "");
	tree_text(&host, "/m/kvm.ko", "");
	tree_text(&host, "/m/kvmgt.ko", "");
	snprintf(dir, sizeof(dir), "%s", host_path(&host, "/m"));
	assert_int_equal(modfile_find(dir, "kvm_intel", path), 0);
	assert_string_equal(path + strlen(dir), "/kvm-intel.ko.zst");
	assert_int_equal(modfile_find(dir, "kvm-intel", path), 0);
	assert_int_equal(modfile_find(dir, "kvm", path), 0);
	assert_string_equal(path + strlen(dir), "/kvm.ko");
	assert_int_equal(modfile_find(dir, "kvm_amd", path), -ENOENT);
	assert_string_equal(path, "");
	assert_int_equal(modfile_find("/nonexistent", "kvm", path), -ENOENT);
	tree_text(&host, "/m/kvm.ko.xz", "");
	assert_int_equal(modfile_find(dir, "kvm", path), -EEXIST);
	tree_remove(&host);
}

static size_t note(void *to, uint32_t name_size, uint32_t size, uint32_t type, const char *name,
		   const void *contents, size_t real)
{
	Elf64_Nhdr header = { name_size, size, type };
	size_t padded = (strlen(name) + 4) & ~(size_t)3;

	memset(to, 0, sizeof(header) + padded);
	memcpy(to, &header, sizeof(header));
	memcpy((char *)to + sizeof(header), name, strlen(name));
	memcpy((char *)to + sizeof(header) + padded, contents, real);
	return sizeof(header) + padded + real;
}

static void build_id_notes(void **state)
{
	static const uint32_t huge[] = { 25, 0x7fffffff, 0xfffffffc, 0xffffffff };
	char id[BUILD_ID_MAX], data[256];
	size_t first, size;

	(void)state;
	first = note(data, 6, 4, 0, "Linux", "abcd", 4);
	size = first + note(data + first, 4, 20, NT_GNU_BUILD_ID, "GNU", "\1\2\3\4\5\6\7\10\11\12"
			    "\1\2\3\4\5\6\7\10\11\377", 20);
	assert_int_equal(note_build_id(data, size, id), 0);
	assert_string_equal(id, "0102030405060708090a010203040506070809ff");
	for (size_t length = 0; length < size; length++) {
		assert_true(note_build_id(data, length, id) < 0);
		assert_string_equal(id, "");
	}
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		size = note(data, huge[i], 20, NT_GNU_BUILD_ID, "GNU", "", 0) + 20;
		assert_int_equal(note_build_id(data, size, id), -EINVAL);
		size = note(data, 4, huge[i], NT_GNU_BUILD_ID, "GNU", "", 0) + 20;
		assert_int_equal(note_build_id(data, size, id), -EINVAL);
	}
	size = note(data, 4, 0, NT_GNU_BUILD_ID, "GNU", "", 0);
	assert_int_equal(note_build_id(data, size, id), -EINVAL);
	size = note(data, 4, 33, NT_GNU_BUILD_ID, "GNU", "123456789012345678901234567890123", 33);
	assert_int_equal(note_build_id(data, size, id), -EINVAL);
	assert_int_equal(note_build_id(data, 0, id), -ENOENT);
}

static int stamp_note(const char *text, size_t size, struct stamp *stamp)
{
	static char data[2048];
	size_t all = note(data, 10, (uint32_t)size, 1, "kvm-fixes", text, size);
	char *exact = malloc(all);
	int err;

	memcpy(exact, data, all);
	err = note_stamp(exact, all, stamp);
	free(exact);
	return err;
}

static void stamp_notes(void **state)
{
	static const char text[] = "version=0.1\nkernel=6.1.0-1-amd64\nstates=a:applied, b:off\n"
				   "source=s\nheaders=h=1\ncompiler=gcc\nbuild=1b56\nlater=thing\n";
	static const char *const bad[] = {
		"", "\n", "kernel=6.1\n", "build=12\n", "kernel=6.1\nbuild=12", "kernel=6.1\n=\nbuild",
		"kernel=6.1\nbuild=12\nbuild=12\n", "kernel=6.1\nbuild=12\nstates=\t\n",
		"kernel=..\nbuild=12\n", "nonsense\nkernel=6.1\nbuild=12\n",
	};
	struct stamp stamp;

	(void)state;
	assert_int_equal(stamp_note(text, sizeof(text), &stamp), 0);
	assert_true(stamp.present);
	assert_string_equal(stamp.version, "");
	assert_string_equal(stamp.kernel, "6.1.0-1-amd64");
	assert_string_equal(stamp.states, "a:applied, b:off");
	assert_string_equal(stamp.headers, "h=1");
	assert_string_equal(stamp.build, "1b56");
	assert_int_equal(stamp_note(text, sizeof(text) - 1, &stamp), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(stamp_note(bad[i], strlen(bad[i]), &stamp), -EINVAL);
		assert_false(stamp.present);
		assert_string_equal(stamp.kernel, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(stamp_of_file),
		cmocka_unit_test(no_stamp),
		cmocka_unit_test(name_without_modinfo),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(no_module),
		cmocka_unit_test(sections_beyond_the_end),
		cmocka_unit_test(bad_modinfo),
		cmocka_unit_test(too_many_parameters),
		cmocka_unit_test(bad_versions),
		cmocka_unit_test(extended_versions),
		cmocka_unit_test(bad_symbols),
		cmocka_unit_test(signatures),
		cmocka_unit_test(every_byte_changed),
		cmocka_unit_test(compressed),
		cmocka_unit_test(bomb),
		cmocka_unit_test(on_disk),
		cmocka_unit_test(compressed_on_disk),
		cmocka_unit_test(finding),
		cmocka_unit_test(build_id_notes),
		cmocka_unit_test(stamp_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
