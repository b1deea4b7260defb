/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One run at a time on a host: the lock that dkms-kernel takes too, since it changes
 * the same files.
 */
#ifndef LOCK_H
#define LOCK_H

#include "host.h"

#define LOCK_FILE	"/var/lib/kvm-fixes/lock"

/*
 * Takes it, waiting at most @seconds. Returns a descriptor to be closed, or -errno with
 * @why set: -EWOULDBLOCK when somebody else has it, -EINTR after a signal.
 */
int lock_take(const struct host *host, unsigned int seconds, char *why);

/*
 * From now on INT, TERM, HUP and QUIT only set run_interrupted, no other signal stops us, and
 * the OOM killer looks elsewhere.
 */
void signals_hold(void);

/* From now on those are ignored too: what is under way can only be finished. */
void signals_ignore(void);

#endif
