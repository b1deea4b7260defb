/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What modprobe would do, by libkmod: which file, with which options.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "host.h"

struct kmod_ctx;
/*
 * A context whose messages, those on the configuration included, stay out of standard
 * error: errors come back as numbers. @config as for kmod_new(). NULL: out of memory.
 */
struct kmod_ctx *kmod_quiet(const char *dir, const char *const *config);

/*
 * The file that modprobe would load for module @name on kernel @release. @path has
 * PATH_MAX bytes, root included. 0; -ENOENT when modprobe would find none; other
 * -errno, with @why set.
 */
int resolve_file(const struct host *host, const char *release, const char *name, char *path,
		 char *why);

/*
 * The options that modprobe would hand to module @name on the running kernel, out
 * of modprobe.d and the kernel's command line: "a=1 b=2", "" if none.
 */
int resolve_options(const struct host *host, const char *name, char *options, size_t size,
		    char *why);

/*
 * Is there anything in modprobe.d (blacklist does not count, an install command
 * does) that would keep modprobe from loading @name by file? @what gets its text, "" if not.
 */
int resolve_install_command(const struct host *host, const char *name, char *what, size_t size);

/* Does @path lie below @dir? */
bool path_inside(const char *path, const char *dir);

/* Where things of a kernel are; PATH_MAX bytes each, root included. */
void path_stock_dir(const struct host *host, const char *release, char *path);	/* kernel/arch/x86/kvm */
void path_fixed_dir(const struct host *host, const char *release, char *path);	/* updates/dkms */
void path_stock_copy(const struct host *host, const char *release, char *path);	/* /var/lib/kvm-fixes/stock/R */

#endif
