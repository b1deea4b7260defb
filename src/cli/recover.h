/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of recover that have nothing to do with a swap.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include "cli.h"

/* kvm-fixes-recover.service has time for both and for depmod: TimeoutStartSec. */
#define RECOVER_LOCK_SECONDS	60u	/* at boot a package's hook may be at work */
#define RECOVER_REPAIR_SECONDS	150u

/**
 * struct recovery - what was put right, and what could not be
 * @repaired: kernels whose module files are all there again
 * @running: the kernel that runs is one of them
 * @failures: how many things went wrong; none keeps the rest from being done
 * @first: the first of them
 * @more: the others, as far as there is room
 */
struct recovery {
	unsigned int repaired;
	bool running;
	unsigned int failures;
	char first[WHY_MAX];
	char more[2 * WHY_MAX];
};

/* One thing more that went wrong. */
void recovery_failed(struct recovery *recovery, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Has dkms-kernel repair every kernel whose modules are not all there, the one that runs first, for
 * all of them within @seconds. 0, or -EINTR when a signal ended it before all were looked at.
 */
int recover_files(const struct cli *cli, unsigned int seconds, struct recovery *recovery);

/*
 * With the boot argument, or where the kernel would refuse the replaced files, writes
 * modprobe lines that load the stock ones; otherwise removes them. For before udev: it needs nothing but
 * /lib/modules and /run. 0, and @why says what the host's own configuration would have done else, if
 * anything; or -errno with @why set.
 */
int recover_boot_stock(const struct host *host, char *why);

#endif
