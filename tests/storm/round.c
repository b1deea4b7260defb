// SPDX-License-Identifier: GPL-2.0-only
/*
 * A round: a VM is made, its vCPUs write and the workers work until enough was written
 * or a bus was lost; then it is destroyed with all that is still on its buses.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "storm.h"

#define DECOYS_AT_FIRST		1800

extern const uint8_t guest_storm_64[];
extern const uint8_t guest_storm_end_64[];

static const struct guest_image guest_storm = {
	.name = "storm",
	.code64 = { guest_storm_64, guest_storm_end_64, NULL },
};

/**
 * round_over() - is nothing more to be begun in this round?
 * @storm: the storm
 *
 * Return: true if so.
 */
bool round_over(struct storm *storm)
{
	return ctx_failed(&storm->ctx) || storm_total(storm, WRITES) >= storm->round_goal ||
	       __atomic_load_n(&storm->lost[0], __ATOMIC_RELAXED) ||
	       __atomic_load_n(&storm->lost[1], __ATOMIC_RELAXED);
}

static int cycles(struct worker *worker)
{
	struct vm *vm = &worker->storm->vm;

	/* One worker has a burst at first, so that more is to be retained than may be. */
	if (worker->number == 0 && decoys_change(worker, vm, DECOYS_AT_FIRST))
		return -1;
	while (!round_over(worker->storm))
		if (windows_cycle(worker))
			return -1;
	return 0;
}

static int open_vm(struct storm *storm)
{
	struct check_ctx *ctx = &storm->ctx;
	int page = ioctl(ctx->kvm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);

	storm->nvcpus = 0;
	if (vm_open(&storm->vm, ctx, &guest_storm, 0, false))
		return -1;
	if (page <= 0 || ioctl(ctx->kvm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_PIO) <= 0)
		return ctx_fail(ctx, "this KVM has no coalesced zones");
	for (unsigned int i = 0; i < storm->options.vcpus; i++) {
		storm->nvcpus++;
		if (vcpu_open(&storm->vcpus[i], &storm->vm, i))
			return -1;
	}
	storm->ring = (void *)((uint8_t *)storm->vcpus[0].run + page * sysconf(_SC_PAGESIZE));
	targets_load(storm);
	return 0;
}

static void close_vm(struct storm *storm)
{
	for (unsigned int i = 0; i < storm->nvcpus; i++) {
		vcpu_stop(&storm->vcpus[i]);
		vcpu_join(&storm->vcpus[i]);
	}
	for (unsigned int i = 0; i < storm->nvcpus; i++)
		vcpu_close(&storm->vcpus[i]);
	vm_close(&storm->vm);
	storm_count(storm, VMS, 1);
}

static void begin(struct storm *storm)
{
	uint64_t writes = storm_total(storm, WRITES);
	unsigned int share = storm->options.writes / 12 + 1;

	memset(storm->exits, 0, sizeof(storm->exits));
	memset(storm->entries, 0, sizeof(storm->entries));
	storm->lost[0] = storm->lost[1] = false;
	storm->round_goal = writes + share < storm->options.writes ? writes + share :
								     storm->options.writes;
}

static int run_guest(struct storm *storm)
{
	struct worker workers[STORM_WORKERS_MAX] = { { .storm = NULL } };
	struct worker slots = { .storm = NULL };
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < storm->options.vcpus; i++)
		ret = vcpu_start(&storm->vcpus[i], storm_exit, storm);
	if (ret == 0)
		ret = worker_start(&slots, storm, STORM_WORKERS_MAX, slots_work);
	for (unsigned int i = 0; ret == 0 && i < storm->options.workers; i++)
		ret = worker_start(&workers[i], storm, i, cycles);
	for (unsigned int i = 0; i < storm->options.workers; i++)
		worker_join(&workers[i]);
	worker_join(&slots);
	return ret || ctx_failed(&storm->ctx) || others_check(storm) ? -1 : 0;
}

/**
 * storm_round() - one VM's life
 * @storm: the storm
 *
 * Return: 0, or -1 after ctx_fail().
 */
int storm_round(struct storm *storm)
{
	int ret;

	begin(storm);
	ret = open_vm(storm);
	if (ret == 0)
		ret = run_guest(storm);
	close_vm(storm);
	return ret;
}
