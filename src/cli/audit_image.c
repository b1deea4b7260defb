// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module as the audit sees it: read, cut up and let go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

int image_damaged(const struct image *image, char *why, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(why, WHY_MAX, "%.250s: %s; install it anew from its package, or build it anew",
		 image->file.path, what);
	return -ENOEXEC;
}

static int unpack(const void *data, size_t size, struct image *image, char *why)
{
	if (modfile_packed(data, size))
		return modfile_unpack(data, size, image->file.path, &image->plain,
				      &image->plain_size, why);
	image->plain = malloc(size + 1);
	if (!image->plain) {
		snprintf(why, WHY_MAX, "no memory is left to read a module; free some");
		return -ENOMEM;
	}
	memcpy(image->plain, data, size);
	image->plain_size = size;
	return 0;
}

int image_parse(const void *data, size_t size, const char *path, struct image *image, char *why)
{
	int err;

	memset(image, 0, sizeof(*image));
	snprintf(image->file.path, sizeof(image->file.path), "%s", path);
	err = unpack(data, size, image, why);
	if (!err)
		err = modfile_parse(image->plain, image->plain_size, path, &image->file, why);
	if (!err)
		err = image_read_elf(image, why);
	if (!err)
		err = image_cut(image, why);
	if (!err)
		err = image_read_tables(image, why);
	return err;
}

int image_read(const char *path, struct image *image, char *why)
{
	size_t size;
	char *data;
	int err = read_file(path, MODFILE_MAX, &data, &size);

	memset(image, 0, sizeof(*image));
	if (err) {
		snprintf(why, WHY_MAX, "%.250s: cannot be read: %s; see that the file is there",
			 path, strerror(-err));
		return err;
	}
	err = image_parse(data, size, path, image, why);
	free(data);
	return err;
}

static void free_pieces(struct section *section)
{
	for (size_t i = 0; i < section->n_pieces; i++) {
		free(section->pieces[i].name);
		free(section->pieces[i].key);
		free(section->pieces[i].why);
		free(section->pieces[i].gaps);
	}
	free(section->pieces);
}

void image_free(struct image *image)
{
	for (size_t i = 0; i < image->n_sections; i++) {
		free_pieces(&image->sections[i]);
		free(image->sections[i].relocs);
		free(image->sections[i].used);
	}
	free(image->sections);
	free(image->symbols);
	free(image->labels);
	free(image->records);
	free(image->edges);
	modfile_free(&image->file);
	free(image->plain);
	memset(image, 0, sizeof(*image));
}

struct section *image_section(const struct image *image, const char *name)
{
	for (size_t i = 1; i < image->n_sections; i++) {
		if (strcmp(image->sections[i].name, name) == 0)
			return &image->sections[i];
	}
	return NULL;
}
