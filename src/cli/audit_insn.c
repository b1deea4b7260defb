// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long an x86-64 instruction is, and where in it something relative to its end
 * is: calls within a section carry no relocation, and move with what is between.
 */
#include <string.h>

#include "audit_parts.h"

/* What follows an opcode. */
enum {
	BAD = 0,	/* no instruction in 64-bit mode, or not one that compilers make */
	NO,		/* nothing */
	M,		/* ModRM */
	MB,		/* ModRM and a byte */
	MZ,		/* ModRM and an operand of 2 or 4 bytes */
	B,		/* a byte */
	W,		/* 2 bytes */
	WB,		/* 3 bytes */
	Z,		/* 2 or 4 bytes */
	V,		/* 2, 4 or 8 bytes */
	A,		/* an address */
	J,		/* relative, a byte */
	JZ,		/* relative, 4 bytes */
	G3,		/* ModRM, and a byte if it is a test */
	GZ,		/* ModRM, and 2 or 4 bytes if it is a test */
	PRE,		/* prefix */
};

static const uint8_t one_byte[256] = {
	/* 00 */ M, M, M, M, B, Z, BAD, BAD, M, M, M, M, B, Z, BAD, BAD,
	/* 10 */ M, M, M, M, B, Z, BAD, BAD, M, M, M, M, B, Z, BAD, BAD,
	/* 20 */ M, M, M, M, B, Z, PRE, BAD, M, M, M, M, B, Z, PRE, BAD,
	/* 30 */ M, M, M, M, B, Z, PRE, BAD, M, M, M, M, B, Z, PRE, BAD,
	/* 40 */ PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE, PRE,
	/* 50 */ NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	/* 60 */ BAD, BAD, BAD, M, PRE, PRE, PRE, PRE, Z, MZ, B, MB, NO, NO, NO, NO,
	/* 70 */ J, J, J, J, J, J, J, J, J, J, J, J, J, J, J, J,
	/* 80 */ MB, MZ, BAD, MB, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 90 */ NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, BAD, NO, NO, NO, NO, NO,
	/* a0 */ A, A, A, A, NO, NO, NO, NO, B, Z, NO, NO, NO, NO, NO, NO,
	/* b0 */ B, B, B, B, B, B, B, B, V, V, V, V, V, V, V, V,
	/* c0 */ MB, MB, W, NO, BAD, BAD, MB, MZ, WB, NO, W, NO, NO, B, BAD, NO,
	/* d0 */ M, M, M, M, BAD, BAD, BAD, NO, M, M, M, M, M, M, M, M,
	/* e0 */ J, J, J, J, B, B, B, B, JZ, JZ, BAD, J, NO, NO, NO, NO,
	/* f0 */ PRE, NO, PRE, PRE, NO, NO, G3, GZ, NO, NO, NO, NO, NO, NO, M, M,
};

static const uint8_t two_bytes[256] = {
	/* 00 */ M, M, M, M, BAD, NO, NO, NO, NO, NO, BAD, NO, BAD, M, NO, MB,
	/* 10 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 20 */ M, M, M, M, BAD, BAD, BAD, BAD, M, M, M, M, M, M, M, M,
	/* 30 */ NO, NO, NO, NO, NO, NO, BAD, NO, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	/* 40 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 50 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 60 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 70 */ MB, MB, MB, MB, M, M, M, NO, M, M, BAD, BAD, M, M, M, M,
	/* 80 */ JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ,
	/* 90 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* a0 */ NO, NO, NO, M, MB, M, M, M, NO, NO, NO, M, MB, M, M, M,
	/* b0 */ M, M, M, M, M, M, M, M, M, M, MB, M, M, M, M, M,
	/* c0 */ M, M, MB, M, MB, MB, MB, M, NO, NO, NO, NO, NO, NO, NO, NO,
	/* d0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* e0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* f0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
};

/* Where it has got to. */
struct reader {
	const unsigned char *code;
	size_t left;
	size_t at;
	bool short_operand;	/* prefix 66 */
	bool short_address;	/* prefix 67 */
	bool wide;		/* REX.W */
};

static int peek(const struct reader *reader, size_t ahead)
{
	return reader->at + ahead < reader->left ? reader->code[reader->at + ahead] : -1;
}

/* -1 at the end of the bytes. */
static int next(struct reader *reader)
{
	int byte = peek(reader, 0);

	reader->at++;
	return byte;
}

static bool skip_prefixes(struct reader *reader)
{
	for (;;) {
		int byte = peek(reader, 0);

		if (byte < 0 || one_byte[byte] != PRE)
			return byte >= 0;
		reader->at++;
		reader->wide = (byte & 0xf0) == 0x40 && (byte & 8);
		if (byte == 0x66)
			reader->short_operand = true;
		if (byte == 0x67)
			reader->short_address = true;
		if ((byte & 0xf0) == 0x40)	/* a REX prefix is the last one */
			return true;
	}
}

/* 0f 38 and 0f 3a, and what VEX and EVEX name as 2 and 3. */
static uint8_t kind_in_map(int map, int opcode)
{
	switch (map) {
	case 1:
		return two_bytes[opcode];
	case 2:
		return M;
	case 3:
		return MB;
	default:
		return BAD;
	}
}

static uint8_t escaped_kind(struct reader *reader)
{
	int opcode = next(reader), map = 1;

	if (opcode == 0x38 || opcode == 0x3a) {
		map = opcode == 0x38 ? 2 : 3;
		opcode = next(reader);
	}
	return opcode < 0 ? BAD : kind_in_map(map, opcode);
}

/* @first is c4, c5 or 62: in 64-bit mode always VEX or EVEX. */
static uint8_t vector_kind(struct reader *reader, int first)
{
	int map = 1, opcode;

	if (first != 0xc5) {
		map = next(reader);
		if (map < 0)
			return BAD;
		map &= first == 0xc4 ? 0x1f : 0x07;
	}
	reader->at += first == 0x62 ? 2 : 1;
	opcode = next(reader);
	return opcode < 0 ? BAD : kind_in_map(map, opcode);
}

static uint8_t read_kind(struct reader *reader)
{
	int opcode = next(reader);

	if (opcode < 0)
		return BAD;
	if (opcode == 0x0f)
		return escaped_kind(reader);
	if (opcode == 0xc4 || opcode == 0xc5 || opcode == 0x62)
		return vector_kind(reader, opcode);
	return one_byte[opcode];
}

/* The operand that ModRM names. Returns ModRM's reg field, or -1. */
static int skip_modrm(struct reader *reader, struct insn *insn)
{
	int modrm = next(reader), mode = modrm >> 6, memory = modrm & 7, sib;

	if (modrm < 0)
		return -1;
	if (mode != 3 && memory == 4) {
		sib = next(reader);
		if (sib < 0)
			return -1;
		if (mode == 0 && (sib & 7) == 5)
			mode = 2;
	} else if (mode == 0 && memory == 5) {
		insn->rip_at = (uint8_t)reader->at;
		mode = 2;
	}
	if (mode == 1)
		reader->at += 1;
	else if (mode == 2)
		reader->at += 4;
	return (modrm >> 3) & 7;
}

static size_t operand_size(const struct reader *reader, uint8_t kind, int reg)
{
	size_t word = reader->short_operand && !reader->wide ? 2 : 4;

	switch (kind) {
	case B: case MB: case J:
		return 1;
	case W:
		return 2;
	case WB:
		return 3;
	case Z: case MZ:
		return word;
	case V:
		return reader->wide ? 8 : word;
	case A:
		return reader->short_address ? 4 : 8;
	case JZ:
		return 4;
	case G3:
		return reg < 2 ? 1 : 0;
	case GZ:
		return reg < 2 ? word : 0;
	default:
		return 0;
	}
}

bool insn_decode(const unsigned char *code, size_t left, struct insn *insn)
{
	struct reader reader = { .code = code, .left = left < 15 ? left : 15 };
	uint8_t kind;
	int reg = 0;

	memset(insn, 0, sizeof(*insn));
	if (!skip_prefixes(&reader))
		return false;
	kind = read_kind(&reader);
	if (kind == BAD || kind == PRE)
		return false;
	if (kind == M || kind == MB || kind == MZ || kind == G3 || kind == GZ)
		reg = skip_modrm(&reader, insn);
	if (reg < 0)
		return false;
	reader.at += operand_size(&reader, kind, reg);
	if (reader.at > reader.left)
		return false;
	insn->size = (uint8_t)reader.at;
	insn->jump_size = kind == J ? 1 : kind == JZ ? 4 : 0;
	return true;
}

/* int3, nop, and the long forms of nop. */
bool insn_pads(const unsigned char *code, const struct insn *insn)
{
	size_t at = 0;

	while (at < insn->size && (code[at] == 0x66 || code[at] == 0x2e))
		at++;
	if (at >= insn->size)
		return false;
	if (code[at] == 0xcc || code[at] == 0x90)
		return at + 1 == insn->size;
	if (code[at] == 0x48 || code[at] == 0x4c)
		at++;
	return at + 2 < insn->size && code[at] == 0x0f && code[at + 1] == 0x1f;
}

int64_t insn_displacement(const unsigned char *at, size_t size)
{
	int32_t value;

	if (size == 1)
		return (int8_t)*at;
	memcpy(&value, at, sizeof(value));
	return value;
}
