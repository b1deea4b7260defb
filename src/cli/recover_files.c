// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that should be there and are not.
 */
#include <errno.h>
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

/* Until @end at most. 0, or -EINTR, which is not told here. */
static int repair(const struct cli *cli, const char *release, double end,
		  struct recovery *recovery)
{
	double left = end - now_ms();
	char program[PATH_MAX], why[WHY_MAX] = "no time was left for it";
	const char *argv[] = { program, "repair", release, NULL };
	int err = -ETIMEDOUT;

	snprintf(program, sizeof(program), "%s", host_path(&cli->host, DKMS_KERNEL));
	if (left > 0) {
		cli_step(cli, "kernel %s: putting its module files right", release);
		err = run_program(argv, (unsigned int)((left + 999) / 1e3), NULL, why);
	}
	if (err == -EINTR)
		return err;
	if (err) {
		recovery_failed(recovery, "kernel %s: its module files are not all there, and %s%s",
				release, why, err == -ETIMEDOUT ? "; run: kvm-fixes recover" : "");
		return 0;
	}
	recovery->repaired++;
	if (strcmp(release, cli->host.release) == 0)
		recovery->running = true;
	return 0;
}

/* The running kernel's, or all others. */
static int repair_some(const struct cli *cli, const struct kernel *list, size_t n, bool running,
		       double end, struct recovery *recovery)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (run_interrupted)
			err = -EINTR;
		else if ((strcmp(list[i].release, cli->host.release) == 0) == running &&
			 damaged(&cli->host, &list[i]))
			err = repair(cli, list[i].release, end, recovery);
	}
	return err;
}

int recover_files(const struct cli *cli, unsigned int seconds, struct recovery *recovery)
{
	double end = now_ms() + seconds * 1e3;
	struct kernel *list;
	char why[WHY_MAX];
	size_t n;
	int err;

	if (kernels_read(&cli->host, &list, &n, why)) {
		recovery_failed(recovery, "%s", why);
		return 0;
	}
	setenv("KVM_FIXES_LOCKED", "1", 1);	/* it must not wait for our own lock */
	err = repair_some(cli, list, n, true, end, recovery);
	if (!err)
		err = repair_some(cli, list, n, false, end, recovery);
	free(list);
	return err;
}
