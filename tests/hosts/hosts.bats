#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Emulated hosts with kernel $KERNEL. The first test is `make try` itself; the
# others boot what it made with other module parameters and CPUs.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD WORK=$BUILD/try/$KERNEL
}

# host NAME VENDOR PARAMETERS [OPTION...] - boots with these module parameters.
host() {
	local name=$1 vendor=$2 parameters=$3
	shift 3
	"$REPO/scripts/vm/run-host" --vendor "$vendor" --vmlinuz "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" \
		--initramfs "$WORK/initramfs" --log "$WORK/$name.log" --work "$BUILD/vm" \
		--append "kvmfixes.params=$parameters" "$@"
}

@test "make try: stock, replaced and stock again, Intel and AMD" {
	run make -s -C "$REPO" try "KERNEL=$KERNEL"
	echo "$output"
	[[ $status == 0 && ${lines[-1]} == "try: PASS $KERNEL, 2 hosts:"* ]]
	grep -q '^VM-RESULT: PASS' "$WORK/intel.log"
	grep -q '^VM-RESULT: PASS' "$WORK/amd.log"
}

@test "nothing was loaded into the kernel that runs this" {
	run ! grep -qE '^kvm_fixes|out-of-tree.*kvm' /proc/modules
	[[ ! -e /sys/module/kvm/notes/.note.kvm-fixes ]]
}

@test "AMD with shadow paging (npt=0), 3 CPUs" {
	host amd-npt0 amd npt=0 --cpus 3
}

@test "Intel with shadow paging (ept=0)" {
	host intel-ept0 intel ept=0
}

@test "Intel without unrestricted guest: real mode is emulated, instruction by instruction" {
	host intel-ug0 intel unrestricted_guest=0
}

@test "a host whose module is another than the one installed fails" {
	"$REPO/scripts/vm/make-initramfs" --out "$BATS_TEST_TMPDIR/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree stock="$WORK/trees/stock" --tree fixed="$WORK/trees/stock" --tree after="$WORK/trees/after"
	run "$REPO/scripts/vm/run-host" --vendor amd --vmlinuz "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" \
		--initramfs "$BATS_TEST_TMPDIR/initramfs" --log "$WORK/negative.log" --work "$BUILD/vm"
	echo "$output"
	[[ $status == 1 && $output == *"nothing was installed"* ]]
}
