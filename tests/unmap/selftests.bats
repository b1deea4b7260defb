#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM selftests about memslots and the MMU, from the source of $KERNEL, in
# emulated hosts with the modules that `make try` made. That they pass is not the point, and
# in an emulator some do not: they have the same result as with stock modules, and the unmap
# guard, which looks on, blames nothing.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD WORK=$BUILD/try/$KERNEL SELF=$BUILD/selftests/$KERNEL
	[[ -e $WORK/trees/fixed ]] || "$REPO/scripts/make-trees" "$KERNEL"
	[[ -e $SELF/built ]] || build
}

# selftests - those of this series. dirty_log_test of 6.1's stable source does not compile.
selftests() {
	printf '%s\n' memslot_modification_stress_test memslot_perf_test set_memory_region_test kvm_page_table_test \
		demand_paging_test x86_64/smm_test x86_64/state_test x86_64/svm_vmcall_test x86_64/svm_nested_soft_inject_test \
		x86_64/vmx_dirty_log_test
	[[ $KERNEL == 6.1.* ]] ||
		printf '%s\n' dirty_log_test guest_memfd_test pre_fault_memory_test x86_64/private_mem_conversions_test
}

# build - what they need of the source, and the programs, static.
build() {
	local test targets=() series
	series=$(cut -d. -f1,2 <<<"$KERNEL")
	rm -rf "$SELF" && mkdir -p "$SELF/source" "$SELF/objects" "$SELF/tests/x86_64"
	xz -dc "/usr/src/linux-source-$series.tar.xz" | tar -x -C "$SELF/source" --strip-components=1 --wildcards \
		'*/Makefile' '*/Kbuild' '*/arch/x86' '*/include' '*/scripts' '*/tools' '*/usr'
	for test in $(selftests); do
		targets+=("$SELF/tests/$test")
	done
	make -s -C "$SELF/source" O="$SELF/objects" ARCH=x86 headers_install INSTALL_HDR_PATH="$SELF/headers" >"$SELF/log" 2>&1
	make -s -C "$SELF/source/tools/testing/selftests/kvm" OUTPUT="$SELF/tests" ARCH=x86 \
		LINUX_HDR_PATH="$SELF/headers/include/" LDLIBS=-ldl LDFLAGS='-static -pthread -no-pie' "${targets[@]}" >>"$SELF/log" 2>&1
	rm -rf "$SELF/source" "$SELF/objects"
	touch "$SELF/built"
}

# host VENDOR - each has run with both, to the same end.
host() {
	local test files=() log=$SELF/$1.log
	for test in $(selftests); do
		files+=(--file "$SELF/tests/$test=/selftests/${test##*/}")
	done
	"$REPO/scripts/vm/make-initramfs" --out "$SELF/initramfs" --tree stock="$WORK/trees/stock" \
		--tree fixed="$WORK/trees/fixed" "${files[@]}"
	"$REPO/scripts/vm/run-host" --vendor "$1" --vmlinuz "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" \
		--initramfs "$SELF/initramfs" --log "$log" --work "$BUILD/vm" --timeout 2400 --mem 2048 \
		--append kvmfixes.scenario=unmap-selftests
	grep -E '^(SELFTEST|SLOW|SAID|GUARD)' "$log"
	for test in $(selftests); do
		grep -q "^SELFTEST fixed ${test##*/}[ :]" "$log"
	done
	[[ $(grep -cE '^SELFTEST fixed .*: 0' "$log") -ge 5 ]]
}

@test "AMD: selftests have the same results as with the stock modules, and nothing is blamed" {
	host amd
}

@test "Intel: the same" {
	host intel
}
