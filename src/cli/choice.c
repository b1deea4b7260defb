// SPDX-License-Identifier: GPL-2.0-only
/*
 * The choice between replaced and stock modules, in depmod's own terms. depmod
 * writes its answer beside the one in use; then each file is published.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "choice.h"
#include "modfile.h"
#include "resolve.h"
#include "run.h"

#define DEPMOD_SECONDS	300u	/* six on a common host */
#define INDEX_MAX	(64u << 20)	/* bytes of one of depmod's files */
/* What resolved() goes by: it comes last, so that what was cut short is not taken for settled. */
#define DECIDING	"modules.dep.bin"

static const char override_text[] =
	"# Written by kvm-fixes: the kernel's own KVM modules are what loads.\n"
	"# `kvm-fixes swap --to fixed` removes this file.\n"
	"override kvm * kernel/arch/x86/kvm\n"
	"override kvm-intel * kernel/arch/x86/kvm\n"
	"override kvm-amd * kernel/arch/x86/kvm\n";

const char *choice_name(enum choice choice)
{
	return choice == CHOICE_STOCK ? "stock" : "fixed";
}

enum choice choice_read(const struct host *host)
{
	return access(host_path(host, CHOICE_FILE), F_OK) ? CHOICE_FIXED : CHOICE_STOCK;
}

bool choice_boot_argument(const struct host *host)
{
	char line[8192];
	char *word, *rest = line;

	read_text(host_path(host, "/proc/cmdline"), line, sizeof(line));
	while ((word = strsep(&rest, " \t\n"))) {
		if (strcmp(word, CHOICE_BOOT_ARGUMENT) == 0)
			return true;
	}
	return false;
}

enum boot_stock choice_boot_stock(const struct host *host)
{
	if (choice_boot_argument(host))
		return BOOT_STOCK_TOLD;
	return access(host_path(host, CHOICE_BOOT_FILE), F_OK) ? BOOT_AS_CHOSEN : BOOT_STOCK_REFUSED;
}

static int write_choice(const struct host *host, enum choice choice)
{
	const char *path = host_path(host, CHOICE_FILE);
	int err;

	if (choice == CHOICE_FIXED) {
		if (unlink(path))
			return errno == ENOENT ? 0 : -errno;
		return folder_sync(host_path(host, "/etc/depmod.d"));
	}
	err = folder_make(host_path(host, "/etc/depmod.d"), 0755);
	return err ? err : publish(path, override_text, sizeof(override_text) - 1, 0644);
}

/* Does modprobe take all three from where the choice says? @path: the first that it does not, "" if none. */
static bool resolved(const struct host *host, const char *release, enum choice choice, char *path)
{
	static const char * const names[] = { "kvm", "kvm_intel", "kvm_amd" };
	char dir[PATH_MAX], why[WHY_MAX];

	if (choice == CHOICE_STOCK)
		path_stock_dir(host, release, dir);
	else
		path_fixed_dir(host, release, dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (resolve_file(host, release, names[i], path, why) || !path_inside(path, dir))
			return false;
	}
	return true;
}

/* Of depmod's own files only these are its input, and no modules lie behind the links to headers. */
static bool input(const char *name)
{
	if (strncmp(name, "modules.", 8) != 0)
		return name[0] != '.' && strcmp(name, "build") && strcmp(name, "source");
	return strcmp(name, "modules.order") == 0 || strcmp(name, "modules.builtin") == 0 ||
	       strcmp(name, "modules.builtin.modinfo") == 0;
}

/* Of what depmod wrote into @dir: DECIDING alone, or all but that. */
static int publish_some(DIR *dir, const char *from, const char *to, bool deciding)
{
	char source[PATH_MAX], target[PATH_MAX];
	struct dirent *entry;
	int err = 0;

	while (!err && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "modules.", 8) != 0 || input(entry->d_name) ||
		    (strcmp(entry->d_name, DECIDING) == 0) != deciding)
			continue;
		if (snprintf(source, sizeof(source), "%s/%s", from, entry->d_name) >= PATH_MAX ||
		    snprintf(target, sizeof(target), "%s/%s", to, entry->d_name) >= PATH_MAX)
			err = -ENAMETOOLONG;
		else
			err = publish_copy(source, target, INDEX_MAX);
	}
	return err;
}

/* All that depmod wrote into @from, onto the disk and into place. */
static int publish_indexes(const char *from, const char *to)
{
	DIR *dir = opendir(from);
	int err;

	if (!dir)
		return -errno;
	err = publish_some(dir, from, to, false);
	rewinddir(dir);
	if (!err)
		err = publish_some(dir, from, to, true);
	closedir(dir);
	return err;
}

/* A real host's depmod finds its configuration by itself; a fake one's is named. */
static size_t config_arguments(const struct host *host, const char *argv[], size_t n)
{
	static const char * const dirs[] = {
		"/etc/depmod.d", "/run/depmod.d", "/usr/local/lib/depmod.d", "/lib/depmod.d"
	};
	static char paths[4][PATH_MAX];

	for (size_t i = 0; host->root[0] && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(paths[i], PATH_MAX, "%s", host_path(host, "%s", dirs[i]));
		if (access(paths[i], F_OK))
			continue;
		argv[n++] = "-C";
		argv[n++] = paths[i];
	}
	return n;
}

/* A folder of links to what is in @from, for depmod to read here and write there. */
static int make_view(const char *from, const char *to)
{
	char source[PATH_MAX], target[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(from);
	int err;

	if (!dir)
		return -errno;
	err = folder_make(to, 0755);
	while (!err && (entry = readdir(dir))) {
		if (!input(entry->d_name))
			continue;
		if (snprintf(source, sizeof(source), "%s/%s", from, entry->d_name) >= PATH_MAX ||
		    snprintf(target, sizeof(target), "%s/%s", to, entry->d_name) >= PATH_MAX)
			err = -ENAMETOOLONG;
		else if (symlink(source, target))
			err = -errno;
	}
	closedir(dir);
	return err;
}

static int run_depmod(const struct host *host, const char *release, const char *work, char *why)
{
	const char *argv[20] = { "depmod", "-a", "-b", work };
	char map[PATH_MAX], view[PATH_MAX], dir[PATH_MAX], usr[PATH_MAX];
	size_t n = 4;
	int err;

	snprintf(dir, sizeof(dir), "%s", host_path(host, "/lib/modules/%s", release));
	if (snprintf(view, sizeof(view), "%s/lib/modules/%s", work, release) >= PATH_MAX ||
	    snprintf(usr, sizeof(usr), "%s/usr", work) >= PATH_MAX)
		return -ENAMETOOLONG;
	err = make_view(dir, view);
	/* Some depmods look below usr. */
	if (!err && symlink(".", usr))
		err = -errno;
	if (err) {
		snprintf(why, WHY_MAX, "%s: cannot be written (%s); make it writable, or free some space there", work,
			 strerror(-err));
		return err;
	}
	n = config_arguments(host, argv, n);
	snprintf(map, sizeof(map), "%s", host_path(host, "/boot/System.map-%s", release));
	if (access(map, R_OK) == 0) {
		argv[n++] = "-F";
		argv[n++] = map;
	}
	argv[n] = release;
	err = run_program(argv, DEPMOD_SECONDS, NULL, why);
	if (err)
		return err;
	err = publish_indexes(view, dir);
	if (err)
		snprintf(why, WHY_MAX, "%s: cannot be written (%s); make it writable, or free some space there", dir,
			 strerror(-err));
	return err;
}

/* depmod for @release, if its answer is not what it should be. */
static int settle(const struct host *host, const char *release, enum choice choice, char *why)
{
	char work[PATH_MAX], path[PATH_MAX];
	int err;

	if (resolved(host, release, choice, path))
		return 0;
	snprintf(work, sizeof(work), "%s", host_path(host, "/var/lib/kvm-fixes/depmod.XXXXXX"));
	if (!mkdtemp(work)) {
		err = -errno;
		snprintf(why, WHY_MAX, "%s: cannot be made (%s); make it writable, or free some space there", work,
			 strerror(-err));
		return err;
	}
	err = run_depmod(host, release, work, why);
	remove_tree(work);
	if (!err && !resolved(host, release, choice, path)) {
		snprintf(why, WHY_MAX,
			 "kernel %s: depmod prefers %.200s to the %s modules all the same; remove that file, or look for override and search lines in depmod.d",
			 release, path[0] ? path : "others", choice_name(choice));
		err = -EEXIST;
	}
	return err;
}

/* Replaced modules of ours are there, so that there is a choice. */
static bool has_ours(const struct host *host, const char *release)
{
	char dir[PATH_MAX], path[PATH_MAX], why[WHY_MAX];
	struct modfile file;

	if (!release_valid(release))
		return false;
	path_fixed_dir(host, release, dir);
	return modfile_find(dir, "kvm", path) == 0 && modfile_identify(path, &file, why) == 0 &&
	       file.stamp.present;
}

static int settle_all(const struct host *host, enum choice choice, char *why)
{
	char other[WHY_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	if (has_ours(host, host->release))
		err = settle(host, host->release, choice, why);
	dir = opendir(host_path(host, "/lib/modules"));
	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, host->release) && has_ours(host, entry->d_name) &&
		    settle(host, entry->d_name, choice, other) && !err) {
			snprintf(why, WHY_MAX, "%s", other);
			err = -EIO;
		}
	}
	if (dir)
		closedir(dir);
	return err;
}

int choice_set(const struct host *host, enum choice choice, char *why)
{
	int err = write_choice(host, choice);

	if (err) {
		snprintf(why, WHY_MAX, "%s: cannot be changed (%s); make it writable, or free some space there",
			 host_path(host, CHOICE_FILE), strerror(-err));
		return err;
	}
	return settle_all(host, choice, why);
}

void choice_tidy(const struct host *host)
{
	DIR *dir = opendir(host_path(host, "/var/lib/kvm-fixes"));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "depmod.", 7) == 0)
			remove_tree(host_path(host, "/var/lib/kvm-fixes/%s", entry->d_name));
	}
	if (dir)
		closedir(dir);
}
