// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernels of this host, and what lies in their folders.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels.h"
#include "remember.h"
#include "resolve.h"

#define KERNELS_MAX	256

static bool inside(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && path[length] == '/';
}

/* Which file modprobe would load for @name, and whose it is. */
static void read_next(const struct host *host, const struct kernel *kernel, const char *name,
		      char *path, enum origin *origin, char *build_id)
{
	char why[WHY_MAX], dir[PATH_MAX];
	struct identity identity;

	if (!*name || resolve_file(host, kernel->release, name, path, why)) {
		path[0] = '\0';
		return;
	}
	*origin = ORIGIN_OTHER;
	if (identity_read(host, path, false, &identity, why))
		return;
	snprintf(build_id, BUILD_ID_MAX, "%s", identity.build_id);
	path_stock_dir(host, kernel->release, dir);
	if (identity.stamped)
		*origin = ORIGIN_OURS;
	else if (inside(path, dir))
		*origin = ORIGIN_STOCK;
}

/* Both there, and of different builds? */
static bool replaced(const struct host *host, const char *stock_dir, const char *copy_dir,
		     const char *name)
{
	char stock[PATH_MAX], copy[PATH_MAX], why[WHY_MAX];
	struct identity a, b;

	if (modfile_find(stock_dir, name, stock) || modfile_find(copy_dir, name, copy))
		return false;
	return identity_read(host, stock, false, &a, why) == 0 &&
	       identity_read(host, copy, false, &b, why) == 0 &&
	       !a.stamped && *a.build_id && *b.build_id && strcmp(a.build_id, b.build_id);
}

static bool find_stale(const struct host *host, const struct kernel *kernel)
{
	static const char * const names[] = { "kvm", "kvm-intel", "kvm-amd" };
	char dir[PATH_MAX];

	if (!*kernel->stock_copy ||
	    (strcmp(kernel->state, "installed") && kernel->next_origin != ORIGIN_OURS))
		return false;
	path_stock_dir(host, kernel->release, dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (replaced(host, dir, kernel->stock_copy, names[i]))
			return true;
	}
	return false;
}

void kernel_read(const struct host *host, const char *release, struct kernel *kernel)
{
	memset(kernel, 0, sizeof(*kernel));
	snprintf(kernel->release, sizeof(kernel->release), "%s", release);
	kernel_read_records(host, kernel);
	kernel->has_headers =
		access(host_path(host, "/lib/modules/%s/build/Makefile", release), F_OK) == 0;
	path_stock_copy(host, release, kernel->stock_copy);
	if (access(kernel->stock_copy, F_OK))
		kernel->stock_copy[0] = '\0';
	read_next(host, kernel, "kvm", kernel->next, &kernel->next_origin, kernel->next_build_id);
	read_next(host, kernel, host->vendor, kernel->next_vendor, &kernel->next_vendor_origin,
		  kernel->next_vendor_build_id);
	kernel->stale = find_stale(host, kernel);
}

struct releases {
	char list[KERNELS_MAX][RELEASE_MAX];
	size_t n;
};

static int add_release(struct releases *releases, const char *release)
{
	for (size_t i = 0; i < releases->n; i++) {
		if (strcmp(releases->list[i], release) == 0)
			return 0;
	}
	if (releases->n == KERNELS_MAX)
		return -E2BIG;
	snprintf(releases->list[releases->n++], RELEASE_MAX, "%.*s", RELEASE_MAX - 1, release);
	return 0;
}

/* Folders of @path whose name is a release and in which there is @inside. */
static int add_folders(const struct host *host, const char *path, const char *inside,
		       struct releases *releases)
{
	DIR *dir = opendir(host_path(host, "%s", path));
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		if (release_valid(entry->d_name) &&
		    access(host_path(host, "%s/%s/%s", path, entry->d_name, inside), F_OK) == 0)
			err = add_release(releases, entry->d_name);
	}
	closedir(dir);
	return err;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(a, b);
}

int kernels_read(const struct host *host, struct kernel **list, size_t *n, char *why)
{
	struct releases *releases = calloc(1, sizeof(*releases));
	int err = releases ? 0 : -ENOMEM;

	*list = NULL;
	*n = 0;
	if (!err)
		err = add_folders(host, "/lib/modules", "kernel", releases);
	if (!err)
		err = add_folders(host, KERNEL_RECORDS, ".", releases);
	if (!err) {
		*list = calloc(releases->n + 1, sizeof(**list));
		err = *list ? 0 : -ENOMEM;
	}
	if (err) {
		snprintf(why, WHY_MAX,
			 "the kernels of this host cannot be listed (%s); look into %s and %s",
			 strerror(-err), host_path(host, "/lib/modules"), host_path(host, KERNEL_RECORDS));
		goto out;
	}
	qsort(releases->list, releases->n, RELEASE_MAX, by_version);
	for (; *n < releases->n; (*n)++)
		kernel_read(host, releases->list[*n], &(*list)[*n]);
out:
	free(releases);
	return err;
}
