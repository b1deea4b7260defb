/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which modules a boot loads, for good: the replaced ones (nothing to be written
 * down), or the stock ones, by "override" lines for depmod.
 */
#ifndef CHOICE_H
#define CHOICE_H

#include "host.h"

enum choice { CHOICE_FIXED, CHOICE_STOCK };

#define CHOICE_FILE		"/etc/depmod.d/kvm-fixes-stock.conf"
#define CHOICE_BOOT_ARGUMENT	"kvm_fixes=stock"
/*
 * Of install lines for a module modprobe takes the first by file name: behind a swap's, and before
 * a site's, which begin with digits or letters.
 */
#define CHOICE_BOOT_FILE	"/run/modprobe.d/+kvm-fixes-this-boot.conf"

const char *choice_name(enum choice choice);	/* "fixed", "stock" */
enum choice choice_read(const struct host *host);

/*
 * Writes or removes the lines and has depmod's answer made anew for every kernel
 * that has our modules. 0, or -errno with @why set.
 */
int choice_set(const struct host *host, enum choice choice, char *why);

/* Removes the folders that a choice_set() which was killed left. */
void choice_tidy(const struct host *host);

/*
 * Does this boot load the stock modules, whatever is chosen? Because it was told to, or
 * because `recover --early` found that the kernel would refuse the replaced ones.
 */
enum boot_stock { BOOT_AS_CHOSEN, BOOT_STOCK_TOLD, BOOT_STOCK_REFUSED };
enum boot_stock choice_boot_stock(const struct host *host);

/* Is CHOICE_BOOT_ARGUMENT on the kernel's command line? */
bool choice_boot_argument(const struct host *host);

#endif
