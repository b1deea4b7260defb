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
	build_selftests "$(cut -d. -f1,2 <<<"$KERNEL")" "$SELF" $({ selftests amd && selftests intel; } | sort -u)
}

# selftests VENDOR - those of this series. Bochs, which runs Intel's, is too slow for some:
# half a gigabyte of memory, 32,764 memslots, the dirty log of a gigabyte. dirty_log_test of 6.1's
# stable source does not compile.
selftests() {
	printf '%s\n' memslot_modification_stress_test kvm_page_table_test demand_paging_test x86_64/smm_test x86_64/state_test
	[[ $KERNEL == 6.1.* ]] || printf '%s\n' guest_memfd_test pre_fault_memory_test
	case $1 in
	intel) printf '%s\n' x86_64/vmx_dirty_log_test ;;
	amd)
		printf '%s\n' memslot_perf_test set_memory_region_test x86_64/svm_vmcall_test
		[[ $KERNEL == 6.1.* ]] || printf '%s\n' dirty_log_test
		;;
	esac
}

host() {
	# shellcheck disable=SC2046 # words
	same_results "$SELF" "$1" "$WORK/trees" "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" $(selftests "$1")
}

@test "AMD: selftests have the same results as with the stock modules, and nothing is blamed" {
	host amd
}

@test "Intel: the same" {
	host intel
}
