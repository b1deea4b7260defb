// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a module wants of others, with CRCs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modfile_private.h"

#define VERSION_SIZE	64	/* of struct modversion_info */

int symbol_compare(const void *a, const void *b)
{
	return strcmp(((const struct symbol_crc *)a)->name, ((const struct symbol_crc *)b)->name);
}

const struct symbol_crc *symbol_find(const struct symbol_crc *list, size_t n, const char *name)
{
	const struct symbol_crc key = { (char *)name, 0 };	/* only looked at */

	return n ? bsearch(&key, list, n, sizeof(key), symbol_compare) : NULL;
}

static int damaged_versions(const struct modfile *file, char *why)
{
	return modfile_damaged(file->path, "its symbol versions are damaged", why);
}

/* struct modversion_info: an unsigned long and a name. */
static int read_versions(const struct span *versions, struct modfile *file, char *why)
{
	size_t n = versions->size / VERSION_SIZE;
	const unsigned char *at = versions->data;

	if (versions->size % VERSION_SIZE || n > SYMBOLS_MAX)
		return damaged_versions(file, why);
	file->imports = calloc(n, sizeof(*file->imports));
	if (!file->imports)
		return modfile_no_memory(why);
	for (size_t i = 0; i < n; i++, at += VERSION_SIZE) {
		const char *name = (const char *)at + sizeof(uint64_t);

		if (!memchr(name, '\0', VERSION_SIZE - sizeof(uint64_t)))
			return damaged_versions(file, why);
		memcpy(&file->imports[i].crc, at, sizeof(uint32_t));
		file->imports[i].name = strdup(name);
		if (!file->imports[i].name)
			return modfile_no_memory(why);
		file->n_imports++;
	}
	return 0;
}

/* Since 6.14, for long names: CRCs in one section, names in another. */
static int read_extended_versions(const struct span *crcs, const struct span *names,
				  struct modfile *file, char *why)
{
	size_t n = crcs->size / sizeof(uint32_t);
	const char *name = (const char *)names->data;
	size_t left = names->size;

	if (crcs->size % sizeof(uint32_t) || n > SYMBOLS_MAX)
		return damaged_versions(file, why);
	file->imports = calloc(n, sizeof(*file->imports));
	if (!file->imports)
		return modfile_no_memory(why);
	for (size_t i = 0; i < n; i++) {
		size_t length = strnlen(name, left);

		if (length >= left || length >= NAME_LEN_MAX)
			return damaged_versions(file, why);
		memcpy(&file->imports[i].crc, crcs->data + i * sizeof(uint32_t), sizeof(uint32_t));
		file->imports[i].name = strdup(name);
		if (!file->imports[i].name)
			return modfile_no_memory(why);
		file->n_imports++;
		name += length + 1;
		left -= length + 1;
	}
	return 0;
}

int modfile_read_imports(Elf *elf, struct modfile *file, char *why)
{
	struct span crcs, names;
	int err = modfile_section(elf, "__version_ext_crcs", &crcs);
	int err_names = modfile_section(elf, "__version_ext_names", &names);

	if (!err && !err_names) {
		err = read_extended_versions(&crcs, &names, file, why);
	} else {
		err = modfile_section(elf, "__versions", &crcs);
		if (err == -ENOENT)
			return 0;	/* a kernel without CRCs */
		err = err ? damaged_versions(file, why) : read_versions(&crcs, file, why);
	}
	if (!err && file->n_imports)
		qsort(file->imports, file->n_imports, sizeof(*file->imports), symbol_compare);
	return err;
}
