// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who refers to what: so that an object without a name of its own, a string or an import
 * is judged by those that use it.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

static void add_edge(struct image *image, struct piece *from, const struct reloc *reloc)
{
	struct edge *edge = &image->edges[image->n_edges];
	struct place place;

	place_of_reloc(image, reloc, &place);
	if ((place.kind == PLACE_TEXT || place.kind == PLACE_CONSTANT) && place.section->used)
		place.section->used[place.at] = 1;
	edge->from = from;
	edge->to = place.piece;
	edge->import = place.kind == PLACE_IMPORT ? reloc->symbol : 0;
	if (from && from != edge->to && (edge->to || edge->import))
		image->n_edges++;
}

/* A record's references are its owner's; records are in the order of owners, so look it up. */
static void add_records(struct image *image)
{
	for (size_t i = 0; i < image->n_records; i++) {
		const struct record *record = &image->records[i];
		const struct section *section = record->section;
		const struct reloc *reloc = reloc_from(section, record->at);

		for (; reloc < section->relocs + section->n_relocs &&
		     reloc->offset < record->at + record->size; reloc++)
			add_edge(image, record->owner, reloc);
	}
}

static void add_pieces(struct image *image, const struct section *section)
{
	for (size_t i = 0; i < section->n_relocs; i++) {
		struct piece *from = piece_at(section, section->relocs[i].offset);

		add_edge(image, from, &section->relocs[i]);
	}
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	if (left->to != right->to)
		return left->to < right->to ? -1 : 1;
	return (left->import > right->import) - (left->import < right->import);
}

static int make_room(struct image *image)
{
	size_t n = 1;

	for (size_t i = 1; i < image->n_sections; i++) {
		struct section *section = &image->sections[i];

		n += section->n_relocs;
		if (section->kind != KIND_STRINGS && section->kind != KIND_CONSTANTS)
			continue;
		section->used = calloc(section->size + 1, 1);
		if (!section->used)
			return -ENOMEM;
	}
	image->edges = calloc(n, sizeof(*image->edges));
	return image->edges ? 0 : -ENOMEM;
}

int image_find_edges(struct image *image)
{
	int err = make_room(image);

	if (err)
		return err;
	for (size_t i = 1; i < image->n_sections; i++) {
		if (image->sections[i].n_pieces)
			add_pieces(image, &image->sections[i]);
	}
	add_records(image);
	qsort(image->edges, image->n_edges, sizeof(*image->edges), compare_edges);
	return 0;
}

/* The first edge to @to, or to @import of no piece. */
static size_t first_edge(const struct image *image, const struct piece *to, uint32_t import)
{
	const struct edge key = { (struct piece *)to, NULL, import };	/* only looked at */
	size_t low = 0, high = image->n_edges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_edges(&image->edges[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *image_users_by(const struct image *image, const struct piece *to, uint32_t import)
{
	const char *by = NULL;

	for (size_t i = first_edge(image, to, import); i < image->n_edges; i++) {
		const struct edge *edge = &image->edges[i];

		if (edge->to != to || edge->import != import)
			break;
		if (!edge->from->by)
			return NULL;
		if (!by)
			by = edge->from->by;
	}
	return by;
}
