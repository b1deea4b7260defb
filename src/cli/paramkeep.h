/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters across a swap: what was in effect before is in effect after,
 * or the difference is told.
 */
#ifndef PARAMKEEP_H
#define PARAMKEEP_H

#include <json-c/json.h>

#include "journal.h"
#include "loaded.h"

#define DIFFERENCES_MAX	32

/**
 * struct difference - a parameter that is not what it was
 */
struct difference {
	char module[64];
	char name[PARAM_NAME_MAX];
	char before[PARAM_VALUE_MAX];
	char after[PARAM_VALUE_MAX];	/* "" and @gone if the new module has none */
	bool gone;
};

struct differences {
	struct difference list[DIFFERENCES_MAX];
	size_t n;
};

/*
 * Sets what can be set at run time back to @before. What can only be given when the
 * module is loaded comes as options in @options ("a=1 b=2", "" if there is nothing).
 */
void params_restore(const struct host *host, const char *module, const struct params *before,
		    char *options, size_t size);

/* Adds what still differs. */
void params_compare(const struct host *host, const char *module, const struct params *before,
		    struct differences *differences);

/* "parameter kvm.halt_poll_ns was 1 and is 2 (and 3 more)" */
void differences_text(const struct differences *differences, char *text, size_t size);
struct json_object *differences_json(const struct differences *differences);

#endif
