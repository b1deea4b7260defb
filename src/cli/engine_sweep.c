// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that a run wrote and, being killed, never gave their names. Nobody reads them, but an
 * index of depmod's or a copy of a module is large.
 */
#include <dirent.h>
#include <string.h>

#include "devnode.h"
#include "engine.h"

static bool last_of(const char *path, const char *name)
{
	return strcmp(strrchr(path, '/') + 1, name) == 0;
}

static bool is_choice(const char *name)
{
	return last_of(CHOICE_FILE, name);
}

static bool is_block(const char *name)
{
	return last_of(BLOCK_FILE, name);
}

static bool is_record(const char *name)
{
	return last_of(SWAP_JOURNAL, name) || last_of(SWAP_LAST, name);
}

static bool is_copy(const char *name)
{
	return strcmp(name, "kvm.ko") == 0 || strcmp(name, "kvm-intel.ko") == 0 ||
	       strcmp(name, "kvm-amd.ko") == 0;
}

/* What depmod writes, and not what it reads. */
static bool is_index(const char *name)
{
	return strncmp(name, "modules.", 8) == 0 && strcmp(name, "modules.order") &&
	       strcmp(name, "modules.builtin") && strcmp(name, "modules.builtin.modinfo");
}

/* Of each folder in @path. */
static void sweep_folders(const struct host *host, const char *path, bool (*ours)(const char *name))
{
	DIR *dir = opendir(host_path(host, "%s", path));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			publish_sweep(host_path(host, "%s/%s", path, entry->d_name), ours);
	}
	if (dir)
		closedir(dir);
}

void engine_sweep(const struct host *host)
{
	publish_sweep(host_path(host, SWAP_DIR), is_record);
	sweep_folders(host, SWAP_FILES, is_copy);
	publish_sweep(host_path(host, "/etc/depmod.d"), is_choice);
	publish_sweep(host_path(host, "/run/modprobe.d"), is_block);
	sweep_folders(host, "/lib/modules", is_index);
}
