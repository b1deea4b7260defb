// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of pieces, and what the compiler made of them.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "audit_parts.h"

static bool digits(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
	}
	return size > 0;
}

void piece_key(const char *name, char *key, size_t size)
{
	size_t length = 0, part;

	for (const char *at = name; *at && length + 1 < size; at += part) {
		part = 1 + strcspn(at + 1, ".");
		if (*at == '.' && at != name && digits(at + 1, part - 1))
			continue;
		if (part > size - 1 - length)
			part = size - 1 - length;
		memcpy(key + length, at, part);
		length += part;
	}
	if (strncmp(name, "__UNIQUE_ID_", 12) == 0) {
		while (length > 12 && isdigit((unsigned char)key[length - 1]))
			length--;
	}
	key[length] = '\0';
}

void piece_base(const char *name, char *base, size_t size)
{
	if (strncmp(name, "__pfx_", 6) == 0 || strncmp(name, "__cfi_", 6) == 0)
		name += 6;
	snprintf(base, size, "%.*s", *name ? (int)(1 + strcspn(name + 1, ".")) : 0, name);
}
