// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compiler aligns loops to more than it aligns functions to. When code comes in before a
 * function, it moves, and what fills up before its loops gets longer or shorter, though what
 * is executed stays the same. Here such gaps are found, by walking through both functions side
 * by side; which offset is which is then known.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

#define ALIGN_LEAST	16u
#define ALIGN_MOST	64u

/* Of each byte of a function. */
enum {
	MARK_REACHED = 1,	/* a jump of the function leads there */
	MARK_PINNED = 2,	/* it has a relocation, or a table knows it */
};

/**
 * struct side - one of the two, and how far it was walked through
 * @run: where the NOPs begin that lie just before @at
 * @marks: for each byte, NULL until they are needed
 */
struct side {
	const struct image *image;
	const struct piece *piece;
	const unsigned char *code;
	uint64_t size;
	uint64_t at;
	uint64_t run;
	uint8_t *marks;
};

/**
 * struct walk - through both
 * @idle: nothing runs on into what lies at @run of both
 */
struct walk {
	struct match *match;
	struct piece *piece;
	struct side stock;
	struct side built;
	bool idle;
};

static bool decode(const struct side *side, uint64_t at, struct insn *insn)
{
	return at < side->size && insn_decode(side->code + at, side->size - at, insn);
}

/* int3 is executed, if only to stop. */
static bool is_nop(const unsigned char *code, const struct insn *insn)
{
	return insn_pads(code, insn) && code[insn->size - 1] != 0xcc;
}

/* Does nothing run on behind it? int3 behind such a one is a barrier to speculation. */
static bool is_last(const unsigned char *code, const struct insn *insn, bool before)
{
	size_t at = 0;

	while (at + 1 < insn->size && (code[at] == 0x2e || code[at] == 0x3e || code[at] == 0xf2 ||
				       code[at] == 0xf3 || (code[at] & 0xf0) == 0x40))
		at++;
	if (code[at] == 0xff)
		return at + 1 < insn->size && ((code[at + 1] >> 3) & 7) == 4;
	return code[at] == 0xe9 || code[at] == 0xeb || code[at] == 0xc2 || code[at] == 0xc3 ||
	       (code[at] == 0xcc && before);
}

/* What a jump depends on, both forms alike; -1 if it is none that has two. */
static int jump_kind(const unsigned char *code, const struct insn *insn)
{
	if (insn->size == 2 && ((code[0] & 0xf0) == 0x70 || code[0] == 0xeb))
		return code[0] == 0xeb ? 0x10 : code[0] & 0x0f;
	if (insn->size == 5 && code[0] == 0xe9)
		return 0x10;
	if (insn->size == 6 && code[0] == 0x0f && (code[1] & 0xf0) == 0x80)
		return code[1] & 0x0f;
	return -1;
}

/* But for fields whose meaning can be the same though they differ: match_pieces() looks at those. */
static bool same_code(const unsigned char *left, const struct insn *a, const unsigned char *right,
		      const struct insn *b)
{
	size_t field = a->jump_size ? (size_t)a->size - a->jump_size : a->rip_at ? a->rip_at : a->size;
	size_t rest = a->jump_size ? a->size : a->rip_at ? (size_t)a->rip_at + 4 : a->size;

	return a->size == b->size && a->jump_size == b->jump_size && a->rip_at == b->rip_at &&
	       !memcmp(left, right, field) && !memcmp(left + rest, right + rest, a->size - rest);
}

static void mark(struct side *side, uint64_t at, uint64_t size, uint8_t what)
{
	for (uint64_t i = at; i < at + size && i < side->size; i++)
		side->marks[i] |= what;
}

/* How much of the code at its place an entry of a table is about. */
static size_t covered(const struct record *record)
{
	const struct section *section = record->section;
	const struct table *table = section->table;
	size_t i = 0;

	while (table->sizes[i] != section->record_size)
		i++;
	return table->covers_at[i] ? section->data[record->at + table->covers_at[i]] : 1;
}

/* How to unwind is compared by place, and is told of what fills up too. */
static void mark_record(struct side *side, const struct record *record)
{
	const struct section *section = record->section;
	const struct reloc *reloc = reloc_from(section, record->at);
	struct place place;

	for (; !section->table->beside && reloc < section->relocs + section->n_relocs &&
	     reloc->offset < record->at + record->size; reloc++) {
		place_of_reloc(side->image, reloc, &place);
		if (place.kind == PLACE_PIECE && place.piece == side->piece && place.offset >= 0)
			mark(side, (uint64_t)place.offset,
			     reloc->offset == record->at ? covered(record) : 1, MARK_PINNED);
	}
}

/* A jump that has a relocation leads elsewhere. */
static void mark_jumps(struct side *side)
{
	struct insn insn;

	for (uint64_t at = 0; decode(side, at, &insn); at += insn.size) {
		uint64_t end = at + insn.size;

		if (insn.jump_size && side->code[at] != 0xe8 && !(side->marks[end - 1] & MARK_PINNED))
			mark(side, end + (uint64_t)insn_displacement(side->code + end - insn.jump_size,
								     insn.jump_size), 1, MARK_REACHED);
	}
}

static bool mark_all(struct side *side)
{
	const struct section *section = side->piece->section;
	const struct reloc *reloc = reloc_from(section, side->piece->start);

	if (side->marks)
		return true;
	side->marks = calloc(side->size + 1, 1);
	if (!side->marks)
		return false;
	for (; reloc < section->relocs + section->n_relocs && reloc->offset < side->piece->end; reloc++)
		mark(side, reloc->offset - side->piece->start, reloc->bytes, MARK_PINNED);
	for (size_t i = 0; i < side->piece->n_records; i++)
		mark_record(side, &side->piece->records[i]);
	mark_jumps(side);
	return true;
}

static bool is_pinned(const struct side *side, uint64_t at, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (side->marks[at + i] & MARK_PINNED)
			return true;
	}
	return false;
}

static bool fills(const struct side *side, uint64_t at, struct insn *insn)
{
	return decode(side, at, insn) && is_nop(side->code + at, insn) && !is_pinned(side, at, insn->size);
}

/* Where what fills up from @at on ends. */
static uint64_t run_end(const struct side *side, uint64_t at)
{
	struct insn insn;

	while (fills(side, at, &insn))
		at += insn.size;
	return at;
}

static bool aligned(const struct side *side, uint64_t end, uint64_t size, unsigned int to)
{
	return size < to && side->piece->section->align >= to && (side->piece->start + end) % to == 0;
}

/* Do both runs align what lies behind them, and nothing else? */
static bool align_both(const struct walk *walk, const struct gap *gap)
{
	const struct side *stock = &walk->stock, *built = &walk->built;
	const uint64_t end = gap->stock + gap->stock_size, other = gap->built + gap->built_size;

	if (end >= stock->size || other >= built->size ||
	    (gap->kind != GAP_IDLE && !(stock->marks[end] & built->marks[other] & MARK_REACHED)))
		return false;
	for (unsigned int to = ALIGN_LEAST; to <= ALIGN_MOST; to *= 2) {
		if (aligned(stock, end, gap->stock_size, to) && aligned(built, other, gap->built_size, to))
			return true;
	}
	return false;
}

static bool add_gap(struct walk *walk, const struct gap *gap)
{
	struct piece *piece = walk->piece;

	if (!(piece->n_gaps & (piece->n_gaps - 1))) {
		size_t room = piece->n_gaps ? 2 * piece->n_gaps : 1;
		struct gap *longer = realloc(piece->gaps, room * sizeof(*longer));

		if (!longer) {
			walk->match->no_memory = true;
			return false;
		}
		piece->gaps = longer;
	}
	piece->gaps[piece->n_gaps++] = *gap;
	walk->stock.at = gap->stock + gap->stock_size;
	walk->built.at = gap->built + gap->built_size;
	walk->stock.run = walk->stock.at;
	walk->built.run = walk->built.at;
	return true;
}

/* A jump that is short in one and long in the other, since what it jumps over moved. */
static bool step_jump(struct walk *walk)
{
	const struct side *stock = &walk->stock, *built = &walk->built;
	const unsigned char *left = stock->code + stock->at, *right = built->code + built->at;
	struct gap gap = { .stock = stock->at, .built = built->at, .kind = GAP_JUMP };
	struct insn insn, other;
	int kind;

	if (!decode(stock, stock->at, &insn) || !decode(built, built->at, &other))
		return false;
	kind = jump_kind(left, &insn);
	if (kind < 0 || kind != jump_kind(right, &other) || is_pinned(stock, stock->at, insn.size) ||
	    is_pinned(built, built->at, other.size))
		return false;
	gap.stock_size = insn.size;
	gap.built_size = other.size;
	walk->idle = is_last(left, &insn, false);
	return add_gap(walk, &gap);
}

/* The two lie in runs of NOPs that are not the same; what a table knows is not part of one. */
static bool step_run(struct walk *walk)
{
	struct side *stock = &walk->stock, *built = &walk->built;
	struct gap gap = { .stock = stock->run, .built = built->run };
	uint64_t ends[2];
	struct insn insn;

	for (uint64_t i = 0; stock->run + i < stock->at && decode(stock, stock->run + i, &insn);) {
		bool pinned = is_pinned(stock, stock->run + i, insn.size) ||
			      is_pinned(built, built->run + i, insn.size);

		i += insn.size;
		if (!pinned)
			continue;
		gap.stock = stock->run + i;
		gap.built = built->run + i;
		walk->idle = false;
	}
	ends[0] = run_end(stock, gap.stock);
	ends[1] = run_end(built, gap.built);
	gap.kind = walk->idle ? GAP_IDLE : GAP_PADS;
	if (ends[0] - gap.stock == ends[1] - gap.built || ends[0] - gap.stock >= ALIGN_MOST ||
	    ends[1] - gap.built >= ALIGN_MOST)
		return false;
	gap.stock_size = (uint8_t)(ends[0] - gap.stock);
	gap.built_size = (uint8_t)(ends[1] - gap.built);
	walk->idle = false;
	return align_both(walk, &gap) && add_gap(walk, &gap);
}

/* One instruction that is the same in both. */
static bool step_same(struct walk *walk)
{
	struct side *stock = &walk->stock, *built = &walk->built;
	const unsigned char *code = stock->code + stock->at;
	struct insn insn, other;

	if (!decode(stock, stock->at, &insn) || !decode(built, built->at, &other) ||
	    !same_code(code, &insn, built->code + built->at, &other))
		return false;
	stock->at += insn.size;
	built->at += insn.size;
	if (is_nop(code, &insn))
		return true;
	stock->run = stock->at;
	built->run = built->at;
	walk->idle = is_last(code, &insn, walk->idle);
	return true;
}

static bool step_gap(struct walk *walk)
{
	if (!mark_all(&walk->stock) || !mark_all(&walk->built)) {
		walk->match->no_memory = true;
		return false;
	}
	return step_jump(walk) || step_run(walk);
}

static void side_make(const struct image *image, const struct piece *piece, struct side *side)
{
	*side = (struct side){
		.image = image, .piece = piece, .code = piece->section->data + piece->start,
		.size = piece->end - piece->start,
	};
}

static bool is_function(const struct image *image, const struct piece *piece)
{
	return piece->symbol && image->symbols[piece->symbol].type == STT_FUNC && piece->section->data;
}

bool align_find(struct match *match, struct piece *stock, const struct piece *built)
{
	struct walk walk = { .match = match, .piece = stock };
	bool same = true;

	stock->gaps_to = built;
	stock->n_gaps = 0;
	if (!is_function(match->stock, stock) || !is_function(match->built, built))
		return false;
	side_make(match->stock, stock, &walk.stock);
	side_make(match->built, built, &walk.built);
	while (same && (walk.stock.at < walk.stock.size || walk.built.at < walk.built.size))
		same = step_same(&walk) || step_gap(&walk);
	free(walk.stock.marks);
	free(walk.built.marks);
	if (!same)
		stock->n_gaps = 0;
	return stock->n_gaps;
}

/* The last that begins at or before @at, in the shipped one or in ours. */
static const struct gap *gap_before(const struct piece *stock, int64_t at, bool ours)
{
	size_t low = 0, high = stock->n_gaps;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gap *gap = &stock->gaps[middle];

		if ((int64_t)(ours ? gap->built : gap->stock) <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &stock->gaps[low - 1] : NULL;
}

bool align_same(const struct piece *stock, int64_t at, int64_t built_at)
{
	const struct gap *gap = gap_before(stock, at, false);
	uint64_t from, to;

	if (!gap)
		return at == built_at;
	from = (uint64_t)at - gap->stock;
	to = (uint64_t)built_at - gap->built;
	if (!from && !to)
		return true;
	return from >= gap->stock_size && from - gap->stock_size == to - gap->built_size;
}

bool align_idle(const struct piece *stock, int64_t at, int64_t end, bool ours)
{
	const struct gap *gap = gap_before(stock, at, ours);

	return gap && gap->kind == GAP_IDLE && (int64_t)(ours ? gap->built : gap->stock) == at &&
	       end - at == (ours ? gap->built_size : gap->stock_size);
}
