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
#include <unistd.h>

#include "plan.h"
#include "run.h"

static bool same_contents(const char *a, const char *b)
{
	char *data_a = NULL, *data_b = NULL;
	size_t size_a, size_b;
	bool same = read_file(a, MODFILE_MAX, &data_a, &size_a) == 0 &&
		    read_file(b, MODFILE_MAX, &data_b, &size_b) == 0 && size_a == size_b &&
		    memcmp(data_a, data_b, size_a) == 0;

	free(data_a);
	free(data_b);
	return same;
}

static int keep(const struct host *host, struct image *image, char *why)
{
	char from[PATH_MAX], dir[PATH_MAX], to[PATH_MAX];
	const char *name;
	int err;

	if (!image->file[0])
		return 0;
	snprintf(from, sizeof(from), "%s", host_path(host, "%s", image->file));
	name = strrchr(from, '/');
	snprintf(dir, sizeof(dir), "%s", host_path(host, SWAP_FILES "/%s", image->build_id));
	snprintf(to, sizeof(to), "%s", host_path(host, SWAP_FILES "/%s%s", image->build_id, name));
	/* Of another name there, it is compressed otherwise: there is to be one file only. */
	if (access(to, F_OK) && strncmp(from, dir, strlen(dir)) != 0)
		remove_tree(dir);
	err = folder_make(dir, 0700);
	if (!err && strcmp(from, to) && !same_contents(from, to))
		err = publish_copy(from, to, MODFILE_MAX);
	if (err) {
		snprintf(why, WHY_MAX, "%s: cannot be copied to %s (%s); free some space there", from, dir,
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
	if (!err)
		err = folder_sync(host_path(host, SWAP_FILES));
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
