/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the audit share: a module cut up into pieces (functions and
 * data objects), and how two of them are held against each other. For audit*.c only.
 */
#ifndef AUDIT_PARTS_H
#define AUDIT_PARTS_H

#include <stdarg.h>

#include "audit.h"
#include "modfile.h"

enum section_kind {
	KIND_UNKNOWN,
	KIND_IGNORED,		/* read by nobody who runs the module, or told of elsewhere */
	KIND_CODE,
	KIND_DATA,
	KIND_STRINGS,		/* what counts is the text that is referred to */
	KIND_CONSTANTS,		/* the same, of a fixed size */
	KIND_TABLE,		/* records, each about a place in a piece */
	KIND_EXACT,		/* byte for byte */
};

/**
 * struct table - a section of records, each about the place that its first field refers to
 * @sizes: of a record, in the kernels that there are, 0-terminated
 * @last: the least size of the last record, where it can be without its padding; 0 if not
 * @line_at: where from its end the line number is, 2 bytes; 0 if there is none
 * @code_at: where the reference to replacing code is, 0 if there is none; its length is
 *	the byte at @lengths_at, for each of @sizes
 * @covers_at: where the length of the code at the place is, 1 byte, for each of @sizes; 0 if
 *	it is about one instruction
 * @beside: section with @beside_size bytes more for each record, NULL if none
 */
struct table {
	const char *name;
	const char *what;
	uint8_t sizes[4];
	uint8_t last;
	uint8_t line_at;
	uint8_t code_at;
	uint8_t lengths_at[4];
	uint8_t covers_at[4];
	const char *beside;
	uint8_t beside_size;
};

/**
 * struct reloc - a field that refers to something
 * @bytes: its size
 * @behind: bytes from it to the end of its instruction, 0 in data
 * @relative: what is added is counted from that end
 */
struct reloc {
	uint64_t offset;
	int64_t addend;
	uint32_t type;
	uint32_t symbol;
	uint8_t bytes;
	uint8_t behind;
	bool relative;
};

/**
 * struct section - of a module's file
 * @data: its bytes, NULL if it has none
 * @record_size: of a table
 * @pieces: those in it, in order
 * @used: for KIND_STRINGS, which bytes are referred to; NULL elsewhere
 */
struct section {
	const char *name;
	enum section_kind kind;
	const struct table *table;
	uint32_t type;
	uint64_t flags;
	uint64_t size;
	uint64_t align;
	uint64_t entsize;
	const unsigned char *data;
	struct reloc *relocs;
	size_t n_relocs;
	size_t record_size;
	struct piece *pieces;
	size_t n_pieces;
	uint8_t *used;
};

#define SECTION_UNDEFINED	0u
#define SECTION_ABSOLUTE	UINT32_MAX

struct symbol {
	const char *name;
	uint32_t section;
	uint64_t value;
	uint64_t size;
	uint8_t type;
	uint8_t bind;
	uint8_t visibility;
	bool label;		/* lies within a piece that others name */
};

/* Bytes of an entry of .orc_unwind. */
#define UNWIND_SIZE	6

/**
 * struct record - of a table
 * @owner: piece that it is about
 */
struct record {
	const struct section *section;
	uint64_t at;
	uint64_t size;
	struct piece *owner;
};

enum gap_kind {
	GAP_PADS,		/* NOPs that align what lies behind them */
	GAP_IDLE,		/* such that nothing runs into */
	GAP_JUMP,		/* the same jump, short in one and long in the other */
};

/**
 * struct gap - where a function and its pair are of another length, though they do the same
 * @stock: offset in the shipped one, and @stock_size bytes there
 * @built: the same in ours
 */
struct gap {
	uint64_t stock;
	uint64_t built;
	uint8_t stock_size;
	uint8_t built_size;
	uint8_t kind;
};

/**
 * struct piece - a function, a data object, or bytes that no symbol names
 * @name: of its symbol; where there is none, of its place
 * @key: name without what the compiler counts up; pieces of equal key can be one another
 * @symbol: index, 0 if none
 * @pair: the piece of the other module, NULL if there is none (yet)
 * @tried: the pair's equality was looked at
 * @same @moved_lines @moved_padding @why: what came of it
 * @gaps_to: the piece that @gaps were looked for against, @n_gaps of them; of a shipped one
 * @by: fix that declares it; NULL if none does
 * @records @n_records: of tables, about it, in the tables' order
 * @unwind: the entry of a table that says how to unwind from its start, NULL if none does;
 *	where the piece before ends in the same state, that is one of the piece before
 */
struct piece {
	char *name;
	char *key;
	struct section *section;
	uint64_t start;
	uint64_t end;
	uint32_t symbol;
	struct piece *pair;
	bool tried;
	bool same;
	bool moved_lines;
	bool moved_padding;
	const struct piece *gaps_to;
	struct gap *gaps;
	size_t n_gaps;
	char *why;
	const char *by;
	struct record *records;
	size_t n_records;
	const unsigned char *unwind;
	size_t first_label;
	size_t n_labels;
};

/**
 * struct image - a module, cut up
 * @plain: the ELF file, unpacked
 * @labels: symbols that name no piece of their own, by section and place
 * @edges: who refers to whom, by whom it is
 */
struct image {
	struct modfile file;
	char *plain;
	size_t plain_size;
	struct section *sections;
	size_t n_sections;
	struct symbol *symbols;
	size_t n_symbols;
	uint32_t *labels;
	size_t n_labels;
	struct record *records;
	size_t n_records;
	struct edge {
		struct piece *to;
		struct piece *from;
		uint32_t import;	/* symbol, if @to is NULL */
	} *edges;
	size_t n_edges;
};

/* 0, or -errno with @why set; image_free() it in either case. */
int image_read(const char *path, struct image *image, char *why);
int image_parse(const void *data, size_t size, const char *path, struct image *image, char *why);
void image_free(struct image *image);

/* "PATH: its WHAT; ..." Returns -ENOEXEC. */
int image_damaged(const struct image *image, char *why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* audit_elf.c: sections, symbols and relocations. 0 or -errno with @why set. */
int image_read_elf(struct image *image, char *why);
void section_classify(struct section *section);
struct section *image_section(const struct image *image, const char *name);

/* audit_insn.c */

/**
 * struct insn - one instruction
 * @size: in bytes
 * @jump_size: of the relative target at its end, 0 if it has none
 * @rip_at: where the displacement from its end is, 0 if it has none
 */
struct insn {
	uint8_t size;
	uint8_t jump_size;
	uint8_t rip_at;
};

/* The instruction at @code, of at most @left bytes. False: it is none that is known. */
bool insn_decode(const unsigned char *code, size_t left, struct insn *insn);
/* Does it nothing, as what fills up between functions does? */
bool insn_pads(const unsigned char *code, const struct insn *insn);
/* What a field of 1 or 4 bytes adds. */
int64_t insn_displacement(const unsigned char *at, size_t size);

/* audit_pieces.c: cuts the sections up. 0 or -errno with @why set. */
int image_cut(struct image *image, char *why);
/* audit_ends.c: in each relocation of code; @sorted: the symbols by place. */
void image_find_ends(struct image *image, const uint32_t *sorted, size_t n);
/* The first at or behind @offset. */
struct reloc *reloc_from(const struct section *section, uint64_t offset);
/* audit_names.c: the name without the numbers that the compiler counts up: "foo.part.3" is "foo.part". */
void piece_key(const char *name, char *key, size_t size);
/* The function that a clone of it belongs to: "foo" for "foo.isra.0.cold" and "__pfx_foo". */
void piece_base(const char *name, char *base, size_t size);

/* audit_place.c */

enum place_kind {
	PLACE_NONE,		/* outside everything */
	PLACE_IMPORT,
	PLACE_NUMBER,
	PLACE_PIECE,
	PLACE_TEXT,
	PLACE_CONSTANT,
	PLACE_LABEL,
	PLACE_RECORD,		/* of a table */
	PLACE_SECTION,		/* one that is not cut up */
};

/**
 * struct place - what a reference means
 * @name: of an import, label or section
 * @piece: and @offset from its start
 * @text: and @size
 */
struct place {
	enum place_kind kind;
	const char *name;
	struct piece *piece;
	int64_t offset;
	const unsigned char *text;
	size_t size;
	const struct section *section;
	uint64_t at;
};

void place_of_reloc(const struct image *image, const struct reloc *reloc, struct place *place);
void place_of(const struct section *section, uint64_t at, struct place *place);
/* The piece that covers @at, or the last one before it; NULL if there is none. */
struct piece *piece_at(const struct section *section, uint64_t at);
/* The name of a file of the source? */
bool text_is_source(const struct place *place);
/* Two texts; of files of the source, without the folder that the kernel's tree lay in. */
bool text_same(const struct place *a, const struct place *b);
/* "kvm_vm_ioctl+0x10", "\"text\""; @text has WHY_MAX bytes. Returns it. */
const char *place_text(const struct place *place, char *text);

/* audit_table.c: finds the records of @image and whose they are. 0 or -errno with @why set. */
int image_read_tables(struct image *image, char *why);

/* audit_match.c */

/**
 * struct match - two modules, while they are held against each other
 * @bound: pieces that were taken for one another on the way, @n_bound of them
 * @final: nothing is taken for anything any more
 * @exact: what fills up must be the same too
 * @moved_lines: the two that were compared last differ in numbers of source lines
 * @moved_padding: they differ in what fills up before loops
 */
struct match {
	struct image *stock;
	struct image *built;
	struct piece **bound;
	size_t n_bound;
	size_t room;
	bool final;
	bool exact;
	bool moved_lines;
	bool moved_padding;
	bool no_memory;
};

/*
 * Are the two the same in meaning? If not, @why (WHY_MAX bytes) says where not. Pieces that
 * have to be each other's pair for that are bound, and stay so unless match_drop() is called.
 */
bool match_pieces(struct match *match, struct piece *stock, struct piece *built, char *why);
/* False, with @why set. */
bool match_differ(char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool match_places(struct match *match, const struct place *stock, const struct place *built,
		  char *why);
bool match_range(struct match *match, const struct section *stock, uint64_t stock_at,
		 const struct section *built, uint64_t built_at, uint64_t size, char *why);
void match_drop(struct match *match);

/*
 * audit_align.c: finds the gaps of a shipped function against ours. True if there are some,
 * and all instructions between them are the same but for what they refer to.
 */
bool align_find(struct match *match, struct piece *stock, const struct piece *built);
/* Are the two offsets the same place of a function and of what its gaps are to? */
bool align_same(const struct piece *stock, int64_t at, int64_t built_at);
/* Are the two offsets, in the shipped one or in ours, those of a gap that nothing runs into? */
bool align_idle(const struct piece *stock, int64_t at, int64_t end, bool ours);

/* audit_edges.c: who refers to what. 0 or -ENOMEM. */
int image_find_edges(struct image *image);
/*
 * The fix that declares all who refer to piece @to, or to symbol @import if @to is NULL;
 * NULL if one of them is not declared, or there are none.
 */
const char *image_users_by(const struct image *image, const struct piece *to, uint32_t import);

/* audit_pair.c: finds each piece's pair, and compares. 0 or -errno with @why set. */
int pair_images(struct image *stock, struct image *built, char *why);

/* audit_listing.c */

/**
 * struct line - an instruction
 * @text: as it is printed
 * @key: without where in its function it jumps to: that moves with what lies between
 */
struct line {
	char *text;
	char *key;
};

/**
 * struct listing - one disassembly
 * @text: what objdump printed, cut up into @lines, @n of them
 */
struct listing {
	char *text;
	struct line *lines;
	size_t n;
};

/* Of one function. 0 or -errno with @why set; listing_free() it in either case. */
int listing_read(const struct image *image, const struct piece *piece, struct listing *listing,
		 char *why);
void listing_free(struct listing *listing);

/* audit_findings.c: one more; @name and @detail are copied and made printable. 0 or -ENOMEM. */
int finding_add(struct audited *audited, enum subject subject, enum verdict verdict,
		const char *name, const char *detail, const char *by);
/* In order, and counted. */
void findings_close(struct audited *audited);

/* audit_outside.c: all that is not in a piece. 0 or -ENOMEM. */
int audit_outside(const struct image *stock, const struct image *built,
		  const struct declared *declared, struct audited *audited);
/* audit_texts.c: strings and constants that nothing refers to. 0 or -ENOMEM. */
int audit_texts(const struct image *stock, const struct image *built, struct audited *audited);
/* audit_info.c: .modinfo, and who compiled it. 0 or -ENOMEM. */
int audit_info(const struct image *stock, const struct image *built,
	       const struct declared *declared, struct audited *audited);
void image_compiler(const struct image *image, char *compiler, size_t size);

#endif
