/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host that is looked at: the real one, or a folder that stands for one.
 * Every path of a host (/proc and /sys too) is made by host_path().
 */
#ifndef HOST_H
#define HOST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define RELEASE_MAX	65
#define WHY_MAX		512

/**
 * struct host - where its files are and what runs there
 * @root: prefix of every path, "" on a real host (KVM_FIXES_ROOT)
 * @release: the running kernel, from /proc/sys/kernel/osrelease
 * @vendor: "kvm_intel" or "kvm_amd" by /proc/cpuinfo, "" if neither
 * @vendor_file: the same as part of file names: "kvm-intel" or "kvm-amd"
 */
struct host {
	char root[PATH_MAX];
	char release[RELEASE_MAX];
	const char *vendor;
	const char *vendor_file;
};

/* 0, or -errno with @why (WHY_MAX bytes) set. */
int host_open(struct host *host, const char *root, char *why);
/* What needs to know which kernel runs asks for it: a folder that stands for a host has none. */
int host_need_release(const struct host *host, char *why);

/*
 * The path below the root, in one of a few buffers of its own that are used in
 * turn: good until the eighth call after it. Cut off at PATH_MAX.
 */
const char *host_path(const struct host *host, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* May TEXT be used in paths as a kernel release? */
bool release_valid(const char *text);

/*
 * A small file (of /proc, /sys, ...) as text without trailing white space, at
 * most @size - 1 bytes. Returns its length, or -errno with @text empty.
 */
int read_text(const char *path, char *text, size_t size);

/* A whole file into memory, at most @max bytes (-EFBIG). free() it. 0 or -errno. */
int read_file(const char *path, size_t max, char **data, size_t *size);

/*
 * Publishes @size bytes as @path: written beside it, synced, renamed, the folder
 * synced. 0 or -errno; on failure nothing new is left.
 */
int publish(const char *path, const void *data, size_t size, int mode);

/* The same with the contents of @from (of at most @max bytes). */
int publish_copy(const char *from, const char *path, size_t max);

/*
 * Removes from @dir what a publish() left that was killed before it renamed it, if @ours says so
 * of the name it was to get. Whoever publishes there must have ended.
 */
void publish_sweep(const char *dir, bool (*ours)(const char *name));

/* The folder's entries are on the disk when it returns 0. -errno. */
int folder_sync(const char *dir);

/* mkdir -p; @mode is the last folder's. 0 or -errno. */
int folder_make(const char *path, int mode);

/* Milliseconds of CLOCK_MONOTONIC. */
double now_ms(void);

#endif
