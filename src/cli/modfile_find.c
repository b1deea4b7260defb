// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module's file in a folder, by the module's name.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "modfile.h"

static bool same(char a, char b)
{
	return a == b || ((a == '-' || a == '_') && (b == '-' || b == '_'));
}

/* NAME.ko and its compressed forms, where - and _ are the same. */
static bool is_file_of(const char *file, const char *name)
{
	static const char *const endings[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };

	for (; *name; name++, file++) {
		if (!same(*file, *name))
			return false;
	}
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (strcmp(file, endings[i]) == 0)
			return true;
	}
	return false;
}

int modfile_find(const char *dir, const char *name, char *path)
{
	DIR *folder = opendir(dir);
	const struct dirent *entry;
	int found = 0;

	path[0] = '\0';
	while (folder && (entry = readdir(folder))) {
		if (!is_file_of(entry->d_name, name))
			continue;
		found++;
		if (snprintf(path, PATH_MAX, "%s/%s", dir, entry->d_name) >= PATH_MAX)
			found = 0;
	}
	if (folder)
		closedir(folder);
	if (found == 1)
		return 0;
	path[0] = '\0';
	return found ? -EEXIST : -ENOENT;
}
