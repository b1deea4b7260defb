// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that registers and unregisters, with allocations that fail where that was
 * asked for: only in these calls, and only there may they be refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "storm.h"

#define MAKE_IT_FAIL	"/proc/thread-self/make-it-fail"
#define PROBE_PORT	0x5f0
#define PROBE_ADDRESS	(GUEST_MMIO + 0x1000)

/**
 * worker_random() - a random number
 * @worker: whose
 * @below: 1 or more
 *
 * Return: a number from 0 to @below - 1.
 */
unsigned int worker_random(struct worker *worker, unsigned int below)
{
	worker->random = worker->random * 1664525U + 1013904223U;
	return (unsigned int)((uint64_t)(worker->random >> 8) * below >> 24);
}

static int faults_open(struct worker *worker)
{
	worker->make_it_fail = -1;
	if (!worker->storm->options.faults)
		return 0;
	worker->make_it_fail = open(MAKE_IT_FAIL, O_WRONLY | O_CLOEXEC);
	if (worker->make_it_fail < 0)
		return ctx_fail(&worker->storm->ctx, MAKE_IT_FAIL ": %s; --faults wants a kernel with CONFIG_FAULT_INJECTION",
				strerror(errno));
	return 0;
}

static int faults(struct worker *worker, bool on)
{
	if (worker->make_it_fail < 0 || pwrite(worker->make_it_fail, on ? "1" : "0", 1, 0) == 1)
		return 0;
	return ctx_fail(&worker->storm->ctx, MAKE_IT_FAIL ": %s", strerror(errno));
}

/**
 * worker_set() - register or unregister; with faults it may be refused
 * @worker: the worker
 * @vm: in this VM
 * @target: what
 * @on: register
 *
 * Return: 0; 1 when memory was not to be had, or the target's bus had been emptied; -1
 * after ctx_fail().
 */
int worker_set(struct worker *worker, struct vm *vm, const struct target *target, bool on)
{
	struct storm *storm = worker->storm;
	int ret;

	if (faults(worker, true))
		return -1;
	ret = target_set(vm, target, on);
	if (faults(worker, false))
		return -1;
	if (ret == 0) {
		storm_count(storm, on ? REGISTRATIONS : UNREGISTRATIONS, 1);
		return 0;
	}
	if (worker->make_it_fail >= 0 && on && ret == -ENOMEM) {
		storm_count(storm, REFUSED, 1);
		return 1;
	}
	if (worker->make_it_fail >= 0 && !on && (ret == -ENOENT || ret == -ENOMEM)) {
		worker->missing[target->kind->mmio] = true;
		return 1;
	}
	return ctx_fail(&storm->ctx, "cannot %s %s at %#x: %s", on ? "register" : "unregister",
			target->kind->name, target->addr, strerror(-ret));
}

/**
 * worker_probe() - is a bus of the round's VM as it should be?
 * @worker: the worker
 * @mmio: the buses of addresses; otherwise that of ports
 *
 * A bus that cannot be shrunk loses all that is on it, and takes nothing from then on.
 * KVM_IOEVENTFD does not say so when that happens.
 *
 * Return: 0 if it is, 1 if it was emptied, -1 after ctx_fail().
 */
int worker_probe(struct worker *worker, bool mmio)
{
	const struct kind kind = { .name = "probe", .mmio = mmio };
	const struct target probe = {
		.kind = &kind,
		.addr = (mmio ? PROBE_ADDRESS : PROBE_PORT) + worker->number,
		.fd = worker->decoy_fd,
	};
	struct storm *storm = worker->storm;
	bool missing = worker->missing[mmio];
	int ret;

	worker->missing[mmio] = false;
	if (worker->make_it_fail < 0)
		return 0;
	ret = target_set(&storm->vm, &probe, true);
	if (ret == 0)
		ret = target_set(&storm->vm, &probe, false);
	if (ret == -ENOMEM || ret == -ENOENT) {
		if (!__atomic_exchange_n(&storm->lost[mmio], true, __ATOMIC_RELAXED))
			storm_count(storm, BUSES_LOST, 1);
		return 1;
	}
	if (ret)
		return ctx_fail(&storm->ctx, "cannot probe a bus: %s", strerror(-ret));
	if (missing)
		return ctx_fail(&storm->ctx, "something was gone from a bus of %s that works",
				mmio ? "addresses" : "ports");
	return 0;
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	if (faults_open(worker) == 0)
		worker->work(worker);
	if (worker->make_it_fail >= 0)
		close(worker->make_it_fail);
	return NULL;
}

/**
 * worker_start() - start a worker
 * @worker: what to fill in; worker_join() is safe, and needed, whatever comes back
 * @storm: the storm
 * @number: which one: decides about its targets and its random numbers
 * @work: what it does
 *
 * Return: 0, or -1 after ctx_fail().
 */
int worker_start(struct worker *worker, struct storm *storm, unsigned int number,
		 int (*work)(struct worker *worker))
{
	int error;

	memset(worker, 0, sizeof(*worker));
	worker->storm = storm;
	worker->number = number;
	worker->work = work;
	worker->first = number * STORM_KINDS;
	worker->random = storm->options.seed * 2654435761U + number +
			 (unsigned int)storm_total(storm, VMS) * 40503U;
	worker->decoy_fd = event_open(&storm->ctx);
	if (worker->decoy_fd < 0)
		return -1;
	error = pthread_create(&worker->thread, NULL, run, worker);
	if (error)
		return ctx_fail(&storm->ctx, "pthread_create: %s", strerror(error));
	worker->started = true;
	return 0;
}

/**
 * worker_join() - wait for the end of a worker
 * @worker: what worker_start() was called for, or all zero
 */
void worker_join(struct worker *worker)
{
	if (worker->started) {
		pthread_join(worker->thread, NULL);
		storm_count(worker->storm, STRAY, event_take(worker->decoy_fd));
	}
	worker->started = false;
	if (worker->storm && worker->decoy_fd >= 0)
		close(worker->decoy_fd);
	worker->storm = NULL;
}
