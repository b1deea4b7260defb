// SPDX-License-Identifier: GPL-2.0-only
/*
 * The uncompressed archives in an initrd, by the kernel's rules: newc, zeros in
 * between.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initrd_parts.h"

#define HEADER_SIZE	110
#define NAME_MAX_HERE	4096
#define ENTRIES_MAX	1000000

/* Eight hex digits, no sign and no blank: -1 if they are not. */
static int64_t field(const char *header, size_t index)
{
	const char *text = header + 6 + 8 * index;
	int64_t value = 0;

	for (size_t i = 0; i < 8; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return -1;
		value = value << 4 | ((digit - digits) & 15);
	}
	return value;
}

static uint64_t align4(uint64_t offset)
{
	return (offset + 3) & ~(uint64_t)3;
}

static int take(const struct bytes *bytes, uint64_t offset, size_t n, const char *path,
		const char *name, struct initrd *initrd)
{
	char *data = malloc(n ? n : 1);
	int err = data ? bytes_read(bytes, offset, data, n) : -ENOMEM;

	if (!err)
		initrd_found(initrd, path, name, data, n);
	free(data);
	return err;
}

/* The entry at @offset, which is moved behind it. 0 or -errno. */
static int entry(const struct bytes *bytes, uint64_t *offset, struct initrd *initrd)
{
	char header[HEADER_SIZE], path[NAME_MAX_HERE], name[64];
	int64_t size, length;
	uint64_t data;

	if (bytes_read(bytes, *offset, header, sizeof(header)))
		return -EIO;
	size = field(header, 6);
	length = field(header, 11);
	if (size < 0 || length < 1 || length > NAME_MAX_HERE ||
	    bytes_read(bytes, *offset + HEADER_SIZE, path, (size_t)length))
		return -EIO;
	path[length - 1] = '\0';
	data = align4(*offset + HEADER_SIZE + (uint64_t)length);
	if (data > bytes->size || (uint64_t)size > bytes->size - data)
		return -EIO;
	*offset = align4(data + (uint64_t)size);
	if (*offset > bytes->size)
		*offset = bytes->size;
	if (!size || !initrd_wants(path, name))
		return 0;
	if (size > INITRD_MODULE_MAX)
		return -EFBIG;
	return take(bytes, data, (size_t)size, path, name, initrd);
}

static uint64_t skip_zeros(const struct bytes *bytes, uint64_t offset)
{
	char block[4096];

	while (offset < bytes->size) {
		size_t n = bytes->size - offset < sizeof(block) ? (size_t)(bytes->size - offset) :
			   sizeof(block), i = 0;

		if (bytes_read(bytes, offset, block, n))
			break;
		while (i < n && !block[i])
			i++;
		offset += i;
		if (i < n)
			break;
	}
	return offset;
}

static bool is_cpio(const struct bytes *bytes, uint64_t offset)
{
	char magic[6];

	return bytes_read(bytes, offset, magic, sizeof(magic)) == 0 &&
	       (memcmp(magic, "070701", 6) == 0 || memcmp(magic, "070702", 6) == 0);
}

int cpio_walk(const struct bytes *bytes, uint64_t *offset, struct initrd *initrd)
{
	int err = 0;

	*offset = 0;
	for (unsigned int n = 0; !err && n < ENTRIES_MAX; n++) {
		/* Between archives there are zeros, and behind the last one. */
		*offset = skip_zeros(bytes, *offset);
		if (!is_cpio(bytes, *offset))
			return 0;
		err = entry(bytes, offset, initrd);
	}
	snprintf(initrd->why, sizeof(initrd->why), "its archive is damaged at byte %llu",
		 (unsigned long long)*offset);
	return err ? err : -E2BIG;
}
