// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a module says of itself: .modinfo, the stamp, and who compiled it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvm-fixes/stamp.h>

#include "audit_parts.h"
#include "json.h"

/* Strings that lie one behind the other in a section, in order. */
struct strings {
	const char **list;
	size_t n;
};

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_strings(const struct section *section, struct strings *strings)
{
	const char *at, *end;

	memset(strings, 0, sizeof(*strings));
	if (!section || !section->data || section->data[section->size - 1] != '\0')
		return 0;
	strings->list = calloc(section->size, sizeof(char *));
	if (!strings->list)
		return -ENOMEM;
	at = (const char *)section->data;
	for (end = at + section->size; at < end; at += strlen(at) + 1) {
		if (*at)
			strings->list[strings->n++] = at;
	}
	if (strings->n)
		qsort(strings->list, strings->n, sizeof(char *), compare_strings);
	return 0;
}

/* Every object file names its compiler: each name once, joined. */
void image_compiler(const struct image *image, char *compiler, size_t size)
{
	struct strings strings;
	size_t length = 0;

	snprintf(compiler, size, "not named");
	if (read_strings(image_section(image, ".comment"), &strings))
		return;
	for (size_t i = 0; i < strings.n; i++) {
		if (i && strcmp(strings.list[i], strings.list[i - 1]) == 0)
			continue;
		if (length < size)
			length += (size_t)snprintf(compiler + length, size - length, "%s%s",
						   length ? ", " : "", strings.list[i]);
	}
	text_printable(compiler);
	free(strings.list);
}

static bool has_key(const char *entry, const char *key)
{
	size_t length = strlen(key);

	return strncmp(entry, key, length) == 0 && entry[length] == '=';
}

/* The stamp, and what every build outside the kernel's tree does. */
static bool is_stamp(const char *entry, enum verdict verdict)
{
	if (verdict == VERDICT_REMOVED)
		return strcmp(entry, "intree=Y") == 0 || has_key(entry, "srcversion");
	return has_key(entry, "version") || has_key(entry, "srcversion") ||
	       strncmp(entry, KVM_FIXES_MODINFO_PREFIX, strlen(KVM_FIXES_MODINFO_PREFIX)) == 0;
}

/* A parameter's description belongs to whose the parameter is. */
static const char *info_by(const char *entry, enum verdict verdict, const struct image *built,
			   const struct declared *declared)
{
	const char *equals = strchr(entry, '=');
	char name[128];

	if (built->file.stamp.present && is_stamp(entry, verdict))
		return AUDIT_BY_STAMP;
	if (!equals || (!has_key(entry, "parm") && !has_key(entry, "parmtype")))
		return NULL;
	snprintf(name, sizeof(name), "__param_%.*s", (int)strcspn(equals + 1, ":"), equals + 1);
	return declared_by(declared, name);
}

/* A note that says otherwise than .modinfo would speak for another build. */
static int check_note(const struct image *built, struct audited *audited)
{
	const struct section *section = image_section(built, KVM_FIXES_NOTE_SECTION);
	const struct stamp *stamp = &built->file.stamp;
	struct stamp note;

	if (!section && !stamp->present)
		return 0;
	if (section && section->data && stamp->present &&
	    note_stamp(section->data, section->size, &note) == 0 &&
	    !strcmp(note.kernel, stamp->kernel) && !strcmp(note.states, stamp->states) &&
	    !strcmp(note.source, stamp->source) && !strcmp(note.headers, stamp->headers) &&
	    !strcmp(note.compiler, stamp->compiler) && !strcmp(note.build, stamp->build))
		return 0;
	return finding_add(audited, SUBJECT_SECTION, VERDICT_CHANGED, KVM_FIXES_NOTE_SECTION,
			   "does not say what .modinfo says", NULL);
}

static int report(struct audited *audited, enum verdict verdict, const char *entry,
		  const struct image *built, const struct declared *declared)
{
	return finding_add(audited, SUBJECT_INFO, verdict, entry, "",
			   info_by(entry, verdict, built, declared));
}

int audit_info(const struct image *stock, const struct image *built,
	       const struct declared *declared, struct audited *audited)
{
	struct strings left, right = { NULL, 0 };
	size_t i = 0, j = 0;
	int err = read_strings(image_section(stock, ".modinfo"), &left);

	if (!err)
		err = read_strings(image_section(built, ".modinfo"), &right);
	while (!err && (i < left.n || j < right.n)) {
		int order = i == left.n ? 1 : j == right.n ? -1 :
			    strcmp(left.list[i], right.list[j]);

		if (order < 0)
			err = report(audited, VERDICT_REMOVED, left.list[i], built, declared);
		else if (order > 0)
			err = report(audited, VERDICT_ADDED, right.list[j], built, declared);
		i += order <= 0;
		j += order >= 0;
	}
	free(left.list);
	free(right.list);
	return err ? err : check_note(built, audited);
}
