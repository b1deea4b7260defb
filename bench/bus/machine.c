// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM that is measured: its ioeventfds, each at an address of its own, and the
 * vCPUs that run beside.
 */
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/*
 * One ioeventfd every DEVICE_STEP from FIRST_DEVICE on; below them the one that
 * running vCPUs write to, which their page tables must reach.
 */
#define DEVICE_SIZE	2
#define FIRST_PORT	0x2000
#define FIRST_ADDR	0x10000000ULL
#define TARGET_PORT	0x600
#define TARGET_ADDR	GUEST_MMIO
#define TARGET_SIZE	4

/* That a vCPU runs is known when it has done so much. */
#define ROUNDS_BEFORE	10

static const struct {
	const struct guest_image *image;
	unsigned int rounds;	/* where the guest counts */
} programs[LOADS] = {
	[LOAD_LOOP] = { &guest_touch, MAIL_TOUCH_ROUNDS },
	[LOAD_EXIT] = { &guest_hammer, MAIL_HAMMER_COUNT },
};

static int set_event(struct machine *machine, uint64_t addr, uint32_t len, uint32_t flags)
{
	const struct kvm_ioeventfd event = {
		.addr = addr,
		.len = len,
		.fd = machine->fd,
		.flags = flags | (machine->bus == BUS_PIO ? KVM_IOEVENTFD_FLAG_PIO : 0),
	};
	int ret = vm_ioeventfd(&machine->vm, &event);

	return ret ? ctx_fail(machine->vm.ctx, "KVM_IOEVENTFD flags %#x at %#llx: %s", event.flags,
			      (unsigned long long)addr, strerror(-ret)) : 0;
}

static int set_device(struct machine *machine, unsigned int i, uint32_t flags)
{
	uint64_t first = machine->bus == BUS_PIO ? FIRST_PORT : FIRST_ADDR;

	return set_event(machine, first + (uint64_t)i * DEVICE_SIZE, DEVICE_SIZE, flags);
}

/**
 * machine_add() - register one ioeventfd more
 * @machine: the VM
 *
 * Return: 0, or -1 after ctx_fail().
 */
int machine_add(struct machine *machine)
{
	return set_device(machine, machine->devices++, 0);
}

/**
 * machine_remove() - unregister the one that was registered last
 * @machine: the VM, which has one
 *
 * Return: 0, or -1 after ctx_fail().
 */
int machine_remove(struct machine *machine)
{
	return set_device(machine, --machine->devices, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static uint32_t *mail(const struct machine *machine, unsigned int vcpu, unsigned int offset)
{
	return guest_mail(machine->vm.ram, vcpu, offset);
}

static uint32_t *rounds(const struct machine *machine, unsigned int vcpu)
{
	return mail(machine, vcpu, programs[machine->load].rounds);
}

/**
 * machine_rounds() - how much the guest has done
 * @machine: the VM
 *
 * Return: the rounds of all vCPUs together.
 */
uint64_t machine_rounds(const struct machine *machine)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < machine->nvcpus; i++)
		sum += __atomic_load_n(rounds(machine, i), __ATOMIC_RELAXED);
	return sum;
}

static int pin(struct check_ctx *ctx, pthread_t thread, unsigned int cpu)
{
	cpu_set_t set;
	int error;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	error = pthread_setaffinity_np(thread, sizeof(set), &set);
	return error ? ctx_fail(ctx, "cannot run on CPU %u: %s", cpu, strerror(error)) : 0;
}

static unsigned int last_cpu(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 1 ? (unsigned int)n - 1 : 0;
}

/**
 * pin_caller() - have the thread that registers stay on the last CPU
 * @ctx: the run
 *
 * vCPU n runs on CPU n. Whether the two share a CPU decides about a wait's length more
 * than all else, and must not be left to chance: with one vCPU they do not, with as many
 * vCPUs as there are CPUs they do.
 *
 * Return: 0, or -1 after ctx_fail().
 */
int pin_caller(struct check_ctx *ctx)
{
	return pin(ctx, pthread_self(), last_cpu());
}

/* Nothing comes out to userspace: an exit that does is a defect. */
static int on_exit(struct vcpu *vcpu, void *arg)
{
	(void)arg;
	return vcpu_unexpected(vcpu);
}

static void give_work(struct machine *machine, unsigned int vcpu)
{
	if (machine->load == LOAD_LOOP) {
		*mail(machine, vcpu, MAIL_TOUCH_FIRST) = GUEST_RESULTS + vcpu * GUEST_MAIL_LINE;
		*mail(machine, vcpu, MAIL_TOUCH_COUNT) = 1;
	} else {
		*mail(machine, vcpu, MAIL_HAMMER_MMIO) = machine->bus == BUS_MMIO;
		*mail(machine, vcpu, MAIL_HAMMER_ADDR) =
			machine->bus == BUS_MMIO ? TARGET_ADDR : TARGET_PORT;
	}
}

/**
 * machine_start() - let the vCPUs run
 * @machine: the VM
 *
 * Return: 0 when each is known to run, or -1 after ctx_fail().
 */
int machine_start(struct machine *machine)
{
	struct check_ctx *ctx = machine->vm.ctx;

	for (unsigned int i = 0; i < machine->nvcpus; i++) {
		if (vcpu_start(&machine->vcpus[i], on_exit, NULL) ||
		    pin(ctx, machine->vcpus[i].thread, i < last_cpu() ? i : last_cpu()))
			return -1;
	}
	for (unsigned int i = 0; i < machine->nvcpus; i++)
		if (ctx_poll(ctx, rounds(machine, i), 0, ROUNDS_BEFORE, "the vCPUs to run"))
			return -1;
	return 0;
}

/**
 * machine_open() - make a VM with vCPUs that are about to run
 * @machine: what to fill in; machine_close() is safe, and needed, whatever comes back
 * @bench: the run
 * @bus: where the ioeventfds go
 * @nvcpus: how many vCPUs, 0 to BENCH_MAX_VCPUS
 * @load: what they do
 *
 * Return: 0, or -1 after ctx_fail().
 */
int machine_open(struct machine *machine, struct bench *bench, enum bus bus, unsigned int nvcpus,
		 enum load load)
{
	memset(machine, 0, sizeof(*machine));
	machine->bus = bus;
	machine->load = load;
	machine->fd = event_open(&bench->ctx);
	/* Its own are too few: those that run are here. */
	if (vm_open(&machine->vm, &bench->ctx, programs[load].image, 0, false))
		return -1;
	if (machine->fd < 0)
		return -1;
	while (machine->nvcpus < nvcpus) {
		struct vcpu *vcpu = &machine->vcpus[machine->nvcpus];

		machine->nvcpus++;
		if (vcpu_open(vcpu, &machine->vm, machine->nvcpus - 1))
			return -1;
		give_work(machine, machine->nvcpus - 1);
	}
	if (load == LOAD_EXIT)
		return set_event(machine, bus == BUS_PIO ? TARGET_PORT : TARGET_ADDR, TARGET_SIZE,
				 0);
	return 0;
}

/**
 * machine_stop() - end the vCPUs; the VM's own file descriptor is the last one then
 * @machine: the VM
 */
void machine_stop(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->nvcpus; i++)
		vcpu_stop(&machine->vcpus[i]);
	for (unsigned int i = 0; i < machine->nvcpus; i++) {
		vcpu_join(&machine->vcpus[i]);
		vcpu_close(&machine->vcpus[i]);
	}
	machine->nvcpus = 0;
}

/**
 * machine_close() - give back all that the VM holds
 * @machine: what machine_open() was called for
 */
void machine_close(struct machine *machine)
{
	machine_stop(machine);
	vm_close(&machine->vm);
	if (machine->fd >= 0)
		close(machine->fd);
}
