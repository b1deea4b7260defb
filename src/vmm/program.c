// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets the guest ops.S follow a script and compares.
 */
#include <string.h>

#include "program.h"

/* The guest's %eax when it says that it is done: the code of the last op. */
#define DONE_VALUE	OP_END

static void access_of(struct vcpu *vcpu, struct access *access)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_MMIO) {
		access->mmio = true;
		access->write = run->mmio.is_write;
		access->addr = run->mmio.phys_addr;
		access->width = run->mmio.len;
		access->count = 1;
		access->data = run->mmio.data;
	} else {
		access->mmio = false;
		access->write = run->io.direction == KVM_EXIT_IO_OUT;
		access->addr = run->io.port;
		access->width = run->io.size;
		access->count = run->io.count;
		access->data = (uint8_t *)run + run->io.data_offset;
	}
}

static int on_exit(struct vcpu *vcpu, void *arg)
{
	struct script *script = arg;
	struct access access;
	uint32_t value;

	if (vcpu_wrote_port(vcpu, PORT_DONE, &value) && value == DONE_VALUE)
		return VCPU_STOP;
	if (vcpu->run->exit_reason != KVM_EXIT_IO && vcpu->run->exit_reason != KVM_EXIT_MMIO)
		return vcpu_unexpected(vcpu);
	access_of(vcpu, &access);
	if (script_exit(script, &access))
		return ctx_fail(vcpu->vm->ctx, "%s", script->why);
	return VCPU_GO;
}

static void load(struct vm *vm, const struct step *steps, size_t nsteps, const uint8_t *string)
{
	struct guest_op end = { .code = OP_END, .repeat = 1 };

	for (size_t i = 0; i < nsteps; i++) {
		const struct guest_op *op = &steps[i].op;

		memcpy(vm->ram + GUEST_OPS + i * sizeof(*op), op, sizeof(*op));
		if (OP_KIND(op->code) == OP_OUTS)
			memcpy(vm->ram + GUEST_STRING, string,
			       (size_t)op->repeat * OP_WIDTH(op->code));
	}
	memcpy(vm->ram + GUEST_OPS + nsteps * sizeof(end), &end, sizeof(end));
	memset(vm->ram + GUEST_RESULTS, 0, 8 * nsteps);
}

/**
 * program_open() - make a VM for program_run()
 * @vm: what to fill in; vm_close() is safe, and needed, whatever comes back
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int program_open(struct vm *vm, struct check_ctx *ctx)
{
	return vm_open(vm, ctx, &guest_ops, 1, false);
}

/**
 * program_run() - have the guest follow a script to its end
 * @vm: a VM of program_open()
 * @steps: the script
 * @nsteps: its lines, fewer than GUEST_OPS_MAX
 * @string: bytes for the string instruction, of which a script has one at most; or NULL
 * @exits: the accesses seen by exits are added here
 *
 * Can be called again: the guest waits for its next script.
 *
 * Return: 0 when exits, data and what the guest read are as the script has them, or -1
 * after ctx_fail().
 */
int program_run(struct vm *vm, const struct step *steps, size_t nsteps, const uint8_t *string,
		unsigned int *exits)
{
	struct script script;

	if (nsteps >= GUEST_OPS_MAX)
		return ctx_fail(vm->ctx, "a script of %zu steps is too long", nsteps);
	load(vm, steps, nsteps, string);
	script_begin(&script, steps, nsteps, string);
	if (vcpu_run(&vm->vcpus[0], on_exit, &script))
		return -1;
	*exits += script.exits;
	if (script_end(&script) ||
	    script_results(&script, vm->ram + GUEST_RESULTS, vm->ram + GUEST_STRING))
		return ctx_fail(vm->ctx, "%s", script.why);
	return 0;
}
