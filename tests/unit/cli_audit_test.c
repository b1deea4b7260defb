// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit on the kernel's own modules: each is itself, and whatever is changed in one
 * is found. They are those that make check unpacked below $BUILD/image.
 */
#include <elf.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit_parts.h"

#define DIRS_MAX	8

static char dirs[DIRS_MAX][PATH_MAX];
static size_t n_dirs;
static char why[WHY_MAX];

/**
 * struct work - a shipped module, and a copy of it to be spoilt
 * @image: of the copy; its bytes lie at @image.plain
 */
struct work {
	struct image stock;
	struct image image;
	struct audited audited;
	struct declared declared;
};

static int find_dirs(void **state)
{
	static const char *const places[] = { "", "/.." };
	const char *build = getenv("BUILD");
	char pattern[PATH_MAX];
	glob_t found;

	(void)state;
	for (size_t i = 0; !n_dirs && i < 2; i++) {
		snprintf(pattern, sizeof(pattern), "%s%s/image/*/lib/modules/*/kernel/arch/x86/kvm",
			 build ? build : "build", places[i]);
		if (glob(pattern, 0, NULL, &found))
			continue;
		while (n_dirs < found.gl_pathc && n_dirs < DIRS_MAX) {
			snprintf(dirs[n_dirs], PATH_MAX, "%s", found.gl_pathv[n_dirs]);
			n_dirs++;
		}
		globfree(&found);
	}
	return 0;
}

static void begin(struct work *work, const char *dir, const char *name)
{
	char path[PATH_MAX];

	memset(work, 0, sizeof(*work));
	assert_int_equal(modfile_find(dir, name, path), 0);
	assert_int_equal(image_read(path, &work->stock, why), 0);
	assert_int_equal(image_parse(work->stock.plain, work->stock.plain_size, path, &work->image, why), 0);
}

static void end(struct work *work)
{
	audited_free(&work->audited);
	image_free(&work->stock);
	image_free(&work->image);
}

/* The copy, spoilt, against the shipped one; what was found stays in @work->audited. */
static void compare(struct work *work)
{
	audited_free(&work->audited);
	if (audit_bytes(work->stock.plain, work->stock.plain_size, work->image.plain,
			work->image.plain_size, "/x/kvm.ko", &work->declared, &work->audited, why))
		fail_msg("%s", why);
}

static const struct finding *find(const struct work *work, enum subject subject,
				  enum verdict verdict, const char *name)
{
	for (size_t i = 0; i < work->audited.n; i++) {
		const struct finding *finding = &work->audited.findings[i];

		if (finding->subject == subject && finding->verdict == verdict &&
		    strcmp(finding->name, name) == 0)
			return finding;
	}
	return NULL;
}

static void assert_found(struct work *work, enum subject subject, enum verdict verdict,
			 const char *name)
{
	const struct finding *finding;

	compare(work);
	finding = find(work, subject, verdict, name);
	if (!finding)
		fail_msg("%s %s was not found to be %s, %zu other findings", subject_name(subject),
			 name, verdict_name(verdict), work->audited.n);
	assert_null(finding->by);
	assert_true(work->audited.undeclared > 0);
}

static struct piece *piece_named(const struct image *image, const char *name)
{
	for (size_t i = 1; i < image->n_sections; i++) {
		for (size_t j = 0; j < image->sections[i].n_pieces; j++) {
			if (strcmp(image->sections[i].pieces[j].name, name) == 0)
				return &image->sections[i].pieces[j];
		}
	}
	fail_msg("no %s", name);
	return NULL;
}

static unsigned char *bytes_of(const struct section *section, uint64_t at)
{
	return (unsigned char *)(uintptr_t)section->data + at;
}

/* Where the copy's file has relocation @reloc of @section. */
static Elf64_Rela *rela_of(const struct image *image, const struct section *section,
			   const struct reloc *reloc)
{
	char name[NAME_MAX];
	const struct section *from;
	Elf64_Rela *rela;

	snprintf(name, sizeof(name), ".rela%.200s", section->name);
	from = image_section(image, name);
	assert_non_null(from);
	rela = (Elf64_Rela *)(void *)bytes_of(from, 0);
	while (rela->r_offset != reloc->offset || ELF64_R_TYPE(rela->r_info) != reloc->type)
		rela++;
	return rela;
}

static const struct reloc *reloc_of(const struct piece *piece, uint32_t type)
{
	const struct reloc *reloc = reloc_from(piece->section, piece->start);

	while (reloc->type != type)
		reloc++;
	assert_true(reloc->offset < piece->end);
	return reloc;
}

static uint32_t symbol_named(const struct image *image, const char *name)
{
	for (uint32_t i = 1; i < image->n_symbols; i++) {
		if (strcmp(image->symbols[i].name, name) == 0)
			return i;
	}
	fail_msg("no symbol %s", name);
	return 0;
}

static struct record *record_of(const struct image *image, const char *table, const char *owner)
{
	for (size_t i = 0; i < image->n_records; i++) {
		struct record *record = &image->records[i];

		if (strcmp(record->section->name, table) == 0 &&
		    (!owner || strcmp(record->owner->name, owner) == 0))
			return record;
	}
	fail_msg("no entry of %s", table);
	return NULL;
}

#define FOR_EACH(work, name)							\
	for (size_t dir_ = (begin_all(), 0); dir_ < n_dirs && (begin(work, dirs[dir_], name), 1); \
	     end(work), dir_++)

static void begin_all(void)
{
	if (!n_dirs)
		skip();
}

static void itself(void **state)
{
	static const char *const names[] = { "kvm", "kvm-intel", "kvm-amd" };
	struct work work;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		FOR_EACH(&work, names[i]) {
			compare(&work);
			assert_int_equal(work.audited.n, 0);
			assert_true(work.audited.compared);
			assert_true(work.audited.functions.same > 300);
			assert_true(work.audited.data.same > 100);
		}
	}
}

static void instruction(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct piece *piece = piece_named(&work.image, "kvm_io_bus_write");

		bytes_of(piece->section, piece->start)[20] ^= 1;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_CHANGED, "kvm_io_bus_write");
		assert_int_equal(work.audited.undeclared, 1);
	}
}

/* Who declares it may change it, if applied; who declares another may not. */
static void declared_instruction(void **state)
{
	static const char *const states[] = { "applied", "off" };
	static char changed[] = "kvm_io_bus_write", other[] = "kvm_nothing";
	char *changes[] = { changed, other };
	struct work work;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		FOR_EACH(&work, "kvm") {
			const struct piece *piece = piece_named(&work.image, "kvm_io_bus_write");
			struct declared_fix *fix = &work.declared.fixes[0];
			bool met[2] = { false, false };

			snprintf(fix->name, sizeof(fix->name), "one");
			snprintf(fix->state, sizeof(fix->state), "%s", states[i]);
			fix->changes = changes;
			fix->met = met;
			fix->n = 2;
			work.declared.n = 1;
			bytes_of(piece->section, piece->start)[20] ^= 1;
			compare(&work);
			assert_int_equal(work.audited.n, 1);
			assert_int_equal(work.audited.undeclared, i);
			assert_int_equal(met[0], !i);
			assert_false(met[1]);
		}
	}
}

static void call(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct piece *piece = piece_named(&work.image, "kvm_set_memory_region");
		Elf64_Rela *rela = rela_of(&work.image, piece->section,
					   reloc_of(piece, R_X86_64_PLT32));

		rela->r_info = ELF64_R_INFO(symbol_named(&work.image, "kvm_io_bus_write"),
					    R_X86_64_PLT32);
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_CHANGED, "kvm_set_memory_region");
	}
}

static const struct piece *first_constant(const struct image *image)
{
	const struct section *section = image_section(image, ".rodata");

	for (size_t i = 0; i < section->n_pieces; i++) {
		const struct piece *piece = &section->pieces[i];

		if (piece->symbol && strcmp(piece->name, piece->key) == 0 &&
		    reloc_from(section, piece->start)->offset > piece->start)
			return piece;
	}
	fail();
	return NULL;
}

static void constant(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct piece *piece = first_constant(&work.image);

		*bytes_of(piece->section, piece->start) ^= 4;
		assert_found(&work, SUBJECT_DATA, VERDICT_CHANGED, piece->name);
	}
}

static void string(void **state)
{
	struct work work;
	struct place place;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct piece *piece = piece_named(&work.image, "__param_halt_poll_ns");

		place_of_reloc(&work.image, reloc_of(piece, R_X86_64_64), &place);
		assert_int_equal(place.kind, PLACE_PIECE);
		*bytes_of(place.section, place.at) = 'H';
		assert_found(&work, SUBJECT_DATA, VERDICT_CHANGED, "__param_str_halt_poll_ns");
		piece = piece_named(&work.image, "halt_poll_ns");
		*bytes_of(piece->section, piece->start) ^= 1;
		assert_found(&work, SUBJECT_DATA, VERDICT_CHANGED, "halt_poll_ns");
	}
}

/* A text that only code refers to, by what is left of its section's name. */
static void merged_string(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		struct section *section = image_section(&work.image, ".rodata.str1.8");

		*bytes_of(section, 1) ^= 0x20;
		compare(&work);
		assert_true(work.audited.undeclared > 0);
		assert_non_null(strstr(work.audited.findings[0].detail, "refers to \""));
	}
}

/* In what aligns the next string, where nothing refers to it. */
static void unused_text(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		unsigned char *at = bytes_of(image_section(&work.image, ".rodata.str1.8"), 0);
		size_t i = 1;

		while (at[i - 1] || at[i] || at[i + 1] || i % 8 == 0)
			i++;
		at[i] = 'x';
		assert_found(&work, SUBJECT_TEXT, VERDICT_ADDED, "\"x\"");
	}
}

static void permission(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct piece *piece = piece_named(&work.image, "__param_halt_poll_ns");

		bytes_of(piece->section, piece->start)[24] ^= 2;
		assert_found(&work, SUBJECT_DATA, VERDICT_CHANGED, "__param_halt_poll_ns");
	}
}

static void static_key(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct piece *piece = piece_named(&work.image, "kvm_has_noapic_vcpu");
		const struct record *record = record_of(&work.image, "__jump_table", NULL);
		const struct reloc *reloc = reloc_from(record->section, record->at + 8);

		*bytes_of(piece->section, piece->start) ^= 1;
		assert_found(&work, SUBJECT_DATA, VERDICT_CHANGED, "kvm_has_noapic_vcpu");
		*bytes_of(piece->section, piece->start) ^= 1;
		rela_of(&work.image, record->section, reloc)->r_addend ^= 1;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_CHANGED, record->owner->name);
	}
}

static void crc(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct piece *piece = piece_named(&work.image, "__crc_kvm_io_bus_write");

		*bytes_of(piece->section, piece->start) ^= 1;
		assert_found(&work, SUBJECT_EXPORT, VERDICT_CHANGED, "kvm_io_bus_write");
	}
}

/* The first entry of every table, about a place one byte farther on. */
static void tables(void **state)
{
	struct work work;
	size_t n = 0;

	(void)state;
	FOR_EACH(&work, "kvm") {
		for (size_t i = 1; i < work.image.n_sections; i++) {
			const struct section *section = &work.image.sections[i];
			Elf64_Rela *rela;

			if (section->kind != KIND_TABLE || !section->n_relocs)
				continue;
			rela = rela_of(&work.image, section, &section->relocs[0]);
			rela->r_addend++;
			compare(&work);
			rela->r_addend--;
			if (!work.audited.undeclared)
				fail_msg("%s", section->name);
			n++;
		}
	}
	assert_true(n > 10);
}

static void unwinding(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		bytes_of(image_section(&work.image, ".orc_unwind"), 0)[2] ^= 1;
		compare(&work);
		assert_true(work.audited.undeclared > 0);
	}
}

static Elf64_Sym *sym_of(const struct image *image, const char *name)
{
	return (Elf64_Sym *)(void *)bytes_of(image_section(image, ".symtab"), 0) +
	       symbol_named(image, name);
}

static void another_function(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		sym_of(&work.image, "kvm_io_bus_write")->st_name++;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_ADDED, "vm_io_bus_write");
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_REMOVED, "kvm_io_bus_write");
		sym_of(&work.image, "kvm_io_bus_write")->st_name--;
		sym_of(&work.image, "kvm_io_bus_write")->st_size -= 8;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_CHANGED, "kvm_io_bus_write");
	}
}

/* Its name is not exported any more, or it has another one beside. */
static void names(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm-intel") {
		Elf64_Sym *symbol = sym_of(&work.image, "init_module");

		sym_of(&work.image, "vmx_init")->st_name++;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_CHANGED, "init_module");
		sym_of(&work.image, "vmx_init")->st_name--;
		symbol->st_other = STV_HIDDEN;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_CHANGED, "init_module");
	}
}

static void code_in_padding(void **state)
{
	static const unsigned char code[] = { 0xb8, 1, 0, 0, 0, 0xc3 };
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct section *section = image_section(&work.image, ".text");
		size_t i = 0;

		while (section->pieces[i + 1].start - section->pieces[i].end < 8)
			i++;
		memcpy(bytes_of(section, section->pieces[i].end), code, sizeof(code));
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_ADDED, "(in .text)");
	}
}

static char *text_of(const struct image *image, const char *section, const char *text)
{
	const struct section *in = image_section(image, section);

	return memmem(in->data, in->size, text, strlen(text));
}

static void information(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		char *vermagic = text_of(&work.image, ".modinfo", "vermagic=6.");

		vermagic[9] = '5';
		assert_found(&work, SUBJECT_INFO, VERDICT_ADDED, vermagic);
	}
}

static void import_crc(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		text_of(&work.image, "__versions", "kfree")[-8] ^= 1;
		assert_found(&work, SUBJECT_IMPORT, VERDICT_CHANGED, "kfree");
	}
}

static void compiler(void **state)
{
	struct work work;
	struct audit audit;

	(void)state;
	FOR_EACH(&work, "kvm") {
		memcpy(text_of(&work.image, ".comment", "GCC: "), "CCC: ", 5);
		compare(&work);
		assert_false(work.audited.compared);
		assert_int_equal(work.audited.undeclared, 0);
		assert_non_null(strstr(work.audited.compiler, "CCC: "));
		memset(&audit, 0, sizeof(audit));
		audit.n = 1;
		audit.modules[0] = work.audited;
		assert_string_equal(audit_verdict(&audit), "not attestable");
		/* Exports are compared all the same. */
		*bytes_of(image_section(&work.image, "__kcrctab_gpl"), 0) ^= 1;
		compare(&work);
		assert_int_equal(work.audited.undeclared, 1);
	}
}

/* The header of section @name in the copy's file. */
static Elf64_Shdr *header_of(const struct image *image, const char *name)
{
	Elf64_Ehdr *elf = (Elf64_Ehdr *)(void *)image->plain;
	Elf64_Shdr *headers = (Elf64_Shdr *)(void *)(image->plain + elf->e_shoff);

	return headers + (image_section(image, name) - image->sections);
}

static void sections(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		header_of(&work.image, ".rodata")->sh_flags |= SHF_WRITE;
		assert_found(&work, SUBJECT_SECTION, VERDICT_CHANGED, ".rodata");
		header_of(&work.image, ".rodata")->sh_flags &= ~(uint64_t)SHF_WRITE;
		header_of(&work.image, ".smp_locks")->sh_name++;
		assert_found(&work, SUBJECT_SECTION, VERDICT_ADDED, "smp_locks");
	}
}

static void moved_line(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm") {
		const struct record *record = record_of(&work.image, "__bug_table", NULL);

		bytes_of(record->section, record->at)[record->size - 4] ^= 1;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_MOVED, record->owner->name);
		snprintf(work.declared.fixes[0].state, 32, "applied");
		work.declared.n = 1;
		compare(&work);
		assert_int_equal(work.audited.n, 1);
		assert_int_equal(work.audited.undeclared, 0);
		bytes_of(record->section, record->at)[record->size - 2] ^= 1;
		assert_found(&work, SUBJECT_FUNCTION, VERDICT_CHANGED, record->owner->name);
	}
}

/* Is a difference in @built seen when it is held against its pair? */
static bool seen(struct work *work, struct piece *built)
{
	struct match match = { .stock = &work->stock, .built = &work->image, .final = true };

	return !match_pieces(&match, built->pair, built, why) || match.moved_lines;
}

static void spoil_relocs(struct work *work, struct section *section, uint64_t from, uint64_t to,
			 struct piece *piece)
{
	struct reloc *reloc = reloc_from(section, from);

	for (; reloc < section->relocs + section->n_relocs && reloc->offset < to; reloc++) {
		uint32_t symbol = reloc->symbol;
		struct place place;

		/* A byte farther on the constant can be the same; no code can be anywhere. */
		place_of_reloc(&work->image, reloc, &place);
		if (place.kind == PLACE_CONSTANT ||
		    (section->table && section->table->code_at && !section->data[to - 1] &&
		     reloc->offset - from == section->table->code_at))
			continue;
		reloc->addend++;
		if (!seen(work, piece))
			fail_msg("%s: addend at 0x%lx", piece->name, reloc->offset - from);
		reloc->addend--;
		reloc->symbol = symbol > 1 ? symbol - 1 : symbol + 1;
		if (!seen(work, piece))
			fail_msg("%s: symbol at 0x%lx", piece->name, reloc->offset - from);
		reloc->symbol = symbol;
	}
}

static void spoil_bytes(struct work *work, const struct section *section, uint64_t from,
			uint64_t to, struct piece *piece)
{
	for (uint64_t at = from; section->data && at < to; at++) {
		*bytes_of(section, at) ^= 0x41;
		if (!seen(work, piece))
			fail_msg("%s: byte at 0x%lx", piece->name, at - from);
		*bytes_of(section, at) ^= 0x41;
	}
}

/* Every byte and every reference of a module, one at a time. */
static void everything(void **state)
{
	struct work work;

	(void)state;
	FOR_EACH(&work, "kvm-amd") {
		assert_int_equal(pair_images(&work.stock, &work.image, why), 0);
		for (size_t i = 1; i < work.image.n_sections; i++) {
			struct section *section = &work.image.sections[i];

			for (size_t j = 0; j < section->n_pieces; j++) {
				struct piece *piece = &section->pieces[j];

				assert_false(seen(&work, piece));
				spoil_relocs(&work, section, piece->start, piece->end, piece);
				spoil_bytes(&work, section, piece->start, piece->end, piece);
			}
		}
		for (size_t i = 0; i < work.image.n_records; i++) {
			struct record *record = &work.image.records[i];

			spoil_relocs(&work, (struct section *)(uintptr_t)record->section, record->at,
				     record->at + record->size, record->owner);
			spoil_bytes(&work, record->section, record->at, record->at + record->size,
				    record->owner);
		}
	}
}

/* Every byte of the headers, and many others: an error or a report, and nothing worse. */
static void malformed(void **state)
{
	unsigned int random = 1, refused = 0;
	struct declared none;
	struct work work;

	(void)state;
	memset(&none, 0, sizeof(none));
	FOR_EACH(&work, "kvm-amd") {
		size_t size = work.image.plain_size;
		char *copy = malloc(size);

		for (size_t i = 0; i < 200; i++) {
			memcpy(copy, work.stock.plain, size);
			for (size_t j = 0; j < 4; j++) {
				random = random * 1103515245u + 12345u;
				copy[(random >> 4) % (i & 1 ? size : 0x40)] ^= (char)(1 << (random % 8));
				random = random * 1103515245u + 12345u;
				copy[size - 1 - (random >> 4) % 0x6000] ^= (char)(1 << (random % 8));
			}
			refused += audit_bytes(work.stock.plain, size, copy, size, "x", &none,
					       &work.audited, why) != 0;
			audited_free(&work.audited);
		}
		free(copy);
	}
	assert_true(refused > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(itself),
		cmocka_unit_test(instruction),
		cmocka_unit_test(declared_instruction),
		cmocka_unit_test(call),
		cmocka_unit_test(constant),
		cmocka_unit_test(string),
		cmocka_unit_test(merged_string),
		cmocka_unit_test(unused_text),
		cmocka_unit_test(permission),
		cmocka_unit_test(static_key),
		cmocka_unit_test(crc),
		cmocka_unit_test(tables),
		cmocka_unit_test(unwinding),
		cmocka_unit_test(another_function),
		cmocka_unit_test(names),
		cmocka_unit_test(code_in_padding),
		cmocka_unit_test(information),
		cmocka_unit_test(import_crc),
		cmocka_unit_test(compiler),
		cmocka_unit_test(sections),
		cmocka_unit_test(moved_line),
		cmocka_unit_test(everything),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, find_dirs, NULL);
}
