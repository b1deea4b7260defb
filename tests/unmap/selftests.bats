#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM selftests about memslots and the MMU, from the source of $KERNEL, in
# emulated hosts with the modules that `make try` made. That they pass is not the point, and
# in an emulator some do not: they have the same result as with stock modules, and the unmap
# guard, which looks on, blames nothing.

bats_require_minimum_version 1.5.0
load selftests

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD WORK=$BUILD/try/$KERNEL SELF=$BUILD/selftests/$KERNEL
	[[ -e $WORK/trees/fixed ]] || "$REPO/scripts/make-trees" "$KERNEL"
	# shellcheck disable=SC2046 # words
	build_selftests "$(cut -d. -f1,2 <<<"$KERNEL")" "$SELF" $(selftests)
}

# selftests - those of this series. dirty_log_test of 6.1's stable source does not compile.
selftests() {
	printf '%s\n' memslot_modification_stress_test memslot_perf_test set_memory_region_test kvm_page_table_test \
		demand_paging_test x86_64/smm_test x86_64/state_test x86_64/svm_vmcall_test x86_64/svm_nested_soft_inject_test \
		x86_64/vmx_dirty_log_test
	[[ $KERNEL == 6.1.* ]] ||
		printf '%s\n' dirty_log_test guest_memfd_test pre_fault_memory_test x86_64/private_mem_conversions_test
}

# host VENDOR [WITHOUT] - all, but for this one.
host() {
	# shellcheck disable=SC2046 # words
	same_results "$SELF" "$1" "$WORK/trees" "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" $(selftests | grep -vx -- "${2:-none}")
}

@test "AMD: selftests have the same results as with the stock modules, and nothing is blamed" {
	host amd
}

@test "Intel: the same, but for memslot_perf_test, for which Bochs is too slow" {
	host intel memslot_perf_test
}
