/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses KVM: processes by their file descriptors, and references to the
 * modules that no process explains.
 */
#ifndef HOLDERS_H
#define HOLDERS_H

#include <json-c/json.h>
#include <sys/types.h>

#include "loaded.h"

/**
 * struct holder - a process
 * @pid: in our own pid namespace
 * @inner_pid: in its own, the same where there is only one
 * @command: its name (comm), printable
 * @vm: libvirt domain or the VM's name, "" if it cannot be told
 * @devices @vms @vcpus @others: descriptors to /dev/kvm, anon_inode:kvm-vm,
 *	anon_inode:kvm-vcpu:N and other anon_inode:kvm-*
 */
struct holder {
	pid_t pid;
	pid_t inner_pid;
	char command[64];
	char vm[256];
	unsigned int devices, vms, vcpus, others;
};

/**
 * struct holders - all of them
 * @list: @n of them, by pid
 * @unreadable: processes whose descriptors could not be read (not root)
 * @unexplained: one line on references that no process explains, "" if none;
 *	 names kvmgt, vfio, livepatch where they are the likely ones
 * @ms: how long the scan took
 */
struct holders {
	struct holder *list;
	size_t n;
	unsigned int unreadable;
	char unexplained[WHY_MAX];
	double ms;
};

/* @kvm and @vendor as loaded_read() gave them. 0 or -errno. */
int holders_scan(const struct host *host, const struct loaded *kvm, const struct loaded *vendor,
		 struct holders *holders);
void holders_free(struct holders *holders);

/* Any user at all, by reference counts alone (no scan)? */
bool kvm_in_use(const struct loaded *kvm, const struct loaded *vendor);

/* "qemu-system-x86 (pid 812, VM web1), 2 more": for an error's line. */
void holders_text(const struct holders *holders, char *text, size_t size);
struct json_object *holders_json(const struct holders *holders);

#endif
