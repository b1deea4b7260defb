/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel series, in one place. Each difference hangs on a
 * probe of the source or of the headers (kvm-fixes/probes.h, written by
 * scripts/prepare-source from include/kvm-fixes/probes), never on a version.
 */
#ifndef KVM_FIXES_COMPAT_H
#define KVM_FIXES_COMPAT_H

#include <linux/lockdep.h>
#include <linux/srcu.h>
#include <kvm-fixes/probes.h>

#ifndef KVM_FIXES_HAVE_SMP_MB_AFTER_SRCU_READ_LOCK
/*
 * Order what follows after the srcu_read_lock() that came before. Kernels
 * without it have the full barrier inside __srcu_read_lock() ("B" in
 * kernel/rcu/srcutree.c), in a function the compiler cannot see through, so
 * there is nothing to add. It marks which code relies on that barrier.
 */
static inline void smp_mb__after_srcu_read_lock(void)
{
}
#endif

#ifndef KVM_FIXES_HAVE_LOCKDEP_ASSERT_ONCE
/* Like lockdep_assert_held_once(), of any condition; nothing without lockdep. */
#ifdef CONFIG_LOCKDEP
#define lockdep_assert_once(cond)	WARN_ON_ONCE(debug_locks && !(cond))
#else
#define lockdep_assert_once(cond)	((void)sizeof(!(cond)))
#endif
#endif

#endif /* KVM_FIXES_COMPAT_H */
