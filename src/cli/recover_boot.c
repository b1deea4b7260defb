// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stock modules for one boot: because that is wanted, or because the kernel would
 * refuse the replaced ones, which would leave the host without KVM.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "choice.h"
#include "json.h"
#include "policy.h"
#include "recover.h"
#include "resolve.h"

/* Secure Boot may be switched on, or DKMS get another key, long after the installation. */
static bool refused(const struct host *host)
{
	const char *const names[] = { "kvm", *host->vendor ? host->vendor : "kvm" };
	char dir[PATH_MAX], path[PATH_MAX];
	struct acceptance verdict;
	struct policy policy;

	policy_read(host, &policy);
	if (!policy_enforcer(&policy) || choice_read(host) == CHOICE_STOCK)
		return false;
	path_fixed_dir(host, host->release, dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (modfile_find(dir, names[i], path))
			continue;
		policy_judge_path(host, &policy, path, &verdict);
		if (verdict.accepted == STATE_NO)
			return true;
	}
	return false;
}

static int stock_line(const struct host *host, const char *name, const char *first, char *text,
		      size_t size)
{
	char dir[PATH_MAX], path[PATH_MAX];
	size_t length = strlen(text);

	path_stock_dir(host, host->release, dir);
	if (modfile_find(dir, name, path))
		return -ENOENT;
	snprintf(text + length, size - length, "install %s %sinsmod %s $CMDLINE_OPTS\n", name, first,
		 path + strlen(host->root));
	return 0;
}

/* A site's install line for one of them, "" if there is none or @ours is there already. */
static void site_line(const struct host *host, const char *ours, char *line)
{
	static const char *const names[] = { "kvm", "kvm_intel", "kvm_amd" };
	char command[WHY_MAX / 2];

	line[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !line[0] && access(ours, F_OK); i++) {
		if (resolve_install_command(host, names[i], command, sizeof(command)) || !command[0])
			continue;
		text_printable(command);
		snprintf(line, WHY_MAX, "install %s %s", names[i], command);
	}
}

/* A line that comes before ours would load ours to the kernel's own kvm: better neither. */
static int check_first(const struct host *host, const char *file, const char *text, char *why)
{
	static const char *const names[] = { "kvm", "kvm_intel", "kvm_amd" };
	char command[2 * PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (resolve_install_command(host, names[i], command, sizeof(command)) == 0 &&
		    command[0] && strstr(text, command))
			continue;
		unlink(file);
		text_printable(command);
		snprintf(why, WHY_MAX, "modprobe.d has 'install %s %.200s' in a file whose name comes before %s, so this boot loads what it always does; rename that file",
			 names[i], command, strrchr(CHOICE_BOOT_FILE, '/') + 1);
		return -EEXIST;
	}
	return 0;
}

int recover_boot_stock(const struct host *host, char *why)
{
	char text[4 * PATH_MAX] = "# Written by kvm-fixes for this boot.\n";
	char file[PATH_MAX], site[WHY_MAX];
	int err;

	why[0] = '\0';
	snprintf(file, sizeof(file), "%s", host_path(host, CHOICE_BOOT_FILE));
	if (!choice_boot_argument(host) && !refused(host)) {
		err = unlink(file) && errno != ENOENT ? -errno : 0;
		if (err)
			snprintf(why, WHY_MAX, "%s: cannot be removed (%s); remove it by hand", file,
				 strerror(-err));
		return err;
	}
	site_line(host, file, site);
	if (stock_line(host, "kvm", "modprobe -q irqbypass; ", text, sizeof(text)) ||
	    stock_line(host, "kvm-intel", "modprobe kvm && ", text, sizeof(text)) ||
	    stock_line(host, "kvm-amd", "modprobe -q ccp; modprobe kvm && ", text, sizeof(text))) {
		snprintf(why, WHY_MAX, "kernel %s: its own modules are not all in kernel/arch/x86/kvm, so this boot cannot be made to load them; run: kvm-fixes recover",
			 host->release);
		return -ENOENT;
	}
	err = folder_make(host_path(host, "/run/modprobe.d"), 0755);
	if (!err)
		err = publish(file, text, strlen(text), 0644);
	if (err)
		snprintf(why, WHY_MAX, "%s: cannot be written (%s); make it writable, or free some space",
			 file, strerror(-err));
	else
		err = check_first(host, file, text, why);
	if (!err && site[0])
		snprintf(why, WHY_MAX, "this boot loads the kernel's own modules, and does not run '%.300s' of modprobe.d",
			 site);
	return err;
}
