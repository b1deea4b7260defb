// SPDX-License-Identifier: GPL-2.0-only
/*
 * What compressed modules were found to be, so that each is unpacked once.
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "modfile_private.h"

#define CACHE_DIR	"/var/cache/kvm-fixes"
#define CACHE		CACHE_DIR "/modules.json"
#define CACHE_SCHEMA	1

/**
 * struct cache - objects by file_key()
 * @known: all; NULL while nothing is to be remembered
 * @used: those that this run asked for; only they are written back
 * @grown: something is new
 */
static struct cache {
	struct json_object *known;
	struct json_object *used;
	bool grown;
} cache;

struct text_member {
	const char *key;
	size_t offset, size;
};

#define MEMBER(key, name) \
	{ key, offsetof(struct modfile, name), sizeof(((struct modfile *)0)->name) }

static const struct text_member identity[] = {
	MEMBER("build_id", build_id), MEMBER("vermagic", vermagic),
	MEMBER("version", stamp.version), MEMBER("kernel", stamp.kernel),
	MEMBER("states", stamp.states), MEMBER("source", stamp.source),
	MEMBER("headers", stamp.headers), MEMBER("compiler", stamp.compiler),
	MEMBER("build", stamp.build),
};

static const struct text_member signer[] = {
	MEMBER("signer", signer), MEMBER("sig_key", sig_key), MEMBER("sig_hash", sig_hash),
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static void recall_texts(struct json_object *entry, const struct text_member *members, size_t n,
			 struct modfile *file)
{
	for (size_t i = 0; i < n; i++) {
		char *text = (char *)file + members[i].offset;

		json_text(entry, members[i].key, text, members[i].size);
		text_printable(text);
	}
}

static void remember_texts(struct json_object *entry, const struct text_member *members, size_t n,
			   const struct modfile *file)
{
	for (size_t i = 0; i < n; i++)
		json_put_text(entry, members[i].key, (const char *)file + members[i].offset);
	cache.grown = true;
}

static void file_key(const struct stat *st, char *key, size_t size)
{
	snprintf(key, size, "%llx:%llx:%llx:%lld.%09ld:%lld.%09ld", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
		 (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		 (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static struct json_object *find(const struct stat *st)
{
	struct json_object *entry;
	char key[160];

	file_key(st, key, sizeof(key));
	if (!cache.known || !json_object_object_get_ex(cache.known, key, &entry) ||
	    !json_object_is_type(entry, json_type_object))
		return NULL;
	json_object_object_add(cache.used, key, json_object_get(entry));
	return entry;
}

bool modfile_recall(const struct stat *st, struct modfile *file)
{
	struct json_object *entry = find(st), *flag;

	if (!entry || !json_object_object_get_ex(entry, "has_signature", &flag) ||
	    !json_object_is_type(flag, json_type_boolean) ||
	    !json_object_object_get_ex(entry, "vermagic", NULL))
		return false;
	file->has_signature = json_object_get_boolean(flag);
	recall_texts(entry, identity, COUNT(identity), file);
	stamp_close(&file->stamp);
	return true;
}

void modfile_remember(const struct stat *st, const struct modfile *file)
{
	struct json_object *entry;
	char key[160];

	if (!cache.known)
		return;
	entry = json_object_new_object();
	json_put_flag(entry, "has_signature", file->has_signature);
	remember_texts(entry, identity, COUNT(identity), file);
	file_key(st, key, sizeof(key));
	json_object_object_add(cache.known, key, entry);
	json_object_object_add(cache.used, key, json_object_get(entry));
}

bool modfile_recall_signer(struct modfile *file)
{
	struct json_object *entry;
	struct stat st;

	entry = stat(file->path, &st) == 0 ? find(&st) : NULL;
	if (!entry || !json_object_object_get_ex(entry, "signer", NULL))
		return false;
	recall_texts(entry, signer, COUNT(signer), file);
	return true;
}

void modfile_remember_signer(const struct modfile *file)
{
	struct json_object *entry;
	struct stat st;

	entry = stat(file->path, &st) == 0 ? find(&st) : NULL;
	if (entry)
		remember_texts(entry, signer, COUNT(signer), file);
}

void modfile_cache_open(const struct host *host)
{
	struct json_object *file, *schema, *modules = NULL;
	char why[WHY_MAX];

	modfile_cache_close(host);
	file = json_read(host_path(host, CACHE), why);
	if (file && json_object_object_get_ex(file, "schema", &schema) &&
	    json_object_get_int(schema) == CACHE_SCHEMA &&
	    json_object_object_get_ex(file, "modules", &modules) &&
	    json_object_is_type(modules, json_type_object))
		cache.known = json_object_get(modules);
	else
		cache.known = json_object_new_object();
	cache.used = json_object_new_object();
	cache.grown = false;
	json_object_put(file);
}

/* That it cannot be written is no error: then the files are unpacked again. */
static void save(const struct host *host)
{
	struct json_object *file = json_object_new_object();
	const char *text;

	json_put_number(file, "schema", CACHE_SCHEMA);
	json_object_object_add(file, "modules", json_object_get(cache.used));
	text = json_object_to_json_string_ext(file, JSON_C_TO_STRING_PLAIN);
	if (text && folder_make(host_path(host, CACHE_DIR), 0755) == 0)
		publish(host_path(host, CACHE), text, strlen(text), 0644);
	json_object_put(file);
}

void modfile_cache_close(const struct host *host)
{
	if (cache.grown)
		save(host);
	json_object_put(cache.known);
	json_object_put(cache.used);
	memset(&cache, 0, sizeof(cache));
}
