// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes on beside: devices on the buses that nobody writes to, a memslot that comes
 * and goes, VMs that are made, filled and destroyed.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "storm.h"

#define DECOY_PORTS		0x2000
#define DECOY_ADDRESSES		0x10000000
#define DECOYS_MAX		2000
#define DECOY_STEP		4	/* as wide as any of them */
#define PAUSE_US		2000
#define VM_PAUSE_US		100000

static struct target decoy(const struct worker *worker, unsigned int i)
{
	const struct kind *kind = &storm_kinds[i % STORM_KINDS];
	struct target target = {
		.kind = kind,
		.addr = (kind->mmio ? DECOY_ADDRESSES : DECOY_PORTS) +
			(worker->number * DECOYS_MAX + i) * DECOY_STEP,
		.fd = worker->decoy_fd,
	};

	return target;
}

/**
 * decoys_change() - add devices to the buses, or take some off
 * @worker: whose
 * @vm: where
 * @most: add at most so many
 *
 * Return: 0, or -1 after ctx_fail().
 */
int decoys_change(struct worker *worker, struct vm *vm, unsigned int most)
{
	unsigned int n = worker_random(worker, most + 1);
	struct target target;

	for (; n && worker->decoys < DECOYS_MAX; n--) {
		int ret;

		target = decoy(worker, worker->decoys);
		ret = worker_set(worker, vm, &target, true);
		if (ret < 0)
			return -1;
		worker->decoys += ret == 0;
	}
	for (n = worker_random(worker, 3); n && worker->decoys; n--) {
		target = decoy(worker, --worker->decoys);
		if (worker_set(worker, vm, &target, false) < 0)
			return -1;
	}
	return 0;
}

static int move_slot(struct storm *storm, void *memory)
{
	struct vm *vm = &storm->vm;

	if (vm_set_slot(vm, GUEST_SLOT, GUEST_SLOT_SIZE, memory, 0))
		return -1;
	ctx_pause(PAUSE_US);
	if (vm_set_slot(vm, GUEST_SLOT_MOVED, GUEST_SLOT_SIZE, memory, 0))
		return -1;
	ctx_pause(PAUSE_US);
	if (vm_set_slot(vm, GUEST_SLOT_MOVED, 0, memory, 0))
		return -1;
	ctx_pause(PAUSE_US);
	storm_count(storm, SLOTS, 3);
	return 0;
}

/**
 * slots_work() - add, move and delete a memslot until the round is over
 * @worker: one without targets
 *
 * Return: 0, or -1 after ctx_fail().
 */
int slots_work(struct worker *worker)
{
	struct storm *storm = worker->storm;
	int ret = 0;
	void *memory = mmap(NULL, GUEST_SLOT_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return ctx_fail(&storm->ctx, "no memory for the guest: %s", strerror(errno));
	while (ret == 0 && !round_over(storm))
		ret = move_slot(storm, memory);
	munmap(memory, GUEST_SLOT_SIZE);
	return ret;
}

static int one_vm(struct worker *worker, struct check_ctx *ctx)
{
	struct vm vm;
	int ret = vm_open(&vm, ctx, &guest_ops, worker_random(worker, 2), worker_random(worker, 2));

	worker->decoys = 0;
	while (ret == 0 && worker->decoys < DECOYS_MAX && worker_random(worker, 4))
		ret = decoys_change(worker, &vm, DECOYS_MAX);
	vm_close(&vm);
	memset(worker->missing, 0, sizeof(worker->missing));
	storm_count(worker->storm, VMS, 1);
	return ret;
}

/**
 * vms_work() - make VMs, fill their buses and destroy them until all is over
 * @worker: one without targets
 *
 * Return: 0, or -1 after ctx_fail().
 */
int vms_work(struct worker *worker)
{
	struct storm *storm = worker->storm;
	struct check_ctx ctx;
	int ret = 0;

	/* One of its own: a ctx knows of one VM. */
	ctx_init(&ctx, storm->ctx.kvm, storm->ctx.run_size, 1);
	ctx.mode = GUEST_LONG;
	while (ret == 0 && !__atomic_load_n(&storm->over, __ATOMIC_RELAXED)) {
		ret = one_vm(worker, &ctx);
		ctx_pause(VM_PAUSE_US);
	}
	if (ctx_failed(&ctx))
		ctx_fail(&storm->ctx, "a VM beside: %s", ctx.reason);
	ctx_destroy(&ctx);
	return ret;
}
