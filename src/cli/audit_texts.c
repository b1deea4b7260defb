// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strings and constants in sections that the linker merges. Where something refers to one,
 * that is compared by it; what is left is compared here, as it might be found some other way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

struct text {
	const unsigned char *data;
	size_t size;
};

struct texts {
	struct text *list;
	size_t n;
};

static int compare_texts(const void *a, const void *b)
{
	const struct text *left = a, *right = b;
	size_t size = left->size < right->size ? left->size : right->size;
	int order = memcmp(left->data, right->data, size);

	return order ? order : (left->size > right->size) - (left->size < right->size);
}

/* The length of the one at @at, its NUL included; what has none ends with the section. */
static size_t length_at(const struct section *section, uint64_t at)
{
	size_t left = section->size - at;

	if (section->kind == KIND_CONSTANTS)
		return section->entsize < left ? section->entsize : left;
	left = strnlen((const char *)section->data + at, left);
	return at + left < section->size ? left + 1 : left;
}

/* Nothing refers to it, nor into it. Alignment looks like empty strings. */
static bool is_left(const struct section *section, uint64_t at, size_t size)
{
	return !memchr(section->used + at, 1, size) &&
	       (size > 1 || section->data[at] != '\0' || section->kind == KIND_CONSTANTS);
}

static int find_texts(const struct section *section, struct texts *texts)
{
	size_t size;

	memset(texts, 0, sizeof(*texts));
	if (!section || !section->used || !section->data)
		return 0;
	texts->list = calloc(section->size + 1, sizeof(*texts->list));
	if (!texts->list)
		return -ENOMEM;
	for (uint64_t at = 0; at < section->size; at += size) {
		size = length_at(section, at);
		if (is_left(section, at, size))
			texts->list[texts->n++] = (struct text){ section->data + at, size };
	}
	if (texts->n)
		qsort(texts->list, texts->n, sizeof(*texts->list), compare_texts);
	return 0;
}

static int report(struct audited *audited, enum verdict verdict, enum section_kind kind,
		  const struct text *text)
{
	struct place place = { .kind = PLACE_CONSTANT, .text = text->data, .size = text->size };
	char copy[WHY_MAX];

	if (kind == KIND_STRINGS && text->data[text->size - 1] == '\0')
		place.kind = PLACE_TEXT;
	return finding_add(audited, SUBJECT_TEXT, verdict, place_text(&place, copy),
			   "nothing refers to it", NULL);
}

static int compare_sections(const struct section *stock, const struct section *built,
			    struct audited *audited)
{
	struct texts left, right = { NULL, 0 };
	size_t i = 0, j = 0;
	int err = find_texts(stock, &left);

	if (!err)
		err = find_texts(built, &right);
	while (!err && (i < left.n || j < right.n)) {
		int order = i == left.n ? 1 : j == right.n ? -1 :
			    compare_texts(&left.list[i], &right.list[j]);

		if (order < 0)
			err = report(audited, VERDICT_REMOVED, built->kind, &left.list[i]);
		else if (order > 0)
			err = report(audited, VERDICT_ADDED, built->kind, &right.list[j]);
		i += order <= 0;
		j += order >= 0;
	}
	free(left.list);
	free(right.list);
	return err;
}

int audit_texts(const struct image *stock, const struct image *built, struct audited *audited)
{
	int err = 0;

	for (size_t i = 1; !err && i < built->n_sections; i++) {
		const struct section *section = &built->sections[i];
		const struct section *was = image_section(stock, section->name);

		if (section->used)
			err = compare_sections(was, section, audited);
	}
	return err;
}
