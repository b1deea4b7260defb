// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables that are read by record: each is about the place that its first field refers
 * to, and belongs to the piece there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

/* Every record begins with a reference, and nothing but a whole number of them fits. */
static bool size_fits(const struct section *section, size_t size)
{
	uint64_t rest = section->size % size;

	if (rest && (!section->table->last || rest < section->table->last))
		return false;
	for (uint64_t at = 0; at < section->size; at += size) {
		const struct reloc *reloc = reloc_from(section, at);

		if (reloc == section->relocs + section->n_relocs || reloc->offset != at)
			return false;
	}
	return true;
}

static size_t record_size(const struct section *section)
{
	for (const uint8_t *size = section->table->sizes; *size; size++) {
		if (size_fits(section, *size))
			return *size;
	}
	return 0;
}

static bool beside_fits(const struct image *image, const struct section *section, size_t n)
{
	const struct section *beside = image_section(image, section->table->beside);

	return beside && beside->data && beside->size == n * section->table->beside_size;
}

static int read_table(struct image *image, struct section *section, char *why)
{
	size_t size = record_size(section), n;
	struct place place;

	if (section->size && !size)
		return image_damaged(image, why, "section %.60s is not laid out as it is known to be",
				     section->name);
	section->record_size = size;
	n = size ? (section->size + size - 1) / size : 0;
	if (section->table->beside && n && !beside_fits(image, section, n))
		return image_damaged(image, why, "sections %.60s and %.60s do not belong together",
				     section->name, section->table->beside);
	for (size_t i = 0; i < n; i++) {
		struct record *record = &image->records[image->n_records];

		place_of_reloc(image, reloc_from(section, i * size), &place);
		if (place.kind != PLACE_PIECE)
			return image_damaged(image, why, "section %.60s is about a place outside all code",
					     section->name);
		/* How to unwind from where nothing runs, between functions, and what read_unwind() has. */
		if (section->table->beside &&
		    (!place.offset || (uint64_t)place.offset >= place.piece->end - place.piece->start))
			continue;
		record->section = section;
		record->at = i * size;
		/* What pads it is not there behind the last. */
		record->size = section->table->last ? section->table->last : size;
		record->owner = place.piece;
		image->n_records++;
	}
	return 0;
}

/*
 * An entry holds until the next one, so the start of a piece has none of its own if
 * what lies before it, be it padding, ends in the same state.
 */
static int read_unwind(struct image *image, struct section *section, char *why)
{
	const struct section *beside = image_section(image, section->table->beside);
	size_t n = section->record_size ? section->size / section->record_size : 0;
	struct place place, next;

	for (size_t i = 0; i < n; i++, place = next) {
		struct piece *piece, *last;
		uint64_t until = UINT64_MAX;

		if (!i)
			place_of_reloc(image, reloc_from(section, 0), &place);
		piece = place.piece;
		last = piece->section->pieces + piece->section->n_pieces;
		if (i + 1 < n) {
			place_of_reloc(image, reloc_from(section, (i + 1) * section->record_size), &next);
			if (next.piece->section == piece->section)
				until = next.piece->start + (uint64_t)next.offset;
		}
		if (until < piece->start + (uint64_t)place.offset)
			return image_damaged(image, why, "section %.60s is not in order", section->name);
		if (place.offset)
			piece++;
		for (; piece < last && piece->start < until; piece++)
			piece->unwind = beside->data + i * section->table->beside_size;
	}
	return 0;
}

static int compare_records(const void *a, const void *b)
{
	const struct record *left = a, *right = b;

	if (left->owner != right->owner)
		return left->owner < right->owner ? -1 : 1;
	if (left->section != right->section)
		return left->section->table < right->section->table ? -1 : 1;
	return (left->at > right->at) - (left->at < right->at);
}

/* At most one for each relocation. */
static size_t count(const struct image *image)
{
	size_t n = 1;

	for (size_t i = 1; i < image->n_sections; i++) {
		if (image->sections[i].kind == KIND_TABLE)
			n += image->sections[i].n_relocs;
	}
	return n;
}

int image_read_tables(struct image *image, char *why)
{
	int err = 0;

	image->records = calloc(count(image), sizeof(*image->records));
	if (!image->records) {
		snprintf(why, WHY_MAX, "no memory is left to compare modules; free some");
		return -ENOMEM;
	}
	for (size_t i = 1; !err && i < image->n_sections; i++) {
		struct section *section = &image->sections[i];

		if (section->kind != KIND_TABLE)
			continue;
		err = read_table(image, section, why);
		if (!err && section->table->beside)
			err = read_unwind(image, section, why);
	}
	if (err)
		return err;
	qsort(image->records, image->n_records, sizeof(*image->records), compare_records);
	for (size_t i = 0; i < image->n_records; i++) {
		struct record *record = &image->records[i];

		if (!record->owner->n_records++)
			record->owner->records = record;
	}
	return 0;
}
