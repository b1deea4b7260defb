// SPDX-License-Identifier: GPL-2.0-only
/*
 * dirty-log: two vCPUs increment words in overlapping sets of pages while the log is
 * fetched again and again. No increment is lost, no page is missing in the logs taken
 * together, and none is there that was not written.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "pages.h"
#include "vm.h"

#define PAGE		4096UL
#define AREA_SIZE	(GUEST_DIRTY_PAGES * PAGE)
#define ROUNDS		100
#define FETCH_US	500

struct work {
	struct vm vm;
	uint8_t *area;
	unsigned int done;	/* vCPUs at the end of their rounds */
	unsigned int fetches;
	unsigned int pages;
	uint32_t sums[GUEST_DIRTY_PAGES];
};

static int on_exit(struct vcpu *vcpu, void *arg)
{
	struct work *work = arg;
	uint32_t value;

	if (!vcpu_wrote_port(vcpu, PORT_DONE, &value))
		return vcpu_unexpected(vcpu);
	ctx_add(vcpu->vm->ctx, &work->done);
	return VCPU_STOP;
}

static int start(struct work *work, unsigned int id, const struct touching *touching)
{
	uint8_t *ram = work->vm.ram;

	*guest_mail(ram, id, MAIL_TOUCH_FIRST) = (uint32_t)(GUEST_DIRTY + touching->first * PAGE);
	*guest_mail(ram, id, MAIL_TOUCH_STRIDE) = (uint32_t)(touching->stride * PAGE);
	*guest_mail(ram, id, MAIL_TOUCH_COUNT) = touching->count;
	*guest_mail(ram, id, MAIL_TOUCH_ROUNDS) = touching->rounds;
	return vcpu_start(&work->vm.vcpus[id], on_exit, work);
}

static int fetch(struct work *work, struct pages *seen)
{
	struct pages log = { { 0 } };

	if (vm_dirty_log(&work->vm, &log))
		return -1;
	pages_add(seen, &log);
	work->fetches++;
	return 0;
}

static bool all_done(struct work *work)
{
	struct check_ctx *ctx = work->vm.ctx;
	bool done;

	pthread_mutex_lock(&ctx->lock);
	done = work->done == VM_MAX_VCPUS || ctx->failed;
	pthread_mutex_unlock(&ctx->lock);
	return done;
}

static int compare(struct work *work, const struct pages *seen, const struct pages *want)
{
	struct check_ctx *ctx = work->vm.ctx;
	unsigned int page;
	int differ = pages_differ(seen, want, &page);

	if (differ)
		return ctx_fail(ctx, "page %u was %s", page,
				differ > 0 ? "logged as dirty but never written" :
					     "written but never logged as dirty");
	for (page = 0; page < GUEST_DIRTY_PAGES; page++) {
		uint32_t sum;

		memcpy(&sum, work->area + page * PAGE, sizeof(sum));
		if (sum != work->sums[page])
			return ctx_fail(ctx, "page %u holds %u increments, expected %u", page, sum,
					work->sums[page]);
	}
	return 0;
}

/* Both vCPUs do their work; the log is fetched meanwhile, or only at the end. */
static int phase(struct work *work, const struct touching *touching, bool meanwhile)
{
	struct pages seen = { { 0 } }, want = { { 0 } };
	int ret = 0;

	work->done = 0;
	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
		pages_touch(&want, work->sums, &touching[i]);
		if (start(work, i, &touching[i]))
			return -1;
	}
	while (meanwhile && ret == 0 && !all_done(work)) {
		ctx_pause(FETCH_US);
		ret = fetch(work, &seen);
	}
	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++)
		if (vcpu_join(&work->vm.vcpus[i]))
			ret = -1;
	if (ret || fetch(work, &seen))
		return -1;
	work->pages = pages_count(&want);
	return compare(work, &seen, &want);
}

static int phases(struct work *work, uint32_t rounds)
{
	const struct touching busy[] = { { 0, 3, 64, rounds }, { 0, 2, 64, rounds } };
	const struct touching single[] = { { 1, 5, 20, 1 }, { 7, 31, 8, 1 } };
	const struct pages none = { { 0 } };
	struct pages seen = { { 0 } };

	if (phase(work, busy, true) || phase(work, single, false) || fetch(work, &seen))
		return -1;
	/* Nothing ran since the last fetch. */
	return compare(work, &seen, &none);
}

/**
 * check_dirty_log() - dirty logging while two vCPUs write
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_dirty_log(struct check_ctx *ctx)
{
	struct work work = { .fetches = 0 };
	int ret;

	work.area = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (work.area == MAP_FAILED)
		return ctx_fail(ctx, "no memory for the guest: %s", strerror(errno));
	ret = vm_open(&work.vm, ctx, &guest_touch, VM_MAX_VCPUS, false);
	if (ret == 0)
		ret = vm_set_slot(&work.vm, GUEST_DIRTY, AREA_SIZE, work.area, KVM_MEM_LOG_DIRTY_PAGES);
	for (unsigned int i = 0; ret == 0 && i < ctx->loops; i++)
		ret = phases(&work, ROUNDS);
	vm_close(&work.vm);
	munmap(work.area, AREA_SIZE);
	if (ret == 0)
		ctx_note(ctx, "%u fetches, %u pages", work.fetches, work.pages);
	return ret;
}
