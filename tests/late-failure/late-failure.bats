#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# A vendor module's load that fails late, in emulated hosts with kernel $KERNEL: the fixes'
# files in debugfs go with the module that they belong to. Not for 6.1 and before, whose own
# kvm_init() leaves its syscore operations registered as well: the next load runs into a BUG.

bats_require_minimum_version 1.5.0
load ../vm/kept

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	LATE=$BUILD/late-failure/$KERNEL
	export REPO BUILD LATE
	find_kernel
	make -s -C "$REPO" BUILD="$BUILD" vmm
	rm -rf "$LATE" && mkdir -p "$LATE"
	"$REPO/scripts/vm/make-initramfs" --out "$LATE/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree stock="$TREES/stock" --tree fixed="$TREES/fixed" \
		--file "$(test_module kvm-late-failure "$LATE")=/kvm-late-failure.ko"
}

# host VENDOR TREE
host() {
	"$REPO/scripts/vm/run-host" --vendor "$1" --vmlinuz "$IMAGE/boot/vmlinuz-$KERNEL" --initramfs "$LATE/initramfs" \
		--log "$LATE/$1-$2.log" --work "$BUILD/vm" --timeout 600 --append "kvmfixes.scenario=late-failure kvmfixes.tree=$2"
}

@test "AMD: nothing of ours is left in debugfs, and the next load has all of it" {
	host amd fixed
}

@test "AMD: the kernel's own modules leave it there on 6.12 and 7.2, and no longer on 7.3" {
	run host amd stock
	echo "$output"
	[[ $status == 1 ]]
	case $KERNEL in
	6.12.* | 7.2.*) grep '^STEP nothing-left FAIL debugfs has files of a module that is gone' "$LATE/amd-stock.log" ;;
	*) grep '^STEP nothing-left ok' "$LATE/amd-stock.log" ;;
	esac
}

@test "Intel: the same" {
	host intel fixed
}
