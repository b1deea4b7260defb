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

int recover_boot_stock(const struct host *host, char *why)
{
	char text[4 * PATH_MAX] = "# Written by kvm-fixes for this boot.\n";
	char file[PATH_MAX];
	int err;

	snprintf(file, sizeof(file), "%s", host_path(host, CHOICE_BOOT_FILE));
	if (!choice_boot_argument(host) && !refused(host))
		return unlink(file) && errno != ENOENT ? -errno : 0;
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
		snprintf(why, WHY_MAX, "%s: cannot be written (%s)", file, strerror(-err));
	return err;
}
