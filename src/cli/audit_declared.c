// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which functions the fixes may change: out of the report.json that was made with the modules.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"
#include "json.h"

#define CHANGES_MAX	4096	/* functions of one fix */

static int not_understood(const char *path, const char *what, char *why)
{
	snprintf(why, WHY_MAX, "%.250s: %s; build the modules anew, or name another file with --declared",
		 path, what);
	return -EINVAL;
}

static int read_changes(struct json_object *list, struct declared_fix *fix)
{
	size_t n = json_object_array_length(list);

	if (n > CHANGES_MAX)
		return -EINVAL;
	fix->changes = calloc(n + 1, sizeof(char *));
	fix->met = calloc(n + 1, sizeof(bool));
	if (!fix->changes || !fix->met)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (!json_object_is_type(entry, json_type_string) ||
		    !*json_object_get_string(entry))
			return -EINVAL;
		fix->changes[i] = strdup(json_object_get_string(entry));
		if (!fix->changes[i])
			return -ENOMEM;
		text_printable(fix->changes[i]);
		fix->n++;
	}
	return 0;
}

static void take(struct json_object *object, const char *key, char *text, size_t size)
{
	json_text(object, key, text, size);
	text_printable(text);
}

static int read_fix(struct json_object *entry, struct declared_fix *fix)
{
	struct json_object *list;

	take(entry, "name", fix->name, sizeof(fix->name));
	take(entry, "state", fix->state, sizeof(fix->state));
	take(entry, "patch", fix->patch, sizeof(fix->patch));
	take(entry, "sha256", fix->digest, sizeof(fix->digest));
	if (!*fix->name || !*fix->state || strcmp(fix->name, AUDIT_BY_STAMP) == 0)
		return -EINVAL;
	if (!json_object_object_get_ex(entry, "changes", &list))
		return strcmp(fix->state, "applied") ? 0 : -ENODATA;
	return json_object_is_type(list, json_type_array) ? read_changes(list, fix) : -EINVAL;
}

static int read_fixes(struct json_object *report, const char *path, struct declared *declared,
		      char *why)
{
	struct json_object *list;
	int err = 0;

	if (!json_object_object_get_ex(report, "fixes", &list) ||
	    !json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) > AUDIT_FIXES_MAX)
		return not_understood(path, "it names no fixes", why);
	for (size_t i = 0; !err && i < json_object_array_length(list); i++)
		err = read_fix(json_object_array_get_idx(list, i), &declared->fixes[declared->n++]);
	if (err == -ENODATA)
		return not_understood(path, "it does not say which functions its fixes may change", why);
	return err ? not_understood(path, "what it says of its fixes is damaged", why) : 0;
}

static int read_report(struct json_object *report, const char *path, struct declared *declared,
		       char *why)
{
	struct json_object *source = NULL;

	json_object_object_get_ex(report, "source", &source);
	take(report, "kernel", declared->kernel, sizeof(declared->kernel));
	take(report, "headers", declared->headers, sizeof(declared->headers));
	take(report, "build", declared->build, sizeof(declared->build));
	take(source, "origin", declared->origin, sizeof(declared->origin));
	take(source, "version", declared->version, sizeof(declared->version));
	take(source, "sha256", declared->digest, sizeof(declared->digest));
	if (!release_valid(declared->kernel) || !*declared->build)
		return not_understood(path, "it is no report of a build", why);
	declared->bys = calloc(1, sizeof(*declared->bys));
	if (!declared->bys) {
		snprintf(why, WHY_MAX, "no memory is left to compare modules; free some");
		return -ENOMEM;
	}
	declared->present = true;
	return read_fixes(report, path, declared, why);
}

int declared_parse(const char *data, size_t size, const char *path, struct declared *declared,
		   char *why)
{
	struct json_object *report;
	char cause[WHY_MAX];
	int err;

	memset(declared, 0, sizeof(*declared));
	report = json_parse(data, size, "it", cause);
	if (!report)
		return not_understood(path, cause, why);
	err = read_report(report, path, declared, why);
	json_object_put(report);
	return err;
}

int declared_read(const char *path, struct declared *declared, char *why)
{
	size_t size;
	char *data;
	int err;

	memset(declared, 0, sizeof(*declared));
	err = read_file(path, 1u << 20, &data, &size);
	if (err) {
		snprintf(why, WHY_MAX, "%.250s: cannot be read: %s; name another file with --declared",
			 path, strerror(-err));
		return err;
	}
	err = declared_parse(data, size, path, declared, why);
	free(data);
	return err;
}

void declared_free(struct declared *declared)
{
	for (size_t i = 0; i < declared->n; i++) {
		struct declared_fix *fix = &declared->fixes[i];

		for (size_t j = 0; j < fix->n; j++)
			free(fix->changes[j]);
		free(fix->changes);
		free(fix->met);
	}
	for (size_t i = 0; declared->bys && i < declared->bys->n; i++)
		free(declared->bys->list[i]);
	free(declared->bys);
	memset(declared, 0, sizeof(*declared));
}

/* Does @fix name @base? Then that is noted. */
static bool names(const struct declared_fix *fix, const char *base)
{
	for (size_t i = 0; !strcmp(fix->state, "applied") && i < fix->n; i++) {
		if (strcmp(fix->changes[i], base) == 0) {
			fix->met[i] = true;
			return true;
		}
	}
	return false;
}

/* "@first, @second", kept as long as @bys; @first alone if there is no room for more. */
static const char *join(struct declared_bys *bys, const char *first, const char *second)
{
	char text[WHY_MAX];

	snprintf(text, sizeof(text), "%.400s, %.64s", first, second);
	for (size_t i = 0; bys && i < bys->n; i++) {
		if (strcmp(bys->list[i], text) == 0)
			return bys->list[i];
	}
	if (!bys || bys->n == AUDIT_BYS_MAX)
		return first;
	bys->list[bys->n] = strdup(text);
	return bys->list[bys->n] ? bys->list[bys->n++] : first;
}

const char *declared_by(const struct declared *declared, const char *name)
{
	const char *by = NULL;
	char base[NAME_MAX];

	piece_base(name, base, sizeof(base));
	for (size_t i = 0; i < declared->n; i++) {
		const struct declared_fix *fix = &declared->fixes[i];

		if (names(fix, base))
			by = by ? join(declared->bys, by, fix->name) : fix->name;
	}
	return by;
}

bool declared_any(const struct declared *declared)
{
	for (size_t i = 0; i < declared->n; i++) {
		if (strcmp(declared->fixes[i].state, "applied") == 0)
			return true;
	}
	return false;
}
