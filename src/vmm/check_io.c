// SPDX-License-Identifier: GPL-2.0-only
/*
 * pio and mmio: accesses that nothing in the kernel answers must come out with the
 * right address, width, direction and data, and what is answered must get back in.
 */
#include "program.h"

#define PORT		0x3f0	/* nothing in the kernel listens there */
#define STRING_MAX	64

#define STEPS(array)	(array), sizeof(array) / sizeof((array)[0])

static const struct step pio_steps[] = {
	{ { OP_OUT | 1, 1, PORT, 0xa5 }, true },
	{ { OP_OUT | 2, 1, PORT + 2, 0x5aa5 }, true },
	{ { OP_OUT | 4, 1, PORT + 4, 0xdeadbeef }, true },
	{ { OP_OUT | 1, 3, PORT + 1, 0x17 }, true },
	{ { OP_IN | 1, 1, PORT, 0x81 }, true },
	{ { OP_IN | 2, 1, PORT + 2, 0x8182 }, true },
	{ { OP_IN | 4, 1, PORT + 4, 0x81828384 }, true },
	{ { OP_OUT | 4, 1, 0xfffc, 0x01020304 }, true },
	{ { OP_IN | 1, 1, 0xffff, 0xfe }, true },
};

static const struct step mmio_steps[] = {
	{ { OP_WRITE | 1, 1, GUEST_MMIO, 0xa5 }, true },
	{ { OP_WRITE | 2, 1, GUEST_MMIO + 2, 0x5aa5 }, true },
	{ { OP_WRITE | 4, 1, GUEST_MMIO + 4, 0xdeadbeef }, true },
	{ { OP_WRITE | 1, 3, GUEST_MMIO + 0xfff, 0x17 }, true },
	{ { OP_READ | 1, 1, GUEST_MMIO, 0x81 }, true },
	{ { OP_READ | 2, 1, GUEST_MMIO + 2, 0x8182 }, true },
	{ { OP_READ | 4, 1, GUEST_MMIO + 4, 0x81828384 }, true },
};

static const struct step mmio_steps_long[] = {
	{ { OP_WRITE | 8, 1, GUEST_MMIO + 8, 0x0123456789abcdef }, true },
	{ { OP_READ | 8, 1, GUEST_MMIO + 8, 0xfedcba9876543210 }, true },
};

static int string_io(struct vm *vm, unsigned int *exits)
{
	static const unsigned int widths[] = { 1, 2, 4 };
	uint8_t out[STRING_MAX], in[STRING_MAX];

	for (unsigned int i = 0; i < STRING_MAX; i++) {
		out[i] = (uint8_t)(i * 7 + 1);
		in[i] = (uint8_t)(0xff - i * 5);
	}
	for (unsigned int i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		uint16_t width = (uint16_t)widths[i], n = (uint16_t)(9 - width);
		struct step outs = { { OP_OUTS | width, n, PORT + 8, 0 }, true };
		struct step ins = { { OP_INS | width, n, PORT + 12, 0 }, true };

		if (program_run(vm, &outs, 1, out, exits) || program_run(vm, &ins, 1, in, exits))
			return -1;
	}
	return 0;
}

static int run_pio(struct vm *vm, unsigned int *exits)
{
	for (unsigned int i = 0; i < vm->ctx->loops; i++)
		if (program_run(vm, STEPS(pio_steps), NULL, exits) || string_io(vm, exits))
			return -1;
	return 0;
}

static int run_mmio(struct vm *vm, unsigned int *exits)
{
	for (unsigned int i = 0; i < vm->ctx->loops; i++) {
		if (program_run(vm, STEPS(mmio_steps), NULL, exits))
			return -1;
		if (vm->ctx->mode == GUEST_LONG &&
		    program_run(vm, STEPS(mmio_steps_long), NULL, exits))
			return -1;
	}
	return 0;
}

static int run(struct check_ctx *ctx, int (*accesses)(struct vm *vm, unsigned int *exits))
{
	unsigned int exits = 0;
	struct vm vm;
	int ret;

	ret = program_open(&vm, ctx);
	if (ret == 0)
		ret = accesses(&vm, &exits);
	vm_close(&vm);
	if (ret == 0)
		ctx_note(ctx, "%u accesses", exits);
	return ret;
}

/**
 * check_pio() - port I/O of 1, 2 and 4 bytes, single and as strings, both ways
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_pio(struct check_ctx *ctx)
{
	return run(ctx, run_pio);
}

/**
 * check_mmio() - memory-mapped I/O of 1, 2, 4 and, in long mode, 8 bytes, both ways
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_mmio(struct check_ctx *ctx)
{
	return run(ctx, run_mmio);
}
