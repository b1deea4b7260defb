// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cuts sections up: at symbols, and where no symbol is, at the places that something
 * refers to. What is left between and does nothing is no piece.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

/* A section's symbols while it is cut, and the places in it that are referred to. */
struct cut {
	struct image *image;
	struct section *section;
	uint32_t *symbols;
	size_t n_symbols;
	uint64_t *targets;
	size_t n_targets;
	size_t room;
};

static int no_memory(char *why)
{
	snprintf(why, WHY_MAX, "no memory is left to compare modules; free some");
	return -ENOMEM;
}

/* Names that can be a piece: functions, objects, and places of assembler code. */
static bool names_piece(const struct symbol *symbol)
{
	if (symbol->type == STT_FUNC)
		return true;
	return (symbol->type == STT_OBJECT || symbol->type == STT_NOTYPE) && *symbol->name;
}

static const struct symbol *sort_symbols;	/* qsort() hands nothing on */

static int bind_rank(const struct symbol *symbol)
{
	return symbol->bind == STB_GLOBAL ? 0 : symbol->bind == STB_WEAK ? 1 : 2;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *left = &sort_symbols[*(const uint32_t *)a];
	const struct symbol *right = &sort_symbols[*(const uint32_t *)b];

	if (left->section != right->section)
		return left->section < right->section ? -1 : 1;
	if (left->value != right->value)
		return left->value < right->value ? -1 : 1;
	if (left->size != right->size)
		return left->size > right->size ? -1 : 1;
	if (bind_rank(left) != bind_rank(right))
		return bind_rank(left) - bind_rank(right);
	return strcmp(left->name, right->name);
}

static int compare_targets(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int add_target(struct cut *cut, uint64_t at)
{
	uint64_t *longer;

	if (cut->n_targets == cut->room) {
		cut->room = cut->room ? 2 * cut->room : 256;
		longer = realloc(cut->targets, cut->room * sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		cut->targets = longer;
	}
	cut->targets[cut->n_targets++] = at;
	return 0;
}

/* Where the section is referred to by its own symbol, from anywhere. */
static int find_targets(struct cut *cut)
{
	const struct image *image = cut->image;
	int err = 0;

	for (size_t i = 1; i < image->n_sections; i++) {
		const struct section *from = &image->sections[i];

		/* How to unwind is told of what fills up too. */
		if (from->table && from->table->beside)
			continue;
		for (size_t j = 0; !err && j < from->n_relocs; j++) {
			const struct reloc *reloc = &from->relocs[j];
			const struct symbol *symbol = &image->symbols[reloc->symbol];
			uint64_t at = symbol->value + (uint64_t)reloc->addend + reloc->behind;

			if (symbol->type == STT_SECTION && symbol->section < image->n_sections &&
			    &image->sections[symbol->section] == cut->section &&
			    at < cut->section->size)
				err = add_target(cut, at);
		}
	}
	if (!err && cut->n_targets)
		qsort(cut->targets, cut->n_targets, sizeof(*cut->targets), compare_targets);
	return err;
}

static int add_piece(struct section *section, uint64_t start, uint64_t end, uint32_t symbol,
		     const char *name)
{
	struct piece *piece;
	char key[NAME_MAX];

	if (!(section->n_pieces & (section->n_pieces - 1))) {
		size_t room = section->n_pieces ? 2 * section->n_pieces : 1;

		piece = realloc(section->pieces, room * sizeof(*piece));
		if (!piece)
			return -ENOMEM;
		section->pieces = piece;
	}
	piece = &section->pieces[section->n_pieces];
	memset(piece, 0, sizeof(*piece));
	piece->section = section;
	piece->start = start;
	piece->end = end;
	piece->symbol = symbol;
	piece_key(name, key, sizeof(key));
	piece->name = strdup(name);
	piece->key = strdup(key);
	section->n_pieces++;
	return piece->name && piece->key ? 0 : -ENOMEM;
}

static bool has_relocs(const struct section *section, uint64_t start, uint64_t end)
{
	const struct reloc *reloc = reloc_from(section, start);

	return reloc < section->relocs + section->n_relocs && reloc->offset < end;
}

/* What a message of the kernel can be made of: the level of a printk() begins with 1. */
static bool is_text_byte(unsigned char byte)
{
	return (byte >= ' ' && byte < 0x7f) || byte == '\n' || byte == '\t' || byte == 1;
}

/*
 * One text, or the beginning of one whose end somebody else uses as well, and nothing but
 * zeros behind it? Where a module's strings have no section of their own they lie in .rodata,
 * and what is referred to is their text, as place_of() has it.
 */
static bool is_text(const struct section *section, uint64_t start, uint64_t end)
{
	if (section->kind != KIND_DATA || (section->flags & SHF_WRITE) || !section->data ||
	    has_relocs(section, start, end))
		return false;
	while (start < end && is_text_byte(section->data[start]))
		start++;
	while (start < end && !section->data[start])
		start++;
	return start == end;
}

/* Nothing but what the linker and the assembler fill up with? */
static bool is_padding(const struct section *section, uint64_t start, uint64_t end)
{
	struct insn insn;

	if (has_relocs(section, start, end))
		return false;
	if (!section->data)
		return true;
	while (start < end && section->kind == KIND_CODE) {
		if (!insn_decode(section->data + start, end - start, &insn) ||
		    !insn_pads(section->data + start, &insn))
			return false;
		start += insn.size;
	}
	while (start < end && !section->data[start])
		start++;
	return start >= end;
}

/* Does an object of no size lie there? */
static bool is_marked(const struct cut *cut, uint64_t at)
{
	const struct symbol *symbols = cut->image->symbols;
	size_t low = 0, high = cut->n_symbols;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols[cut->symbols[middle]].value <= at)
			low = middle + 1;
		else
			high = middle;
	}
	/* Those of no size come last of a place. */
	return low && symbols[cut->symbols[low - 1]].value == at && !symbols[cut->symbols[low - 1]].size;
}

/* Of bytes without a name nobody can tell where they end; zeros fill up to the next. */
static uint64_t without_zeros(const struct section *section, uint64_t start, uint64_t end)
{
	if (section->kind != KIND_DATA || !section->data || has_relocs(section, start, end))
		return end;
	while (end > start + 1 && !section->data[end - 1])
		end--;
	return end;
}

/* What lies between symbols: a piece for each place that is referred to. */
static int cut_gap(struct cut *cut, uint64_t start, uint64_t end, size_t *target)
{
	struct section *section = cut->section;
	char name[NAME_MAX];
	int err = 0;

	snprintf(name, sizeof(name), "(in %.200s)", section->name);
	while (*target < cut->n_targets && cut->targets[*target] < start)
		++*target;
	while (!err && start < end) {
		bool wanted = *target < cut->n_targets && cut->targets[*target] == start;
		uint64_t stop;

		while (*target < cut->n_targets && cut->targets[*target] == start)
			++*target;
		stop = *target < cut->n_targets && cut->targets[*target] < end ?
		       cut->targets[*target] : end;
		if (wanted && section->kind == KIND_DATA &&
		    (is_marked(cut, start) || is_text(section, start, stop)))
			wanted = false;
		if (wanted || (!is_padding(section, start, stop) && !is_text(section, start, stop)))
			err = add_piece(section, start, without_zeros(section, start, stop), 0,
					name);
		start = stop;
	}
	return err;
}

/* Where the piece that symbol @i begins ends; @next gets the first symbol behind it. */
static uint64_t piece_end(struct cut *cut, size_t i, size_t *next)
{
	struct symbol *symbols = cut->image->symbols;
	const struct symbol *symbol = &symbols[cut->symbols[i]];
	uint64_t end = symbol->value + symbol->size;

	for (*next = i + 1; *next < cut->n_symbols; ++*next) {
		struct symbol *other = &symbols[cut->symbols[*next]];

		if (other->value == symbol->value || (symbol->size && other->value < end))
			other->label = true;
		else if (!symbol->size && symbol->type != STT_OBJECT)
			return other->value;
		else
			return end;
	}
	return symbol->size || symbol->type == STT_OBJECT ? end : cut->section->size;
}

static int cut_section(struct cut *cut, char *why)
{
	struct symbol *symbols = cut->image->symbols;
	struct section *section = cut->section;
	uint64_t at = 0, end;
	size_t target = 0, next;
	int err = find_targets(cut);

	for (size_t i = 0; !err && i < cut->n_symbols; i = next) {
		struct symbol *symbol = &symbols[cut->symbols[i]];

		end = piece_end(cut, i, &next);
		for (size_t j = i + 1; j < next; j++) {
			const struct symbol *inner = &symbols[cut->symbols[j]];

			if (inner->value + inner->size > end)
				return image_damaged(cut->image, why, "symbols %.60s and %.60s overlap",
						     symbol->name, inner->name);
		}
		if (end == symbol->value) {	/* of no size: a mark, no object */
			symbol->label = true;
			continue;
		}
		err = cut_gap(cut, at, symbol->value, &target);
		if (!err)
			err = add_piece(section, symbol->value, end, cut->symbols[i], symbol->name);
		at = end;
	}
	if (!err)
		err = cut_gap(cut, at, section->size, &target);
	return err ? no_memory(why) : 0;
}

/* Symbols in the order of sections and places; the labels are found among them later. */
static int sort_all(struct image *image, uint32_t **sorted, size_t *n)
{
	*n = 0;
	*sorted = calloc(image->n_symbols, sizeof(**sorted));
	if (!*sorted)
		return -ENOMEM;
	for (size_t i = 1; i < image->n_symbols; i++) {
		const struct symbol *symbol = &image->symbols[i];

		if (symbol->section != SECTION_UNDEFINED && symbol->section != SECTION_ABSOLUTE &&
		    names_piece(symbol))
			(*sorted)[(*n)++] = (uint32_t)i;
	}
	sort_symbols = image->symbols;
	qsort(*sorted, *n, sizeof(**sorted), compare_symbols);
	return 0;
}

static bool has_pieces(const struct section *section)
{
	return section->kind == KIND_CODE || section->kind == KIND_DATA;
}

static int cut_all(struct image *image, uint32_t *sorted, size_t n, char *why)
{
	size_t first = 0;
	int err = 0;

	for (size_t i = 1; !err && i < image->n_sections; i++) {
		struct cut cut = { .image = image, .section = &image->sections[i] };

		while (first < n && image->symbols[sorted[first]].section < i)
			first++;
		cut.symbols = sorted + first;
		while (first + cut.n_symbols < n &&
		       image->symbols[sorted[first + cut.n_symbols]].section == i)
			cut.n_symbols++;
		if (has_pieces(cut.section))
			err = cut_section(&cut, why);
		free(cut.targets);
	}
	return err;
}

static bool label_before(const struct image *image, size_t label, uint32_t section, uint64_t at)
{
	const struct symbol *symbol = &image->symbols[image->labels[label]];

	return symbol->section < section || (symbol->section == section && symbol->value < at);
}

/* Which labels lie in which piece; both are in order. */
static void find_labels(struct image *image)
{
	size_t label = 0;

	for (uint32_t i = 1; i < image->n_sections; i++) {
		for (size_t j = 0; j < image->sections[i].n_pieces; j++) {
			struct piece *piece = &image->sections[i].pieces[j];

			while (label < image->n_labels && label_before(image, label, i, piece->start))
				label++;
			piece->first_label = label;
			while (label < image->n_labels && label_before(image, label, i, piece->end))
				label++;
			piece->n_labels = label - piece->first_label;
		}
	}
}

int image_cut(struct image *image, char *why)
{
	uint32_t *sorted;
	size_t n;
	int err;

	if (sort_all(image, &sorted, &n))
		return no_memory(why);
	image_find_ends(image, sorted, n);
	err = cut_all(image, sorted, n, why);
	image->labels = sorted;
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (image->symbols[sorted[i]].label)
			sorted[image->n_labels++] = sorted[i];
	}
	find_labels(image);
	return 0;
}
