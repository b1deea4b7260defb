// SPDX-License-Identifier: GPL-2.0-only
/*
 * A memslot whose memory is a guest_memfd, shared with the host and mapped there, which
 * kernels since 6.18 offer to any VM. Holes that are punched into it are unmapped by
 * another path than what the host's memory management takes.
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

#define KVM_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#define KVM_CREATE_GUEST_MEMFD		_IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)
#endif
#ifndef KVM_CAP_GUEST_MEMFD_FLAGS
#define KVM_CAP_GUEST_MEMFD_FLAGS	244
#define GUEST_MEMFD_FLAG_MMAP		(1ULL << 0)
#define GUEST_MEMFD_FLAG_INIT_SHARED	(1ULL << 1)
#endif

#define FLAGS	(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)

/**
 * gmem_possible() - does this kernel have it, for such a VM?
 * @vm: the VM
 *
 * Return: true if it does.
 */
bool gmem_possible(const struct vm *vm)
{
	int flags = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS);

	return flags > 0 && ((unsigned int)flags & FLAGS) == FLAGS;
}

/**
 * gmem_map() - the memory for an area
 * @area: the area, which gets its file descriptor
 *
 * Return: AREA_SIZE bytes of it, or NULL with errno set.
 */
uint8_t *gmem_map(struct area *area)
{
	struct kvm_create_guest_memfd create = { .size = AREA_SIZE, .flags = FLAGS };
	void *memory;

	area->gmem = ioctl(area->vm->fd, KVM_CREATE_GUEST_MEMFD, &create);
	if (area->gmem < 0)
		return NULL;
	memory = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, area->gmem, 0);
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
