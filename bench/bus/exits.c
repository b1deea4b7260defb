// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one write of a guest to an ioeventfd takes, there and back: the same guest
 * program with many writes, and with few.
 */
#include "bench.h"

#define FEW	16U
#define MANY	2016U

static int on_exit(struct vcpu *vcpu, void *arg)
{
	uint32_t value;

	(void)arg;
	return vcpu_wrote_port(vcpu, PORT_DONE, &value) ? VCPU_STOP : vcpu_unexpected(vcpu);
}

/* With its flag up from the start, the guest writes just its tail. */
static int timed_run(struct machine *machine, unsigned int writes, uint64_t *ns)
{
	uint64_t start;

	*guest_mail(machine->vm.ram, 0, MAIL_HAMMER_FLAG) = 1;
	*guest_mail(machine->vm.ram, 0, MAIL_HAMMER_TAIL) = writes;
	event_take(machine->fd);
	start = now_ns();
	if (vcpu_run(&machine->vcpus[0], on_exit, NULL))
		return -1;
	*ns = now_ns() - start;
	if (event_take(machine->fd) != writes)
		return ctx_fail(machine->vm.ctx, "not every write of the guest became an event");
	return 0;
}

static int timed_exits(struct bench *bench, struct machine *machine, unsigned int samples)
{
	for (unsigned int i = 0; i < samples; i++) {
		uint64_t few, many;

		if (timed_run(machine, FEW, &few) || timed_run(machine, MANY, &many))
			return -1;
		bench->ns[i] = many > few ? (many - few) / (MANY - FEW) : 0;
	}
	return 0;
}

/**
 * bench_exits() - have a guest write to an ioeventfd and print what a write took
 * @bench: the run
 * @bus: where it lies
 * @devices: how many more there are on that bus
 * @samples: how many times to measure
 *
 * Return: 0, or -1 after ctx_fail().
 */
int bench_exits(struct bench *bench, enum bus bus, unsigned int devices, unsigned int samples)
{
	struct machine machine;
	int ret = machine_open(&machine, bench, bus, 1, LOAD_EXIT);

	while (ret == 0 && machine.devices < devices)
		ret = machine_add(&machine);
	if (ret == 0)
		ret = timed_exits(bench, &machine, samples);
	machine_close(&machine);
	if (ret)
		return -1;
	line_begin(bench, "exit");
	printf(",\"bus\":\"%s\",\"n\":%u", bus_names[bus], devices);
	line_times(bench->ns, samples);
	line_end();
	return 0;
}
