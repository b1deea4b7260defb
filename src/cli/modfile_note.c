// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF notes of a module, and the stamp: the one in a note and the one in modinfo
 * are made of the same keys.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <kvm-fixes/stamp.h>

#include "modfile_private.h"

#define MEMBER(name)	offsetof(struct stamp, name), sizeof(((struct stamp *)0)->name)

static const struct {
	const char *key;
	size_t offset, size;
} members[] = {
	{ KVM_FIXES_KEY_KERNEL, MEMBER(kernel) },
	{ KVM_FIXES_KEY_STATES, MEMBER(states) },
	{ KVM_FIXES_KEY_SOURCE, MEMBER(source) },
	{ KVM_FIXES_KEY_HEADERS, MEMBER(headers) },
	{ KVM_FIXES_KEY_COMPILER, MEMBER(compiler) },
	{ KVM_FIXES_KEY_BUILD, MEMBER(build) },
};

int stamp_set(struct stamp *stamp, const char *key, size_t key_size, const char *value,
	      size_t value_size)
{
	char *to;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strlen(members[i].key) != key_size || memcmp(members[i].key, key, key_size) != 0)
			continue;
		to = (char *)stamp + members[i].offset;
		if (value_size >= members[i].size || *to)
			return -EINVAL;
		for (size_t j = 0; j < value_size; j++) {
			if (!isprint((unsigned char)value[j]))
				return -EINVAL;
		}
		memcpy(to, value, value_size);
		to[value_size] = '\0';
		return 0;
	}
	return 0;	/* of a later version */
}

int stamp_close(struct stamp *stamp)
{
	size_t digits = strspn(stamp->build, "0123456789abcdef");

	stamp->present = release_valid(stamp->kernel) && digits && !stamp->build[digits];
	if (stamp->present)
		return 0;
	memset(stamp, 0, sizeof(*stamp));
	return -EINVAL;
}

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* The contents of the note of that name and type. 0, -ENOENT, or -EINVAL. */
static int find_note(const void *data, size_t size, const char *name, uint32_t type,
		     struct span *contents)
{
	const unsigned char *at = data;
	Elf64_Nhdr header;

	while (size >= sizeof(header)) {
		const unsigned char *text = at + sizeof(header);
		size_t left = size - sizeof(header), skip;

		memcpy(&header, at, sizeof(header));
		if (padded(header.n_namesz) + header.n_descsz > left)
			return -EINVAL;
		if (header.n_type == type && header.n_namesz == strlen(name) + 1 &&
		    memcmp(text, name, header.n_namesz) == 0) {
			contents->data = text + padded(header.n_namesz);
			contents->size = header.n_descsz;
			return 0;
		}
		skip = sizeof(header) + padded(header.n_namesz) + padded(header.n_descsz);
		if (skip > size)
			break;
		at += skip;
		size -= skip;
	}
	return -ENOENT;
}

int note_build_id(const void *data, size_t size, char *build_id)
{
	struct span id;
	int err;

	build_id[0] = '\0';
	err = find_note(data, size, ELF_NOTE_GNU, NT_GNU_BUILD_ID, &id);
	if (err)
		return err;
	if (!id.size || id.size > (BUILD_ID_MAX - 1) / 2)
		return -EINVAL;
	for (size_t i = 0; i < id.size; i++)
		snprintf(build_id + 2 * i, 3, "%02x", id.data[i]);
	return 0;
}

int note_stamp(const void *data, size_t size, struct stamp *stamp)
{
	const char *line, *end, *next, *equals;
	struct span text;
	int err;

	memset(stamp, 0, sizeof(*stamp));
	err = find_note(data, size, KVM_FIXES_NOTE_NAME, KVM_FIXES_NOTE_TYPE, &text);
	if (err)
		return err;
	line = (const char *)text.data;
	end = line + strnlen(line, text.size);
	for (; line < end && !err; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		equals = next ? memchr(line, '=', (size_t)(next - line)) : NULL;
		if (!equals) {
			err = -EINVAL;
			break;
		}
		err = stamp_set(stamp, line, (size_t)(equals - line), equals + 1,
				(size_t)(next - equals - 1));
	}
	if (err)
		memset(stamp, 0, sizeof(*stamp));
	return err ? err : stamp_close(stamp);
}
