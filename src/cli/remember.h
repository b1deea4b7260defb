/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What files were found to be, by inode, size and mtime, so that a file is unpacked
 * once. Kept in /var/cache/kvm-fixes, which is neither needed nor trusted to be well
 * formed; what a swap loads it looks into again.
 */
#ifndef REMEMBER_H
#define REMEMBER_H

#include <sys/stat.h>

#include "json.h"
#include "kernels.h"

/* What was remembered of @path in the cache @name, if it is still that file; put it. */
struct json_object *recall(const struct host *host, const char *name, const char *path,
			   const struct stat *st);
/* Takes over @entry, an object. That it cannot be kept is no error. */
void remember(const struct host *host, const char *name, const char *path, const struct stat *st,
	      struct json_object *entry);

/**
 * struct identity - what tells a module's file apart, as modfile_identify() found it
 * @stamped: it has our stamp
 * @signer: "" unless it was asked for
 */
struct identity {
	char build_id[BUILD_ID_MAX];
	bool stamped;
	bool has_signature;
	char signer[256];
};

/* 0 or -errno with @why set. */
int identity_read(const struct host *host, const char *path, bool with_signer,
		  struct identity *identity, char *why);

#endif
