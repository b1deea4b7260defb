// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that makes KVM unmap guest memory, by memslots or by the host's memory management.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

static int delete_in(struct area *area, unsigned int as_id)
{
	return area_set(area, as_id, area->gpa, 0, 0) ||
	       area_set(area, as_id, area->gpa, AREA_SIZE, 0) ? -1 : 0;
}

static int delete_slot(struct area *area)
{
	return delete_in(area, 0);
}

static int delete_other(struct area *area)
{
	return area->other ? delete_in(area, 1) : 0;
}

static int move_slot(struct area *area)
{
	return area_set(area, 0, AREA_MOVED, AREA_SIZE, 0) ||
	       area_set(area, 0, area->gpa, AREA_SIZE, 0) ? -1 : 0;
}

static int log_dirty(struct area *area)
{
	uint64_t bitmap[AREA_PAGES / 64];
	struct kvm_dirty_log log = { .slot = AREA_SLOT, .dirty_bitmap = bitmap };

	if (area_set(area, 0, area->gpa, AREA_SIZE, KVM_MEM_LOG_DIRTY_PAGES))
		return -1;
	ctx_pause(1000);
	if (ioctl(area->vm->fd, KVM_GET_DIRTY_LOG, &log))
		return ctx_fail(area->vm->ctx, "KVM_GET_DIRTY_LOG: %s", strerror(errno));
	return area_set(area, 0, area->gpa, AREA_SIZE, 0);
}

/* What this kernel does not have, or has no room for, is left out. */
static int advise(struct area *area, size_t from, size_t size, int advice, const char *name)
{
	if (madvise(area->memory + from, size, advice) && errno != EINVAL && errno != EAGAIN &&
	    errno != ENOMEM && errno != EBUSY)
		return ctx_fail(area->vm->ctx, "madvise(%s): %s", name, strerror(errno));
	return 0;
}

static int balloon(struct area *area)
{
	return advise(area, AREA_SIZE / 4, AREA_SIZE / 2, MADV_DONTNEED, "MADV_DONTNEED") ||
	       advise(area, 0, 4096, MADV_DONTNEED, "MADV_DONTNEED") ? -1 : 0;
}

static int swap_out(struct area *area)
{
	return advise(area, 0, AREA_SIZE, MADV_COLD, "MADV_COLD") ||
	       advise(area, 0, AREA_SIZE, MADV_PAGEOUT, "MADV_PAGEOUT") ||
	       advise(area, 0, AREA_SIZE, MADV_FREE, "MADV_FREE") ? -1 : 0;
}

static int collapse(struct area *area)
{
	return advise(area, 0, AREA_SIZE, MADV_HUGEPAGE, "MADV_HUGEPAGE") ||
	       advise(area, 0, AREA_SIZE, MADV_COLLAPSE, "MADV_COLLAPSE") ||
	       advise(area, 4096, 4096, MADV_DONTNEED, "MADV_DONTNEED") ||
	       advise(area, 0, AREA_SIZE, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE") ? -1 : 0;
}

static unsigned long ksm_value(const char *name)
{
	unsigned long value = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%lu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* How many pages of the area the guest writes to, from its next round on. */
static void touch(struct area *area, uint32_t pages)
{
	for (unsigned int i = 0; i < area->vm->nvcpus; i++)
		__atomic_store_n(guest_mail(area->vm->ram, i, MAIL_TOUCH_COUNT), pages, __ATOMIC_RELEASE);
}

/*
 * Whether ksmd runs is the host's affair. It merges what did not change from one of its scans
 * to the next, so the guest leaves half of the pages alone until then, for 2 s at most.
 */
static int merge(struct area *area)
{
	unsigned long scans = ksm_value("full_scans") + 3;

	if (advise(area, 0, AREA_SIZE, MADV_MERGEABLE, "MADV_MERGEABLE"))
		return -1;
	if (ksm_value("run") == 1) {
		touch(area, AREA_PAGES / 2);
		for (unsigned int i = 0; i < 100 && ksm_value("full_scans") < scans; i++)
			ctx_pause(20000);
		touch(area, AREA_PAGES);
		ctx_pause(20000);
	}
	return advise(area, 0, AREA_SIZE, MADV_UNMERGEABLE, "MADV_UNMERGEABLE");
}

/* Not to less than the guest needs: that would be an error of KVM_RUN. */
static int protect(struct area *area)
{
	if (mprotect(area->memory, AREA_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC) ||
	    mprotect(area->memory, AREA_SIZE, PROT_READ | PROT_WRITE))
		return ctx_fail(area->vm->ctx, "mprotect: %s", strerror(errno));
	return 0;
}

static int copy_on_write(struct area *area)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return ctx_fail(area->vm->ctx, "fork: %s", strerror(errno));
	return 0;
}

/* Several invalidations at a time, here and elsewhere. */
static int elsewhere(struct area *area)
{
	void *memory = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		return ctx_fail(area->vm->ctx, "no memory: %s", strerror(errno));
	munmap(memory, AREA_SIZE);
	return advise(area, AREA_SIZE / 2, 4096, MADV_DONTNEED, "MADV_DONTNEED");
}

static int (*const deeds[])(struct area *area) = {
	delete_slot, move_slot, log_dirty, delete_other, balloon, swap_out, collapse, merge,
	protect, copy_on_write, elsewhere, NULL,
};

/*
 * Such a memslot can be made and deleted, and not be changed; nor can its memory be swapped, or
 * made executable.
 */
static int (*const gmem_deeds[])(struct area *area) = {
	delete_slot, gmem_punch, balloon, copy_on_write, elsewhere, NULL,
};

/* Nor can this one, but what is shared is memory as any other. */
static int (*const private_deeds[])(struct area *area) = {
	delete_slot, gmem_convert, gmem_punch, balloon, swap_out, gmem_convert, collapse, merge,
	gmem_convert, protect, copy_on_write, elsewhere, NULL,
};

static int (*const *const deeds_of[])(struct area *area) = {
	[AREA_ANONYMOUS] = deeds,
	[AREA_GMEM] = gmem_deeds,
	[AREA_PRIVATE] = private_deeds,
};

/**
 * storm_deeds() - all of them, in turn
 * @area: the area, in use by running vCPUs
 * @rounds: how many times
 *
 * Return: 0, or -1 after ctx_fail().
 */
int storm_deeds(struct area *area, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		for (int (*const *deed)(struct area *area) = deeds_of[area->kind]; *deed; deed++) {
			if (ctx_failed(area->vm->ctx) || (*deed)(area))
				return -1;
			ctx_pause(500);
		}
	}
	return 0;
}
