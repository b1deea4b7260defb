// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cycle of a worker: its targets are registered, written to for a while, and
 * unregistered; then every write must be accounted for.
 *
 * The guest looks at a target's flag before each write, and counts after it. Once all
 * vCPUs have seen another flag, no write under the former one is on its way.
 */
#include "storm.h"

#define WRITES_PER_CYCLE	4096
#define DECOYS_EACH		16	/* looks at the counts */
#define DECOYS_MORE		4
#define POLL_US			300

static struct target *own(struct worker *worker, unsigned int i)
{
	return &worker->storm->targets[worker->first + i];
}

static void set_flag(struct storm *storm, const struct target *target, uint32_t flag)
{
	__atomic_store_n(target_flag(storm, target), flag, __ATOMIC_RELEASE);
}

/**
 * writes_of() - the writes to a target under a flag, of all vCPUs
 * @storm: the storm
 * @target: the target
 * @flag: FLAG_FREE or FLAG_COUNTED
 *
 * Return: how many, since its counts began.
 */
uint64_t writes_of(struct storm *storm, const struct target *target, unsigned int flag)
{
	uint64_t sum = 0;

	for (unsigned int v = 0; v < storm->options.vcpus; v++)
		sum += __atomic_load_n(target_count(storm, target, v, flag), __ATOMIC_ACQUIRE);
	return sum;
}

/**
 * await_seen() - wait until all vCPUs have seen the flag that a target has
 * @storm: the storm
 * @target: the target
 *
 * Return: 0, or -1 when something has failed meanwhile.
 */
int await_seen(struct storm *storm, const struct target *target)
{
	uint32_t flag = __atomic_load_n(target_flag(storm, target), __ATOMIC_RELAXED);

	for (unsigned int v = 0; v < storm->options.vcpus; v++) {
		const uint32_t *seen = target_count(storm, target, v, FLAG_REST);

		while (__atomic_load_n(seen, __ATOMIC_ACQUIRE) != flag) {
			if (ctx_failed(&storm->ctx))
				return -1;
			ring_take(storm);
			ctx_pause(POLL_US);
		}
	}
	return 0;
}

static void shuffle(struct worker *worker, unsigned int *order)
{
	for (unsigned int i = 0; i < STORM_KINDS; i++)
		order[i] = i;
	for (unsigned int i = STORM_KINDS - 1; i > 0; i--) {
		unsigned int j = worker_random(worker, i + 1), swapped = order[i];

		order[i] = order[j];
		order[j] = swapped;
	}
}

static int open_all(struct worker *worker)
{
	unsigned int order[STORM_KINDS];

	shuffle(worker, order);
	for (unsigned int i = 0; i < STORM_KINDS; i++) {
		struct target *target = own(worker, order[i]);
		int ret;

		target->free = worker_random(worker, 3) == 0;
		set_flag(worker->storm, target, target->free ? FLAG_FREE : FLAG_REST);
		ret = worker_set(worker, &worker->storm->vm, target, true);
		if (ret < 0)
			return -1;
		target->on = ret == 0;
		if (target->on)
			set_flag(worker->storm, target, FLAG_COUNTED);
	}
	return 0;
}

/* The buses change meanwhile. */
static int await_writes(struct worker *worker)
{
	struct storm *storm = worker->storm;
	uint64_t enough = storm->options.writes / storm->options.workers + 1;

	if (enough > WRITES_PER_CYCLE)
		enough = WRITES_PER_CYCLE;
	for (;;) {
		uint64_t writes = 0;
		bool any = false;

		if (ctx_failed(&storm->ctx))
			return -1;
		for (unsigned int i = 0; i < STORM_KINDS; i++) {
			any |= own(worker, i)->on;
			writes += writes_of(storm, own(worker, i), FLAG_COUNTED);
		}
		if (writes >= enough || !any || round_over(storm))
			return 0;
		ring_take(storm);
		ctx_pause(POLL_US);
		if (worker_random(worker, DECOYS_EACH) == 0 &&
		    decoys_change(worker, &storm->vm, DECOYS_MORE))
			return -1;
	}
}

/* Let all of the worker's targets have this flag, apart from those that are free. */
static int stop_all(struct worker *worker, bool free_too)
{
	for (unsigned int i = 0; i < STORM_KINDS; i++) {
		const struct target *target = own(worker, i);

		set_flag(worker->storm, target,
			 target->free && !free_too ? FLAG_FREE : FLAG_REST);
	}
	for (unsigned int i = 0; i < STORM_KINDS; i++)
		if (await_seen(worker->storm, own(worker, i)))
			return -1;
	return 0;
}

static int unregister_all(struct worker *worker)
{
	unsigned int order[STORM_KINDS];

	shuffle(worker, order);
	for (unsigned int i = 0; i < STORM_KINDS; i++) {
		struct target *target = own(worker, order[i]);

		if (target->on && worker_set(worker, &worker->storm->vm, target, false) < 0)
			return -1;
		target->on = false;
	}
	return 0;
}

/**
 * windows_cycle() - register the worker's targets, let them be hit, unregister them
 * @worker: the worker
 *
 * Return: 0, or -1 after ctx_fail().
 */
int windows_cycle(struct worker *worker)
{
	if (open_all(worker) || await_writes(worker) ||
	    stop_all(worker, false) || unregister_all(worker) || stop_all(worker, true))
		return -1;
	return account_all(worker);
}
