// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that should be there and are not.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "choice.h"
#include "kernels.h"
#include "recover.h"
#include "resolve.h"
#include "run.h"

#define REPAIR_SECONDS	150u	/* the unit that runs us has 180 */
#define DKMS_KERNEL	CLI_LIBDIR "/dkms-kernel"

static const char * const modules[] = { "kvm", "kvm-intel", "kvm-amd" };

#define N_MODULES	(sizeof(modules) / sizeof(modules[0]))

/* Those that are there and whole as far as a look at their ends and sections tells. */
static unsigned int count(const char *dir)
{
	char path[PATH_MAX], why[WHY_MAX];
	struct modfile file;
	unsigned int n = 0;

	for (size_t i = 0; i < N_MODULES; i++)
		n += modfile_find(dir, modules[i], path) == 0 &&
		     modfile_identify(path, &file, why) == 0;
	return n;
}

/*
 * What an installation left that was cut short: one of ours, or a file that is no module any
 * more. modprobe does not take it now, but the next depmod, whoever runs it, would.
 */
static bool left_over(const char *dir)
{
	char path[PATH_MAX], why[WHY_MAX];
	struct modfile file;

	for (size_t i = 0; i < N_MODULES; i++)
		if (modfile_find(dir, modules[i], path) == 0 &&
		    (modfile_identify(path, &file, why) || file.stamp.present))
			return true;
	return false;
}

/* Only kernels that we had to do with. */
static bool damaged(const struct host *host, const struct kernel *kernel)
{
	char dir[PATH_MAX];
	unsigned int ours, stock;

	if (!kernel->stock_copy[0] || access(host_path(host, "/lib/modules/%s/kernel", kernel->release), F_OK))
		return false;
	path_fixed_dir(host, kernel->release, dir);
	ours = count(dir);
	path_stock_dir(host, kernel->release, dir);
	stock = count(dir);
	if (stock < N_MODULES)
		return true;
	if (strcmp(kernel->state, "installed") == 0)
		return ours < N_MODULES || !kernel->next[0] || access(kernel->next, R_OK);
	path_fixed_dir(host, kernel->release, dir);
	return left_over(dir) || (kernel->next[0] && access(kernel->next, R_OK));
}

void recovery_failed(struct recovery *recovery, const char *fmt, ...)
{
	size_t length = strlen(recovery->more);
	char text[WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!recovery->failures++)
		snprintf(recovery->first, sizeof(recovery->first), "%s", text);
	else
		snprintf(recovery->more + length, sizeof(recovery->more) - length, "%s%s",
			 length ? "; " : "", text);
}

static void repair(const struct cli *cli, const char *release, struct recovery *recovery)
{
	char program[PATH_MAX], why[WHY_MAX];
	const char *argv[] = { program, "repair", release, NULL };

	snprintf(program, sizeof(program), "%s", host_path(&cli->host, DKMS_KERNEL));
	cli_step(cli, "kernel %s: putting its module files right", release);
	if (run_program(argv, REPAIR_SECONDS, NULL, why)) {
		recovery_failed(recovery, "kernel %s: its module files are not all there, and %s",
				release, why);
		return;
	}
	recovery->repaired++;
	if (strcmp(release, cli->host.release) == 0)
		recovery->running = true;
}

void recover_files(const struct cli *cli, struct recovery *recovery)
{
	struct kernel *list;
	char why[WHY_MAX];
	size_t n;

	if (kernels_read(&cli->host, &list, &n, why)) {
		recovery_failed(recovery, "%s", why);
		return;
	}
	setenv("KVM_FIXES_LOCKED", "1", 1);	/* it must not wait for our own lock */
	for (size_t i = 0; i < n; i++) {
		if (damaged(&cli->host, &list[i]))
			repair(cli, list[i].release, recovery);
	}
	free(list);
}
