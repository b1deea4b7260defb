// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers ioeventfds one after the other, each timed.
 */
#include "bench.h"

/* What is read before and after, beside the clock. */
struct readings {
	struct grace_counts grace;
	struct retired retired;
	uint64_t rounds;
};

static int read_all(struct bench *bench, const struct machine *machine, struct readings *readings)
{
	readings->rounds = machine_rounds(machine);
	retired_read(&readings->retired);
	if (grace_read(&bench->grace, &readings->grace))
		return ctx_fail(&bench->ctx, "the counters of grace periods cannot be read");
	return 0;
}

static void print(struct bench *bench, const struct machine *machine, unsigned int n,
		  uint64_t total, const struct readings *before, const struct readings *after)
{
	line_begin(bench, "burst");
	printf(",\"bus\":\"%s\",\"vcpus\":%u,\"load\":\"%s\",\"n\":%u,\"total_ns\":%llu",
	       bus_names[machine->bus], machine->nvcpus,
	       machine->nvcpus ? load_names[machine->load] : "none", n, (unsigned long long)total);
	line_times(bench->ns, n);
	printf(",\"guest_rounds\":%llu", (unsigned long long)(after->rounds - before->rounds));
	retired_print(&before->retired, &after->retired);
	if (bench->grace.ncpus)
		grace_print(&before->grace, &after->grace);
	line_end();
}

/**
 * bench_burst() - register ioeventfds and print how long that took
 * @bench: the run
 * @machine: the VM
 * @n: how many, 1 to BENCH_MAX_DEVICES
 *
 * Return: 0, or -1 after ctx_fail().
 */
int bench_burst(struct bench *bench, struct machine *machine, unsigned int n)
{
	struct readings before, after;
	uint64_t start, last;

	if (read_all(bench, machine, &before))
		return -1;
	start = last = now_ns();
	for (unsigned int i = 0; i < n; i++) {
		uint64_t now;

		if (machine_add(machine))
			return -1;
		now = now_ns();
		bench->ns[i] = now - last;
		last = now;
	}
	if (read_all(bench, machine, &after))
		return -1;
	print(bench, machine, n, last - start, &before, &after);
	return 0;
}
