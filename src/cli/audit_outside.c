// SPDX-License-Identifier: GPL-2.0-only
/*
 * What other modules and the loader see: sections, imports, exports and their CRCs; and
 * the symbols that name no bytes.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvm-fixes/stamp.h>

#include "audit_parts.h"

static int compare_crcs(const struct symbol_crc *stock, size_t n_stock,
			const struct symbol_crc *built, size_t n_built, enum subject subject,
			struct audited *audited)
{
	char detail[64];
	int err = 0;

	for (size_t i = 0; !err && i < n_built; i++) {
		const struct symbol_crc *was = symbol_find(stock, n_stock, built[i].name);

		if (!was || was->crc == built[i].crc)
			continue;
		snprintf(detail, sizeof(detail), "CRC 0x%08" PRIx32 ", was 0x%08" PRIx32, built[i].crc,
			 was->crc);
		err = finding_add(audited, subject, VERDICT_CHANGED, built[i].name, detail, NULL);
	}
	return err;
}

static int compare_exports(const struct modfile *stock, const struct modfile *built,
			   const struct declared *declared, struct audited *audited)
{
	int err = compare_crcs(stock->exports, stock->n_exports, built->exports, built->n_exports,
			       SUBJECT_EXPORT, audited);

	for (size_t i = 0; !err && i < built->n_exports; i++) {
		const char *name = built->exports[i].name;

		if (!symbol_find(stock->exports, stock->n_exports, name))
			err = finding_add(audited, SUBJECT_EXPORT, VERDICT_ADDED, name, "",
					  declared_by(declared, name));
	}
	for (size_t i = 0; !err && i < stock->n_exports; i++) {
		const char *name = stock->exports[i].name;

		if (!symbol_find(built->exports, built->n_exports, name))
			err = finding_add(audited, SUBJECT_EXPORT, VERDICT_REMOVED, name, "", NULL);
	}
	return err;
}

/* Symbols that are not defined here, or name no bytes, in the order of names. */
struct names {
	const struct symbol **list;
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	const struct symbol *left = *(const struct symbol *const *)a;
	const struct symbol *right = *(const struct symbol *const *)b;

	return strcmp(left->name, right->name);
}

static bool is_import(const struct image *image, const struct symbol *symbol)
{
	(void)image;
	return symbol->section == SECTION_UNDEFINED && *symbol->name;
}

/* Absolute, or between the pieces. CRCs of exports are compared as such. */
static bool is_loose(const struct image *image, const struct symbol *symbol)
{
	const struct piece *piece;

	if (symbol->section == SECTION_UNDEFINED || symbol->type == STT_FILE ||
	    symbol->type == STT_SECTION || strncmp(symbol->name, "__crc_", 6) == 0)
		return false;
	if (symbol->section == SECTION_ABSOLUTE)
		return true;
	if (!symbol->label || (!symbol->size && symbol->bind == STB_LOCAL))
		return false;
	piece = piece_at(&image->sections[symbol->section], symbol->value);
	return !piece || symbol->value >= piece->end;
}

static int find_names(const struct image *image,
		      bool (*wanted)(const struct image *image, const struct symbol *symbol),
		      struct names *names)
{
	names->n = 0;
	names->list = calloc(image->n_symbols, sizeof(const struct symbol *));
	if (!names->list)
		return -ENOMEM;
	for (size_t i = 1; i < image->n_symbols; i++) {
		if (wanted(image, &image->symbols[i]))
			names->list[names->n++] = &image->symbols[i];
	}
	if (names->n)
		qsort(names->list, names->n, sizeof(const struct symbol *), compare_names);
	return 0;
}

static int report_name(struct audited *audited, enum verdict verdict, const struct image *image,
		       const struct symbol *symbol)
{
	uint32_t index = (uint32_t)(symbol - image->symbols);

	if (symbol->section == SECTION_UNDEFINED)
		return finding_add(audited, SUBJECT_IMPORT, verdict, symbol->name, "",
				   image_users_by(image, NULL, index));
	return finding_add(audited, SUBJECT_SYMBOL, verdict, symbol->name, "", NULL);
}

static int compare_name(struct audited *audited, const struct symbol *stock,
			const struct symbol *built)
{
	enum subject subject = built->section == SECTION_UNDEFINED ? SUBJECT_IMPORT : SUBJECT_SYMBOL;

	if (stock->bind == built->bind && stock->type == built->type &&
	    (built->section != SECTION_ABSOLUTE || stock->value == built->value))
		return 0;
	return finding_add(audited, subject, VERDICT_CHANGED, built->name,
			   "its symbol is of another kind or value", NULL);
}

static int compare_symbols(const struct image *stock, const struct image *built,
			   bool (*wanted)(const struct image *image, const struct symbol *symbol),
			   struct audited *audited)
{
	struct names left, right = { NULL, 0 };
	size_t i = 0, j = 0;
	int err = find_names(stock, wanted, &left);

	if (!err)
		err = find_names(built, wanted, &right);
	while (!err && (i < left.n || j < right.n)) {
		int order = i == left.n ? 1 : j == right.n ? -1 :
			    strcmp(left.list[i]->name, right.list[j]->name);

		if (order < 0)
			err = report_name(audited, VERDICT_REMOVED, stock, left.list[i]);
		else if (order > 0)
			err = report_name(audited, VERDICT_ADDED, built, right.list[j]);
		else
			err = compare_name(audited, left.list[i], right.list[j]);
		i += order <= 0;
		j += order >= 0;
	}
	free(left.list);
	free(right.list);
	return err;
}

/* Sections that only say how the file is made, or that debuggers read. */
static bool is_inner(const struct section *section)
{
	return section->kind == KIND_IGNORED && !(section->flags & SHF_ALLOC);
}

/* A section that came or went belongs to the fix that all of its contents belong to. */
static const char *section_by(const struct image *image, const struct section *section)
{
	const char *by = NULL;

	if (strcmp(section->name, KVM_FIXES_NOTE_SECTION) == 0 && image->file.stamp.present)
		return AUDIT_BY_STAMP;
	if (section->used)	/* its texts are judged one by one */
		return AUDIT_BY_ANY;
	for (size_t i = 0; i < section->n_pieces; i++) {
		by = section->pieces[i].by;
		if (!by)
			return NULL;
	}
	for (size_t i = 0; i < image->n_records; i++) {
		if (image->records[i].section != section)
			continue;
		by = image->records[i].owner->by;
		if (!by)
			return NULL;
	}
	return by;
}

static int compare_section(const struct section *stock, const struct section *built,
			   struct audited *audited)
{
	const char *detail = NULL;

	if (built->kind == KIND_UNKNOWN || stock->kind == KIND_UNKNOWN)
		detail = "of a kind that is not known here, so nothing can be said of it";
	else if (stock->type != built->type || stock->flags != built->flags ||
		 stock->align != built->align || stock->entsize != built->entsize)
		detail = "its type, flags, alignment or size of entries differ";
	else if (stock->kind == KIND_EXACT && (stock->size != built->size ||
		 (stock->size && memcmp(stock->data, built->data, stock->size))))
		detail = "bytes differ";
	if (!detail)
		return 0;
	return finding_add(audited, SUBJECT_SECTION, VERDICT_CHANGED, built->name, detail, NULL);
}

/* Those of @image that @other does not have. */
static int lone_sections(const struct image *image, const struct image *other,
			 enum verdict verdict, struct audited *audited)
{
	int err = 0;

	for (size_t i = 1; !err && i < image->n_sections; i++) {
		const struct section *section = &image->sections[i];

		if (is_inner(section) || !section->size || image_section(other, section->name))
			continue;
		err = finding_add(audited, SUBJECT_SECTION, verdict, section->name,
				  section->kind == KIND_UNKNOWN ? "of a kind that is not known here" : "",
				  section->kind == KIND_UNKNOWN ? NULL : section_by(image, section));
	}
	return err;
}

static int compare_sections(const struct image *stock, const struct image *built,
			    struct audited *audited)
{
	int err = 0;

	for (size_t i = 1; !err && i < stock->n_sections; i++) {
		const struct section *section = &stock->sections[i];
		const struct section *other = image_section(built, section->name);

		if (other && !is_inner(section))
			err = compare_section(section, other, audited);
	}
	if (!err)
		err = lone_sections(stock, built, VERDICT_REMOVED, audited);
	return err ? err : lone_sections(built, stock, VERDICT_ADDED, audited);
}

int audit_outside(const struct image *stock, const struct image *built,
		  const struct declared *declared, struct audited *audited)
{
	const struct modfile *left = &stock->file, *right = &built->file;
	int err = compare_exports(left, right, declared, audited);

	if (!err)
		err = compare_crcs(left->imports, left->n_imports, right->imports, right->n_imports,
				   SUBJECT_IMPORT, audited);
	if (err || !audited->compared)
		return err;
	err = compare_symbols(stock, built, is_import, audited);
	if (!err)
		err = compare_symbols(stock, built, is_loose, audited);
	return err ? err : compare_sections(stock, built, audited);
}
