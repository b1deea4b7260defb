// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading fixes as scripts/lib/fixes.sh reads them, but only what is for people,
 * and lenient: a line that is not understood is passed over.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels.h"
#include "list.h"

#define CONF_MAX	(64u << 10)
#define SITE_DIR	"/etc/kvm-fixes/patches.d"

static bool name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= sizeof(((struct fix *)0)->name) || *name == '-')
		return false;
	for (; *name; name++) {
		if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) &&
		    *name != '-')
			return false;
	}
	return true;
}

struct fix *fixes_get(struct fixes *fixes, const char *name)
{
	struct fix *fix;

	for (size_t i = 0; i < fixes->n; i++) {
		if (strcmp(fixes->list[i].name, name) == 0)
			return &fixes->list[i];
	}
	if (!name_valid(name) || fixes->n == LIST_MAX)
		return NULL;
	fix = &fixes->list[fixes->n++];
	memset(fix, 0, sizeof(*fix));
	snprintf(fix->name, sizeof(fix->name), "%s", name);
	return fix;
}

static void take(const char *line, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) != 0 || strncmp(line + length, " = ", 3) != 0)
		return;
	snprintf(value, size, "%s", line + length + 3);
	text_printable(value);
}

void fix_conf_parse(char *text, struct fix *fix)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		take(line, "summary", fix->summary, sizeof(fix->summary));
		take(line, "why", fix->why, sizeof(fix->why));
		take(line, "upstream", fix->upstream, sizeof(fix->upstream));
	}
}

static void read_conf(const char *path, struct fix *fix)
{
	char *text;
	size_t size;

	if (!fix || read_file(path, CONF_MAX, &text, &size))
		return;
	fix->described = true;
	fix_conf_parse(text, fix);
	free(text);
}

static void read_source(const struct host *host, struct fixes *fixes)
{
	char *text, *line, *rest;
	size_t size;

	snprintf(fixes->source, sizeof(fixes->source), "%s",
		 host_path(host, "/usr/src/kvm-fixes-" CLI_VERSION));
	if (read_file(host_path(host, "/usr/src/kvm-fixes-" CLI_VERSION "/patches/series"),
		      CONF_MAX, &text, &size)) {
		fixes->source[0] = '\0';
		return;
	}
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (name_valid(line))
			read_conf(host_path(host, "/usr/src/kvm-fixes-" CLI_VERSION
					    "/patches/%s/fix.conf", line),
				  fixes_get(fixes, line));
	}
	free(text);
}

static void read_site(const struct host *host, struct fixes *fixes)
{
	struct dirent **entries;
	int n = scandir(host_path(host, SITE_DIR), &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		size_t before = fixes->n;
		struct fix *fix = NULL;

		if (name_valid(name) && access(host_path(host, SITE_DIR "/%s/.", name), F_OK) == 0)
			fix = fixes_get(fixes, name);

		/* One of our own names stays ours: the build refuses a second one. */
		if (fix && fixes->n > before) {
			fix->site = true;
			read_conf(host_path(host, SITE_DIR "/%s/fix.conf", name), fix);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

void fixes_read(const struct host *host, struct fixes *fixes)
{
	memset(fixes, 0, sizeof(*fixes));
	read_source(host, fixes);
	read_site(host, fixes);
}

void states_find(const char *states, const char *name, char *state, size_t size)
{
	size_t length = strlen(name);

	state[0] = '\0';
	while (*states) {
		size_t n = strcspn(states, ",");

		if (n > length && strncmp(states, name, length) == 0 && states[length] == ':') {
			snprintf(state, size, "%.*s", (int)(n - length - 1), states + length + 1);
			if (!fix_state_known(state))
				state[0] = '\0';
			return;
		}
		states += n;
		states += strspn(states, ", ");
	}
}
