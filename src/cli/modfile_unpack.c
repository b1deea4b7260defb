// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module's file before its ELF part is looked at: compression, and the
 * signature behind it.
 */
#include <archive.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modfile_private.h"

static const struct {
	const char *magic;
	size_t size;
	int (*support)(struct archive *archive);
} packers[] = {
	{ "\xfd" "7zXZ", 6, archive_read_support_filter_xz },
	{ "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd },
	{ "\x1f\x8b", 2, archive_read_support_filter_gzip },
};

#define N_PACKERS	(sizeof(packers) / sizeof(packers[0]))

int modfile_damaged(const char *path, const char *what, char *why)
{
	snprintf(why, WHY_MAX, "%.250s: %s; install it anew from its package, or run: kvm-fixes recover",
		 path, what);
	return -ENOEXEC;
}

int modfile_no_memory(char *why)
{
	snprintf(why, WHY_MAX, "no memory is left to read a module; free some");
	return -ENOMEM;
}

static size_t packer_of(const void *data, size_t size)
{
	size_t i;

	for (i = 0; i < N_PACKERS; i++) {
		if (size >= packers[i].size && !memcmp(data, packers[i].magic, packers[i].size))
			break;
	}
	return i;
}

bool modfile_packed(const void *data, size_t size)
{
	return packer_of(data, size) < N_PACKERS;
}

/* Into a buffer that grows as bytes come, and not by what the file says of itself. */
static int read_stream(struct archive *archive, size_t packed_size, char **plain,
		       size_t *plain_size)
{
	size_t room = packed_size < MODFILE_MAX / 8 ? 8 * packed_size + 4096 : MODFILE_MAX;
	char *buffer = malloc(room), *larger;
	size_t size = 0;
	la_ssize_t n;

	while (buffer) {
		if (size == room) {
			if (room == MODFILE_MAX)
				break;
			room = room > MODFILE_MAX / 2 ? MODFILE_MAX : 2 * room;
			larger = realloc(buffer, room);
			if (!larger)
				break;
			buffer = larger;
		}
		n = archive_read_data(archive, buffer + size, room - size);
		if (n < 0) {
			free(buffer);
			return -ENOEXEC;
		}
		if (!n) {
			*plain = buffer;
			*plain_size = size;
			return 0;
		}
		size += (size_t)n;
	}
	free(buffer);
	return size == MODFILE_MAX ? -EFBIG : -ENOMEM;
}

int modfile_unpack(const void *data, size_t size, const char *path, char **plain,
		   size_t *plain_size, char *why)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int err = -ENOMEM;

	if (!archive)
		goto out;
	/* Only the one that it is: others would run programs. */
	if (packers[packer_of(data, size)].support(archive) != ARCHIVE_OK ||
	    archive_read_support_format_raw(archive) != ARCHIVE_OK)
		goto out;
	err = -ENOEXEC;
	if (archive_read_open_memory(archive, data, size) == ARCHIVE_OK &&
	    archive_read_next_header(archive, &entry) == ARCHIVE_OK)
		err = read_stream(archive, size, plain, plain_size);
out:
	if (archive)
		archive_read_free(archive);
	if (err == -ENOEXEC)
		modfile_damaged(path, "cannot be unpacked, it is cut short or damaged", why);
	else if (err == -EFBIG)
		modfile_damaged(path, "unpacks to more than any module has", why);
	else if (err)
		modfile_no_memory(why);
	return err;
}

static const char signature_magic[] = "~Module signature appended~\n";

#define MAGIC_SIZE	(sizeof(signature_magic) - 1)

int modfile_signature(const unsigned char *tail, size_t size, struct modfile *file,
		      size_t *elf_size, char *why)
{
	uint32_t stated;

	file->has_signature = false;
	*elf_size = size;
	if (size < SIGNATURE_TAIL ||
	    memcmp(tail + SIGNATURE_TAIL - MAGIC_SIZE, signature_magic, MAGIC_SIZE) != 0)
		return 0;
	/* struct module_signature ends in the signature's length, big endian. */
	memcpy(&stated, tail + SIGNATURE_TAIL - MAGIC_SIZE - sizeof(stated), sizeof(stated));
	stated = be32toh(stated);
	if (stated >= size - SIGNATURE_TAIL)
		return modfile_damaged(file->path, "its signature is longer than the file", why);
	file->has_signature = true;
	*elf_size = size - SIGNATURE_TAIL - stated;
	return 0;
}
