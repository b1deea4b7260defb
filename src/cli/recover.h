/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of recover that have nothing to do with a swap.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include "cli.h"

/*
 * Has dkms-kernel repair every kernel whose modules are not all there. Returns how many were
 * repaired, or -errno when an error was already told.
 */
int recover_files(const struct cli *cli);

/*
 * With the boot argument, or where the kernel would refuse the replaced files, writes
 * modprobe lines that load the stock ones; otherwise removes them. For before udev: it needs nothing but
 * /lib/modules and /run. 0, and @why says what the host's own configuration would have done else, if
 * anything; or -errno with @why set.
 */
int recover_boot_stock(const struct host *host, char *why);

#endif
