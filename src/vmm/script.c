// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds the exits of a guest against the script that it follows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

static bool is_mmio(unsigned int kind)
{
	return kind == OP_WRITE || kind == OP_READ;
}

static bool is_write(unsigned int kind)
{
	return kind == OP_WRITE || kind == OP_OUT || kind == OP_OUTS;
}

static bool is_string(unsigned int kind)
{
	return kind == OP_OUTS || kind == OP_INS;
}

static const char *verb(bool mmio, bool write)
{
	if (mmio)
		return write ? "MMIO write" : "MMIO read";
	return write ? "PIO write" : "PIO read";
}

/* The bytes that the current access of a step carries. */
static void element(const struct script *script, const struct step *step, uint8_t *bytes)
{
	unsigned int width = OP_WIDTH(step->op.code);

	if (is_string(OP_KIND(step->op.code)))
		memcpy(bytes, script->string + (size_t)script->done * width, width);
	else
		memcpy(bytes, &step->op.value, width);
}

static unsigned long long number(const uint8_t *bytes, unsigned int width)
{
	uint64_t value = 0;

	memcpy(&value, bytes, width < sizeof(value) ? width : sizeof(value));
	return value;
}

static void skip(struct script *script)
{
	while (script->step < script->nsteps && !script->steps[script->step].exits)
		script->step++;
}

/**
 * script_begin() - put a script at its beginning
 * @script: what to fill in
 * @steps: the lines; they stay the caller's
 * @nsteps: how many
 * @string: bytes for string instructions, or NULL when there are none in it
 */
void script_begin(struct script *script, const struct step *steps, size_t nsteps,
		  const uint8_t *string)
{
	memset(script, 0, sizeof(*script));
	script->steps = steps;
	script->nsteps = nsteps;
	script->string = string;
}

static int one_access(struct script *script, const struct access *access, uint8_t *data)
{
	const struct step *step;
	unsigned int kind, width;
	uint8_t want[8];

	skip(script);
	if (script->step == script->nsteps) {
		snprintf(script->why, sizeof(script->why),
			 "%s of %u bytes at %#llx after the last one",
			 verb(access->mmio, access->write), access->width,
			 (unsigned long long)access->addr);
		return -EPROTO;
	}
	step = &script->steps[script->step];
	kind = OP_KIND(step->op.code);
	width = OP_WIDTH(step->op.code);
	element(script, step, want);
	if (access->mmio != is_mmio(kind) || access->write != is_write(kind) ||
	    access->addr != step->op.addr || access->width != width ||
	    (access->write && memcmp(data, want, width) != 0)) {
		snprintf(
			script->why, sizeof(script->why),
			"step %zu: expected %s of %u bytes at %#x (%#llx), got %s of %u at %#llx (%#llx)",
			script->step, verb(is_mmio(kind), is_write(kind)), width, step->op.addr,
			number(want, width), verb(access->mmio, access->write), access->width,
			(unsigned long long)access->addr,
			access->write ? number(data, access->width) : 0);
		return -EPROTO;
	}
	if (!access->write)
		memcpy(data, want, width);
	script->exits++;
	if (++script->done == step->op.repeat) {
		script->done = 0;
		script->step++;
	}
	return 0;
}

/**
 * script_exit() - the guest has left for an access
 * @script: the script
 * @access: the access; the data of a read are filled in
 *
 * Return: 0, or -EPROTO with script->why set when the script has something else there.
 */
int script_exit(struct script *script, const struct access *access)
{
	for (unsigned int i = 0; i < access->count; i++)
		if (one_access(script, access, access->data + (size_t)i * access->width))
			return -EPROTO;
	return 0;
}

/**
 * script_end() - the guest says that it has done everything
 * @script: the script
 *
 * Return: 0, or -EPROTO with script->why set when exits are missing.
 */
int script_end(struct script *script)
{
	const struct step *step;

	skip(script);
	if (script->step == script->nsteps)
		return 0;
	step = &script->steps[script->step];
	snprintf(script->why, sizeof(script->why),
		 "step %zu: %u of %u exits for %s at %#x are missing", script->step,
		 step->op.repeat - script->done, step->op.repeat,
		 verb(is_mmio(OP_KIND(step->op.code)), is_write(OP_KIND(step->op.code))),
		 step->op.addr);
	return -EPROTO;
}

/**
 * script_results() - has the guest got what it was given to read?
 * @script: the script, at its end
 * @results: what it stored for each step, 8 bytes each
 * @string: what it stored by string instructions
 *
 * Return: 0, or -EPROTO with script->why set at the first difference.
 */
int script_results(struct script *script, const uint8_t *results, const uint8_t *string)
{
	for (size_t i = 0; i < script->nsteps; i++) {
		const struct guest_op *op = &script->steps[i].op;
		unsigned int kind = OP_KIND(op->code), width = OP_WIDTH(op->code);
		unsigned long long got = number(results + 8 * i, 8);
		unsigned long long want = number((const uint8_t *)&op->value, width);

		if (kind == OP_INS &&
		    memcmp(string, script->string, (size_t)op->repeat * width) != 0) {
			snprintf(
				script->why, sizeof(script->why),
				"step %zu: the guest stored other bytes than %u reads of %u gave it",
				i, op->repeat, width);
			return -EPROTO;
		}
		if ((kind == OP_IN || kind == OP_READ) && got != want) {
			snprintf(script->why, sizeof(script->why),
				 "step %zu: the guest read %#llx at %#x, expected %#llx", i, got,
				 op->addr, want);
			return -EPROTO;
		}
	}
	return 0;
}
