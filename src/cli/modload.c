// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading, by libkmod.
 */
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "explain.h"
#include "loaded.h"
#include "modload.h"
#include "resolve.h"

#define UNLOAD_WAIT_MS	2000
#define UNLOAD_POLL_MS	20
#define NO_CONTEXT	"%s was not %s: out of memory, or KVM_FIXES_ROOT is set and there is no kernel"

/* A folder that stands for a host has no kernel: the one that runs is not to be touched. */
static struct kmod_ctx *context(const struct host *host)
{
	if (host->root[0])
		return NULL;
	return kmod_quiet(host_path(host, "/lib/modules/%s", host->release), NULL);
}

/* The kernel log from its present end on; -1 where it cannot be read. */
static int log_open(const struct host *host)
{
	int fd = open(host_path(host, "/dev/kmsg"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static void log_close(int fd, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	if (fd < 0)
		return;
	while (length + 1 < size) {
		ssize_t n = read(fd, text + length, size - 1 - length);

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;	/* overwritten meanwhile: on with the next */
		if (n <= 0)
			break;
		length += (size_t)n;
		text[length] = '\0';
	}
	close(fd);
}

int module_load(const struct host *host, const struct policy *policy, const char *name,
		const struct image *image, const char *extra, char *why)
{
	const char *path = host_path(host, "%s", image->file);
	char options[2 * OPTIONS_MAX], log[8192];
	struct kmod_ctx *ctx = context(host);
	struct kmod_module *module;
	int err, fd;

	snprintf(options, sizeof(options), "%s%s%s", image->options, *extra ? " " : "", extra);
	if (!ctx) {
		snprintf(why, WHY_MAX, NO_CONTEXT, name, "loaded");
		return -ENOMEM;
	}
	err = kmod_module_new_from_path(ctx, path, &module);
	if (err) {
		snprintf(why, WHY_MAX, "%s: cannot be opened (%s)", path, strerror(-err));
		goto out;
	}
	fd = log_open(host);
	err = kmod_module_insert_module(module, 0, options);
	log_close(fd, log, sizeof(log));
	if (err)
		explain_load(name, path, -err, policy, log, why);
	kmod_module_unref(module);
out:
	kmod_unref(ctx);
	return err;
}

static void pause_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

int module_unload(const struct host *host, const char *name, char *why)
{
	double end = now_ms() + UNLOAD_WAIT_MS;
	struct kmod_ctx *ctx = context(host);
	struct kmod_module *module;
	struct loaded loaded;
	int err;

	if (!ctx || kmod_module_new_from_name(ctx, name, &module)) {
		snprintf(why, WHY_MAX, NO_CONTEXT, name, "unloaded");
		err = -ENOMEM;
		goto out;
	}
	for (;;) {
		err = kmod_module_remove_module(module, O_NONBLOCK);
		if ((err != -EAGAIN && err != -EBUSY) || now_ms() >= end)
			break;
		pause_ms(UNLOAD_POLL_MS);
	}
	if (err == -ENOENT)
		err = 0;
	if (err) {
		memset(&loaded, 0, sizeof(loaded));
		loaded_read(host, name, &loaded, why);
		explain_unload(name, -err, &loaded, why);
	}
	kmod_module_unref(module);
out:
	if (ctx)
		kmod_unref(ctx);
	return err;
}

int module_load_by_name(const struct host *host, const char *name, char *why)
{
	struct kmod_ctx *ctx = context(host);
	struct kmod_module *module;
	int err = -ENOMEM;

	if (!ctx)
		goto failed;
	err = kmod_module_new_from_name(ctx, name, &module);
	if (!err) {
		err = kmod_module_probe_insert_module(module, KMOD_PROBE_IGNORE_LOADED, NULL,
						      NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_unref(ctx);
	if (err >= 0)
		return 0;
failed:
	snprintf(why, WHY_MAX, "module %s cannot be loaded (%s); try: modprobe %s",
		 name, strerror(-err), name);
	return err;
}

int module_load_depends(const struct host *host, const struct modfile *file, char *why)
{
	char depends[sizeof(file->depends)];
	char *name, *rest = depends;
	int err = 0;

	snprintf(depends, sizeof(depends), "%s", file->depends);
	while (!err && (name = strsep(&rest, ","))) {
		if (*name && strcmp(name, "kvm") && access(host_path(host, "/sys/module/%s", name), F_OK))
			err = module_load_by_name(host, name, why);
	}
	return err;
}
