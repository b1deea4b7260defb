// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a reference means: whatever covers the place that it names, and never a mere offset.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit_parts.h"
#include "json.h"

struct piece *piece_at(const struct section *section, uint64_t at)
{
	size_t low = 0, high = section->n_pieces;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (section->pieces[middle].start <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &section->pieces[low - 1] : NULL;
}

static void place_of_text(const struct section *section, uint64_t at, struct place *place)
{
	const unsigned char *end;

	if (!section->data || at >= section->size)
		return;
	end = memchr(section->data + at, '\0', section->size - at);
	if (!end)
		return;
	place->kind = PLACE_TEXT;
	place->text = section->data + at;
	place->size = (size_t)(end - place->text);
}

bool text_is_source(const struct place *place)
{
	const unsigned char *text = place->text;

	if (place->kind != PLACE_TEXT || place->size < 3 || text[place->size - 2] != '.' ||
	    (text[place->size - 1] != 'c' && text[place->size - 1] != 'h'))
		return false;
	for (size_t i = 0; i < place->size; i++) {
		if (text[i] <= ' ')
			return false;
	}
	return true;
}

/* The folder of the kernel's tree that is named first behind @from; the text's end if none is. */
static size_t find_folder(const struct place *place, size_t from)
{
	static const char *const folders[] = { "arch/x86/", "include/", "virt/kvm/" };

	for (size_t i = from; i < place->size; i++) {
		if (i && place->text[i - 1] != '/')
			continue;
		for (size_t j = 0; j < sizeof(folders) / sizeof(folders[0]); j++) {
			const size_t length = strlen(folders[j]);

			if (length <= place->size - i && !memcmp(place->text + i, folders[j], length))
				return i;
		}
	}
	return place->size;
}

/* Where the name begins that the file has within the kernel's tree. */
static size_t source_start(const struct place *place)
{
	const unsigned char *up = memmem(place->text, place->size, "/../../", 7);
	size_t at = place->size;

	if (up)
		at = find_folder(place, (size_t)(up - place->text) + 7);
	if (at == place->size)
		at = find_folder(place, 0);
	return at == place->size ? 0 : at;
}

bool text_same(const struct place *a, const struct place *b)
{
	size_t from = 0, to = 0;

	if (text_is_source(a) && text_is_source(b)) {
		from = source_start(a);
		to = source_start(b);
	}
	return a->size - from == b->size - to &&
	       !memcmp(a->text + from, b->text + to, a->size - from);
}

static void place_of_constant(const struct section *section, uint64_t at, struct place *place)
{
	if (!section->data || at >= section->size || section->entsize > section->size - at)
		return;
	place->kind = PLACE_CONSTANT;
	place->text = section->data + at;
	place->size = section->entsize;
}

/*
 * What is read-only and no piece is text: image_cut() leaves out nothing else but zeros. The
 * end of an array is one too, and then it is the array's.
 */
static bool is_text_at(const struct section *section, uint64_t at, const struct piece *piece)
{
	if (section->kind != KIND_DATA || (section->flags & SHF_WRITE) || !section->data ||
	    at >= section->size)
		return false;
	return !piece || at > piece->end || (at == piece->end && section->data[at]);
}

static void place_of_piece(const struct section *section, uint64_t at, struct place *place)
{
	struct piece *piece = piece_at(section, at);

	if (is_text_at(section, at, piece))
		place_of_text(section, at, place);
	if (!piece || place->kind == PLACE_TEXT)
		return;
	place->kind = PLACE_PIECE;
	place->piece = piece;
	place->offset = (int64_t)(at - piece->start);
}

void place_of(const struct section *section, uint64_t at, struct place *place)
{
	memset(place, 0, sizeof(*place));
	place->section = section;
	place->at = at;
	switch (section->kind) {
	case KIND_CODE:
	case KIND_DATA:
		place_of_piece(section, at, place);
		break;
	case KIND_STRINGS:
		place_of_text(section, at, place);
		break;
	case KIND_CONSTANTS:
		place_of_constant(section, at, place);
		break;
	case KIND_TABLE:
		if (section->record_size && at < section->size) {
			place->kind = PLACE_RECORD;
			place->name = section->name;
			place->offset = (int64_t)(at % section->record_size);
		}
		break;
	default:
		place->kind = PLACE_SECTION;
		place->name = section->name;
		place->offset = (int64_t)at;
	}
}

/* A symbol of no size marks a place; what happens to lie there is not what is meant. */
static bool is_mark(const struct section *section, const struct symbol *symbol)
{
	return symbol->label && !symbol->size && section->kind == KIND_DATA;
}

/* By a symbol of its own: what that names is meant, also where the sum lies outside it. */
static void place_of_symbol(const struct image *image, const struct symbol *symbol, int64_t offset,
			    struct place *place)
{
	const struct section *section = &image->sections[symbol->section];

	place_of(section, symbol->value, place);
	place->offset = (int64_t)((uint64_t)place->offset + (uint64_t)offset);
	if (is_mark(section, symbol)) {
		place->kind = PLACE_LABEL;
		place->name = symbol->name;
		place->offset = offset;
	} else if (place->kind == PLACE_TEXT || place->kind == PLACE_CONSTANT) {
		place_of(section, symbol->value + (uint64_t)offset, place);
	}
}

void place_of_reloc(const struct image *image, const struct reloc *reloc, struct place *place)
{
	const struct symbol *symbol = &image->symbols[reloc->symbol];
	int64_t offset = (int64_t)((uint64_t)reloc->addend + reloc->behind);

	memset(place, 0, sizeof(*place));
	if (!reloc->symbol || symbol->section == SECTION_ABSOLUTE) {
		place->kind = PLACE_NUMBER;
		place->offset = (int64_t)(symbol->value + (uint64_t)offset);
	} else if (symbol->section == SECTION_UNDEFINED) {
		place->kind = PLACE_IMPORT;
		place->name = symbol->name;
		place->offset = offset;
	} else if (symbol->type == STT_SECTION) {
		place_of(&image->sections[symbol->section],
			 symbol->value + (uint64_t)offset, place);
	} else {
		place_of_symbol(image, symbol, offset, place);
	}
}

static void with_offset(const char *name, int64_t offset, char *text)
{
	if (offset)
		snprintf(text, WHY_MAX, "%.300s%c0x%" PRIx64, name, offset < 0 ? '-' : '+',
			 offset < 0 ? -(uint64_t)offset : (uint64_t)offset);
	else
		snprintf(text, WHY_MAX, "%.300s", name);
}

static void constant_text(const struct place *place, char *text)
{
	size_t length = (size_t)snprintf(text, WHY_MAX, "constant");

	for (size_t i = 0; i < place->size && i < 32; i++)
		length += (size_t)snprintf(text + length, WHY_MAX - length, " %02x", place->text[i]);
}

const char *place_text(const struct place *place, char *text)
{
	switch (place->kind) {
	case PLACE_IMPORT:
	case PLACE_LABEL:
	case PLACE_SECTION:
	case PLACE_RECORD:
		with_offset(place->name, place->offset, text);
		break;
	case PLACE_NUMBER:
		with_offset("0", place->offset, text);
		break;
	case PLACE_PIECE:
		with_offset(place->piece->name, place->offset, text);
		break;
	case PLACE_TEXT:
		snprintf(text, WHY_MAX, "\"%.200s\"", (const char *)place->text);
		break;
	case PLACE_CONSTANT:
		constant_text(place, text);
		break;
	default:
		snprintf(text, WHY_MAX, "no place of the module");
	}
	text_printable(text);
	return text;
}
