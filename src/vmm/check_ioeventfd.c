// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: a write that matches is counted and does not come out; any other comes
 * out; and once the eventfd is taken off, all of them do.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

#define PORT		0x600
#define MATCH		0x1122334455667788ULL
#define NEAR		0x10	/* to an address where nothing is */
#define WRITES		20

/* One combination of bus, width (0 for any) and datamatch. */
struct variant {
	bool mmio;
	uint32_t width;
	bool match;
};

struct totals {
	unsigned int events;
	unsigned int exits;
	unsigned int variants;
};

static struct kvm_ioeventfd event_of(const struct variant *v, int fd)
{
	struct kvm_ioeventfd event = {
		.addr = v->mmio ? GUEST_MMIO : PORT,
		.len = v->width,
		.fd = fd,
		.datamatch = v->match ? MATCH : 0,
		.flags = (v->mmio ? 0 : KVM_IOEVENTFD_FLAG_PIO) |
			 (v->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0),
	};

	/* The kernel compares with all 64 bits of what was written. */
	if (v->match && v->width < 8)
		event.datamatch &= (1ULL << 8 * v->width) - 1;
	return event;
}

static struct step write_step(const struct variant *v, uint32_t width, uint16_t repeat,
			      uint32_t offset, uint64_t value, bool exits)
{
	struct step step = {
		.op = {
			.code = (uint16_t)((v->mmio ? OP_WRITE : OP_OUT) | width),
			.repeat = repeat,
			.addr = (v->mmio ? GUEST_MMIO : PORT) + offset,
			.value = value,
		},
		.exits = exits,
	};

	return step;
}

static int expect_events(struct vm *vm, const struct variant *v, int fd, unsigned int want)
{
	uint64_t got = event_take(fd);

	if (got == want)
		return 0;
	return ctx_fail(vm->ctx, "%s, %u bytes%s: %llu events, expected %u",
			v->mmio ? "MMIO" : "PIO", v->width, v->match ? " with datamatch" : "",
			(unsigned long long)got, want);
}

static int assigned(struct vm *vm, const struct variant *v, int fd, struct totals *totals)
{
	uint32_t width = v->width ? v->width : 4, other = width == 4 ? 2 : 4;
	struct step steps[] = {
		write_step(v, width, WRITES, 0, MATCH, false),
		write_step(v, width, 2, 0, MATCH ^ 1, v->match),
		write_step(v, width, 2, 0, MATCH ^ 1ULL << (8 * width - 1), v->match),
		write_step(v, other, 1, 0, MATCH, v->width != 0),
		write_step(v, width, 1, NEAR, MATCH, true),
		write_step(v, width, 1, 0, MATCH, false),
	};
	unsigned int want = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!steps[i].exits)
			want += steps[i].op.repeat;
	if (program_run(vm, steps, sizeof(steps) / sizeof(steps[0]), NULL, &totals->exits) ||
	    expect_events(vm, v, fd, want))
		return -1;
	totals->events += want;
	return 0;
}

static int deassigned(struct vm *vm, const struct variant *v, int fd, struct totals *totals)
{
	struct step step = write_step(v, v->width ? v->width : 4, 3, 0, MATCH, true);

	return program_run(vm, &step, 1, NULL, &totals->exits) || expect_events(vm, v, fd, 0) ? -1
											      : 0;
}

static int one_variant(struct vm *vm, const struct variant *v, int fd, struct totals *totals)
{
	struct kvm_ioeventfd event = event_of(v, fd);
	int ret = vm_ioeventfd(vm, &event);

	/* Nothing to match when any width is welcome: the kernel says so. */
	if (!v->width && v->match)
		return ret == -EINVAL
			       ? 0
			       : ctx_fail(vm->ctx, "any width with datamatch: %s, expected %s",
					  strerror(-ret), strerror(EINVAL));
	if (ret)
		return ctx_fail(vm->ctx, "KVM_IOEVENTFD assign: %s", strerror(-ret));
	if (assigned(vm, v, fd, totals))
		return -1;
	event.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	ret = vm_ioeventfd(vm, &event);
	if (ret)
		return ctx_fail(vm->ctx, "KVM_IOEVENTFD deassign: %s", strerror(-ret));
	totals->variants++;
	return deassigned(vm, v, fd, totals);
}

static int all_variants(struct vm *vm, int fd, struct totals *totals)
{
	static const uint32_t widths[] = { 0, 1, 2, 4, 8 };

	for (unsigned int i = 0; i < 4 * sizeof(widths) / sizeof(widths[0]); i++) {
		struct variant v = { .mmio = i & 1, .match = i & 2, .width = widths[i / 4] };

		/* 8 bytes are written by MMIO from long mode only. */
		if (v.width == 8 && (!v.mmio || vm->ctx->mode != GUEST_LONG))
			continue;
		if (one_variant(vm, &v, fd, totals))
			return -1;
	}
	return 0;
}

/**
 * check_ioeventfd() - ioeventfds of each width and of any, with and without datamatch
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_ioeventfd(struct check_ctx *ctx)
{
	struct totals totals = { 0 };
	struct vm vm;
	int fd, ret;

	fd = event_open(ctx);
	if (fd < 0)
		return -1;
	ret = program_open(&vm, ctx);
	for (unsigned int i = 0; ret == 0 && i < ctx->loops; i++)
		ret = all_variants(&vm, fd, &totals);
	vm_close(&vm);
	close(fd);
	if (ret == 0)
		ctx_note(ctx, "%u variants, %u events, %u exits", totals.variants, totals.events,
			 totals.exits);
	return ret;
}
