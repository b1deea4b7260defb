// SPDX-License-Identifier: GPL-2.0-only
/*
 * What modprobe would do, by libkmod. It reads the kernel's command line by itself,
 * of the machine that it runs on even where the host is a folder.
 */
#include <errno.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resolve.h"

static const char *const config_dirs[] = {
	"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
	"/lib/modprobe.d",
};

#define N_CONFIG_DIRS	(sizeof(config_dirs) / sizeof(config_dirs[0]))

bool path_inside(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && path[length] == '/';
}

void path_stock_dir(const struct host *host, const char *release, char *path)
{
	snprintf(path, PATH_MAX, "%s",
		 host_path(host, "/lib/modules/%s/kernel/arch/x86/kvm", release));
}

void path_fixed_dir(const struct host *host, const char *release, char *path)
{
	snprintf(path, PATH_MAX, "%s", host_path(host, "/lib/modules/%s/updates/dkms", release));
}

void path_stock_copy(const struct host *host, const char *release, char *path)
{
	snprintf(path, PATH_MAX, "%s", host_path(host, "/var/lib/kvm-fixes/stock/%s", release));
}

/* It complains of the configuration on standard error before it can be told not to. */
struct kmod_ctx *kmod_quiet(const char *dir, const char *const *config)
{
	const char *level = getenv("KMOD_LOG");
	char *former = level ? strdup(level) : NULL;
	struct kmod_ctx *kmod;

	setenv("KMOD_LOG", "0", 1);
	kmod = kmod_new(dir, config);
	if (former)
		setenv("KMOD_LOG", former, 1);
	else
		unsetenv("KMOD_LOG");
	free(former);
	return kmod;
}

static struct kmod_ctx *open_kmod(const struct host *host, const char *release, char *why)
{
	char paths[N_CONFIG_DIRS][PATH_MAX];
	const char *config[N_CONFIG_DIRS + 1];
	struct kmod_ctx *kmod;

	for (size_t i = 0; i < N_CONFIG_DIRS; i++) {
		snprintf(paths[i], PATH_MAX, "%s", host_path(host, "%s", config_dirs[i]));
		config[i] = paths[i];
	}
	config[N_CONFIG_DIRS] = NULL;
	kmod = kmod_quiet(host_path(host, "/lib/modules/%s", release), config);
	if (!kmod)
		snprintf(why, WHY_MAX, "%.250s: modprobe's configuration cannot be read; see that it is sound and that there is free memory",
			 paths[0]);
	return kmod;
}

/* As modprobe goes about it: aliases of modprobe.d come first. NULL if it finds none. */
static struct kmod_module *look_up(struct kmod_ctx *kmod, const char *name)
{
	struct kmod_module *module = NULL;
	struct kmod_list *list = NULL;

	if (kmod_module_new_from_lookup(kmod, name, &list) < 0)
		return NULL;
	if (list)
		module = kmod_module_get_module(list);
	kmod_module_unref_list(list);
	return module;
}

int resolve_file(const struct host *host, const char *release, const char *name, char *path,
		 char *why)
{
	struct kmod_ctx *kmod = open_kmod(host, release, why);
	struct kmod_module *module;
	const char *found;
	int err = -ENOENT;

	path[0] = '\0';
	if (!kmod)
		return -EIO;
	module = look_up(kmod, name);
	found = module ? kmod_module_get_path(module) : NULL;
	if (!found)
		snprintf(why, WHY_MAX, "modprobe would find no file for %s on kernel %s; run: depmod %s",
			 name, release, release);
	else if (access(found, F_OK))
		snprintf(why, WHY_MAX, "modprobe would look for %.250s, which is not there; run: kvm-fixes recover",
			 found);
	else
		err = snprintf(path, PATH_MAX, "%s", found) < PATH_MAX ? 0 : -ENAMETOOLONG;
	kmod_module_unref(module);
	kmod_unref(kmod);
	return err;
}

int resolve_options(const struct host *host, const char *name, char *options, size_t size,
		    char *why)
{
	struct kmod_ctx *kmod = open_kmod(host, host->release, why);
	struct kmod_module *module = NULL;
	const char *found = NULL;
	int err;

	options[0] = '\0';
	if (!kmod)
		return -EIO;
	err = kmod_module_new_from_name(kmod, name, &module);
	if (err)
		snprintf(why, WHY_MAX, "%s: options cannot be looked up: %s; try again", name, strerror(-err));
	else
		found = kmod_module_get_options(module);
	if (found && (size_t)snprintf(options, size, "%s", found) >= size) {
		snprintf(why, WHY_MAX, "%s: its options in modprobe.d are too long to be handed over; shorten them",
			 name);
		options[0] = '\0';
		err = -E2BIG;
	}
	kmod_module_unref(module);
	kmod_unref(kmod);
	return err;
}

int resolve_install_command(const struct host *host, const char *name, char *what, size_t size)
{
	struct kmod_module *module = NULL;
	const char *found = NULL;
	char why[WHY_MAX];
	struct kmod_ctx *kmod = open_kmod(host, host->release, why);
	int err;

	what[0] = '\0';
	if (!kmod)
		return -EIO;
	err = kmod_module_new_from_name(kmod, name, &module);
	if (!err)
		found = kmod_module_get_install_commands(module);
	if (found)
		snprintf(what, size, "%s", found);
	kmod_module_unref(module);
	kmod_unref(kmod);
	return err;
}
