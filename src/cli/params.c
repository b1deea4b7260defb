// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of a loaded module's parameters.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loaded.h"

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct param *)a)->name, ((const struct param *)b)->name);
}

/* A value that does not fit, or has several lines, counts as one that cannot be read. */
static void read_param(const struct host *host, const char *module, struct param *param)
{
	const char *path = host_path(host, "/sys/module/%s/parameters/%s", module, param->name);
	char text[PARAM_VALUE_MAX + 1];
	struct stat st;
	int n;

	param->writable = stat(path, &st) == 0 && (st.st_mode & S_IWUSR);
	n = read_text(path, text, sizeof(text));
	param->known = n >= 0 && n < PARAM_VALUE_MAX && !strchr(text, '\n');
	if (param->known)
		memcpy(param->value, text, (size_t)n + 1);
}

int params_read(const struct host *host, const char *name, struct params *params)
{
	const struct dirent *entry;
	struct param *param;
	DIR *folder;
	int err = 0;

	memset(params, 0, sizeof(*params));
	folder = opendir(host_path(host, "/sys/module/%s/parameters", name));
	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		if (params->n == PARAMS_MAX || strlen(entry->d_name) >= PARAM_NAME_MAX) {
			err = -E2BIG;
			break;
		}
		param = &params->list[params->n++];
		snprintf(param->name, sizeof(param->name), "%s", entry->d_name);
		read_param(host, name, param);
	}
	closedir(folder);
	qsort(params->list, params->n, sizeof(*param), compare);
	return err;
}

const struct param *params_find(const struct params *params, const char *name)
{
	for (size_t i = 0; i < params->n; i++) {
		if (strcmp(params->list[i].name, name) == 0)
			return &params->list[i];
	}
	return NULL;
}
