// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: each event wakes a vCPU that is known to sit in hlt, and is taken as one
 * interrupt. Two events cannot melt into one, since the next is only sent when the
 * last has been reported and the vCPU has halted again.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vm.h"

#define INTERRUPTS	8
#define SETTLE_US	2000

/* What the vCPU's thread has heard from the guest; read after ctx_wait(). */
struct reports {
	unsigned int count;
	uint32_t last;
};

static int on_exit(struct vcpu *vcpu, void *arg)
{
	struct reports *reports = arg;
	uint32_t taken;

	if (!vcpu_wrote_port(vcpu, PORT_REPORT, &taken))
		return vcpu_unexpected(vcpu);
	reports->last = taken;
	ctx_add(vcpu->vm->ctx, &reports->count);
	return VCPU_GO;
}

static int signal_irq(struct check_ctx *ctx, int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return ctx_fail(ctx, "cannot signal the irqfd: %s", strerror(errno));
	return 0;
}

/* @sent interrupts so far: each was reported by itself, and none more than that. */
static int expect_taken(struct vcpu *vcpu, const struct reports *reports, unsigned int sent)
{
	struct check_ctx *ctx = vcpu->vm->ctx;

	if (ctx_wait(ctx, &reports->count, sent + 1) || vcpu_await_halted(vcpu))
		return -1;
	if (reports->count != sent + 1 || reports->last != sent)
		return ctx_fail(ctx, "%u interrupts sent: guest woke up %u times and took %u", sent,
				reports->count - 1, reports->last);
	return 0;
}

static int deliver(struct vcpu *vcpu, const struct reports *reports, int fd, unsigned int n)
{
	for (unsigned int sent = 0; sent < n; sent++)
		if (expect_taken(vcpu, reports, sent) || signal_irq(vcpu->vm->ctx, fd))
			return -1;
	return expect_taken(vcpu, reports, n);
}

/* Taken off, the eventfd keeps its count and the vCPU sleeps on. */
static int deassigned(struct vcpu *vcpu, const struct reports *reports, int fd, unsigned int n)
{
	struct check_ctx *ctx = vcpu->vm->ctx;
	uint64_t left;

	if (vm_irqfd(vcpu->vm, fd, KVM_IRQFD_FLAG_DEASSIGN) || signal_irq(ctx, fd))
		return -1;
	ctx_pause(SETTLE_US);
	if (expect_taken(vcpu, reports, n))
		return -1;
	left = event_take(fd);
	if (left != 1)
		return ctx_fail(ctx, "the deassigned irqfd took its event (%llu left, expected 1)",
				(unsigned long long)left);
	return 0;
}

static int run(struct vm *vm, int fd, unsigned int n)
{
	struct reports reports = { 0 };
	struct vcpu *vcpu = &vm->vcpus[0];
	int ret;

	if (vm_irqfd(vm, fd, 0) || vcpu_start(vcpu, on_exit, &reports))
		return -1;
	ret = deliver(vcpu, &reports, fd, n) || deassigned(vcpu, &reports, fd, n) ? -1 : 0;
	vcpu_stop(vcpu);
	return vcpu_join(vcpu) ? -1 : ret;
}

/**
 * check_irqfd() - interrupts by eventfd, delivered exactly, to a halted vCPU
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_irqfd(struct check_ctx *ctx)
{
	unsigned int n = INTERRUPTS * ctx->loops;
	struct vm vm;
	int fd, ret;

	fd = event_open(ctx);
	if (fd < 0)
		return -1;
	ret = vm_open(&vm, ctx, &guest_irq, 1, true);
	if (ret == 0)
		ret = run(&vm, fd, n);
	vm_close(&vm);
	close(fd);
	if (ret == 0)
		ctx_note(ctx, "%u interrupts", n);
	return ret;
}
