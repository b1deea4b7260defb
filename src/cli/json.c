// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON that somebody else may have written, or half written, and our own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "json.h"

#define JSON_BYTES_MAX	(1u << 20)
#define JSON_DEPTH_MAX	16

/* json-c's word for what ends too early is "continue". */
static const char *said_of(enum json_tokener_error err)
{
	return err == json_tokener_continue ? "it is cut short" : json_tokener_error_desc(err);
}

struct json_object *json_parse(const char *data, size_t size, const char *name, char *why)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	struct json_object *object = NULL;
	const char *said = size > JSON_BYTES_MAX ? "it is larger than 1 MiB" : "out of memory";

	if (tokener && size <= JSON_BYTES_MAX) {
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		object = json_tokener_parse_ex(tokener, data, (int)size);
		said = said_of(json_tokener_get_error(tokener));
	}
	if (object && !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
		said = "no object";
	}
	if (!object)
		snprintf(why, WHY_MAX, "%s: is no whole JSON (%s)", name, said);
	if (tokener)
		json_tokener_free(tokener);
	return object;
}

struct json_object *json_read(const char *path, char *why)
{
	struct json_object *object;
	char *data;
	size_t size;
	int err = read_file(path, JSON_BYTES_MAX, &data, &size);

	if (err) {
		snprintf(why, WHY_MAX, "%s: cannot be read (%s)", path, strerror(-err));
		return NULL;
	}
	object = json_parse(data, size, path, why);
	free(data);
	return object;
}

void json_text(struct json_object *object, const char *key, char *text, size_t size)
{
	struct json_object *value = NULL;

	text[0] = '\0';
	if (json_object_is_type(object, json_type_object) &&
	    json_object_object_get_ex(object, key, &value) &&
	    json_object_is_type(value, json_type_string))
		snprintf(text, size, "%s", json_object_get_string(value));
}

void text_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
	}
}

struct json_object *json_new_text(const char *value)
{
	struct json_object *string;
	char *copy = strdup(value);

	if (!copy)
		return NULL;
	text_printable(copy);
	string = json_object_new_string(copy);
	free(copy);
	return string;
}

void json_put_text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_new_text(value));
}

void json_put_number(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

void json_put_flag(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void json_put_ms(struct json_object *object, const char *key, double ms)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%.3f", ms);
	json_object_object_add(object, key, json_object_new_double_s(ms, digits));
}
