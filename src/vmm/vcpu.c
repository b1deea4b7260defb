// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a vCPU that is about to enter the guest program in one of the modes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define CR0_LONG	0x80050033ULL	/* PG AM WP NE ET MP PE */
#define CR4_PAE		0x20ULL
#define EFER_LONG	0x500ULL	/* LMA LME */
/*
 * Interrupts on: nothing interrupts these guests, but Bochs 2.7 holds the host's
 * own interrupts back as long as a guest runs with them off and does not exit.
 */
#define RFLAGS_START	0x202ULL

/* Give the guest all that this host has; new kernels refuse long mode before that. */
static int set_cpuid(struct vcpu *vcpu)
{
	struct check_ctx *ctx = vcpu->vm->ctx;
	uint32_t entries = 64;

	for (;;) {
		struct kvm_cpuid2 *cpuid;
		int ret, error;

		cpuid = calloc(1, sizeof(*cpuid) + entries * sizeof(cpuid->entries[0]));
		if (!cpuid)
			return ctx_fail(ctx, "no memory for CPUID");
		cpuid->nent = entries;
		ret = ioctl(ctx->kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
		if (ret == 0)
			ret = ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid);
		error = errno;
		free(cpuid);
		if (ret == 0)
			return 0;
		if (error != E2BIG || entries > 4096)
			return ctx_fail(ctx, "cannot set CPUID: %s", strerror(error));
		entries *= 2;
	}
}

static void big_segments(struct kvm_sregs *sregs)
{
	struct kvm_segment *data[] = { &sregs->ds, &sregs->es, &sregs->fs, &sregs->gs, &sregs->ss };

	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
		data[i]->limit = 0xffffffff;
		data[i]->g = 1;
	}
}

static void long_mode(struct kvm_sregs *sregs)
{
	const struct kvm_segment code = {
		.limit = 0xffffffff, .selector = GUEST_CS, .present = 1, .type = 11,
		.s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = GUEST_DS, .present = 1, .type = 3,
		.s = 1, .db = 1, .g = 1,
	};

	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->gdt.base = GUEST_GDT;
	sregs->gdt.limit = GUEST_DS + 7;
	sregs->idt.base = GUEST_IDT;
	sregs->idt.limit = 16 * (GUEST_VECTOR + 1) - 1;
	sregs->cr3 = GUEST_PML4;
	sregs->cr4 |= CR4_PAE;
	sregs->cr0 = CR0_LONG;
	sregs->efer |= EFER_LONG;
}

static int set_registers(struct vcpu *vcpu)
{
	struct check_ctx *ctx = vcpu->vm->ctx;
	struct kvm_regs regs = {
		.rip = GUEST_CODE,
		.rflags = RFLAGS_START,
		.rbx = GUEST_MAIL + vcpu->id * GUEST_MAIL_LINE,
		.rsp = GUEST_STACKS - vcpu->id * GUEST_STACK_SIZE,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return ctx_fail(ctx, "KVM_GET_SREGS: %s", strerror(errno));
	sregs.cs.selector = 0;
	sregs.cs.base = 0;
	if (ctx->mode == GUEST_BIG_REAL)
		big_segments(&sregs);
	else if (ctx->mode == GUEST_LONG)
		long_mode(&sregs);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
		return ctx_fail(ctx, "KVM_SET_SREGS for %s mode: %s", guest_mode_names[ctx->mode],
				strerror(errno));
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		return ctx_fail(ctx, "KVM_SET_REGS: %s", strerror(errno));
	return 0;
}

/**
 * vcpu_open() - make a vCPU that is about to enter the guest program
 * @vcpu: what to fill in; vcpu_close() is safe, and needed, whatever comes back
 * @vm: its VM, with memory
 * @id: its number
 *
 * Return: 0, or -1 after ctx_fail().
 */
int vcpu_open(struct vcpu *vcpu, struct vm *vm, unsigned int id)
{
	void *run;

	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0)
		return ctx_fail(vm->ctx, "KVM_CREATE_VCPU %u: %s", id, strerror(errno));
	run = mmap(NULL, vm->ctx->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return ctx_fail(vm->ctx, "mmap of vCPU %u: %s", id, strerror(errno));
	vcpu->run = run;
	return set_cpuid(vcpu) ? -1 : set_registers(vcpu);
}

/**
 * vcpu_close() - give back what a vCPU holds
 * @vcpu: a vCPU that nobody runs
 */
void vcpu_close(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->vm->ctx->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
}
