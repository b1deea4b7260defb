// SPDX-License-Identifier: GPL-2.0-only
/*
 * One module against the shipped one: what differs, and which fix said that it would.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

static int no_memory(char *why)
{
	snprintf(why, WHY_MAX, "no memory is left to compare modules; free some");
	return -ENOMEM;
}

/* Names that stand for the piece's own beginning are its names too. */
static const char *by_name(const struct image *image, const struct piece *piece,
			   const struct declared *declared)
{
	const char *by = piece->symbol ? declared_by(declared, piece->name) : NULL;

	for (size_t i = 0; !by && i < piece->n_labels; i++) {
		const struct symbol *symbol = &image->symbols[image->labels[piece->first_label + i]];

		if (symbol->value == piece->start && symbol->size == piece->end - piece->start)
			by = declared_by(declared, symbol->name);
	}
	return by;
}

static bool differs(const struct piece *piece)
{
	return !piece->pair || !piece->same;
}

/*
 * What no fix can name, since the compiler made it up (numbered and nameless objects), and
 * new objects, belong to those who use them: if all of those are declared. Functions,
 * and named objects that changed, are to be named.
 */
static bool goes_by_users(const struct piece *piece)
{
	if (!piece->symbol || strcmp(piece->name, piece->key) != 0)
		return piece->section->kind == KIND_DATA || !piece->symbol;
	return !piece->pair && piece->section->kind == KIND_DATA;
}

/* Of an export's table entries: the exported function. */
static const char *exported_name(const char *name)
{
	static const char *const before[] = {
		"__ksymtab_", "__kstrtab_", "__kstrtabns_", "__crc_", "__kflags_"
	};

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		if (strncmp(name, before[i], strlen(before[i])) == 0)
			return name + strlen(before[i]);
	}
	return NULL;
}

static void judge_by_name(struct image *image, const struct declared *declared)
{
	for (size_t i = 0; i < image->n_sections; i++) {
		for (size_t j = 0; j < image->sections[i].n_pieces; j++) {
			struct piece *piece = &image->sections[i].pieces[j];
			const char *export = exported_name(piece->name);

			if (!differs(piece))
				continue;
			piece->by = by_name(image, piece, declared);
			if (!piece->by && export && !piece->pair)
				piece->by = declared_by(declared, export);
		}
	}
}

/* True when one more is declared. */
static bool judge_by_users(struct image *image)
{
	bool more = false;

	for (size_t i = 0; i < image->n_sections; i++) {
		for (size_t j = 0; j < image->sections[i].n_pieces; j++) {
			struct piece *piece = &image->sections[i].pieces[j];

			if (!differs(piece) || piece->by || !goes_by_users(piece))
				continue;
			piece->by = image_users_by(image, piece, 0);
			more = more || piece->by;
		}
	}
	return more;
}

static enum subject subject_of(const struct piece *piece)
{
	return piece->section->kind == KIND_CODE ? SUBJECT_FUNCTION : SUBJECT_DATA;
}

static int report_built(const struct piece *piece, const struct declared *declared,
			struct audited *audited)
{
	struct tally *tally = subject_of(piece) == SUBJECT_FUNCTION ? &audited->functions :
								      &audited->data;
	const char *any = declared_any(declared) ? AUDIT_BY_ANY : NULL;

	if (!piece->pair)
		return finding_add(audited, subject_of(piece), VERDICT_ADDED, piece->name, "", piece->by);
	if (!piece->same)
		return finding_add(audited, subject_of(piece), VERDICT_CHANGED, piece->name,
				   piece->pair->why, piece->by);
	if (piece->moved_padding)
		return finding_add(audited, subject_of(piece), VERDICT_PADDED, piece->name,
				   piece->moved_lines ? "and lines" : "", any);
	if (piece->moved_lines)
		return finding_add(audited, subject_of(piece), VERDICT_MOVED, piece->name, "", any);
	tally->same++;
	return 0;
}

static int report(const struct image *stock, const struct image *built,
		  const struct declared *declared, struct audited *audited)
{
	int err = 0;

	for (size_t i = 0; i < built->n_sections; i++) {
		for (size_t j = 0; !err && j < built->sections[i].n_pieces; j++)
			err = report_built(&built->sections[i].pieces[j], declared, audited);
	}
	for (size_t i = 0; i < stock->n_sections; i++) {
		for (size_t j = 0; !err && j < stock->sections[i].n_pieces; j++) {
			const struct piece *piece = &stock->sections[i].pieces[j];

			if (!piece->pair)
				err = finding_add(audited, subject_of(piece), VERDICT_REMOVED,
						  piece->name, "", piece->by);
		}
	}
	return err;
}

static int compare_pieces(struct image *stock, struct image *built, struct declared *declared,
			  struct audited *audited, char *why)
{
	int err = pair_images(stock, built, why);

	if (err)
		return err;
	judge_by_name(stock, declared);
	judge_by_name(built, declared);
	while (judge_by_users(stock))
		;
	while (judge_by_users(built))
		;
	return report(stock, built, declared, audited) || audit_texts(stock, built, audited) ?
	       no_memory(why) : 0;
}

static int same_build(const struct image *built, const struct declared *declared, char *why)
{
	if (!declared->present || strcmp(declared->build, built->file.stamp.build) == 0)
		return 0;
	snprintf(why, WHY_MAX,
		 "%.250s: of build '%s', and what is declared is of build '%s'; name the report.json that was made with it by --declared",
		 built->file.path, built->file.stamp.build, declared->build);
	return -EINVAL;
}

static void read_names(const struct image *stock, const struct image *built, struct audited *audited)
{
	snprintf(audited->name, sizeof(audited->name), "%s", built->file.name);
	memcpy(audited->stock_build_id, stock->file.build_id, sizeof(audited->stock_build_id));
	memcpy(audited->build_id, built->file.build_id, sizeof(audited->build_id));
	image_compiler(stock, audited->stock_compiler, sizeof(audited->stock_compiler));
	image_compiler(built, audited->compiler, sizeof(audited->compiler));
	audited->compared = strcmp(audited->stock_compiler, audited->compiler) == 0;
}

static int compare(struct image *stock, struct image *built, struct declared *declared,
		   struct audited *audited, char *why)
{
	int err = same_build(built, declared, why);

	if (!err && (image_find_edges(stock) || image_find_edges(built)))
		err = no_memory(why);
	if (err)
		return err;
	read_names(stock, built, audited);
	if (audited->compared)
		err = compare_pieces(stock, built, declared, audited, why);
	if (!err && (audit_info(stock, built, declared, audited) ||
		     audit_outside(stock, built, declared, audited)))
		err = no_memory(why);
	findings_close(audited);
	return err;
}

int audit_module(const char *stock, const char *built, struct declared *declared,
		 struct audited *audited, char *why)
{
	struct image *images = calloc(2, sizeof(*images));
	int err = images ? image_read(stock, &images[0], why) : no_memory(why);

	if (!err)
		err = image_read(built, &images[1], why);
	if (!err)
		err = compare(&images[0], &images[1], declared, audited, why);
	for (size_t i = 0; images && i < 2; i++)
		image_free(&images[i]);
	free(images);
	return err;
}

int audit_bytes(const void *stock, size_t stock_size, const void *built, size_t built_size,
		const char *path, struct declared *declared, struct audited *audited, char *why)
{
	struct image *images = calloc(2, sizeof(*images));
	int err = images ? image_parse(stock, stock_size, path, &images[0], why) : no_memory(why);

	if (!err)
		err = image_parse(built, built_size, path, &images[1], why);
	if (!err)
		err = compare(&images[0], &images[1], declared, audited, why);
	for (size_t i = 0; images && i < 2; i++)
		image_free(&images[i]);
	free(images);
	return err;
}
