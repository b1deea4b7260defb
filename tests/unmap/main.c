// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-unmap-storm: from opening KVM to the verdict.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "storm.h"

#ifndef KVM_CAP_DISABLE_QUIRKS2
#define KVM_CAP_DISABLE_QUIRKS2		213
#endif
#define SLOT_ZAP_ALL			(1 << 7)	/* KVM_X86_QUIRK_SLOT_ZAP_ALL */

#define EX_CANNOT			77

/* Where there is no memslot for the moment, or it is being converted. */
static int on_exit(struct vcpu *vcpu, void *arg)
{
	uint32_t value;

	(void)arg;
	if (vcpu->run->exit_reason == KVM_EXIT_MMIO || vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT)
		return VCPU_GO;
	if (vcpu_wrote_port(vcpu, PORT_DONE, &value))
		return VCPU_STOP;
	return vcpu_unexpected(vcpu);
}

/* Both vCPUs write to all pages, from different ends. */
static int start(struct area *area)
{
	struct vm *vm = area->vm;

	for (unsigned int i = 0; i < vm->nvcpus; i++) {
		*guest_mail(vm->ram, i, MAIL_TOUCH_FIRST) = area->gpa + i * 64;
		*guest_mail(vm->ram, i, MAIL_TOUCH_STRIDE) = 4096;
		*guest_mail(vm->ram, i, MAIL_TOUCH_COUNT) = AREA_PAGES;
		if (vcpu_start(&vm->vcpus[i], on_exit, NULL))
			return -1;
	}
	return 0;
}

static int stop(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; i < vm->nvcpus; i++) {
		uint32_t *rounds = guest_mail(vm->ram, i, MAIL_TOUCH_ROUNDS);

		if (ctx_poll(vm->ctx, rounds, __atomic_load_n(rounds, __ATOMIC_ACQUIRE), 1,
			     "the guest to write to all pages"))
			return -1;
		__atomic_store_n(guest_mail(vm->ram, i, MAIL_TOUCH_STOP), 1, __ATOMIC_RELEASE);
		if (vcpu_join(&vm->vcpus[i]))
			ret = -1;
	}
	return ret;
}

static int storm(struct area *area, const struct options *options)
{
	if (options->violate)
		return storm_violate(area, options->violate);
	if (options->cost)
		return storm_cost(area, options->rounds);
	return start(area) || storm_deeds(area, options->rounds) || stop(area->vm) ? -1 : 0;
}

/* 0, 1 when this kernel has no such quirk, or -1 after ctx_fail(). */
static int disable_slot_zap_all(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS2, .args = { SLOT_ZAP_ALL } };
	int quirks = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_DISABLE_QUIRKS2);

	if (quirks <= 0 || !(quirks & SLOT_ZAP_ALL))
		return 1;
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		return ctx_fail(vm->ctx, "KVM_CAP_DISABLE_QUIRKS2: %s", strerror(errno));
	return 0;
}

static int run(struct check_ctx *ctx, const struct options *options)
{
	struct area area = { .memory = NULL, .gmem = -1 };
	struct vm vm;
	int ret = vm_open(&vm, ctx, options->nested ? nested_image() : &guest_touch, VM_MAX_VCPUS, false);

	if (!ret && options->nested)
		nested_prepare(&vm, options->nested_tdp);
	if (!ret && options->slot_zap)
		ret = disable_slot_zap_all(&vm);
	if (!ret)
		ret = area_open(&area, &vm, options->kind);
	if (!ret)
		ret = storm(&area, options);
	vm_close(&vm);
	area_close(&area);
	return ret;
}

int main(int argc, char *argv[])
{
	struct options options;
	struct check_ctx ctx;
	char why[REASON_SIZE];
	size_t run_size;
	int kvm, ret = unmap_options(&options, argc, argv);

	if (ret)
		return ret < 0 ? 2 : 0;
	if (options.nested && !nested_image())
		return EX_CANNOT;
	kvm = kvm_open("/dev/kvm", &run_size, why, sizeof(why));
	if (kvm < 0 || kicks_init()) {
		fprintf(stderr, "kvm-unmap-storm: %s\n", kvm < 0 ? why : strerror(errno));
		return 1;
	}
	ctx_init(&ctx, kvm, run_size, 1);
	ctx.mode = options.nested ? GUEST_LONG : options.mode;
	ctx.vm_type = gmem_vm_type(options.kind);
	ret = gmem_possible(&ctx, options.kind) ? run(&ctx, &options) : 1;
	if (ret < 0)
		fprintf(stderr, "kvm-unmap-storm: %s\n", ctx.reason);
	ctx_destroy(&ctx);
	close(kvm);
	return ret < 0 ? 1 : ret > 0 ? EX_CANNOT : 0;
}
