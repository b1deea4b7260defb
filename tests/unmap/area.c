// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memslot that things are done to.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"

/**
 * area_set() - create, change or delete the memslot
 * @area: the area
 * @as_id: in this address space
 * @gpa: at this guest address
 * @size: bytes, 0 to delete
 * @flags: KVM_MEM_*
 *
 * Return: 0, or -1 after ctx_fail().
 */
int area_set(struct area *area, unsigned int as_id, uint32_t gpa, uint32_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = as_id << 16 | AREA_SLOT,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)area->memory,
	};

	if (area->gmem >= 0 ? gmem_set(area, &region) :
			      ioctl(area->vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return ctx_fail(area->vm->ctx, "KVM_SET_USER_MEMORY_REGION (address space %u, %#x, %u bytes): %s",
				as_id, gpa, size, strerror(errno));
	return 0;
}

/* As much memory again before it, to align it. */
static uint8_t *map(void)
{
	uint8_t *memory = mmap(NULL, (size_t)2 * AREA_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (memory == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)memory % AREA_SIZE;
	if (before)
		munmap(memory, before);
	if (before != AREA_SIZE)
		munmap(memory + before + AREA_SIZE, AREA_SIZE - before);
	return memory + before;
}

/**
 * area_open() - memory, and its memslots in all address spaces
 * @area: what to fill in; area_close() is safe whatever comes back
 * @vm: for this VM
 * @kind: what the memory is; no part of a guest_memfd can be in two memslots
 *
 * Return: 0, or -1 after ctx_fail().
 */
int area_open(struct area *area, struct vm *vm, enum area_kind kind)
{
	memset(area, 0, sizeof(*area));
	area->vm = vm;
	area->kind = kind;
	area->gpa = AREA_GPA;
	area->gmem = -1;
	area->other = kind == AREA_ANONYMOUS &&
		      ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE) > 1;
	if (kind != AREA_ANONYMOUS && gmem_create(area))
		return -1;
	area->memory = kind == AREA_GMEM ? gmem_map(area) : map();
	if (!area->memory)
		return ctx_fail(vm->ctx, "no memory for the guest: %s", strerror(errno));
	if (area_set(area, 0, area->gpa, AREA_SIZE, 0))
		return -1;
	return area->other ? area_set(area, 1, area->gpa, AREA_SIZE, 0) : 0;
}

/**
 * area_close() - give the memory back; its VM is gone
 * @area: the area
 */
void area_close(struct area *area)
{
	if (area->memory)
		munmap(area->memory, AREA_SIZE);
	area->memory = NULL;
	if (area->gmem >= 0)
		close(area->gmem);
	area->gmem = -1;
}
