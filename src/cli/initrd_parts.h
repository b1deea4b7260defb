/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of initrd.c: bytes of a file or of memory, the archives in them, and
 * what was found before.
 */
#ifndef INITRD_PARTS_H
#define INITRD_PARTS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "initrd.h"

#define INITRD_MODULE_MAX	(64u << 20)	/* bytes of a module in it, packed or not */

/**
 * struct bytes - where an initrd is read from
 * @fd: the file, or -1
 * @data: the memory, if @fd is -1
 * @size: of either
 */
struct bytes {
	int fd;
	const char *data;
	uint64_t size;
};

/* All @n bytes at @offset: 0, or -EIO where they are not. */
int bytes_read(const struct bytes *bytes, uint64_t offset, void *to, size_t n);

/* Is it the path of a KVM module? Its name, "kvm_intel", goes to @name of 64 bytes. */
bool initrd_wants(const char *path, char *name);

/* Enters the module in @data, @n bytes, that lay at @path. */
void initrd_found(struct initrd *initrd, const char *path, const char *name, const void *data,
		  size_t n);

/*
 * The uncompressed archives at the beginning. @offset is where the rest begins, at
 * the end of the bytes if there is none.
 */
int cpio_walk(const struct bytes *bytes, uint64_t *offset, struct initrd *initrd);

/* The compressed archive at @offset. 0 or -errno with @initrd->why set. */
int packed_walk(const struct bytes *bytes, uint64_t offset, struct initrd *initrd);

/* Was this very file, @initrd->path, looked at before? Fills in @initrd then. */
bool initrd_recall(const struct host *host, const struct stat *st, struct initrd *initrd);
void initrd_remember(const struct host *host, const struct stat *st, const struct initrd *initrd);

#endif
