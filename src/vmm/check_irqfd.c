// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: each event wakes a vCPU that is known to sit in hlt, and is taken as one
 * interrupt. Two events cannot melt into one, since the next is only sent when the
 * last has been taken and the vCPU has halted again.
 */
#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "vm.h"

#define INTERRUPTS	8
#define SETTLE_US	2000
#define TRIES		3	/* in an emulated host, see emulated_by_qemu() */

/* What the vCPU's thread has heard from the guest. */
struct reports {
	unsigned int ready;	/* these two are counted by ctx_add() */
	unsigned int taken;
	unsigned int idle;	/* under ctx->lock */
	bool surplus;		/* more were taken than sent; for after vcpu_join() */
};

/*
 * The guest reports when it begins and after each hlt. A hlt may end before the interrupt
 * can be taken, since KVM wakes the vCPU for what it sees pending and asks for the
 * injection a moment later: such a report tells nothing new.
 */
static int on_exit(struct vcpu *vcpu, void *arg)
{
	struct check_ctx *ctx = vcpu->vm->ctx;
	struct reports *reports = arg;
	uint32_t taken;

	if (!vcpu_wrote_port(vcpu, PORT_REPORT, &taken))
		return vcpu_unexpected(vcpu);
	if (taken == reports->taken + 1) {
		ctx_add(ctx, &reports->taken);
		return VCPU_GO;
	}
	if (taken != reports->taken) {
		reports->surplus = true;
		return ctx_fail(ctx,
				"guest took %u interrupts from one report to the next, expected 1",
				taken - reports->taken);
	}
	if (!reports->ready) {
		ctx_add(ctx, &reports->ready);
		return VCPU_GO;
	}
	pthread_mutex_lock(&ctx->lock);
	reports->idle++;
	pthread_mutex_unlock(&ctx->lock);
	return VCPU_GO;
}

static int signal_irq(struct check_ctx *ctx, int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return ctx_fail(ctx, "cannot signal the irqfd: %s", strerror(errno));
	return 0;
}

/* @sent interrupts so far: all were taken, none more, and the vCPU has halted again. */
static int expect_taken(struct vcpu *vcpu, struct reports *reports, unsigned int sent)
{
	struct check_ctx *ctx = vcpu->vm->ctx;
	unsigned int taken;

	if (ctx_wait(ctx, &reports->ready, 1, "the guest to begin") ||
	    ctx_wait(ctx, &reports->taken, sent, "the guest to take an interrupt") ||
	    vcpu_await_halted(vcpu))
		return -1;
	pthread_mutex_lock(&ctx->lock);
	taken = reports->taken;
	pthread_mutex_unlock(&ctx->lock);
	if (taken != sent) {
		reports->surplus = true;
		return ctx_fail(ctx, "guest took %u interrupts of %u that were sent", taken, sent);
	}
	return 0;
}

static int deliver(struct vcpu *vcpu, struct reports *reports, int fd, unsigned int n)
{
	for (unsigned int sent = 0; sent < n; sent++)
		if (expect_taken(vcpu, reports, sent) || signal_irq(vcpu->vm->ctx, fd))
			return -1;
	return expect_taken(vcpu, reports, n);
}

/* Taken off, the eventfd keeps its count and the vCPU sleeps on. */
static int deassigned(struct vcpu *vcpu, struct reports *reports, int fd, unsigned int n)
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

static int run_guest(struct vm *vm, int fd, unsigned int n, struct reports *reports)
{
	struct vcpu *vcpu = &vm->vcpus[0];
	int ret;

	if (vm_irqfd(vm, fd, 0) || vcpu_start(vcpu, on_exit, reports))
		return -1;
	ret = deliver(vcpu, reports, fd, n) || deassigned(vcpu, reports, fd, n) ? -1 : 0;
	vcpu_stop(vcpu);
	if (vcpu_join(vcpu) || ret)
		return -1;
	ctx_note(vm->ctx, "%u interrupts, %u idle wake-ups", n, reports->idle);
	return 0;
}

/*
 * QEMU's software emulation (seen with 7.2) delivers an interrupt twice when one of its
 * CPUs is interrupted by another just as it enters a guest with that interrupt: the guest
 * takes more than KVM has put in. It is rare with everything on one CPU, which others
 * may still interrupt, so there what is taken too often is tried again. A KVM that does
 * it always fails all the same.
 */
static bool emulated_by_qemu(void)
{
	unsigned int eax, ebx, ecx, edx;
	char name[12];

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & 1U << 31))
		return false;
	__cpuid(0x40000000, eax, ebx, ecx, edx);
	memcpy(name, &ebx, 4);
	memcpy(name + 4, &ecx, 4);
	memcpy(name + 8, &edx, 4);
	return memcmp(name, "TCGTCGTCGTCG", sizeof(name)) == 0;
}

static int run_on_one_cpu(struct vm *vm, int fd, unsigned int n, struct reports *reports)
{
	cpu_set_t all, one;
	int cpu = 0, ret;

	if (sched_getaffinity(0, sizeof(all), &all))
		return ctx_fail(vm->ctx, "sched_getaffinity: %s", strerror(errno));
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return ctx_fail(vm->ctx, "sched_setaffinity: %s", strerror(errno));
	ret = run_guest(vm, fd, n, reports);
	if (sched_setaffinity(0, sizeof(all), &all))
		return ctx_fail(vm->ctx, "sched_setaffinity: %s", strerror(errno));
	return ret;
}

/* One VM and one eventfd; @reports says more about a failure. */
static int try_once(struct check_ctx *ctx, bool on_one_cpu, struct reports *reports)
{
	unsigned int n = INTERRUPTS * ctx->loops;
	struct vm vm;
	int fd, ret;

	memset(reports, 0, sizeof(*reports));
	fd = event_open(ctx);
	if (fd < 0)
		return -1;
	ret = vm_open(&vm, ctx, &guest_irq, 1, true);
	if (ret == 0)
		ret = on_one_cpu ? run_on_one_cpu(&vm, fd, n, reports) :
				   run_guest(&vm, fd, n, reports);
	vm_close(&vm);
	close(fd);
	return ret;
}

/**
 * check_irqfd() - interrupts by eventfd, delivered exactly, to a halted vCPU
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_irqfd(struct check_ctx *ctx)
{
	const bool emulated = emulated_by_qemu();
	struct reports reports;
	unsigned int tries = 1;

	while (try_once(ctx, emulated, &reports)) {
		if (!reports.surplus || !emulated || tries == TRIES || ctx_retry(ctx))
			return -1;
		tries++;
	}
	if (tries > 1)
		ctx_note(ctx, "at try %u, for the emulator", tries);
	return 0;
}
