/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors of loading and unloading a module, in words with the next step to take.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "loaded.h"
#include "policy.h"

/*
 * @error is positive, as finit_module(2) or delete_module(2) left it. @log is what
 * the kernel wrote meanwhile ("" if unknown): it tells one EPERM from another.
 */
void explain_load(const char *name, const char *path, int error, const struct policy *policy,
		  const char *log, char *why);
void explain_unload(const char *name, int error, const struct loaded *loaded, char *why);

#endif
