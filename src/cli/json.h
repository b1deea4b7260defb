/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON of somebody else's, read with suspicion, and short words for writing ours.
 */
#ifndef JSON_H
#define JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON file of at most 1 MiB as an object, or NULL with @why set. json_object_put() it. */
struct json_object *json_read(const char *path, char *why);
/* The same of bytes in memory; @name is for @why. */
struct json_object *json_parse(const char *data, size_t size, const char *name, char *why);
/* A string of an object, "" if it is not there or no string. Cut off at @size. */
void json_text(struct json_object *object, const char *key, char *text, size_t size);

/* Foreign text for a terminal: whatever is not printable ASCII becomes '?'. */
void text_printable(char *text);

/* Adds @key to @object. Text is made printable, since JSON must be UTF-8. */
void json_put_text(struct json_object *object, const char *key, const char *value);
void json_put_number(struct json_object *object, const char *key, int64_t value);
void json_put_flag(struct json_object *object, const char *key, bool value);
/* To the microsecond. */
void json_put_ms(struct json_object *object, const char *key, double ms);
/* A new string, made printable. */
struct json_object *json_new_text(const char *value);

#endif
