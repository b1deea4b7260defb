// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the running kernel says of a loaded module.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kvm-fixes/stamp.h>

#include "loaded.h"

#define NOTE_MAX	8192	/* of one section */

static void read_attribute(const struct host *host, const char *name, const char *attribute,
			   char *text, size_t size)
{
	read_text(host_path(host, "/sys/module/%s/%s", name, attribute), text, size);
}

static void read_refcnt(const struct host *host, const char *name, struct loaded *loaded)
{
	char text[32], *end;
	long refcnt;

	read_attribute(host, name, "refcnt", text, sizeof(text));
	refcnt = strtol(text, &end, 10);
	loaded->refcnt = *text && !*end && refcnt >= 0 && refcnt <= INT_MAX ? (int)refcnt : -1;
}

static void read_holders(const struct host *host, const char *name, struct loaded *loaded)
{
	DIR *folder = opendir(host_path(host, "/sys/module/%s/holders", name));
	const struct dirent *entry;
	size_t length;

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		loaded->n_holders++;
		length = strlen(loaded->holders);
		if (length + strlen(entry->d_name) + 2 <= sizeof(loaded->holders))
			snprintf(loaded->holders + length, sizeof(loaded->holders) - length, "%s%s",
				 length ? " " : "", entry->d_name);
	}
	if (folder)
		closedir(folder);
}

static void read_notes(const struct host *host, const char *name, struct loaded *loaded)
{
	char *data;
	size_t size;

	if (!read_file(host_path(host, "/sys/module/%s/notes/.note.gnu.build-id", name), NOTE_MAX,
		       &data, &size))
		note_build_id(data, size, loaded->build_id);
	free(data);
	if (!read_file(host_path(host, "/sys/module/%s/notes/" KVM_FIXES_NOTE_SECTION, name),
		       NOTE_MAX, &data, &size))
		note_stamp(data, size, &loaded->stamp);
	free(data);
}

int loaded_read(const struct host *host, const char *name, struct loaded *loaded, char *why)
{
	memset(loaded, 0, sizeof(*loaded));
	loaded->refcnt = -1;
	if (access(host_path(host, "/sys/module"), F_OK)) {
		snprintf(why, WHY_MAX, "%.250s: cannot be read: %s; is /sys mounted?",
			 host_path(host, "/sys/module"), strerror(errno));
		return -EIO;
	}
	if (access(host_path(host, "/sys/module/%s", name), F_OK))
		return 0;
	read_attribute(host, name, "initstate", loaded->state, sizeof(loaded->state));
	loaded->present = loaded->state[0] != '\0';
	loaded->builtin = !loaded->present;
	if (loaded->builtin)
		return 0;
	read_attribute(host, name, "version", loaded->version, sizeof(loaded->version));
	read_attribute(host, name, "taint", loaded->taint, sizeof(loaded->taint));
	read_refcnt(host, name, loaded);
	read_holders(host, name, loaded);
	read_notes(host, name, loaded);
	return 0;
}
