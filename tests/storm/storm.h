/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A storm: vCPUs that write to targets while threads register and unregister what
 * takes these writes, memslots come and go, and other VMs are made and destroyed.
 */
#ifndef STORM_H
#define STORM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "layout.h"
#include "vm.h"

#define STORM_VCPUS_MAX		4
#define STORM_WORKERS_MAX	4
#define STORM_KINDS		9
#define STORM_WRITES_MAX	100000000U

/* What is counted, in the order in which it is printed; see totals.c. */
enum total {
	WRITES, ZONE_WRITES, EVENTS, LOST, STRAY, EXITS, REGISTRATIONS, UNREGISTRATIONS, SLOTS, VMS,
	REFUSED, BUSES_LOST, DISCARDED, TOTALS
};

/**
 * struct options - what was asked for
 * @device: the KVM device
 * @writes: counted writes to do, at least
 * @vcpus: how many
 * @workers: threads that register and unregister
 * @seed: of the order of things
 * @timeout: seconds for all of it
 * @faults: let allocations fail in registrations, as failslab is set up to
 * @json: one JSON object in place of the line
 * @help: the usage was asked for
 * @why: in words, after an error
 */
struct options {
	const char *device;
	unsigned int writes;
	unsigned int vcpus;
	unsigned int workers;
	unsigned int seed;
	unsigned int timeout;
	bool faults;
	bool json;
	bool help;
	char why[160];
};

/**
 * struct kind - of targets
 * @name: for messages
 * @mmio: an address, otherwise a port
 * @zone: taken by a coalesced zone; otherwise by an ioeventfd
 * @match: by an ioeventfd with datamatch
 * @width: bytes of the guest's write
 * @len: bytes that the ioeventfd wants; 0 for any
 */
struct kind {
	const char *name;
	bool mmio;
	bool zone;
	bool match;
	uint8_t width;
	uint8_t len;
};

/**
 * struct target - an address with a value that the guest writes to it
 * @kind: what it is
 * @index: its place in the guest's table, and the low byte of @value
 * @addr: address or port
 * @value: no other target has it
 * @fd: eventfd
 * @on: it is registered
 * @free: the guest writes while it is being registered and unregistered too
 */
struct target {
	const struct kind *kind;
	unsigned int index;
	uint32_t addr;
	uint32_t value;
	int fd;
	bool on;
	bool free;
};

/* Exits to userspace of one vCPU for each target, by the flag that the guest had seen. */
typedef uint32_t exit_counts[STORM_TARGETS_MAX][FLAGS];

/**
 * struct storm - all of it
 * @options: what was asked for
 * @ctx: failures and the time limit
 * @totals: counted with storm_count()
 * @vm: the VM of this round; vCPUs of its own are none, its are @vcpus
 * @vcpus: its vCPUs
 * @nvcpus: how many have been made
 * @targets: what the guest writes to
 * @ntargets: how many
 * @nowned: how many of them, from the first on, are the workers'
 * @exits: changed by the vCPU's thread
 * @ring: of the coalesced zones
 * @ring_lock: for taking from @ring
 * @entries: of each target, found in @ring; under @ring_lock
 * @lost: buses that an allocation's failure has emptied, PIO and MMIO
 * @round_goal: counted writes in all at which this round ends
 * @over: nothing more is to be begun
 */
struct storm {
	struct options options;
	struct check_ctx ctx;
	uint64_t totals[TOTALS];

	struct vm vm;
	struct vcpu vcpus[STORM_VCPUS_MAX];
	unsigned int nvcpus;
	struct target targets[STORM_TARGETS_MAX];
	unsigned int ntargets;
	unsigned int nowned;
	exit_counts exits[STORM_VCPUS_MAX];
	struct kvm_coalesced_mmio_ring *ring;
	pthread_mutex_t ring_lock;
	uint32_t entries[STORM_TARGETS_MAX];
	bool lost[2];
	uint64_t round_goal;
	bool over;
};

/**
 * struct worker - a thread that registers and unregisters
 * @storm: the storm
 * @number: which one
 * @work: what it does; returns 0, or -1 after ctx_fail()
 * @thread: it
 * @started: there is such a thread
 * @random: state of its random numbers
 * @make_it_fail: of this thread in /proc, or -1 where no allocation is to fail
 * @first: its targets begin there
 * @decoys: registered at addresses that nobody writes to, in this round
 * @decoy_fd: their eventfd
 * @missing: by bus, PIO and MMIO: something was not there any more to be unregistered
 */
struct worker {
	struct storm *storm;
	unsigned int number;
	int (*work)(struct worker *worker);
	pthread_t thread;
	bool started;
	unsigned int random;
	int make_it_fail;
	unsigned int first;
	unsigned int decoys;
	int decoy_fd;
	bool missing[2];
};

extern const struct kind storm_kinds[STORM_KINDS];

/* options.c */
extern const char storm_usage[];
int storm_options(struct options *options, int argc, char *const argv[]);

/* totals.c */
void storm_count(struct storm *storm, enum total total, uint64_t n);
uint64_t storm_total(struct storm *storm, enum total total);
bool storm_print(struct storm *storm, FILE *out, double seconds);

/* target.c */
int targets_make(struct storm *storm);
void targets_close(struct storm *storm);
void targets_load(struct storm *storm);
uint32_t *target_flag(struct storm *storm, const struct target *target);
uint32_t *target_count(struct storm *storm, const struct target *target, unsigned int vcpu,
		       unsigned int flag);
int target_set(struct vm *vm, const struct target *target, bool on);

/* arrive.c */
int storm_exit(struct vcpu *vcpu, void *arg);
void ring_take(struct storm *storm);

/* window.c */
int windows_cycle(struct worker *worker);
uint64_t writes_of(struct storm *storm, const struct target *target, unsigned int flag);
int await_seen(struct storm *storm, const struct target *target);

/* account.c */
int account_all(struct worker *worker);
int others_check(struct storm *storm);

/* worker.c */
int worker_start(struct worker *worker, struct storm *storm, unsigned int number,
		 int (*work)(struct worker *worker));
void worker_join(struct worker *worker);
int worker_set(struct worker *worker, struct vm *vm, const struct target *target, bool on);
int worker_probe(struct worker *worker, bool mmio);
unsigned int worker_random(struct worker *worker, unsigned int below);

/* noise.c */
int decoys_change(struct worker *worker, struct vm *vm, unsigned int most);
int slots_work(struct worker *worker);
int vms_work(struct worker *worker);

/* round.c */
bool round_over(struct storm *storm);
int storm_round(struct storm *storm);

#endif
