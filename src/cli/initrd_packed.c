// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compressed archive in an initrd, through libarchive.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initrd_parts.h"

#define ENTRIES_MAX	1000000
#define UNPACKED_MAX	(8ull << 30)	/* all in all */

struct feed {
	const struct bytes *bytes;
	uint64_t offset;
	char block[65536];
};

static la_ssize_t feed_read(struct archive *archive, void *data, const void **block)
{
	struct feed *feed = data;
	uint64_t left = feed->bytes->size - feed->offset;
	size_t n = left < sizeof(feed->block) ? (size_t)left : sizeof(feed->block);

	if (bytes_read(feed->bytes, feed->offset, feed->block, n)) {
		archive_set_error(archive, EIO, "the file cannot be read");
		return ARCHIVE_FATAL;
	}
	feed->offset += n;
	*block = feed->block;
	return (la_ssize_t)n;
}

/* What a kernel unpacks; not "all", which would run programs for some. */
static struct archive *new_reader(void)
{
	struct archive *archive = archive_read_new();

	if (!archive)
		return NULL;
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_lzma(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_lz4(archive);
	archive_read_support_filter_zstd(archive);
	return archive;
}

/* All of the current entry, up to INITRD_MODULE_MAX. 0 or -errno. */
static int read_entry(struct archive *archive, char **data, size_t *n)
{
	size_t room = 0;

	*data = NULL;
	*n = 0;
	for (;;) {
		la_ssize_t got;

		if (*n == room) {
			char *larger = room < INITRD_MODULE_MAX ?
				realloc(*data, room ? 2 * room : 1u << 20) : NULL;

			if (!larger)
				goto fail;
			*data = larger;
			room = room ? 2 * room : 1u << 20;
		}
		got = archive_read_data(archive, *data + *n, room - *n);
		if (got < 0)
			goto fail;
		if (!got)
			return 0;
		*n += (size_t)got;
	}
fail:
	free(*data);
	*data = NULL;
	return -EIO;
}

static int walk_entries(struct archive *archive, struct initrd *initrd)
{
	struct archive_entry *file;
	char *data, name[64];
	size_t n;
	int result = ARCHIVE_OK;

	for (unsigned int i = 0; i < ENTRIES_MAX; i++) {
		const char *path;

		result = archive_read_next_header(archive, &file);
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			break;
		if (archive_filter_bytes(archive, 0) > (la_int64_t)UNPACKED_MAX)
			return -EFBIG;
		path = archive_entry_pathname(file);
		if (!path || archive_entry_size(file) <= 0 || !initrd_wants(path, name))
			continue;
		if (read_entry(archive, &data, &n))
			return -EIO;
		initrd_found(initrd, path, name, data, n);
		free(data);
	}
	return result == ARCHIVE_EOF ? 0 : -EIO;
}

int packed_walk(const struct bytes *bytes, uint64_t offset, struct initrd *initrd)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	struct archive *archive = feed ? new_reader() : NULL;
	const char *said = NULL;
	int err = -ENOMEM;

	if (!archive)
		goto out;
	feed->bytes = bytes;
	feed->offset = offset;
	archive_read_support_format_cpio(archive);
	err = -EIO;
	if (archive_read_open(archive, feed, NULL, feed_read, NULL) == ARCHIVE_OK)
		err = walk_entries(archive, initrd);
	said = archive_error_string(archive);
out:
	if (err)
		snprintf(initrd->why, sizeof(initrd->why), "its archive cannot be read (%s)",
			 err == -EIO && said ? said : strerror(-err));
	if (archive)
		archive_read_free(archive);
	free(feed);
	return err;
}
