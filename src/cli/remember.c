// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cache of what files were found to be. Written as root, and read as if by
 * anybody.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "remember.h"

#define CACHE_DIR	"/var/cache/kvm-fixes"
#define CACHE_SCHEMA	1
#define ENTRIES_MAX	256

/* The entries in the cache's file, by path; NULL if there are none. @cache is to be put. */
static struct json_object *open_cache(const char *file, struct json_object **cache)
{
	struct json_object *schema, *entries;
	char why[WHY_MAX];

	*cache = json_read(file, why);
	if (*cache && json_object_object_get_ex(*cache, "schema", &schema) &&
	    json_object_is_type(schema, json_type_int) &&
	    json_object_get_int(schema) == CACHE_SCHEMA &&
	    json_object_object_get_ex(*cache, "files", &entries) &&
	    json_object_is_type(entries, json_type_object))
		return entries;
	return NULL;
}

static void identify_file(const struct stat *st, char *text, size_t size)
{
	snprintf(text, size, "%llu:%llu:%lld.%09ld", (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_size, (long long)st->st_mtim.tv_sec,
		 st->st_mtim.tv_nsec);
}

struct json_object *recall(const struct host *host, const char *name, const char *path,
			   const struct stat *st)
{
	struct json_object *cache, *entry = NULL, *entries;
	char now[96], then[96];

	entries = open_cache(host_path(host, CACHE_DIR "/%s.json", name), &cache);
	if (entries && json_object_object_get_ex(entries, path, &entry)) {
		identify_file(st, now, sizeof(now));
		json_text(entry, "identity", then, sizeof(then));
		entry = strcmp(now, then) == 0 ? json_object_get(entry) : NULL;
	}
	json_object_put(cache);
	return entry;
}

/* Those of files that are there still. */
static struct json_object *kept_entries(struct json_object *old)
{
	struct json_object *entries = json_object_new_object();

	if (!old)
		return entries;
	json_object_object_foreach(old, path, entry) {
		if (json_object_object_length(entries) < ENTRIES_MAX && access(path, F_OK) == 0)
			json_object_object_add(entries, path, json_object_get(entry));
	}
	return entries;
}

void remember(const struct host *host, const char *name, const char *path, const struct stat *st,
	      struct json_object *entry)
{
	const char *file = host_path(host, CACHE_DIR "/%s.json", name), *text;
	struct json_object *cache, *entries = kept_entries(open_cache(file, &cache));
	struct json_object *new = json_object_new_object();
	char identity[96];

	identify_file(st, identity, sizeof(identity));
	json_put_text(entry, "identity", identity);
	json_object_object_add(entries, path, entry);
	json_put_number(new, "schema", CACHE_SCHEMA);
	json_object_object_add(new, "files", entries);
	text = json_object_to_json_string_ext(new, JSON_C_TO_STRING_PLAIN);
	if (text && folder_make(host_path(host, CACHE_DIR), 0755) == 0)
		publish(file, text, strlen(text), 0644);
	json_object_put(new);
	json_object_put(cache);
}
