// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts calls of the kernel's SRCU functions, by a kprobe that perf makes: it needs no
 * tracefs, and costs nothing where those functions are not called.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "grace.h"

#define KPROBE_TYPE	"/sys/bus/event_source/devices/kprobe/type"

static const struct {
	const char *name;
	const char *function;
} events[GRACE_EVENTS] = {
	[GRACE_EXPEDITED] = { "expedited_waits", "synchronize_srcu_expedited" },
	[GRACE_NORMAL] = { "normal_waits", "synchronize_srcu" },
	[GRACE_CALLBACKS] = { "callbacks", "call_srcu" },
	[GRACE_STARTED] = { "started", "srcu_gp_start" },
};

static int kprobe_type(uint32_t *type)
{
	char text[16], *end;
	FILE *file = fopen(KPROBE_TYPE, "re");

	if (!file)
		return -errno;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	*type = (uint32_t)strtoul(text, &end, 10);
	return end > text ? 0 : -EINVAL;
}

static int open_one(struct grace *grace, uint32_t type, enum grace_event event, unsigned int cpu)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.kprobe_func = (uintptr_t)events[event].function,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

	grace->fd[event][cpu] = (int)fd;
	return fd < 0 ? -errno : 0;
}

/**
 * grace_open() - begin to count
 * @grace: what to fill in
 * @why: gets one line about what is wrong
 * @size: bytes in @why
 *
 * Return: 0 or a negative errno.
 */
int grace_open(struct grace *grace, char *why, size_t size)
{
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t type = 0;
	int ret = kprobe_type(&type);

	memset(grace->fd, -1, sizeof(grace->fd));
	if (ret) {
		snprintf(why, size, KPROBE_TYPE ": %s; take a kernel with CONFIG_KPROBE_EVENTS",
			 strerror(-ret));
		return ret;
	}
	grace->ncpus = ncpus < GRACE_MAX_CPUS ? (unsigned int)ncpus : GRACE_MAX_CPUS;
	for (unsigned int i = 0; i < GRACE_EVENTS; i++)
		for (unsigned int cpu = 0; cpu < grace->ncpus && ret == 0; cpu++) {
			ret = open_one(grace, type, (enum grace_event)i, cpu);
			if (ret)
				snprintf(why, size, "calls of %s cannot be counted: %s; leave out --count",
					 events[i].function, strerror(-ret));
		}
	if (ret)
		grace_close(grace);
	return ret;
}

/**
 * grace_close() - the counterpart of grace_open()
 * @grace: open or not
 */
void grace_close(struct grace *grace)
{
	for (unsigned int i = 0; i < GRACE_EVENTS; i++)
		for (unsigned int cpu = 0; cpu < grace->ncpus; cpu++)
			if (grace->fd[i][cpu] >= 0)
				close(grace->fd[i][cpu]);
	grace->ncpus = 0;
}

/**
 * grace_read() - how much was counted so far
 * @grace: the counters
 * @counts: gets it
 *
 * Return: 0 or a negative errno.
 */
int grace_read(const struct grace *grace, struct grace_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	for (unsigned int i = 0; i < GRACE_EVENTS; i++)
		for (unsigned int cpu = 0; cpu < grace->ncpus; cpu++) {
			uint64_t n;

			if (read(grace->fd[i][cpu], &n, sizeof(n)) != (ssize_t)sizeof(n))
				return -EIO;
			counts->n[i] += n;
		}
	return 0;
}

/**
 * grace_print() - add the difference of two readings to a line of results
 * @before: the one
 * @after: the other
 */
void grace_print(const struct grace_counts *before, const struct grace_counts *after)
{
	const char *comma = "";

	printf(",\"grace\":{");
	for (unsigned int i = 0; i < GRACE_EVENTS; i++) {
		printf("%s\"%s\":%llu", comma, events[i].name,
		       (unsigned long long)(after->n[i] - before->n[i]));
		comma = ",";
	}
	putchar('}');
}
