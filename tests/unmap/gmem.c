// SPDX-License-Identifier: GPL-2.0-only
/*
 * A memslot whose memory is a guest_memfd: shared with the host and mapped there, which
 * kernels since 6.18 offer to any VM, or the private part of it, which kernels since 6.8
 * that were built for it (KVM_SW_PROTECTED_VM) offer to VMs of that type. Holes that are
 * punched into it, and memory that is converted, are unmapped by other paths than those
 * that the host's memory management takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "storm.h"

/* Not in the headers of every suite that builds this. */
#ifndef KVM_CREATE_GUEST_MEMFD
#define KVM_MEM_GUEST_MEMFD		(1UL << 2)

struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};

struct kvm_create_guest_memfd {
	__u64 size;
	__u64 flags;
	__u64 reserved[6];
};

struct kvm_memory_attributes {
	__u64 address;
	__u64 size;
	__u64 attributes;
	__u64 flags;
};

#define KVM_CAP_VM_TYPES		235
#define KVM_X86_SW_PROTECTED_VM		1
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	(1ULL << 3)

#define KVM_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#define KVM_SET_MEMORY_ATTRIBUTES	_IOW(KVMIO, 0xd2, struct kvm_memory_attributes)
#define KVM_CREATE_GUEST_MEMFD		_IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)
#endif
#ifndef KVM_CAP_GUEST_MEMFD_FLAGS
#define KVM_CAP_GUEST_MEMFD_FLAGS	244
#define GUEST_MEMFD_FLAG_MMAP		(1ULL << 0)
#define GUEST_MEMFD_FLAG_INIT_SHARED	(1ULL << 1)
#endif

#define FLAGS	(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)

/**
 * gmem_vm_type() - what type of VM it takes
 * @kind: what the memory is
 *
 * Return: as KVM_CREATE_VM takes it.
 */
unsigned long gmem_vm_type(enum area_kind kind)
{
	return kind == AREA_PRIVATE ? KVM_X86_SW_PROTECTED_VM : 0;
}

/**
 * gmem_possible() - does this kernel have such memory?
 * @ctx: with KVM open
 * @kind: what the memory is
 *
 * Return: true if it does.
 */
bool gmem_possible(const struct check_ctx *ctx, enum area_kind kind)
{
	int value;

	switch (kind) {
	case AREA_GMEM:
		value = ioctl(ctx->kvm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS);
		return value > 0 && ((unsigned int)value & FLAGS) == FLAGS;
	case AREA_PRIVATE:
		value = ioctl(ctx->kvm, KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES);
		return value > 0 && value & 1 << KVM_X86_SW_PROTECTED_VM;
	default:
		return true;
	}
}

/**
 * gmem_create() - make the guest_memfd of an area
 * @area: the area
 *
 * Return: 0, or -1 after ctx_fail().
 */
int gmem_create(struct area *area)
{
	struct kvm_create_guest_memfd create = {
		.size = AREA_SIZE,
		.flags = area->kind == AREA_GMEM ? FLAGS : 0,
	};

	area->gmem = ioctl(area->vm->fd, KVM_CREATE_GUEST_MEMFD, &create);
	return area->gmem < 0 ? ctx_fail(area->vm->ctx, "KVM_CREATE_GUEST_MEMFD: %s", strerror(errno)) : 0;
}

/**
 * gmem_map() - the memory for an area that is all a guest_memfd
 * @area: the area, which has one
 *
 * Return: AREA_SIZE bytes of it, or NULL with errno set.
 */
uint8_t *gmem_map(struct area *area)
{
	void *memory = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, area->gmem, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/**
 * gmem_set() - as KVM_SET_USER_MEMORY_REGION for an area, which is bound to its memory
 * @area: the area
 * @region: the memslot
 *
 * Return: 0, or -1 with errno set.
 */
int gmem_set(const struct area *area, const struct kvm_userspace_memory_region *region)
{
	struct kvm_userspace_memory_region2 region2 = {
		.slot = region->slot,
		.flags = region->flags | KVM_MEM_GUEST_MEMFD,
		.guest_phys_addr = region->guest_phys_addr,
		.memory_size = region->memory_size,
		.userspace_addr = region->userspace_addr,
		.guest_memfd = (__u32)area->gmem,
	};

	return ioctl(area->vm->fd, KVM_SET_USER_MEMORY_REGION2, &region2);
}

static int punch(struct area *area, off_t from, off_t size)
{
	if (fallocate(area->gmem, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, size))
		return ctx_fail(area->vm->ctx, "fallocate(FALLOC_FL_PUNCH_HOLE): %s", strerror(errno));
	return 0;
}

/**
 * gmem_punch() - holes of a page, of half the memory and of all
 * @area: the area
 *
 * Return: 0, or -1 after ctx_fail().
 */
int gmem_punch(struct area *area)
{
	return punch(area, 4096, 4096) || punch(area, AREA_SIZE / 4, AREA_SIZE / 2) ||
	       punch(area, 0, AREA_SIZE) ? -1 : 0;
}

static int convert(struct area *area, uint64_t from, uint64_t size, uint64_t attributes)
{
	struct kvm_memory_attributes change = {
		.address = area->gpa + from,
		.size = size,
		.attributes = attributes,
	};

	if (ioctl(area->vm->fd, KVM_SET_MEMORY_ATTRIBUTES, &change))
		return ctx_fail(area->vm->ctx, "KVM_SET_MEMORY_ATTRIBUTES: %s", strerror(errno));
	return 0;
}

/* The guest gets to all of its pages meanwhile. */
static int convert_for_a_while(struct area *area, uint64_t from, uint64_t size)
{
	if (convert(area, from, size, KVM_MEMORY_ATTRIBUTE_PRIVATE))
		return -1;
	ctx_pause(20000);
	return convert(area, from, size, 0);
}

/**
 * gmem_convert() - to private memory and back: a page, half of it, all; half stays private
 * @area: the area
 *
 * Return: 0, or -1 after ctx_fail().
 */
int gmem_convert(struct area *area)
{
	return convert_for_a_while(area, 4096, 4096) ||
	       convert_for_a_while(area, AREA_SIZE / 4, AREA_SIZE / 2) ||
	       convert_for_a_while(area, 0, AREA_SIZE) ||
	       convert(area, 0, AREA_SIZE / 2, KVM_MEMORY_ATTRIBUTE_PRIVATE) ? -1 : 0;
}
