// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both disassemblies of a function side by side, differences marked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

#define WIDTH		58	/* of a column */
#define CELLS_MAX	(16u << 20)

static struct piece *find_function(const struct image *image, const char *name)
{
	for (size_t i = 1; i < image->n_sections; i++) {
		struct section *section = &image->sections[i];

		for (size_t j = 0; section->kind == KIND_CODE && j < section->n_pieces; j++) {
			if (strcmp(section->pieces[j].name, name) == 0)
				return &section->pieces[j];
		}
	}
	return NULL;
}

static bool same_key(const struct line *left, const struct line *right)
{
	return strcmp(left->key, right->key) == 0;
}

static void print_line(const struct cli *cli, char mark, const char *left, const char *right)
{
	fprintf(cli->out, "%-*.*s %c %s\n", WIDTH, WIDTH, left, mark, right);
}

/* lengths[i][j]: how many lines the rests from i and j have in common, in order. */
static uint16_t *common_lengths(const struct listing *left, const struct listing *right)
{
	size_t columns = right->n + 1;
	uint16_t *lengths;

	if ((left->n + 1) * columns > CELLS_MAX || left->n > UINT16_MAX)
		return NULL;
	lengths = calloc((left->n + 1) * columns, sizeof(*lengths));
	for (size_t i = left->n; lengths && left->lines && i-- > 0;) {
		for (size_t j = right->n; j-- > 0;) {
			uint16_t down = lengths[(i + 1) * columns + j], ahead = lengths[i * columns + j + 1];

			if (same_key(&left->lines[i], &right->lines[j]))
				lengths[i * columns + j] = (uint16_t)(lengths[(i + 1) * columns + j + 1] + 1);
			else
				lengths[i * columns + j] = down > ahead ? down : ahead;
		}
	}
	return lengths;
}

/*
 * What is to be printed next: '<' a line of the shipped one, '>' one of the built one, or one of
 * each: '|' in place of each other, '~' that jumps elsewhere in the function, ' ' the same.
 */
static char next_mark(const struct listing *left, size_t i, const struct listing *right, size_t j,
		      const uint16_t *lengths)
{
	size_t columns = right->n + 1;

	if (i == left->n)
		return '>';
	if (j == right->n)
		return '<';
	if (same_key(&left->lines[i], &right->lines[j]))
		return strcmp(left->lines[i].text, right->lines[j].text) ? '~' : ' ';
	if (lengths[(i + 1) * columns + j + 1] == lengths[i * columns + j])
		return '|';
	return lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1] ? '<' : '>';
}

static void print_pair(const struct cli *cli, const struct listing *left,
		       const struct listing *right, const uint16_t *lengths)
{
	size_t i = 0, j = 0;

	while (i < left->n || j < right->n) {
		char mark = next_mark(left, i, right, j, lengths);

		print_line(cli, mark, mark == '>' ? "" : left->lines[i].text,
			   mark == '<' ? "" : right->lines[j].text);
		i += mark != '>';
		j += mark != '<';
	}
}

static int show_pair(const struct cli *cli, const struct image *images, struct piece *const pieces[2],
		     const char *function, char *why)
{
	struct listing listings[2] = { { NULL, NULL, 0 }, { NULL, NULL, 0 } };
	uint16_t *lengths = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < 2; i++) {
		if (pieces[i])
			err = listing_read(&images[i], pieces[i], &listings[i], why);
	}
	if (!err) {
		lengths = common_lengths(&listings[0], &listings[1]);
		if (!lengths) {
			snprintf(why, WHY_MAX, "the function is too long to be shown; use objdump -dr");
			err = -EFBIG;
		}
	}
	if (!err) {
		fprintf(cli->out, "%s: %s\n", images[1].file.name, function);
		print_line(cli, ' ', pieces[0] ? "shipped" : "shipped: not there",
			   pieces[1] ? "built" : "built: not there");
		print_pair(cli, &listings[0], &listings[1], lengths);
	}
	free(lengths);
	listing_free(&listings[0]);
	listing_free(&listings[1]);
	return err;
}

int audit_show(const struct cli *cli, const char *stock, const char *built, const char *function,
	       char *why)
{
	struct image *images = calloc(2, sizeof(*images));
	struct piece *pieces[2] = { NULL, NULL };
	int err = -ENOMEM;

	snprintf(why, WHY_MAX, "no memory is left to compare modules; free some");
	if (!images)
		return err;
	err = image_read(stock, &images[0], why);
	if (!err)
		err = image_read(built, &images[1], why);
	if (!err) {
		pieces[0] = find_function(&images[0], function);
		pieces[1] = find_function(&images[1], function);
		err = pieces[0] || pieces[1] ? show_pair(cli, images, pieces, function, why) : -ENOENT;
	}
	image_free(&images[0]);
	image_free(&images[1]);
	free(images);
	return err;
}
