// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit of what is installed, before it is loaded.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "kernels.h"
#include "resolve.h"

#define CONF		"/etc/kvm-fixes/kvm-fixes.conf"
#define CONF_MAX	(64u << 10)

void audit_stock_dir(const struct host *host, const char *release, char *dir)
{
	char path[PATH_MAX];

	path_stock_copy(host, release, dir);
	if (modfile_find(dir, "kvm", path))
		path_stock_dir(host, release, dir);
}

void audit_record(const struct host *host, const char *release, char *path)
{
	snprintf(path, PATH_MAX, "%s", host_path(host, KERNEL_RECORDS "/%s/report.json", release));
}

/* "kvm-intel" out of ".../kvm-intel.ko.xz". */
static void name_of(const char *path, char *name)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	snprintf(name, NAME_MAX, "%.*s", (int)strcspn(base, "."), base);
}

int audit_find_stock(const char *dir, const char *built, char *stock, char *why)
{
	char name[NAME_MAX];

	name_of(built, name);
	if (modfile_find(dir, name, stock) == 0)
		return 0;
	snprintf(why, WHY_MAX,
		 "%.250s: no %.60s.ko of the kernel there, or several; name the folder of the shipped modules by --stock",
		 dir, name);
	return -ENOENT;
}

bool audit_blocks_other_compiler(const struct host *host, char *why)
{
	const char *path = host_path(host, CONF);
	char *text, *line, *rest, value[16];
	bool block = false;
	size_t size;
	int err = read_file(path, CONF_MAX, &text, &size);

	why[0] = '\0';
	if (err == -ENOENT)
		return false;
	if (err) {
		snprintf(why, WHY_MAX, "%.200s: cannot be read (%s), and it may forbid modules that cannot be attested; put it right, or remove it",
			 path, strerror(-err));
		return true;
	}
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "audit_compiler = %15s", value) == 1)
			block = strcmp(value, "block") == 0;
	}
	free(text);
	return block;
}

static int undeclared(const char *path, const struct audited *module, const char *release,
		      char *why)
{
	size_t i = 0;

	while (module->findings[i].by)
		i++;
	snprintf(why, WHY_MAX,
		 "%.160s: %s %s %.80s is %s, and no fix declares that (%zu such; see: kvm-fixes audit); run: " CLI_LIBDIR "/dkms-kernel install %s",
		 path, module->name, subject_name(module->findings[i].subject),
		 module->findings[i].name, verdict_name(module->findings[i].verdict),
		 module->undeclared, release);
	return -EPERM;
}

static int judge(const struct host *host, const char *release, const char *path,
		 const struct audited *module, char *note, char *why)
{
	char unread[WHY_MAX];

	if (module->undeclared)
		return undeclared(path, module, release, why);
	if (module->compared)
		return 0;
	snprintf(note, WHY_MAX, "%.160s: not attestable, made by %.60s, the shipped one by %.60s",
		 path, module->compiler, module->stock_compiler);
	if (!audit_blocks_other_compiler(host, unread))
		return 0;
	if (unread[0])
		snprintf(why, WHY_MAX, "%.160s; %.350s", note, unread);
	else
		snprintf(why, WHY_MAX, "%.300s, which " CONF " forbids; have it built by that compiler",
			 note);
	return -EPERM;
}

static int open_record(const struct host *host, const char *release, struct declared *declared,
		       char *why)
{
	char path[PATH_MAX];

	audit_record(host, release, path);
	if (access(path, F_OK) == 0)
		return declared_read(path, declared, why);
	memset(declared, 0, sizeof(*declared));
	snprintf(why, WHY_MAX, "%.250s: is not there, so nobody knows what was built; run: " CLI_LIBDIR "/dkms-kernel install %s",
		 path, release);
	return -ENOENT;
}

int audit_gate(const struct host *host, const char *release, const char *const *built, size_t n,
	       char *note, char *why)
{
	struct declared declared;
	char dir[PATH_MAX], stock[PATH_MAX];
	int err = open_record(host, release, &declared, why);

	note[0] = '\0';
	audit_stock_dir(host, release, dir);
	for (size_t i = 0; !err && i < n; i++) {
		struct audited module = { 0 };

		err = audit_find_stock(dir, built[i], stock, why);
		if (!err)
			err = audit_module(stock, built[i], &declared, &module, why);
		if (!err)
			err = judge(host, release, built[i], &module, note, why);
		audited_free(&module);
	}
	declared_free(&declared);
	return err;
}
