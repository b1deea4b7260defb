// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scan of all processes for descriptors of KVM.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "holders_parts.h"
#include "json.h"

#define KVM_MAJOR	10
#define KVM_MINOR	232
#define HOLDERS_MAX	65536

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* A container has device files of its own, under whatever name. */
static bool is_kvm_device(int dir, const char *fd, const char *target)
{
	size_t length = strlen(target);
	struct stat st;

	if (strcmp(target, "/dev/kvm") == 0 || strcmp(target, "/dev/.kvm-fixes/kvm") == 0)
		return true;
	if (!starts(target, "/dev/") && (length < 4 || strcmp(target + length - 4, "/kvm")))
		return false;
	/* Most of what is open below /dev, and spared the look-up. */
	if (strcmp(target, "/dev/null") == 0 || starts(target, "/dev/pts/"))
		return false;
	return fstatat(dir, fd, &st, 0) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(KVM_MAJOR, KVM_MINOR);
}

static void count_fd(int dir, const char *fd, struct holder *holder, struct suspects *suspects)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, fd, target, sizeof(target) - 1);

	if (n <= 0)
		return;
	target[n] = '\0';
	if (starts(target, "anon_inode:")) {
		const char *kind = target + strlen("anon_inode:");

		if (strcmp(kind, "kvm-vm") == 0)
			holder->vms++;
		else if (starts(kind, "kvm-vcpu:"))
			holder->vcpus++;
		else if (starts(kind, "kvm-"))
			holder->others++;
		else if (starts(kind, "bpf_link"))
			suspects->bpf = holder->pid;
		else if (starts(kind, "[perf_event]"))
			suspects->perf = holder->pid;
	} else if (is_kvm_device(dir, fd, target)) {
		holder->devices++;
	}
}

/* Descriptors in folder @path. Returns how many there are, or -errno. */
static int count_fds(const char *path, struct holder *holder, struct suspects *suspects)
{
	struct dirent *entry;
	int n = 0, err;
	DIR *dir = opendir(path);

	if (!dir)
		return -errno;
	while ((errno = 0, entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		count_fd(dirfd(dir), entry->d_name, holder, suspects);
		n++;
	}
	err = errno;
	closedir(dir);
	return err ? -err : n;
}

/* A main thread that has ended shows no descriptors; the others share them still. */
static void count_in_threads(const struct host *host, struct holder *holder,
			     struct suspects *suspects)
{
	struct dirent *entry;
	DIR *dir = opendir(host_path(host, "/proc/%d/task", (int)holder->pid));

	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    atoi(entry->d_name) != holder->pid &&
		    count_fds(host_path(host, "/proc/%d/task/%.16s/fd", (int)holder->pid,
					entry->d_name), holder, suspects) > 0)
			break;
	}
	if (dir)
		closedir(dir);
}

/* The pid in the innermost namespace: the last number of NSpid. */
static pid_t inner_pid(const struct host *host, pid_t pid)
{
	char text[4096];
	const char *line, *blank;
	int inner;

	read_text(host_path(host, "/proc/%d/status", (int)pid), text, sizeof(text));
	line = strstr(text, "\nNSpid:");
	if (!line)
		return pid;
	text[(size_t)(line - text) + 1 + strcspn(line + 1, "\n")] = '\0';
	blank = strrchr(line, '\t');
	inner = blank ? atoi(blank + 1) : 0;
	return inner > 0 ? inner : pid;
}

static void describe(const struct host *host, struct holder *holder)
{
	holder->inner_pid = inner_pid(host, holder->pid);
	read_text(host_path(host, "/proc/%d/comm", (int)holder->pid), holder->command,
		  sizeof(holder->command));
	text_printable(holder->command);
	vm_name(host, holder->pid, holder->vm, sizeof(holder->vm));
}

static int add(struct holders *holders, const struct holder *holder)
{
	/* Grown at every power of two. */
	if ((holders->n & (holders->n - 1)) == 0) {
		size_t room = holders->n ? 2 * holders->n : 1;
		struct holder *list = holders->n < HOLDERS_MAX ?
			realloc(holders->list, room * sizeof(*list)) : NULL;

		if (!list)
			return -ENOMEM;
		holders->list = list;
	}
	holders->list[holders->n++] = *holder;
	return 0;
}

static int look_at(const struct host *host, pid_t pid, struct holders *holders,
		   struct suspects *suspects)
{
	struct holder holder = { .pid = pid };
	int n = count_fds(host_path(host, "/proc/%d/fd", (int)pid), &holder, suspects);

	if (n == -EACCES || n == -EPERM)
		holders->unreadable++;
	if (n == 0)
		count_in_threads(host, &holder, suspects);
	if (!holder.devices && !holder.vms && !holder.vcpus && !holder.others)
		return 0;
	describe(host, &holder);
	return add(holders, &holder);
}

static int by_pid(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int holders_scan(const struct host *host, const struct loaded *kvm, const struct loaded *vendor,
		 struct holders *holders)
{
	struct suspects suspects = { 0 };
	double begin = now_ms();
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	memset(holders, 0, sizeof(*holders));
	dir = opendir(host_path(host, "/proc"));
	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid <= INT_MAX)
			err = look_at(host, (pid_t)pid, holders, &suspects);
	}
	closedir(dir);
	if (err) {
		holders_free(holders);
		return err;
	}
	if (holders->n)
		qsort(holders->list, holders->n, sizeof(*holders->list), by_pid);
	explain_references(host, kvm, vendor, &suspects, holders);
	holders->ms = now_ms() - begin;
	return 0;
}

void holders_free(struct holders *holders)
{
	free(holders->list);
	memset(holders, 0, sizeof(*holders));
}
