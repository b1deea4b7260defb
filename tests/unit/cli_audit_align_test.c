// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit on functions that moved: what aligns their loops may be of another length, and
 * nothing else. The modules are assembled here, with the function at another place in each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit_parts.h"

/* What is not given on the command line is as here. MOVED is what comes in before the function. */
static const char defaults[] =
	".macro default name, value\n.ifndef \\name\n.set \\name, \\value\n.endif\n.endm\n"
	"default MOVED, 0\ndefault FILL, 100\ndefault STEP, 1\ndefault STRAIGHT, 0\n"
	"default UNALIGNED, 0\ndefault INTO_LOOP, 0\ndefault INTO_COLD, 0\ndefault SITE, 5\n"
	"default NO_GAP, 0\ndefault FRAME, 2\ndefault FIRST, 6\ndefault SECOND, 5\n"
	"default AMID, 0\ndefault ENDS, 0\ndefault BEFORE, 0\ndefault INTO_END, 0\ndefault WITHIN, 0\n";

static const char source[] =
	".section .modinfo, \"a\"\n"
	".asciz \"license=GPL\"\n.asciz \"name=kvm\"\n.asciz \"vermagic=6.1 \"\n"
	".text\n.p2align 6\n"
	".type first, @function\nfirst: .fill MOVED + 15, 1, 0x98\nret\n.size first, . - first\n"
	".type loops, @function\nloops:\n"
	"push %rbp\n"
	"1: .nops 5\n"				/* a static branch */
	".p2align AMID\n"
	"test %edi, %edi\nje .Lend + INTO_END\n"	/* short or long, as loops lie */
	"jmp .Lcheck\n"
	"8: .p2align FIRST\n"
	".Lloop: mov (%rdi), %rax\n"
	"add $STEP, %rdi\n"
	".fill STRAIGHT, 1, 0x90\n"
	".Lcheck: call outside\n"
	"2: lock incl (%rdi)\n"
	"cmp %rax, %rdi\n"
	"jb .Lloop + INTO_LOOP\n"
	"3: .nops 5\n"				/* an alternative, right before what fills up */
	".p2align SECOND\n"
	".Lsecond: dec %eax\n"
	"jne .Lsecond\n"
	"5: ud2\n"
	".fill UNALIGNED, 1, 0x90\n"
	".Lthird: dec %ecx\n"
	"jne .Lthird\n"
	"lea .Lsecond(%rip), %rax\n"
	".fill FILL, 1, 0x98\n"
	".type within, @object\n.globl within\n.Lwithin: dec %edx\n"
	".set within, .Lwithin + WITHIN\n.size within, 2\n"
	".Lend: pop %rbp\nret\nint3\n"
	".p2align ENDS\n"
	".size loops, . - loops\n"
	".type last, @function\nlast: call loops\njmp .Lloop\n.size last, . - last\n"
	".section .text.unlikely, \"ax\"\n"
	".type loops.cold, @function\nloops.cold: ud2\njmp .Lsecond + INTO_COLD\n"
	".size loops.cold, . - loops.cold\n"
	".section .rodata, \"a\"\n.type cases, @object\ncases: .quad .Lloop - BEFORE, .Lend, loops\n"
	".size cases, . - cases\n"
	".data\n.type key, @object\nkey: .quad 7\n.size key, 8\n"
	".section .altinstr_replacement, \"ax\"\n6: jmp .Lloop\n"
	".section .altinstructions, \"a\"\n.long 3b - ., 6b - ., 7\n.byte SITE, 5\n"
	".section __jump_table, \"aw\"\n.long 1b - ., .Lsecond - .\n.quad key - .\n"
	".section .smp_locks, \"a\"\n.long 2b - .\n"
	".section __bug_table, \"aw\"\n.long 5b - ., 7f - .\n.word 12, 0\n"
	".section __ex_table, \"a\"\n.long .Lloop - ., .Lend - ., 3\n"
	".section .rodata.str1.1, \"aMS\", @progbits, 1\n7: .asciz \"file.c\"\n"
	/* Of what is not there nothing says how to unwind, and so neither of what is behind it. */
	".section .orc_unwind_ip, \"a\"\n.long first - ., loops + 1 - .\n"
	".if NO_GAP == 0\n.long 8b - ., .Lloop - .\n.endif\n"
	".long .Lsecond + 2 - ., .Lend + 1 - .\n"
	".section .orc_unwind, \"a\"\n.fill 6, 1, 1\n.fill 6, 1, 2\n"
	".if NO_GAP == 0\n.fill 6, 1, 0\n.fill 6, 1, 2\n.endif\n"
	".fill 6, 1, FRAME + 1\n.fill 6, 1, 1\n";

static char why[WHY_MAX];

/* A module; @values: "NAME=VALUE" each, a space between. */
static void assemble(const char *values, struct image *image)
{
	char path[] = "/tmp/kvm-fixes.XXXXXX", command[512], *copy = strdup(values), *rest = copy, *value;
	int fd = mkstemp(path);
	FILE *to;

	assert_true(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command), "as -o %s", path);
	while ((value = strsep(&rest, " ")))
		snprintf(command + strlen(command), sizeof(command) - strlen(command),
			 *value ? " --defsym %s" : "%s", value);
	to = popen(command, "w");	/* NOLINT(cert-env33-c): of the words above */
	assert_non_null(to);
	fprintf(to, "%s%s", defaults, source);
	assert_int_equal(pclose(to), 0);
	if (image_read(path, image, why))
		fail_msg("%s", why);
	unlink(path);
	free(copy);
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

/**
 * struct work - two modules
 * @built: of two to be spoilt
 */
struct work {
	struct image stock;
	struct image built;
};

static void begin(struct work *work, const char *stock, const char *built)
{
	assemble(stock, &work->stock);
	assemble(built, &work->built);
	if (pair_images(&work->stock, &work->built, why))
		fail_msg("%s", why);
}

static void end(struct work *work)
{
	image_free(&work->stock);
	image_free(&work->built);
}

static const struct gap *gap_of(const struct piece *piece, enum gap_kind kind)
{
	for (size_t i = 0; i < piece->n_gaps; i++) {
		if (piece->gaps[i].kind == kind)
			return &piece->gaps[i];
	}
	return NULL;
}

/* All but the function that grew, and the padding of loops. */
static void assert_padded(const char *stock, const char *built)
{
	struct work work;

	begin(&work, stock, built);
	for (size_t i = 1; i < work.stock.n_sections; i++) {
		for (size_t j = 0; j < work.stock.sections[i].n_pieces; j++) {
			const struct piece *piece = &work.stock.sections[i].pieces[j];

			if (!piece->same && strcmp(piece->name, "first") != 0)
				fail_msg("%s, %s: %s: %s", stock, built, piece->name, piece->why);
		}
	}
	assert_true(piece_named(&work.stock, "loops")->moved_padding);
	assert_false(piece_named(&work.stock, "loops.cold")->moved_padding);
	end(&work);
}

/* @name is found to be another one, with a reason that has @reason in it. */
static void assert_differs(const char *stock, const char *built, const char *name, const char *reason)
{
	const struct piece *piece;
	struct work work;

	begin(&work, stock, built);
	piece = piece_named(&work.stock, name);
	if (piece->same || !strstr(piece->why, reason))
		fail_msg("%s, %s: %s: %s", stock, built, name, piece->same ? "same" : piece->why);
	end(&work);
}

static void padding(void **state)
{
	static const char *const moves[] = { "MOVED=0", "MOVED=16", "MOVED=32 NO_GAP=1", "MOVED=48" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 4; j++) {
			if (i != j)
				assert_padded(moves[i], moves[j]);
		}
	}
	assert_padded("FIRST=4 NO_GAP=1", "MOVED=16 FIRST=4 NO_GAP=1");
}

/* What is behind it is compared, and so is all that the function refers to and is told of. */
static void instructions(void **state)
{
	(void)state;
	assert_differs("", "MOVED=16 STEP=2", "loops", "bytes, were");
	assert_differs("", "MOVED=16 INTO_LOOP=3", "loops", "leads elsewhere");
	assert_differs("", "MOVED=16 FRAME=3", "loops", "another way to unwind");
	assert_differs("", "MOVED=16 INTO_COLD=2", "loops.cold", "refers to loops");
	assert_differs("", "MOVED=16 WITHIN=2", "loops", "other names within it");
	assert_differs("BEFORE=1", "MOVED=16 BEFORE=1", "cases", "refers to loops");
	assert_padded("STEP=2 INTO_LOOP=3 FRAME=3 INTO_COLD=2", "MOVED=16 STEP=2 INTO_LOOP=3 FRAME=3 INTO_COLD=2");
}

/* NOPs that align nothing, or nothing that is jumped to, or that an alternative covers. */
static void others(void **state)
{
	(void)state;
	assert_differs("", "MOVED=16 STRAIGHT=16", "loops", "bytes, were");
	assert_differs("", "STRAIGHT=32", "loops", "bytes, were");
	assert_differs("UNALIGNED=3", "UNALIGNED=4", "loops", "bytes, were");
	assert_differs("UNALIGNED=3", "UNALIGNED=19", "loops", "bytes, were");
	assert_differs("FIRST=4 NO_GAP=1 AMID=5", "MOVED=16 FIRST=4 NO_GAP=1 AMID=5", "loops", "bytes, were");
	assert_differs("FIRST=4 SECOND=4 NO_GAP=1 ENDS=5", "MOVED=16 FIRST=4 SECOND=4 NO_GAP=1 ENDS=5",
		       "loops", "bytes, were");
	assert_padded("UNALIGNED=3", "MOVED=16 UNALIGNED=3");
	assert_differs("FIRST=4 NO_GAP=1 SITE=6", "MOVED=16 FIRST=4 NO_GAP=1 SITE=6", "loops", "bytes, were");
}

/* Over which distance a jump leads can make it another one. */
static void jumps(void **state)
{
	struct work work;
	size_t n = 0;
	char stock[32], built[32], spoilt[48];

	(void)state;
	for (int fill = 0; fill < 64; fill += 8) {
		snprintf(stock, sizeof(stock), "FILL=%d", fill);
		snprintf(built, sizeof(built), "MOVED=16 FILL=%d", fill);
		assert_padded(stock, built);
		assert_padded(built, stock);
		snprintf(spoilt, sizeof(spoilt), "%s INTO_END=1", built);
		assert_differs(stock, spoilt, "loops", "leads elsewhere");
		begin(&work, stock, built);
		n += gap_of(piece_named(&work.stock, "loops"), GAP_JUMP) != NULL;
		end(&work);
	}
	assert_true(n);
}

/* Is a difference in @built seen when it is held against its pair? */
static bool seen(struct work *work, struct piece *built)
{
	struct match match = { .stock = &work->stock, .built = &work->built, .final = true };

	return !match_pieces(&match, built->pair, built, why);
}

/* Padding that stays padding is not seen; where it is something else, it is. */
static void spoil_bytes(struct work *work, struct piece *piece)
{
	unsigned char *code = (unsigned char *)(uintptr_t)piece->section->data + piece->start;
	const struct piece *stock = piece->pair;

	for (uint64_t at = 0; at < piece->end - piece->start; at++) {
		bool inside = false;

		for (size_t i = 0; i < stock->n_gaps; i++)
			inside = inside || (stock->gaps[i].kind != GAP_JUMP && at > stock->gaps[i].built &&
					    at < stock->gaps[i].built + stock->gaps[i].built_size);
		for (int bit = 1; !inside && bit < 0x100; bit *= 2) {
			code[at] ^= (unsigned char)bit;
			if (!seen(work, piece))
				fail_msg("%s: byte at 0x%lx, bit 0x%x", piece->name, at, bit);
			code[at] ^= (unsigned char)bit;
			assert_false(seen(work, piece));
		}
	}
}

static void spoil_relocs(struct work *work, struct section *section, uint64_t from, uint64_t to,
			 struct piece *piece)
{
	struct reloc *reloc = reloc_from(section, from);

	for (; reloc < section->relocs + section->n_relocs && reloc->offset < to; reloc++) {
		for (int by = -70; by <= 70; by++) {
			reloc->addend += by;
			if (by && !seen(work, piece))
				fail_msg("%s of %s: +0x%lx by %d", section->name, piece->name, reloc->offset, by);
			reloc->addend -= by;
		}
	}
	assert_false(seen(work, piece));
}

/* What refers to the function or its loops, one reference at a time. */
static void spoil_all(const char *stock, const char *built)
{
	struct work work;

	begin(&work, stock, built);
	spoil_bytes(&work, piece_named(&work.built, "loops"));
	for (size_t i = 0; i < work.built.n_records; i++) {
		struct record *record = &work.built.records[i];

		if (record->owner->same)
			spoil_relocs(&work, (struct section *)(uintptr_t)record->section, record->at,
				     record->at + record->size, record->owner);
	}
	for (size_t i = 1; i < work.built.n_sections; i++) {
		struct section *section = &work.built.sections[i];

		for (size_t j = 0; j < section->n_pieces; j++) {
			struct piece *piece = &section->pieces[j];

			if (piece->same)
				spoil_relocs(&work, section, piece->start, piece->end, piece);
		}
	}
	end(&work);
}

static void references(void **state)
{
	(void)state;
	spoil_all("", "MOVED=16");
	spoil_all("FIRST=4 NO_GAP=1", "MOVED=16 FIRST=4 NO_GAP=1");
	spoil_all("MOVED=16 FILL=30", "FILL=30");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padding),
		cmocka_unit_test(instructions),
		cmocka_unit_test(others),
		cmocka_unit_test(jumps),
		cmocka_unit_test(references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
