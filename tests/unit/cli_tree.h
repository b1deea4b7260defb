/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A folder that stands for a host. Included by one test each.
 */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

static inline void tree_make(struct host *host, const char *release)
{
	const char *parent = getenv("TMPDIR");

	memset(host, 0, sizeof(*host));
	snprintf(host->root, sizeof(host->root), "%s/kvm-fixes-test.XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(host->root))
		abort();
	snprintf(host->release, sizeof(host->release), "%s", release);
	host->vendor = "kvm_intel";
	host->vendor_file = "kvm-intel";
}

static inline void tree_folder(const struct host *host, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s", host_path(host, "%s", path));
	for (char *slash = strchr(full + strlen(host->root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	mkdir(full, 0755);
}

static inline void tree_bytes(const struct host *host, const char *path, const void *data,
			      size_t size)
{
	char parent[PATH_MAX];
	FILE *file;

	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	tree_folder(host, parent);
	file = fopen(host_path(host, "%s", path), "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		abort();
}

static inline void tree_text(const struct host *host, const char *path, const char *text)
{
	tree_bytes(host, path, text, strlen(text));
}

static inline int tree_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree_remove(const struct host *host)
{
	nftw(host->root, tree_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
