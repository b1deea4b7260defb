/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel says of a loaded module: /sys/module/NAME.
 */
#ifndef LOADED_H
#define LOADED_H

#include "modfile.h"

#define PARAM_NAME_MAX	64
#define PARAM_VALUE_MAX	256
#define PARAMS_MAX	128

/**
 * struct param - a module parameter
 * @value: as sysfs shows it, one line
 * @known: could be read (some cannot)
 * @writable: can be set at run time
 */
struct param {
	char name[PARAM_NAME_MAX];
	char value[PARAM_VALUE_MAX];
	bool known;
	bool writable;
};

struct params {
	struct param list[PARAMS_MAX];
	size_t n;
};

/**
 * struct loaded - one module
 * @present: loaded (or on its way: see @state)
 * @builtin: /sys/module/NAME is there but it is part of the kernel
 * @state: "live", "coming", "going"
 * @build_id: hex, "" if the kernel shows none
 * @stamp: ours, from the note (no version in it: see @version)
 * @version: /sys/module/NAME/version
 * @taint: letters of /sys/module/NAME/taint
 * @refcnt: references, -1 unknown
 * @holders: names of modules that use it, with blanks between
 * @n_holders: how many
 */
struct loaded {
	bool present;
	bool builtin;
	char state[16];
	char build_id[BUILD_ID_MAX];
	struct stamp stamp;
	char version[64];
	char taint[16];
	int refcnt;
	char holders[256];
	unsigned int n_holders;
};

/* 0 (also when it is not loaded), or -errno with @why set. @name with _. */
int loaded_read(const struct host *host, const char *name, struct loaded *loaded, char *why);

/* Values of /sys/module/NAME/parameters, by name in order; none is no error. */
int params_read(const struct host *host, const char *name, struct params *params);
const struct param *params_find(const struct params *params, const char *name);

/**
 * enum origin - whose module it is
 */
enum origin { ORIGIN_NONE, ORIGIN_STOCK, ORIGIN_OURS, ORIGIN_OTHER };
const char *origin_name(enum origin origin);	/* "none", "stock", "ours", "other" */

/*
 * Whose the loaded module is: ours if it has a stamp and its build-id is that of
 * a file of ours, on disk or in what a swap kept, or just a well-formed stamp when
 * the file is gone; stock if the build-id is that of the kernel's own file or of
 * our copy of it; other if neither. @file (PATH_MAX) gets the file with that
 * build-id, or "".
 */
enum origin loaded_origin(const struct host *host, const char *name, const struct loaded *loaded,
			  char *file);

#endif
