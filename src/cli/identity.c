// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which module a file is, without unpacking it each time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remember.h"

#define CACHE	"modules"

static bool flag(struct json_object *entry, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(entry, key, &value) && json_object_get_boolean(value);
}

/* The signer is remembered only if it was asked for. */
static bool known(struct json_object *entry, bool with_signer, struct identity *identity)
{
	struct json_object *value;

	if (!json_object_object_get_ex(entry, "build_id", &value) ||
	    !json_object_is_type(value, json_type_string))
		return false;
	json_text(entry, "build_id", identity->build_id, sizeof(identity->build_id));
	if (identity->build_id[strspn(identity->build_id, "0123456789abcdef")])
		return false;
	identity->stamped = flag(entry, "stamped");
	identity->has_signature = flag(entry, "has_signature");
	json_text(entry, "signer", identity->signer, sizeof(identity->signer));
	return !with_signer || !identity->has_signature ||
	       json_object_object_get_ex(entry, "signer", &value);
}

static struct json_object *new_entry(const struct identity *identity, bool with_signer)
{
	struct json_object *entry = json_object_new_object();

	json_put_text(entry, "build_id", identity->build_id);
	json_put_flag(entry, "stamped", identity->stamped);
	json_put_flag(entry, "has_signature", identity->has_signature);
	if (with_signer)
		json_put_text(entry, "signer", identity->signer);
	return entry;
}

static int read_file_itself(const char *path, bool with_signer, struct identity *identity,
			    char *why)
{
	struct modfile *file = malloc(sizeof(*file));
	int err;

	if (!file) {
		snprintf(why, WHY_MAX, "no memory is left; try again when there is some");
		return -ENOMEM;
	}
	err = modfile_identify(path, file, why);
	if (!err) {
		snprintf(identity->build_id, sizeof(identity->build_id), "%s", file->build_id);
		identity->stamped = file->stamp.present;
		identity->has_signature = file->has_signature;
	}
	if (!err && with_signer) {
		modfile_signer(file);
		snprintf(identity->signer, sizeof(identity->signer), "%s", file->signer);
	}
	free(file);
	return err;
}

int identity_read(const struct host *host, const char *path, bool with_signer,
		  struct identity *identity, char *why)
{
	const char *dot = strrchr(path, '.');
	bool worth_it = with_signer || (dot && strcmp(dot, ".ko") != 0);
	struct json_object *entry = NULL;
	struct stat st;
	int err = 0;

	memset(identity, 0, sizeof(*identity));
	if (!worth_it || stat(path, &st))
		return read_file_itself(path, with_signer, identity, why);
	entry = recall(host, CACHE, path, &st);
	if (!entry || !known(entry, with_signer, identity)) {
		memset(identity, 0, sizeof(*identity));
		err = read_file_itself(path, with_signer, identity, why);
		if (!err)
			remember(host, CACHE, path, &st, new_entry(identity, with_signer));
	}
	json_object_put(entry);
	return err;
}
