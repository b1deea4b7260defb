/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the scan in holders.c.
 */
#ifndef HOLDERS_PARTS_H
#define HOLDERS_PARTS_H

#include "holders.h"

/* Whose VM a process runs, by its arguments (NULs between) or its cgroup; "" if not told. */
void vm_name_by_arguments(const char *args, size_t n, char *name, size_t size);
void vm_name_by_cgroup(const char *text, char *name, size_t size);
void vm_name(const struct host *host, pid_t pid, char *name, size_t size);

/**
 * struct suspects - who may hold a reference without a descriptor of KVM
 * @bpf @perf: a process that has BPF links, or perf events, open; 0 if none
 */
struct suspects {
	pid_t bpf;
	pid_t perf;
};

/* Fills in @holders->unexplained. */
void explain_references(const struct host *host, const struct loaded *kvm,
			const struct loaded *vendor, const struct suspects *suspects,
			struct holders *holders);

#endif
