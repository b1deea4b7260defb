// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other calls, each timed right after a burst of registrations and, in turn, when the
 * VM's last registration is long ago and another VM had the burst.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define DEVICES		200	/* at the first sample */
#define BURST		50
#define SETTLE_MS	40	/* longer than any grace period that a burst leaves behind */
#define MAX_SAMPLES	64
#define FIRST_SPARE_VCPU	BENCH_MAX_VCPUS

/**
 * struct calls - measuring one call
 * @bench: the run
 * @machine: the VM
 * @other: another one, without vCPUs
 * @memory: backs the slot that is added and deleted
 * @vcpu_fd: what KVM_CREATE_VCPU gave, or -1
 * @next_vcpu: an id that no vCPU has
 */
struct calls {
	struct bench *bench;
	struct machine machine;
	struct machine other;
	void *memory;
	int vcpu_fd;
	unsigned int next_vcpu;
};

/**
 * struct call - what is measured
 * @name: for the results
 * @own_vm: each sample has a VM of its own, without vCPUs
 * @before: not timed, before the burst; or NULL
 * @run: timed
 * @after: not timed; or NULL
 */
struct call {
	const char *name;
	bool own_vm;
	int (*before)(struct calls *calls);
	int (*run)(struct calls *calls);
	int (*after)(struct calls *calls);
};

static int create_vcpu(struct calls *calls)
{
	calls->vcpu_fd = ioctl(calls->machine.vm.fd, KVM_CREATE_VCPU, calls->next_vcpu++);
	return calls->vcpu_fd >= 0 ? 0 : ctx_fail(&calls->bench->ctx, "KVM_CREATE_VCPU: %s",
						  strerror(errno));
}

static int close_vcpu(struct calls *calls)
{
	close(calls->vcpu_fd);
	return 0;
}

static int add_slot(struct calls *calls)
{
	return vm_set_slot(&calls->machine.vm, GUEST_SLOT, GUEST_SLOT_SIZE, calls->memory, 0);
}

static int delete_slot(struct calls *calls)
{
	return vm_set_slot(&calls->machine.vm, GUEST_SLOT, 0, calls->memory, 0);
}

static int unregister(struct calls *calls)
{
	return machine_remove(&calls->machine);
}

static int add_again(struct calls *calls)
{
	return machine_add(&calls->machine);
}

static int close_vm(struct calls *calls)
{
	struct vm *vm = &calls->machine.vm;
	int fd = vm->fd;

	vm->fd = -1;
	return close(fd) ? ctx_fail(vm->ctx, "close: %s", strerror(errno)) : 0;
}

static const struct call all_calls[] = {
	{ "create-vcpu", false, NULL, create_vcpu, close_vcpu },
	{ "add-slot", false, NULL, add_slot, delete_slot },
	{ "delete-slot", false, add_slot, delete_slot, NULL },
	{ "unregister", false, NULL, unregister, add_again },
	{ "create-first-vcpu", true, NULL, create_vcpu, close_vcpu },
	{ "close-vm", true, NULL, close_vm, NULL },
};

static int register_some(struct machine *machine, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (machine_add(machine))
			return -1;
	return 0;
}

/*
 * The burst comes before the call, or so long before that nothing of it is left. Then
 * another VM has one in its place, so that caches and CPUs are as awake as after the first.
 */
static int burst(struct calls *calls, bool right_after)
{
	pause_ms(SETTLE_MS);
	if (register_some(&calls->machine, BURST))
		return -1;
	if (right_after)
		return 0;
	pause_ms(SETTLE_MS);
	return register_some(&calls->other, BURST);
}

static int sample(struct calls *calls, const struct call *call, bool right_after, uint64_t *ns)
{
	uint64_t start;

	if ((call->before && call->before(calls)) || burst(calls, right_after))
		return -1;
	start = now_ns();
	if (call->run(calls))
		return -1;
	*ns = now_ns() - start;
	return call->after ? call->after(calls) : 0;
}

static int own_vm_sample(struct calls *calls, const struct call *call, bool right_after,
			 uint64_t *ns)
{
	int ret = machine_open(&calls->machine, calls->bench, BUS_MMIO, 0, LOAD_LOOP);

	calls->next_vcpu = 0;
	if (ret == 0)
		ret = sample(calls, call, right_after, ns);
	machine_close(&calls->machine);
	return ret;
}

static void print(const struct calls *calls, const struct call *call, enum load load,
		  bool right_after, uint64_t *ns, unsigned int n)
{
	unsigned int nvcpus = call->own_vm ? 0 : calls->machine.nvcpus;

	line_begin(calls->bench, "call");
	printf(",\"call\":\"%s\",\"vcpus\":%u,\"load\":\"%s\",\"burst\":%s", call->name, nvcpus,
	       nvcpus ? load_names[load] : "none", right_after ? "true" : "false");
	line_times(ns, n);
	line_end();
}

static int measure(struct calls *calls, const struct call *call, enum load load,
		   unsigned int samples)
{
	uint64_t ns[2][MAX_SAMPLES];

	for (unsigned int i = 0; i < samples; i++)
		for (unsigned int right_after = 0; right_after < 2; right_after++)
			if ((call->own_vm ? own_vm_sample : sample)(calls, call, right_after,
								    &ns[right_after][i]))
				return -1;
	print(calls, call, load, false, ns[0], samples);
	print(calls, call, load, true, ns[1], samples);
	return 0;
}

static int measure_all(struct calls *calls, bool own_vm, enum load load, unsigned int samples)
{
	for (size_t i = 0; i < sizeof(all_calls) / sizeof(all_calls[0]); i++)
		if (all_calls[i].own_vm == own_vm &&
		    measure(calls, &all_calls[i], load, samples))
			return -1;
	return 0;
}

static int calls_in_one_vm(struct calls *calls, unsigned int nvcpus, enum load load,
			   unsigned int samples)
{
	int ret = machine_open(&calls->machine, calls->bench, BUS_MMIO, nvcpus, load);

	if (ret == 0)
		ret = machine_start(&calls->machine);
	if (ret == 0)
		ret = register_some(&calls->machine, DEVICES);
	if (ret == 0)
		ret = measure_all(calls, false, load, samples);
	machine_close(&calls->machine);
	return ret;
}

/**
 * bench_calls() - print what other calls take, with and without a burst before
 * @bench: the run
 * @nvcpus: how many vCPUs run; calls that need a fresh VM are measured with 0 only
 * @load: what they do
 * @samples: how many times to measure, 1 to MAX_SAMPLES
 *
 * Return: 0, or -1 after ctx_fail().
 */
int bench_calls(struct bench *bench, unsigned int nvcpus, enum load load, unsigned int samples)
{
	struct calls calls = { .bench = bench, .next_vcpu = FIRST_SPARE_VCPU };
	int ret;

	if (samples > MAX_SAMPLES)
		return ctx_fail(&bench->ctx, "more than %u samples", MAX_SAMPLES);
	calls.memory = mmap(NULL, GUEST_SLOT_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (calls.memory == MAP_FAILED)
		return ctx_fail(&bench->ctx, "no memory: %s", strerror(errno));
	ret = machine_open(&calls.other, bench, BUS_MMIO, 0, LOAD_LOOP);
	if (ret == 0)
		ret = calls_in_one_vm(&calls, nvcpus, load, samples);
	if (ret == 0 && nvcpus == 0)
		ret = measure_all(&calls, true, load, samples);
	machine_close(&calls.other);
	munmap(calls.memory, GUEST_SLOT_SIZE);
	return ret;
}
