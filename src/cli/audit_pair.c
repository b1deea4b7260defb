// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds each piece's pair in the other module. Names that both have once are each other's.
 * Where the compiler counted names up, or several files use the same one, pieces are each
 * other's when what is known to be the same refers to them at the same place; then when
 * their contents are the same; then, named functions and objects, in their order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

/* All pieces of both modules, those of one name together. */
struct pieces {
	struct piece **list;
	size_t n;
};

/* One name's pieces: @stock of one module, then @built of the other. */
struct group {
	struct piece **stock;
	size_t n_stock;
	struct piece **built;
	size_t n_built;
};

static int compare_groups(const struct piece *a, const struct piece *b)
{
	int order = strcmp(a->section->name, b->section->name);

	return order ? order : strcmp(a->key, b->key);
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *left = *(struct piece *const *)a, *right = *(struct piece *const *)b;
	int order = compare_groups(left, right);

	return order ? order : (left->start > right->start) - (left->start < right->start);
}

static int list_pieces(const struct image *image, struct pieces *pieces)
{
	pieces->n = 0;
	for (size_t i = 0; i < image->n_sections; i++)
		pieces->n += image->sections[i].n_pieces;
	pieces->list = calloc(pieces->n + 1, sizeof(struct piece *));
	if (!pieces->list)
		return -ENOMEM;
	pieces->n = 0;
	for (size_t i = 0; i < image->n_sections; i++) {
		for (size_t j = 0; j < image->sections[i].n_pieces; j++)
			pieces->list[pieces->n++] = &image->sections[i].pieces[j];
	}
	if (pieces->n)
		qsort(pieces->list, pieces->n, sizeof(struct piece *), compare_pieces);
	return 0;
}

static size_t run_length(const struct pieces *pieces, size_t from)
{
	size_t n = 0;

	while (from + n < pieces->n && !compare_groups(pieces->list[from], pieces->list[from + n]))
		n++;
	return n;
}

/* The next name that both have; false when there is none. */
static bool next_group(const struct pieces *stock, const struct pieces *built, size_t *i, size_t *j,
		       struct group *group)
{
	while (*i < stock->n && *j < built->n) {
		int order = compare_groups(stock->list[*i], built->list[*j]);

		if (order < 0) {
			*i += run_length(stock, *i);
		} else if (order > 0) {
			*j += run_length(built, *j);
		} else {
			group->stock = stock->list + *i;
			group->n_stock = run_length(stock, *i);
			group->built = built->list + *j;
			group->n_built = run_length(built, *j);
			*i += group->n_stock;
			*j += group->n_built;
			return true;
		}
	}
	return false;
}

static void set_pair(struct piece *stock, struct piece *built)
{
	stock->pair = built;
	built->pair = stock;
}

static void pair_unique(const struct pieces *stock, const struct pieces *built)
{
	struct group group;
	size_t i = 0, j = 0;

	while (next_group(stock, built, &i, &j, &group)) {
		if (group.n_stock == 1 && group.n_built == 1)
			set_pair(group.stock[0], group.built[0]);
	}
}

/*
 * Compares every pair that was not compared; whatever an equal one refers to at the same
 * place is a pair from then on. True when new ones came up.
 */
static bool spread(struct match *match, const struct pieces *stock)
{
	char why[WHY_MAX];
	bool more = false;

	for (size_t i = 0; i < stock->n; i++) {
		struct piece *piece = stock->list[i];

		if (!piece->pair || piece->tried)
			continue;
		piece->tried = true;
		match->n_bound = 0;
		if (!match_pieces(match, piece, piece->pair, why))
			match_drop(match);
		more = more || match->n_bound;
	}
	return more;
}

static bool same_contents(struct match *match, struct piece *stock, struct piece *built)
{
	char why[WHY_MAX];

	match->n_bound = 0;
	set_pair(stock, built);
	if (match_pieces(match, stock, built, why))
		return true;
	match_drop(match);
	stock->pair = NULL;
	built->pair = NULL;
	return false;
}

#define TRIES_MAX	(1u << 16)	/* of one name; only a forged module has more */

static bool pair_by_contents(struct match *match, const struct group *group)
{
	size_t first = 0, tries = 0;
	bool more = false;

	for (size_t i = 0; i < group->n_stock; i++) {
		if (group->stock[i]->pair)
			continue;
		while (first < group->n_built && group->built[first]->pair)
			first++;
		for (size_t j = first; j < group->n_built && tries < TRIES_MAX; j++, tries++) {
			if (group->built[j]->pair)
				continue;
			if (same_contents(match, group->stock[i], group->built[j])) {
				more = true;
				break;
			}
		}
	}
	return more;
}

/* A numbered object whose contents are another's is another object. */
static bool goes_by_name(const struct piece *piece)
{
	return piece->symbol && (piece->section->kind == KIND_CODE || !strcmp(piece->name, piece->key));
}

static bool pair_by_order(const struct group *group)
{
	bool more = false;
	size_t j = 0;

	for (size_t i = 0; i < group->n_stock; i++) {
		if (group->stock[i]->pair || !goes_by_name(group->stock[i]))
			continue;
		while (j < group->n_built && (group->built[j]->pair || !goes_by_name(group->built[j])))
			j++;
		if (j == group->n_built)
			break;
		set_pair(group->stock[i], group->built[j]);
		more = true;
	}
	return more;
}

/* By contents if it can be, else by order. */
static bool pair_rest(struct match *match, const struct pieces *stock, const struct pieces *built)
{
	struct group group;
	size_t i = 0, j = 0;
	bool more = false;

	for (int exact = 1; exact >= 0; exact--) {
		match->exact = exact;
		while (next_group(stock, built, &i, &j, &group))
			more = pair_by_contents(match, &group) || more;
		match->exact = false;
		if (more)
			return true;
		i = 0;
		j = 0;
	}
	while (next_group(stock, built, &i, &j, &group))
		more = pair_by_order(&group) || more;
	return more;
}

/* The answer, now that every pair is known. */
static int compare_pairs(struct match *match, const struct pieces *stock)
{
	char why[WHY_MAX];

	match->final = true;
	for (size_t i = 0; i < stock->n; i++) {
		struct piece *piece = stock->list[i];

		if (!piece->pair)
			continue;
		piece->same = match_pieces(match, piece, piece->pair, why);
		piece->moved_lines = match->moved_lines;
		piece->moved_padding = match->moved_padding;
		if (!piece->same)
			piece->why = strdup(why);
		if (!piece->same && !piece->why)
			return -ENOMEM;
		piece->pair->same = piece->same;
		piece->pair->moved_lines = piece->moved_lines;
		piece->pair->moved_padding = piece->moved_padding;
	}
	return match->no_memory ? -ENOMEM : 0;
}

int pair_images(struct image *stock, struct image *built, char *why)
{
	struct pieces left = { NULL, 0 }, right = { NULL, 0 };
	struct match match = { .stock = stock, .built = built };
	int err = list_pieces(stock, &left);

	if (!err)
		err = list_pieces(built, &right);
	if (!err) {
		pair_unique(&left, &right);
		do {
			while (spread(&match, &left))
				;
		} while (pair_rest(&match, &left, &right));
		err = match.no_memory ? -ENOMEM : compare_pairs(&match, &left);
	}
	if (err)
		snprintf(why, WHY_MAX, "no memory is left to compare modules; free some");
	free(left.list);
	free(right.list);
	free(match.bound);
	return err;
}
