/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Modules into the kernel and out of it, one at a time, by file.
 */
#ifndef MODLOAD_H
#define MODLOAD_H

#include "journal.h"
#include "policy.h"

/*
 * Loads @image as module @name with its options and @extra ones behind them. modprobe's
 * configuration has no say. 0 or -errno, with @why in words.
 */
int module_load(const struct host *host, const struct policy *policy, const char *name,
		const struct image *image, const char *extra, char *why);

/*
 * Unloads it if it is there. A reference that goes away within a moment (a VM's last work) is waited
 * for. 0 or -errno, with @why in words.
 */
int module_unload(const struct host *host, const char *name, char *why);

/* As modprobe would. 0 or -errno. */
int module_load_by_name(const struct host *host, const char *name, char *why);

/* Loads what @file depends on but kvm, as modprobe would. 0 or -errno. */
int module_load_depends(const struct host *host, const struct modfile *file, char *why);

#endif
