// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells what an exit was about.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "vm.h"

/**
 * vcpu_wrote_port() - is this exit a 32-bit write to a port?
 * @vcpu: the vCPU, stopped by an exit
 * @port: the port
 * @value: becomes what was written
 *
 * Return: true if so.
 */
bool vcpu_wrote_port(const struct vcpu *vcpu, uint16_t port, uint32_t *value)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT ||
	    run->io.port != port || run->io.size != 4 || run->io.count != 1)
		return false;
	memcpy(value, (const uint8_t *)run + run->io.data_offset, sizeof(*value));
	return true;
}

/* On the stack: vector, error code if that vector has one, rip; words as wide as the mode's. */
static int trapped(struct vcpu *vcpu, uint64_t rsp)
{
	struct vm *vm = vcpu->vm;
	size_t width = vm->ctx->mode == GUEST_LONG ? 8 : 2;
	struct kvm_sregs sregs = { 0 };
	uint64_t word[3] = { 0 };

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		sregs.cr2 = 0;
	for (size_t i = 0; i < 3 && rsp <= GUEST_STACKS - width * (i + 1); i++)
		memcpy(&word[i], vm->ram + rsp + width * i, width);
	return ctx_fail(
		vm->ctx,
		"vCPU %u: guest took exception %llu, then on its stack %#llx %#llx, cr2 %#llx",
		vcpu->id, (unsigned long long)word[0], (unsigned long long)word[1],
		(unsigned long long)word[2], sregs.cr2);
}

/**
 * vcpu_unexpected() - fail the check because of an exit that has no place in it
 * @vcpu: the vCPU, stopped by that exit
 *
 * Return: -1, always.
 */
int vcpu_unexpected(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct kvm_regs regs = { 0 };
	uint32_t value;

	/* A rip of 0 then says that there is none to be had. */
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
		regs.rip = 0;
	if (vcpu_wrote_port(vcpu, PORT_TRAP, &value))
		return trapped(vcpu, regs.rsp);
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return ctx_fail(vcpu->vm->ctx,
				"vCPU %u: unexpected PIO %s of %u bytes at port %#x, rip %#llx",
				vcpu->id, run->io.direction == KVM_EXIT_IO_OUT ? "write" : "read",
				run->io.size, run->io.port, regs.rip);
	case KVM_EXIT_MMIO:
		return ctx_fail(vcpu->vm->ctx,
				"vCPU %u: unexpected MMIO %s of %u bytes at %#llx, rip %#llx",
				vcpu->id, run->mmio.is_write ? "write" : "read", run->mmio.len,
				run->mmio.phys_addr, regs.rip);
	case KVM_EXIT_FAIL_ENTRY:
		return ctx_fail(
			vcpu->vm->ctx,
			"vCPU %u: the CPU refused to enter the guest, reason %#llx, rip %#llx",
			vcpu->id, run->fail_entry.hardware_entry_failure_reason, regs.rip);
	case KVM_EXIT_INTERNAL_ERROR:
		return ctx_fail(vcpu->vm->ctx, "vCPU %u: KVM internal error %u, rip %#llx",
				vcpu->id, run->internal.suberror, regs.rip);
	default:
		return ctx_fail(vcpu->vm->ctx, "vCPU %u: unexpected exit %u, rip %#llx", vcpu->id,
				run->exit_reason, regs.rip);
	}
}
