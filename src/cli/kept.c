// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of the modules of a swap, each in a folder named by its build-id: the way
 * back must not depend on what a package does to the originals.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "run.h"

static bool same_contents(const char *path, const char *data, size_t size)
{
	size_t old_size;
	char *old;
	bool same = read_file(path, MODFILE_MAX, &old, &old_size) == 0 && old_size == size &&
		    memcmp(old, data, size) == 0;

	free(old);
	return same;
}

/* Unpacked: what is not unpacked while /dev/kvm is away makes that time shorter. */
static int copy(const char *from, const char *to, char *why)
{
	char *data, *plain = NULL;
	size_t size;
	int err = read_file(from, MODFILE_MAX, &data, &size);

	if (!err && modfile_packed(data, size)) {
		err = modfile_unpack(data, size, from, &plain, &size, why);
		free(data);
		data = plain;
	}
	if (!err && !same_contents(to, data, size))
		err = publish(to, data, size, 0644);
	free(data);
	return err;
}

static int keep(const struct host *host, struct image *image, char *why)
{
	char from[PATH_MAX], dir[PATH_MAX], to[PATH_MAX];
	struct modfile file;
	const char *name;
	int err;

	if (!image->file[0])
		return 0;
	snprintf(from, sizeof(from), "%s", host_path(host, "%s", image->file));
	name = strrchr(from, '/') + 1;
	snprintf(dir, sizeof(dir), "%s", host_path(host, SWAP_FILES "/%s", image->build_id));
	snprintf(to, sizeof(to), "%s", host_path(host, SWAP_FILES "/%s/%.*s.ko", image->build_id,
						 (int)strcspn(name, "."), name));
	err = folder_make(dir, 0700);
	if (!err && strcmp(from, to))
		err = copy(from, to, why);
	if (!err && (modfile_identify(to, &file, why) || strcmp(file.build_id, image->build_id))) {
		snprintf(why, WHY_MAX, "%s: is another file than a moment ago; something installs modules, try again when that is done",
			 from);
		return -ESTALE;
	}
	if (err) {
		snprintf(why, WHY_MAX, "%s: cannot be copied to %s (%s); make it writable, or free some space there", from, dir,
			 strerror(-err));
		return err;
	}
	snprintf(image->file, sizeof(image->file), "%s", to + strlen(host->root));
	return 0;
}

int plan_keep_files(const struct host *host, struct plan *plan, char *why)
{
	struct image *images[] = {
		&plan->journal.former.kvm, &plan->journal.former.vendor,
		&plan->journal.next.kvm, &plan->journal.next.vendor,
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(images) / sizeof(images[0]); i++)
		err = keep(host, images[i], why);
	if (err)
		return err;
	err = folder_sync(host_path(host, SWAP_FILES));
	if (err)
		snprintf(why, WHY_MAX, "%s: cannot be put onto the disk (%s); see whether that is sound",
			 host_path(host, SWAP_FILES), strerror(-err));
	return err;
}

void kept_drop_others(const struct host *host, const struct journal *journal)
{
	const struct image *images[] = {
		&journal->former.kvm, &journal->former.vendor,
		&journal->next.kvm, &journal->next.vendor,
	};
	DIR *dir = opendir(host_path(host, SWAP_FILES));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		bool wanted = entry->d_name[0] == '.';

		for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
			wanted |= images[i]->file[0] && strcmp(images[i]->build_id, entry->d_name) == 0;
		if (!wanted)
			remove_tree(host_path(host, SWAP_FILES "/%s", entry->d_name));
	}
	if (dir)
		closedir(dir);
}
