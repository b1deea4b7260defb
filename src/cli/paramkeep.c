// SPDX-License-Identifier: GPL-2.0-only
/*
 * Effective values of module parameters, before and after.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "paramkeep.h"

static void set_param(const struct host *host, const char *module, const struct param *param)
{
	int fd = open(host_path(host, "/sys/module/%s/parameters/%s", module, param->name),
		      O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Whether it took is seen by params_compare(). */
	if (dprintf(fd, "%s", param->value) < 0)
		errno = 0;
	close(fd);
}

/* May it stand in an options string as it is? "(null)" is how sysfs shows no string. */
static bool plain(const char *value)
{
	return *value && !strpbrk(value, " \t\"'()");
}

static bool same(const struct param *before, const struct param *after)
{
	return after && after->known && strcmp(before->value, after->value) == 0;
}

void params_restore(const struct host *host, const char *module, const struct params *before,
		    char *options, size_t size)
{
	struct params after;
	size_t length = 0;

	options[0] = '\0';
	params_read(host, module, &after);
	for (size_t i = 0; i < before->n; i++) {
		const struct param *param = &before->list[i], *now = params_find(&after, param->name);
		int n;

		if (!param->known || !now || same(param, now))
			continue;
		if (now->writable) {
			set_param(host, module, param);
			continue;
		}
		if (!plain(param->value))
			continue;
		n = snprintf(options + length, size - length, "%s%s=%s", length ? " " : "",
			     param->name, param->value);
		if (n < 0 || (size_t)n >= size - length) {
			options[length] = '\0';
			return;
		}
		length += (size_t)n;
	}
}

void params_compare(const struct host *host, const char *module, const struct params *before,
		    struct differences *differences)
{
	struct params after;

	params_read(host, module, &after);
	for (size_t i = 0; i < before->n && differences->n < DIFFERENCES_MAX; i++) {
		const struct param *param = &before->list[i], *now = params_find(&after, param->name);
		struct difference *difference = &differences->list[differences->n];

		if (!param->known || same(param, now))
			continue;
		memset(difference, 0, sizeof(*difference));
		snprintf(difference->module, sizeof(difference->module), "%s", module);
		snprintf(difference->name, sizeof(difference->name), "%s", param->name);
		snprintf(difference->before, sizeof(difference->before), "%s", param->value);
		snprintf(difference->after, sizeof(difference->after), "%s", now ? now->value : "");
		difference->gone = !now;
		differences->n++;
	}
}

void differences_text(const struct differences *differences, char *text, size_t size)
{
	const struct difference *first = &differences->list[0];
	int n = snprintf(text, size, "parameter %s.%s was %.80s and is %.80s", first->module,
			 first->name, first->before, first->gone ? "gone" : first->after);

	if (differences->n > 1 && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, " (and %zu more)", differences->n - 1);
}

struct json_object *differences_json(const struct differences *differences)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < differences->n; i++) {
		const struct difference *difference = &differences->list[i];
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "module", json_object_new_string(difference->module));
		json_object_object_add(object, "name", json_object_new_string(difference->name));
		json_object_object_add(object, "before", json_object_new_string(difference->before));
		json_object_object_add(object, "after", difference->gone ? NULL :
				       json_object_new_string(difference->after));
		json_object_array_add(list, object);
	}
	return list;
}
