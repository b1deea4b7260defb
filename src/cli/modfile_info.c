// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a module's .modinfo says, and its build-id.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvm-fixes/stamp.h>

#include "json.h"
#include "modfile_private.h"

#define PARMS_MAX	4096	/* more is no module */

/* The entry at @at and @at behind it, or NULL. modfile_check_elf() saw the last NUL. */
static const char *next_entry(const struct span *info, size_t *at)
{
	const char *entry;

	while (*at < info->size && !info->data[*at])
		++*at;
	if (*at >= info->size)
		return NULL;
	entry = (const char *)info->data + *at;
	*at += strlen(entry) + 1;
	return entry;
}

/* What is behind "KEY=" in @entry, or NULL. */
static const char *value_of(const char *entry, const char *key)
{
	size_t length = strlen(key);

	return strncmp(entry, key, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

/* The first value of @key, cut off at @size and printable; "" if there is none. */
static void read_value(const struct span *info, const char *key, char *value, size_t size)
{
	const char *entry, *text;
	size_t at = 0;

	value[0] = '\0';
	while ((entry = next_entry(info, &at))) {
		text = value_of(entry, key);
		if (text) {
			snprintf(value, size, "%s", text);
			text_printable(value);
			return;
		}
	}
}

static void read_stamp(const struct span *info, struct stamp *stamp)
{
	const size_t prefix = strlen(KVM_FIXES_MODINFO_PREFIX);
	const char *entry, *equals;
	size_t at = 0;
	int err = 0;

	while (!err && (entry = next_entry(info, &at))) {
		equals = strchr(entry, '=');
		if (equals && strncmp(entry, KVM_FIXES_MODINFO_PREFIX, prefix) == 0)
			err = stamp_set(stamp, entry + prefix, (size_t)(equals - entry) - prefix,
					equals + 1, strlen(equals + 1));
	}
	if (err)
		memset(stamp, 0, sizeof(*stamp));
	if (!stamp_close(stamp))
		read_value(info, "version", stamp->version, sizeof(stamp->version));
}

int modfile_read_identity(Elf *elf, struct modfile *file, char *why)
{
	struct span info, note;
	int err = modfile_section(elf, ".modinfo", &info);

	if (err)
		return modfile_damaged(file->path, "its .modinfo cannot be read", why);
	read_value(&info, "vermagic", file->vermagic, sizeof(file->vermagic));
	read_stamp(&info, &file->stamp);
	err = modfile_section(elf, ".note.gnu.build-id", &note);
	if (!err)
		err = note_build_id(note.data, note.size, file->build_id);
	if (err && err != -ENOENT)
		return modfile_damaged(file->path, "its build-id is damaged", why);
	return 0;
}

/* "kvm_intel" out of ".../kvm-intel.ko.xz". */
static void name_from_path(const char *path, char *name, size_t size)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	snprintf(name, size, "%.*s", (int)strcspn(base, "."), base);
	text_printable(name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once, NULL behind the last. */
static void make_unique(char **parms, size_t n)
{
	size_t kept = 0;

	qsort(parms, n, sizeof(*parms), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (kept && strcmp(parms[kept - 1], parms[i]) == 0)
			free(parms[i]);
		else
			parms[kept++] = parms[i];
	}
	parms[kept] = NULL;
}

/* A parameter may have a description, a type, or both. */
static const char *parm_of(const char *entry)
{
	const char *text = value_of(entry, "parm");

	return text ? text : value_of(entry, "parmtype");
}

static size_t count_parms(const struct span *info)
{
	const char *entry;
	size_t at = 0, n = 0;

	while ((entry = next_entry(info, &at)))
		n += parm_of(entry) != NULL;
	return n;
}

static int read_parms(const struct span *info, struct modfile *file, char *why)
{
	size_t at = 0, n = 0, count = count_parms(info);
	const char *entry, *text;

	if (count > PARMS_MAX)
		return modfile_damaged(file->path, "more parameters than a module can have", why);
	file->parms = calloc(count + 1, sizeof(*file->parms));
	if (!file->parms)
		goto no_memory;
	while ((entry = next_entry(info, &at))) {
		text = parm_of(entry);
		if (!text)
			continue;
		file->parms[n] = strndup(text, strcspn(text, ":"));
		if (!file->parms[n++])
			goto no_memory;
	}
	make_unique(file->parms, n);
	return 0;
no_memory:
	return modfile_no_memory(why);
}

int modfile_read_info(Elf *elf, struct modfile *file, char *why)
{
	struct span info;
	int err = modfile_section(elf, ".modinfo", &info);

	if (err)
		return modfile_damaged(file->path, "its .modinfo cannot be read", why);
	read_value(&info, "depends", file->depends, sizeof(file->depends));
	read_value(&info, "name", file->name, sizeof(file->name));
	if (!file->name[0])
		name_from_path(file->path, file->name, sizeof(file->name));
	for (char *c = file->name; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return read_parms(&info, file, why);
}
