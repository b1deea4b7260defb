/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of kvm-bus-bench share: a run, the VM that is measured, and how
 * one line of results is put together.
 */
#ifndef BUS_BENCH_H
#define BUS_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "check.h"
#include "grace.h"
#include "vm.h"

#define BENCH_MAX_VCPUS		4
#define BENCH_MAX_DEVICES	20000U

enum bus { BUS_PIO, BUS_MMIO, BUSES };

/**
 * enum load - what the running vCPUs do
 * @LOAD_LOOP: never leave the guest by themselves
 * @LOAD_EXIT: write to an ioeventfd without a pause: each write is an exit that the
 *	kernel handles, and in it the vCPU is a reader of the bus
 */
enum load { LOAD_LOOP, LOAD_EXIT, LOADS };

extern const char *const bus_names[BUSES];
extern const char *const load_names[LOADS];

/**
 * struct bench - a run of the program
 * @ctx: failures, and what the VMs need
 * @set: what the loaded modules are called, for the results
 * @round: how often these modules have been measured before, from 1
 * @last_start_ns: by now_ns(), when the last burst may begin
 * @grace: counters of grace periods, not open when only times are wanted
 * @ns: room for BENCH_MAX_DEVICES times
 */
struct bench {
	struct check_ctx ctx;
	const char *set;
	unsigned int round;
	uint64_t last_start_ns;
	struct grace grace;
	uint64_t *ns;
};

/**
 * struct machine - a VM with ioeventfds and vCPUs that run
 * @vm: the VM, which has no vCPUs of its own
 * @vcpus: those that run; as many as @nvcpus
 * @nvcpus: how many
 * @load: what they do
 * @bus: the bus that the ioeventfds are put on
 * @fd: the eventfd of them all
 * @devices: how many there are, not counted the one that LOAD_EXIT writes to
 */
struct machine {
	struct vm vm;
	struct vcpu vcpus[BENCH_MAX_VCPUS];
	unsigned int nvcpus;
	enum load load;
	enum bus bus;
	int fd;
	unsigned int devices;
};

int machine_open(struct machine *machine, struct bench *bench, enum bus bus, unsigned int nvcpus,
		 enum load load);
int machine_start(struct machine *machine);
void machine_stop(struct machine *machine);
void machine_close(struct machine *machine);
int machine_add(struct machine *machine);
int machine_remove(struct machine *machine);
uint64_t machine_rounds(const struct machine *machine);

int pin_caller(struct check_ctx *ctx);

int bench_burst(struct bench *bench, struct machine *machine, unsigned int n);
int bench_calls(struct bench *bench, unsigned int nvcpus, enum load load, unsigned int samples);
int bench_exits(struct bench *bench, enum bus bus, unsigned int devices, unsigned int samples);

uint64_t now_ns(void);
void pause_ms(unsigned int ms);

void line_begin(const struct bench *bench, const char *kind);
void line_times(uint64_t *ns, unsigned int n);
void line_end(void);

#endif
