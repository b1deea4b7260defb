// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a VM with memory and vCPUs, changes its memslots, and connects eventfds.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

/* Below the BIOS at the top of 4 GiB; VMX keeps a TSS and page tables there. */
#define TSS_ADDR		0xfffbd000UL
#define IDENTITY_MAP_ADDR	0xfffbc000ULL

static int create(struct vm *vm)
{
	uint64_t identity = IDENTITY_MAP_ADDR;

	vm->fd = ioctl(vm->ctx->kvm, KVM_CREATE_VM, vm->ctx->vm_type);
	if (vm->fd < 0)
		return ctx_fail(vm->ctx, "KVM_CREATE_VM: %s", strerror(errno));
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR) < 0)
		return ctx_fail(vm->ctx, "KVM_SET_TSS_ADDR: %s", strerror(errno));
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
		return ctx_fail(vm->ctx, "KVM_SET_IDENTITY_MAP_ADDR: %s", strerror(errno));
	if (vm->irqchip && ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return ctx_fail(vm->ctx, "KVM_CREATE_IRQCHIP: %s", strerror(errno));
	return 0;
}

static int set_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *memory,
		    uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return ctx_fail(vm->ctx,
				"KVM_SET_USER_MEMORY_REGION slot %u at %#llx, %llu bytes: %s", slot,
				(unsigned long long)gpa, (unsigned long long)size, strerror(errno));
	return 0;
}

static int add_ram(struct vm *vm, const struct guest_image *image)
{
	void *ram = mmap(NULL, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ram == MAP_FAILED)
		return ctx_fail(vm->ctx, "no memory for the guest: %s", strerror(errno));
	vm->ram = ram;
	if (guest_load(vm->ram, image, vm->ctx->mode))
		return ctx_fail(vm->ctx, "guest %s is too large", image->name);
	return set_slot(vm, SLOT_RAM, 0, GUEST_RAM_SIZE, vm->ram, 0);
}

/**
 * vm_open() - make a VM that is ready to run a guest
 * @vm: what to fill in; vm_close() is safe, and needed, whatever comes back
 * @ctx: the check, which says in what mode the guest starts
 * @image: the guest program
 * @nvcpus: number of vCPUs, 1 to VM_MAX_VCPUS
 * @irqchip: give it the kernel's interrupt controllers
 *
 * Return: 0, or -1 after ctx_fail().
 */
int vm_open(struct vm *vm, struct check_ctx *ctx, const struct guest_image *image,
	    unsigned int nvcpus, bool irqchip)
{
	memset(vm, 0, sizeof(*vm));
	vm->ctx = ctx;
	vm->irqchip = irqchip;
	if (create(vm) || add_ram(vm, image))
		return -1;
	for (unsigned int i = 0; i < nvcpus; i++) {
		vm->nvcpus++;
		if (vcpu_open(&vm->vcpus[i], vm, i))
			return -1;
	}
	pthread_mutex_lock(&ctx->lock);
	ctx->vm = vm;
	pthread_mutex_unlock(&ctx->lock);
	return 0;
}

/**
 * vm_close() - stop the vCPUs and give back all that the VM holds
 * @vm: what vm_open() was called for
 */
void vm_close(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nvcpus; i++) {
		vcpu_stop(&vm->vcpus[i]);
		vcpu_join(&vm->vcpus[i]);
	}
	pthread_mutex_lock(&vm->ctx->lock);
	vm->ctx->vm = NULL;
	pthread_mutex_unlock(&vm->ctx->lock);
	for (unsigned int i = 0; i < vm->nvcpus; i++)
		vcpu_close(&vm->vcpus[i]);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->ram)
		munmap(vm->ram, GUEST_RAM_SIZE);
}

/**
 * vm_set_slot() - create, move or delete the check's own memslot
 * @vm: the VM
 * @gpa: guest address
 * @size: bytes; 0 deletes the slot
 * @memory: what backs it, page aligned
 * @flags: KVM_MEM_*
 *
 * Return: 0, or -1 after ctx_fail().
 */
int vm_set_slot(struct vm *vm, uint64_t gpa, uint64_t size, void *memory, uint32_t flags)
{
	return set_slot(vm, SLOT_EXTRA, gpa, size, memory, flags);
}

/**
 * vm_dirty_log() - fetch and clear the dirty log of the check's own memslot
 * @vm: the VM
 * @bitmap: one bit a page, in whole 64-bit words; overwritten
 *
 * Return: 0, or -1 after ctx_fail().
 */
int vm_dirty_log(struct vm *vm, void *bitmap)
{
	struct kvm_dirty_log log = { .slot = SLOT_EXTRA, .dirty_bitmap = bitmap };

	if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) < 0)
		return ctx_fail(vm->ctx, "KVM_GET_DIRTY_LOG: %s", strerror(errno));
	return 0;
}

/**
 * vm_ioeventfd() - assign or deassign an ioeventfd
 * @vm: the VM
 * @event: as the kernel takes it
 *
 * Does not fail the check: an error may be what the check is after.
 *
 * Return: 0 or the kernel's negative errno.
 */
int vm_ioeventfd(struct vm *vm, const struct kvm_ioeventfd *event)
{
	return ioctl(vm->fd, KVM_IOEVENTFD, event) < 0 ? -errno : 0;
}

/**
 * vm_irqfd() - connect an eventfd with line GUEST_IRQ, or part them
 * @vm: the VM, which has an irqchip
 * @fd: the eventfd
 * @flags: KVM_IRQFD_FLAG_DEASSIGN or 0
 *
 * Return: 0, or -1 after ctx_fail().
 */
int vm_irqfd(struct vm *vm, int fd, uint32_t flags)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = GUEST_IRQ, .flags = flags };

	if (ioctl(vm->fd, KVM_IRQFD, &irqfd) < 0)
		return ctx_fail(vm->ctx, "KVM_IRQFD flags %#x: %s", flags, strerror(errno));
	return 0;
}

/**
 * event_open() - make an eventfd
 * @ctx: the check
 *
 * Return: a file descriptor for the caller to close, or -1 after ctx_fail().
 */
int event_open(struct check_ctx *ctx)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd >= 0 ? fd : ctx_fail(ctx, "eventfd: %s", strerror(errno));
}

/**
 * event_take() - read an eventfd and so set it back to 0
 * @fd: the eventfd
 *
 * Return: the number of events since the last time.
 */
uint64_t event_take(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ? count : 0;
}
