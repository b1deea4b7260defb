// SPDX-License-Identifier: GPL-2.0-only
/*
 * dirty-log: two vCPUs increment words in overlapping sets of pages, and the log is
 * fetched several times meanwhile. No increment is lost, no page is missing in the logs
 * taken together, and none is there that was not written.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "pages.h"
#include "vm.h"

#define PAGE		4096UL
#define AREA_SIZE	(GUEST_DIRTY_PAGES * PAGE)
#define FETCHES		6	/* while the vCPUs run */

struct work {
	struct vm vm;
	uint8_t *area;
	unsigned int fetches;
	unsigned int pages;
	uint32_t sums[GUEST_DIRTY_PAGES];
};

static uint32_t *mail(struct work *work, unsigned int id, unsigned int offset)
{
	return guest_mail(work->vm.ram, id, offset);
}

static int on_exit(struct vcpu *vcpu, void *arg)
{
	uint32_t value;

	(void)arg;
	return vcpu_wrote_port(vcpu, PORT_DONE, &value) ? VCPU_STOP : vcpu_unexpected(vcpu);
}

static int start(struct work *work, unsigned int id, const struct touching *touching,
		 bool one_round)
{
	*mail(work, id, MAIL_TOUCH_FIRST) = (uint32_t)(GUEST_DIRTY + touching->first * PAGE);
	*mail(work, id, MAIL_TOUCH_STRIDE) = (uint32_t)(touching->stride * PAGE);
	*mail(work, id, MAIL_TOUCH_COUNT) = touching->count;
	*mail(work, id, MAIL_TOUCH_STOP) = one_round;
	*mail(work, id, MAIL_TOUCH_ROUNDS) = 0;
	return vcpu_start(&work->vm.vcpus[id], on_exit, NULL);
}

static int stop(struct work *work)
{
	int ret = 0;

	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
		__atomic_store_n(mail(work, i, MAIL_TOUCH_STOP), 1, __ATOMIC_RELEASE);
		if (vcpu_join(&work->vm.vcpus[i]))
			ret = -1;
	}
	return ret;
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

/* Both vCPUs finish a round, at least, before each fetch. */
static int fetch_while_running(struct work *work, struct pages *seen)
{
	for (unsigned int n = 0; n < FETCHES; n++) {
		for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
			const uint32_t *rounds = mail(work, i, MAIL_TOUCH_ROUNDS);
			uint32_t from = __atomic_load_n(rounds, __ATOMIC_ACQUIRE);

			if (ctx_poll(work->vm.ctx, rounds, from, 1, "a round of the guest"))
				return -1;
		}
		if (fetch(work, seen))
			return -1;
	}
	return 0;
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

/* Both vCPUs do their work: one round, or rounds while the log is fetched again and again. */
static int phase(struct work *work, const struct touching *touching, bool one_round)
{
	struct pages seen = { { 0 } }, want = { { 0 } };

	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++)
		if (start(work, i, &touching[i], one_round))
			return -1;
	if (!one_round && fetch_while_running(work, &seen))
		return -1;
	if (stop(work) || fetch(work, &seen))
		return -1;
	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++)
		pages_touch(&want, work->sums, &touching[i], *mail(work, i, MAIL_TOUCH_ROUNDS));
	work->pages += pages_count(&want);
	return compare(work, &seen, &want);
}

static int phases(struct work *work)
{
	static const struct touching busy[] = { { 0, 3, 64 }, { 0, 2, 64 } };
	static const struct touching single[] = { { 1, 5, 20 }, { 7, 31, 8 } };
	const struct pages none = { { 0 } };
	struct pages seen = { { 0 } };

	if (phase(work, busy, false) || phase(work, single, true) || fetch(work, &seen))
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

	work.area =
		mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (work.area == MAP_FAILED)
		return ctx_fail(ctx, "no memory for the guest: %s", strerror(errno));
	ret = vm_open(&work.vm, ctx, &guest_touch, VM_MAX_VCPUS, false);
	if (ret == 0)
		ret = vm_set_slot(&work.vm, GUEST_DIRTY, AREA_SIZE, work.area,
				  KVM_MEM_LOG_DIRTY_PAGES);
	for (unsigned int i = 0; ret == 0 && i < ctx->loops; i++)
		ret = phases(&work);
	vm_close(&work.vm);
	munmap(work.area, AREA_SIZE);
	if (ret == 0)
		ctx_note(ctx, "%u fetches, %u pages", work.fetches, work.pages);
	return ret;
}
