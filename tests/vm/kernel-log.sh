# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# What must not be in a kernel log: read by /init inside a host and by
# scripts/vm/judge-log outside, so that both go by the same rule.

# shellcheck disable=SC2034 # for those that read this
# Between these two lines the rule holds. A boot alone may warn.
KLOG_BEGIN='kvm-fixes-vm: the first module is about to be loaded'
# shellcheck disable=SC2034
KLOG_END='kvm-fixes-vm: the scenario is over'

# bad_kernel_lines - the lines of standard input that fail a run.
# A word has no letter or _ beside it: CONFIG_DEBUG_WARNINGS is none.
bad_kernel_lines() {
	grep -E '(^|[^A-Za-z_])(WARNING|BUG|Oops|KASAN|KCSAN|UBSAN|ODEBUG)([^A-Za-z_]|$)|general protection|unable to handle|INFO: (possible|trying|suspicious)|possible (circular|recursive|irq lock|deadlock)|inconsistent lock state|suspicious RCU usage|INFO: task .* blocked|(detected|self-detected) stall|Kernel panic'
}
