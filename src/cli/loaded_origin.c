// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a loaded module is: which file it came from, by build-id.
 */
#include <stdio.h>
#include <string.h>

#include "journal.h"
#include "loaded.h"
#include "remember.h"
#include "resolve.h"

const char *origin_name(enum origin origin)
{
	static const char *const names[] = { "none", "stock", "ours", "other" };

	return names[origin];
}

/**
 * struct place - where a module's file may be
 * @file: it, "" if there is none
 * @stock: what is there without a stamp is the kernel's own
 */
struct place {
	char file[PATH_MAX];
	bool stock;
};

static void find_in(const char *dir, const char *name, struct place *place)
{
	modfile_find(dir, name, place->file);
}

/* What modprobe would load is the likeliest. */
static void find_next(const struct host *host, const char *name, struct place *place)
{
	char dir[PATH_MAX], why[WHY_MAX];

	if (resolve_file(host, host->release, name, place->file, why))
		return;
	path_stock_dir(host, host->release, dir);
	place->stock = path_inside(place->file, dir);
}

static void find_stock(const struct host *host, const char *name, struct place *place)
{
	char dir[PATH_MAX];

	place->stock = true;
	path_stock_dir(host, host->release, dir);
	find_in(dir, name, place);
}

static void find_copy(const struct host *host, const char *name, struct place *place)
{
	char dir[PATH_MAX];

	place->stock = true;
	path_stock_copy(host, host->release, dir);
	find_in(dir, name, place);
}

static void find_fixed(const struct host *host, const char *name, struct place *place)
{
	char dir[PATH_MAX];

	path_fixed_dir(host, host->release, dir);
	find_in(dir, name, place);
}

/*
 * Is it the file? @stamped tells whether that is ours. By what is remembered of compressed
 * files: a swap looks into its copy of the file again.
 */
static bool matches(const struct host *host, const struct place *place, const char *build_id,
		    bool *stamped)
{
	struct identity identity;
	char why[WHY_MAX];

	if (!place->file[0] || identity_read(host, place->file, false, &identity, why))
		return false;
	*stamped = identity.stamped;
	return strcmp(identity.build_id, build_id) == 0;
}

static enum origin origin_of_file(const struct host *host, const char *name,
				  const struct loaded *loaded, char *path)
{
	static void (*const finders[])(const struct host *host, const char *name,
				       struct place *place) = {
		find_next, find_stock, find_copy, find_fixed,
	};
	const size_t n = sizeof(finders) / sizeof(finders[0]);
	struct place place;
	bool stamped;

	for (size_t i = 0; i <= n; i++) {
		memset(&place, 0, sizeof(place));
		if (i < n)
			finders[i](host, name, &place);
		else
			find_in(host_path(host, SWAP_FILES "/%s", loaded->build_id), name, &place);
		/* One of ours among the kernel's own would be a mistake, and none to be led by. */
		if (place.stock && loaded->stamp.present && i)
			continue;
		if (!matches(host, &place, loaded->build_id, &stamped))
			continue;
		snprintf(path, PATH_MAX, "%s", place.file);
		if (stamped && loaded->stamp.present)
			return ORIGIN_OURS;
		return place.stock && !stamped ? ORIGIN_STOCK : ORIGIN_OTHER;
	}
	return ORIGIN_NONE;
}

enum origin loaded_origin(const struct host *host, const char *name, const struct loaded *loaded,
			  char *file)
{
	enum origin origin = ORIGIN_NONE;

	file[0] = '\0';
	if (!loaded->present)
		return ORIGIN_NONE;
	if (loaded->build_id[0])
		origin = origin_of_file(host, name, loaded, file);
	if (origin != ORIGIN_NONE)
		return origin;
	return loaded->stamp.present ? ORIGIN_OURS : ORIGIN_OTHER;
}
