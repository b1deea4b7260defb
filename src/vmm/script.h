/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A list of accesses that a guest does, and the exits that must come of them.
 */
#ifndef VMM_SCRIPT_H
#define VMM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define OP_KIND(code)	((code) & 0xf0U)
#define OP_WIDTH(code)	((code) & 0x0fU)

/**
 * struct step - one line of a script
 * @op: what the guest does; for reads @op.value is what it shall get
 * @exits: true when each access must exit, false when none may
 */
struct step {
	struct guest_op op;
	bool exits;
};

/**
 * struct access - what an exit told
 * @mmio: at an address, otherwise at a port
 * @write: from the guest, otherwise to it
 * @addr: address or port
 * @width: bytes of one element
 * @count: number of elements; more than one comes of string instructions only
 * @data: count * width bytes; for a read they are to be filled in
 */
struct access {
	bool mmio;
	bool write;
	uint64_t addr;
	unsigned int width;
	unsigned int count;
	uint8_t *data;
};

/**
 * struct script - a script and how far a guest has got
 * @steps: the lines
 * @nsteps: how many
 * @string: what OP_OUTS sends and OP_INS gets: repeat * width bytes
 * @step: the line that the next exit must belong to
 * @done: accesses of that line that have been seen
 * @exits: accesses seen in all
 * @why: in words, after an error
 */
struct script {
	const struct step *steps;
	size_t nsteps;
	const uint8_t *string;
	size_t step;
	unsigned int done;
	unsigned int exits;
	char why[160];
};

void script_begin(struct script *script, const struct step *steps, size_t nsteps,
		  const uint8_t *string);
int script_exit(struct script *script, const struct access *access);
int script_end(struct script *script);
int script_results(struct script *script, const uint8_t *results, const uint8_t *string);

#endif
