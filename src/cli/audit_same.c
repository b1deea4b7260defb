// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do two references mean the same? That of the built module and that of the shipped one lead
 * to pieces that are each other's pair, or to the same text, name or number.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

bool match_differ(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, WHY_MAX, fmt, ap);
	va_end(ap);
	return false;
}

static bool bind(struct match *match, struct piece *stock, struct piece *built)
{
	struct piece **longer;

	if (match->n_bound == match->room) {
		match->room = match->room ? 2 * match->room : 64;
		longer = realloc(match->bound, match->room * sizeof(struct piece *));
		if (!longer) {
			match->no_memory = true;
			return false;
		}
		match->bound = longer;
	}
	match->bound[match->n_bound++] = stock;
	stock->pair = built;
	built->pair = stock;
	return true;
}

void match_drop(struct match *match)
{
	for (size_t i = 0; i < match->n_bound; i++) {
		match->bound[i]->pair->pair = NULL;
		match->bound[i]->pair = NULL;
	}
	match->n_bound = 0;
}

/* Each other's, or not anybody's and free to be each other's from now on. */
static bool can_pair(const struct match *match, const struct piece *stock, const struct piece *built)
{
	if (stock->pair || built->pair)
		return stock->pair == built;
	return !match->final && strcmp(stock->key, built->key) == 0 &&
	       strcmp(stock->section->name, built->section->name) == 0;
}

/* Are both places at the same offset of pieces that are each other's, from now on at least? */
static bool same_piece(struct match *match, const struct place *stock, const struct place *built)
{
	struct piece *piece = stock->piece;

	if (!can_pair(match, piece, built->piece))
		return false;
	if (piece->gaps_to != built->piece && (stock->offset || built->offset))
		align_find(match, piece, built->piece);
	if ((stock->offset || built->offset) && !align_same(piece, stock->offset, built->offset))
		return false;
	return piece->pair || bind(match, piece, built->piece);
}

/* A mark of key @key (NULL: of any) at @offset of @piece; its key goes to @found. */
static bool has_mark(const struct image *image, const struct section *section, uint64_t at,
		     const char *key, char *found)
{
	size_t low = 0, high = image->n_labels;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct symbol *symbol = &image->symbols[image->labels[middle]];
		const struct section *of = &image->sections[symbol->section];

		if (of < section || (of == section && symbol->value < at))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < image->n_labels; low++) {
		const struct symbol *symbol = &image->symbols[image->labels[low]];

		if (&image->sections[symbol->section] != section || symbol->value != at)
			break;
		piece_key(symbol->name, found, NAME_MAX);
		if (!symbol->size && (!key || strcmp(key, found) == 0))
			return true;
	}
	return false;
}

/*
 * Objects of no size (lock classes without lockdep) lie where others begin, so that a reference
 * to one seems to be to its neighbour, and that changes when something comes in between.
 */
static bool same_mark(const struct match *match, const struct place *stock, const struct place *built)
{
	char key[NAME_MAX], other[NAME_MAX];
	uint64_t twin;

	if (stock->section->kind != KIND_DATA || !has_mark(match->stock, stock->section, stock->at, NULL, key) ||
	    !has_mark(match->built, built->section, built->at, key, other))
		return false;
	if (!stock->piece->pair)
		return true;
	twin = stock->piece->pair->start + (uint64_t)stock->offset;
	return (built->section == stock->piece->pair->section && built->at == twin) ||
	       !has_mark(match->built, stock->piece->pair->section, twin, key, other);
}

static bool same_named(const struct place *stock, const struct place *built)
{
	char key[NAME_MAX], other[NAME_MAX];

	piece_key(stock->name, key, sizeof(key));
	piece_key(built->name, other, sizeof(other));
	return stock->offset == built->offset && strcmp(key, other) == 0;
}

/* An entry of a table is known by the place that it is about. */
static bool same_record(struct match *match, const struct place *stock, const struct place *built)
{
	struct place from, to;

	if (stock->offset != built->offset || strcmp(stock->name, built->name) != 0)
		return false;
	place_of_reloc(match->stock, reloc_from(stock->section, stock->at - (uint64_t)stock->offset), &from);
	place_of_reloc(match->built, reloc_from(built->section, built->at - (uint64_t)built->offset), &to);
	return from.kind == PLACE_PIECE && to.kind == PLACE_PIECE && same_piece(match, &from, &to);
}

static bool same_place(struct match *match, const struct place *stock, const struct place *built)
{
	if (stock->kind != built->kind)
		return false;
	switch (stock->kind) {
	case PLACE_IMPORT:
	case PLACE_SECTION:
		return stock->offset == built->offset && strcmp(stock->name, built->name) == 0;
	case PLACE_LABEL:
		return same_named(stock, built);
	case PLACE_RECORD:
		return same_record(match, stock, built);
	case PLACE_NUMBER:
		return stock->offset == built->offset;
	case PLACE_PIECE:
		return same_piece(match, stock, built) || same_mark(match, stock, built);
	case PLACE_TEXT:
		return text_same(stock, built);
	case PLACE_CONSTANT:
		return stock->size == built->size && memcmp(stock->text, built->text, stock->size) == 0;
	default:
		return false;
	}
}

bool match_places(struct match *match, const struct place *stock, const struct place *built,
		  char *why)
{
	char from[WHY_MAX], to[WHY_MAX];

	if (same_place(match, stock, built))
		return true;
	return match_differ(why, "refers to %.200s, was %.200s", place_text(built, to),
		      place_text(stock, from));
}
