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

# Whose data races are looked for. A kernel with KCSAN finds others too, in KVM and
# elsewhere, that are as old as these functions and not ours to judge.
KCSAN_SUBJECT='kvm_io_bus|kvm_iodevice|kvm_bus_|bus_reclaim|bus_enqueue|bus_free|ioeventfd|coalesced'

# bad_kernel_lines [KNOWN] - the lines of standard input that fail a run; KNOWN is an extended
# regular expression for those that do not, see known_warning in lib.sh.
# A word has no letter or _ beside it: CONFIG_DEBUG_WARNINGS is none.
bad_kernel_lines() {
	grep -E '(^|[^A-Za-z_])(WARNING|BUG|Oops|KASAN|KCSAN|UBSAN|ODEBUG)([^A-Za-z_]|$)|general protection|unable to handle|INFO: (possible|trying|suspicious)|possible (circular|recursive|irq lock|deadlock)|inconsistent lock state|suspicious RCU usage|INFO: task .* blocked|(detected|self-detected) stall|Kernel panic' |
		KNOWN=${1:-} awk -v subject="$KCSAN_SUBJECT" '
			ENVIRON["KNOWN"] != "" && $0 ~ ENVIRON["KNOWN"] { next }
			!/KCSAN: data-race in / || $0 ~ subject { print; bad = 1 }
			END { exit !bad }'
}
