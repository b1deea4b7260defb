// SPDX-License-Identifier: GPL-2.0-only
/*
 * What initrds were found to hold.
 */
#include "initrd_parts.h"
#include "remember.h"

#define CACHE	"initrd"

static void recall_module(struct json_object *entry, struct initrd_module *module)
{
	json_text(entry, "name", module->name, sizeof(module->name));
	json_text(entry, "path", module->path, sizeof(module->path));
	json_text(entry, "build_id", module->build_id, sizeof(module->build_id));
	text_printable(module->name);
	text_printable(module->path);
	text_printable(module->build_id);
}

bool initrd_recall(const struct host *host, const struct stat *st, struct initrd *initrd)
{
	struct json_object *list, *entry = recall(host, CACHE, initrd->path, st);

	initrd->known = entry && json_object_object_get_ex(entry, "modules", &list) &&
			json_object_is_type(list, json_type_array);
	for (size_t i = 0; initrd->known && i < json_object_array_length(list) &&
	     initrd->n < INITRD_MODULES_MAX; i++)
		recall_module(json_object_array_get_idx(list, i), &initrd->modules[initrd->n++]);
	json_object_put(entry);
	return initrd->known;
}

struct json_object *initrd_modules_json(const struct initrd *initrd)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < initrd->n; i++) {
		struct json_object *module = json_object_new_object();

		json_put_text(module, "name", initrd->modules[i].name);
		json_put_text(module, "path", initrd->modules[i].path);
		json_put_text(module, "build_id", initrd->modules[i].build_id);
		json_object_array_add(list, module);
	}
	return list;
}

void initrd_remember(const struct host *host, const struct stat *st, const struct initrd *initrd)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "modules", initrd_modules_json(initrd));
	remember(host, CACHE, initrd->path, st, entry);
}
