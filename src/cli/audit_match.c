// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are two pieces the same in meaning? Bytes are compared as they are; fields that refer
 * to something, by what they refer to.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

/*
 * Two ranges that are walked side by side. @aligned: the shipped function, if gaps do not
 * count; then both ranges are whole functions.
 */
struct range {
	const struct section *section;
	uint64_t at;
	uint64_t start;
	uint64_t end;
	const struct reloc *reloc;
	const struct image *image;
	const struct piece *aligned;
};

/* A piece's entries of tables, one after the other. */
struct cursor {
	const struct image *image;
	const struct piece *piece;
	const struct piece *aligned;
	const unsigned char *unwind;
	size_t i;
	bool ours;
};

/* Where from a record's start its line number is: struct _ddebug has 18 bits of it. */
struct lines {
	uint64_t from;
	uint64_t to;
	unsigned char last_bits;
};

/* Code that replaces other code is a number of bytes at a place, not a piece. */
static bool match_replacement(struct match *match, const struct range *stock,
			      const struct range *built, const struct place *from,
			      const struct place *to, char *why)
{
	const struct table *table = stock->section->table;
	unsigned char size;
	size_t i = 0;

	while (table->sizes[i] != stock->end - stock->start)
		i++;
	size = stock->section->data[stock->start + table->lengths_at[i]];
	if (size != built->section->data[built->start + table->lengths_at[i]])
		return match_differ(why, "its replacement is of another length");
	if (from->section->kind != KIND_CODE || to->section->kind != KIND_CODE ||
	    from->at > from->section->size || size > from->section->size - from->at ||
	    to->at > to->section->size || size > to->section->size - to->at)
		return match_differ(why, "its replacement is no code of the module");
	return match_range(match, from->section, from->at, to->section, to->at, size, why);
}

static bool match_relocs(struct match *match, const struct range *stock, const struct range *built,
			 char *why)
{
	const struct table *table = stock->section->table;
	struct place from, to;

	if (stock->reloc->type != built->reloc->type)
		return match_differ(why, "a reference is of another kind");
	place_of_reloc(stock->image, stock->reloc, &from);
	place_of_reloc(built->image, built->reloc, &to);
	if (table && table->code_at && stock->reloc->offset - stock->start == table->code_at &&
	    from.section && to.section)
		return match_replacement(match, stock, built, &from, &to, why);
	return match_places(match, &from, &to, why);
}

/*
 * Is byte @i of an object without a name that of a line in the source? Such is what UBSAN
 * reports: a file, a line and a column. The compiler leaves those there that nothing refers
 * to any more, and they are part of the object before them.
 */
static bool is_line(const struct range *range, uint64_t i)
{
	const struct section *section = range->section;
	const struct piece *piece = piece_at(section, range->start);
	uint64_t at = (range->at + i) & ~3ULL;
	const struct reloc *reloc;
	struct place place;

	if (section->kind != KIND_DATA || !piece || piece->symbol || at < range->start + 8)
		return false;
	reloc = reloc_from(section, at - 8);
	if (reloc == section->relocs + section->n_relocs || reloc->offset != at - 8)
		return false;
	place_of_reloc(range->image, reloc, &place);
	return text_is_source(&place);
}

static struct lines lines_of(const struct range *range)
{
	const struct table *table = range->section->table;
	struct lines lines = { 0, 0, 0xff };

	if (table && table->line_at) {
		lines.from = range->end - range->start - table->line_at;
		lines.to = lines.from + 2;
	} else if (strcmp(range->section->name, "__dyndbg") == 0) {
		lines = (struct lines){ 32, 35, 0x03 };
	}
	return lines;
}

/* Bytes @from to @to of both; line numbers may differ, and that is noted. */
static bool same_bytes(struct match *match, const struct range *stock, const struct range *built,
		       uint64_t from, uint64_t to)
{
	const unsigned char *left = stock->section->data + stock->at;
	const unsigned char *right = built->section->data + built->at;
	struct lines lines;

	if (memcmp(left + from, right + from, to - from) == 0)
		return true;
	lines = lines_of(stock);
	for (uint64_t i = from; i < to; i++) {
		unsigned char bits = i + 1 == lines.to ? lines.last_bits : 0xff;

		if (left[i] == right[i])
			continue;
		if ((i < lines.from || i >= lines.to || ((left[i] ^ right[i]) & ~bits)) &&
		    !is_line(stock, i))
			return false;
		match->moved_lines = true;
	}
	return true;
}

static bool at_reloc(const struct range *range, uint64_t end)
{
	return range->reloc < range->section->relocs + range->section->n_relocs &&
	       range->reloc->offset < end;
}

/* @size bytes of both, and what they refer to; up to the end of an instruction or an object. */
static bool match_bytes(struct match *match, struct range *stock, struct range *built,
			uint64_t size, char *why)
{
	uint64_t done = 0;

	while (done < size) {
		uint64_t next = size;
		bool here = at_reloc(stock, stock->at + size), there = at_reloc(built, built->at + size);

		if (here != there || (here && stock->reloc->offset - stock->at !=
				      built->reloc->offset - built->at))
			return match_differ(why, "what it refers to begins at another place");
		if (here && stock->reloc->bytes != built->reloc->bytes)
			return match_differ(why, "a reference is of another kind");
		if (here)
			next = stock->reloc->offset - stock->at;
		if (!same_bytes(match, stock, built, done, here ? next + stock->reloc->bytes : next))
			return match_differ(why, "bytes differ");
		if (!here)
			break;
		if (!match_relocs(match, stock, built, why))
			return false;
		done = next + stock->reloc->bytes;
		stock->reloc++;
		built->reloc++;
	}
	stock->at += size;
	built->at += size;
	return true;
}

/* Where in its section a field of the instruction without a relocation leads, relative to its end. */
static uint64_t target_of(const struct range *range, const struct insn *insn, size_t at, size_t size)
{
	return range->at + insn->size +
	       (uint64_t)insn_displacement(range->section->data + range->at + at, size);
}

static bool is_outside(const struct range *range, uint64_t target)
{
	return target < range->start || target >= range->end;
}

/* Within the piece an offset; to the outside, it is what it reaches. */
static bool match_targets(struct match *match, const struct range *stock, const struct range *built,
			  uint64_t target, uint64_t other, char *why)
{
	struct place from, to;
	bool outside = is_outside(stock, target);

	if (outside != is_outside(built, other) ||
	    (!outside && !align_same(stock->aligned, (int64_t)(target - stock->start),
				     (int64_t)(other - built->start))))
		return match_differ(why, "leads elsewhere");
	if (!outside)
		return true;
	if (target > stock->section->size || other > built->section->size)
		return match_differ(why, "reaches outside its section");
	place_of(stock->section, target, &from);
	place_of(built->section, other, &to);
	return match_places(match, &from, &to, why);
}

/* Sets @masked when the bytes of the field are settled. Within a piece they are only bytes. */
static bool match_reached(struct match *match, const struct range *stock, const struct range *built,
			  const struct insn *insn, size_t at, size_t size, bool *masked, char *why)
{
	uint64_t target = target_of(stock, insn, at, size), other = target_of(built, insn, at, size);

	*masked = stock->aligned || (is_outside(stock, target) && is_outside(built, other));
	return !*masked || match_targets(match, stock, built, target, other, why);
}

static bool same_insn(const struct insn *a, const struct insn *b)
{
	return a->size == b->size && a->jump_size == b->jump_size && a->rip_at == b->rip_at;
}

/* One without relocations. */
static bool match_plain_insn(struct match *match, struct range *stock, struct range *built,
			     const struct insn *insn, char *why)
{
	size_t field = insn->jump_size ? (size_t)insn->size - insn->jump_size : insn->rip_at;
	size_t size = insn->jump_size ? insn->jump_size : insn->rip_at ? 4 : 0;
	const unsigned char *left = stock->section->data + stock->at;
	const unsigned char *right = built->section->data + built->at;
	bool masked = false;

	if (size && !match_reached(match, stock, built, insn, field, size, &masked, why))
		return false;
	if (!masked)
		size = 0;
	if (memcmp(left, right, masked ? field : insn->size) != 0 ||
	    (masked && memcmp(left + field + size, right + field + size, insn->size - field - size) != 0))
		return match_differ(why, "another instruction");
	stock->at += insn->size;
	built->at += insn->size;
	return true;
}

/* Where gaps do not count, bytes of a relative field say nothing: have they a relocation, if any has? */
static bool is_settled(const struct range *range, const struct insn *insn)
{
	size_t field = insn->jump_size ? (size_t)insn->size - insn->jump_size : insn->rip_at;

	return !field || !at_reloc(range, range->at + insn->size) ||
	       reloc_from(range->section, range->at + field)->offset == range->at + field;
}

static bool match_insn(struct match *match, struct range *stock, struct range *built, char *why)
{
	struct insn insn, other;

	if (!insn_decode(stock->section->data + stock->at, stock->end - stock->at, &insn) ||
	    !insn_decode(built->section->data + built->at, built->end - built->at, &other))
		return match_differ(why, "an instruction that cannot be decoded");
	if (!same_insn(&insn, &other))
		return match_differ(why, "another instruction");
	if (stock->aligned && !is_settled(stock, &insn))
		return match_differ(why, "is relative beside what it refers to");
	if (at_reloc(stock, stock->at + insn.size) || at_reloc(built, built->at + insn.size))
		return match_bytes(match, stock, built, insn.size, why);
	return match_plain_insn(match, stock, built, &insn, why);
}

static void range_make(const struct image *image, const struct section *section, uint64_t at,
		       uint64_t size, struct range *range)
{
	range->image = image;
	range->section = section;
	range->at = at;
	range->start = at;
	range->end = at + size;
	range->reloc = reloc_from(section, at);
	range->aligned = NULL;
}

/* What differs in length between two functions that do the same: align_find() has looked at it. */
static bool match_gap(struct match *match, struct range *stock, struct range *built,
		      const struct gap *gap, char *why)
{
	struct insn insn, other;

	if (gap->kind == GAP_JUMP) {
		if (!insn_decode(stock->section->data + stock->at, gap->stock_size, &insn) ||
		    !insn_decode(built->section->data + built->at, gap->built_size, &other))
			return match_differ(why, "an instruction that cannot be decoded");
		if (!match_targets(match, stock, built,
				   target_of(stock, &insn, insn.size - insn.jump_size, insn.jump_size),
				   target_of(built, &other, other.size - other.jump_size, other.jump_size),
				   why))
			return false;
	}
	stock->at += gap->stock_size;
	built->at += gap->built_size;
	return true;
}

/* Two functions, though gaps differ. */
static bool match_aligned(struct match *match, const struct piece *stock, const struct piece *built,
			  char *why)
{
	char cause[WHY_MAX] = "";
	struct range from, to;
	bool same = true;

	range_make(match->stock, stock->section, stock->start, stock->end - stock->start, &from);
	range_make(match->built, built->section, built->start, built->end - built->start, &to);
	from.aligned = stock;
	for (size_t i = 0; same && i <= stock->n_gaps; i++) {
		const struct gap *gap = i < stock->n_gaps ? &stock->gaps[i] : NULL;
		const uint64_t until = gap ? stock->start + gap->stock : stock->end;

		while (same && from.at < until)
			same = match_insn(match, &from, &to, cause);
		same = same && (!gap || match_gap(match, &from, &to, gap, cause));
	}
	return same || match_differ(why, "at +0x%" PRIx64 ": %.400s", from.at - from.start, cause);
}

bool match_range(struct match *match, const struct section *stock, uint64_t stock_at,
		 const struct section *built, uint64_t built_at, uint64_t size, char *why)
{
	char cause[WHY_MAX] = "";
	struct range from, to;
	bool same = true;

	range_make(match->stock, stock, stock_at, size, &from);
	range_make(match->built, built, built_at, size, &to);
	if (!stock->data || !built->data)
		return stock->data == built->data || match_differ(why, "bytes where there were none");
	if (stock->kind != KIND_CODE)
		same = match_bytes(match, &from, &to, size, cause);
	while (same && stock->kind == KIND_CODE && from.at < from.end)
		same = match_insn(match, &from, &to, cause);
	if (same)
		return true;
	if (stock->kind != KIND_CODE)
		return match_differ(why, "%.400s", cause);
	return match_differ(why, "at +0x%" PRIx64 ": %.400s", from.at - from.start, cause);
}

/* What else is known of the place: names, kinds of symbols, marks within. */
static bool match_symbols(const struct match *match, const struct piece *stock,
			  const struct piece *built, const struct piece *aligned, char *why)
{
	const struct symbol *from = &match->stock->symbols[stock->symbol];
	const struct symbol *to = &match->built->symbols[built->symbol];

	if (from->type != to->type || from->bind != to->bind || from->visibility != to->visibility)
		return match_differ(why, "its symbol is of another kind");
	return from->size == to->size || (aligned && from->size && to->size) ||
	       match_differ(why, "0x%" PRIx64 " bytes, were 0x%" PRIx64,
						 to->size, from->size);
}

/* The next label that has a name of its own; local ones of no size have not. */
static const struct symbol *next_label(const struct image *image, const struct piece *piece, size_t *i)
{
	while (*i < piece->n_labels) {
		const struct symbol *symbol = &image->symbols[image->labels[piece->first_label + (*i)++]];

		if (symbol->size || symbol->bind != STB_LOCAL)
			return symbol;
	}
	return NULL;
}

/* @from, @to: their offsets. */
static bool same_label(const struct symbol *a, uint64_t from, const struct symbol *b, uint64_t to,
		       const struct piece *aligned)
{
	char key[NAME_MAX], other[NAME_MAX];

	if (aligned ? !align_same(aligned, (int64_t)from, (int64_t)to) ||
		      !align_same(aligned, (int64_t)(from + a->size), (int64_t)(to + b->size)) :
		      from != to || a->size != b->size)
		return false;

	piece_key(a->name, key, sizeof(key));
	piece_key(b->name, other, sizeof(other));
	return a->bind == b->bind && a->type == b->type && strcmp(key, other) == 0;
}

static bool match_labels(const struct match *match, const struct piece *stock,
			 const struct piece *built, const struct piece *aligned, char *why)
{
	size_t i = 0, j = 0;

	for (;;) {
		const struct symbol *from = next_label(match->stock, stock, &i);
		const struct symbol *to = next_label(match->built, built, &j);

		if (!from && !to)
			return true;
		if (!from || !to || !same_label(from, from->value - stock->start, to, to->value - built->start,
					       aligned))
			return match_differ(why, "other names within it: %.100s, was %.100s",
				      to ? to->name : "none", from ? from->name : "none");
	}
}

static bool match_record(struct match *match, const struct record *stock,
			 const struct record *built, char *why)
{
	const struct table *table = stock->section->table;
	const struct section *from, *to;

	if (table != built->section->table || stock->size != built->size)
		return false;
	if (!match_range(match, stock->section, stock->at,
			 built->section, built->at, stock->size, why))
		return false;
	if (!table->beside)
		return true;
	from = image_section(match->stock, table->beside);
	to = image_section(match->built, table->beside);
	return !memcmp(from->data + stock->at / stock->size * table->beside_size,
		       to->data + built->at / built->size * table->beside_size,
		       table->beside_size) || match_differ(why, "another way to unwind");
}

static bool match_unwind(const struct piece *stock, const struct piece *built, char *why)
{
	if (!stock->unwind == !built->unwind &&
	    (!stock->unwind || !memcmp(stock->unwind, built->unwind, UNWIND_SIZE)))
		return true;
	return match_differ(why, "unwind table: another way to unwind from its start");
}

/* Where in its piece a record of how to unwind begins to hold; -1 if it is of another kind. */
static int64_t unwinds_from(const struct cursor *cursor, const struct record *record)
{
	struct place place;

	if (!record->section->table->beside)
		return -1;
	place_of_reloc(cursor->image, reloc_from(record->section, record->at), &place);
	return place.piece == cursor->piece ? place.offset : -1;
}

/* It holds where nothing runs, and nowhere else: how long that is depends on the alignment. */
static bool is_idle(const struct cursor *cursor, const struct record *record)
{
	const struct record *next = record + 1, *end = cursor->piece->records + cursor->piece->n_records;

	return next < end && align_idle(cursor->aligned, unwinds_from(cursor, record),
					unwinds_from(cursor, next), cursor->ours);
}

/* Does the entry say something new of what is executed? */
static bool tells(struct cursor *cursor, const struct record *record)
{
	const struct table *table = record->section->table;
	const unsigned char *unwind;

	if (!cursor->aligned || !table->beside)
		return true;
	if (is_idle(cursor, record))
		return false;
	unwind = image_section(cursor->image, table->beside)->data +
		 record->at / record->size * table->beside_size;
	if (cursor->unwind && !memcmp(cursor->unwind, unwind, table->beside_size))
		return false;
	cursor->unwind = unwind;
	return true;
}

static const struct record *next_record(struct cursor *cursor)
{
	while (cursor->i < cursor->piece->n_records) {
		const struct record *record = &cursor->piece->records[cursor->i++];

		if (tells(cursor, record))
			return record;
	}
	return NULL;
}

/* Of the tables, all that is about the two. */
static bool match_records(struct match *match, const struct piece *stock, const struct piece *built,
			  const struct piece *aligned, char *why)
{
	struct cursor left = { match->stock, stock, aligned, stock->unwind, 0, false };
	struct cursor right = { match->built, built, aligned, built->unwind, 0, true };
	char cause[WHY_MAX] = "";

	for (;;) {
		const struct record *from = next_record(&left), *to = next_record(&right);

		if (!from && !to)
			return true;
		if (!from || !to)
			return match_differ(why, "%zu entries in tables about it, were %zu",
					    built->n_records, stock->n_records);
		if (!match_record(match, from, to, cause))
			return match_differ(why, "%s: %.300s", from->section->table->what,
					    *cause ? cause : "another number of entries");
	}
}

static bool match_code(struct match *match, const struct piece *stock, const struct piece *built,
		       const struct piece *aligned, char *why)
{
	uint64_t size = stock->end - stock->start;

	if (aligned)
		return match_aligned(match, stock, built, why);
	if (size != built->end - built->start)
		return match_differ(why, "0x%" PRIx64 " bytes, were 0x%" PRIx64,
			      built->end - built->start, size);
	return match_range(match, stock->section, stock->start, built->section, built->start, size, why);
}

/* @aligned: @stock if its gaps do not count, else NULL. */
static bool match_all(struct match *match, const struct piece *stock, const struct piece *built,
		      const struct piece *aligned, char *why)
{
	match->moved_lines = false;
	why[0] = '\0';
	return match_symbols(match, stock, built, aligned, why) &&
	       match_code(match, stock, built, aligned, why) &&
	       match_labels(match, stock, built, aligned, why) &&
	       match_unwind(stock, built, why) &&
	       match_records(match, stock, built, aligned, why);
}

bool match_pieces(struct match *match, struct piece *stock, struct piece *built, char *why)
{
	match->moved_padding = false;
	if (match_all(match, stock, built, NULL, why))
		return true;
	if (match->exact || !align_find(match, stock, built))
		return false;
	match_drop(match);
	match->moved_padding = match_all(match, stock, built, stock, why);
	return match->moved_padding;
}
