#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The unmap guard in emulated hosts with kernel $KERNEL, on the modules that `make try`
# made: silent while all is done rightly, and right when something is done wrong, which a
# module of its own does (tests/unmap/module).

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	WORK=$BUILD/try/$KERNEL
	export REPO BUILD WORK UNMAP=$BUILD/unmap/$KERNEL
	[[ -e $WORK/trees/fixed ]] || "$REPO/scripts/make-trees" "$KERNEL"
	make -s -C "$REPO" BUILD="$BUILD" vmm
	make -s -C "$REPO" -f tests/unmap/unmap.mk BUILD="$BUILD" unmap-storm
	rm -rf "$UNMAP" && mkdir -p "$UNMAP"
	cp "$REPO"/tests/unmap/module/* "$UNMAP/"
	"$REPO/scripts/prepare-source" --kernel "$KERNEL" --out "$UNMAP/tree"
	make -s -C "/lib/modules/$KERNEL/build" M="$UNMAP" TREE="$UNMAP/tree" modules >"$UNMAP/log" 2>&1
	"$REPO/scripts/vm/make-initramfs" --out "$UNMAP/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree fixed="$WORK/trees/fixed" --file "$BUILD/kvm-unmap-storm=/bin/kvm-unmap-storm" \
		--file "$UNMAP/kvm-violate.ko=/kvm-violate.ko"
}

# host NAME VENDOR [ARGUMENT...] - boots and runs the scenario with these arguments.
host() {
	local name=$1 vendor=$2
	shift 2
	"$REPO/scripts/vm/run-host" --vendor "$vendor" --vmlinuz "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" \
		--initramfs "$UNMAP/initramfs" --log "$UNMAP/$name.log" --work "$BUILD/vm" --timeout 900 \
		--mem 640 --append "kvmfixes.scenario=unmap-guard $*"
}

log_has() { grep -cE -- "$2" "$UNMAP/$1.log"; }

@test "AMD: nothing is blamed without a cause, and each thing done wrong once and by its name" {
	host amd amd
	grep -E '^(WRONG|STORM|SWITCHED)' "$UNMAP/amd.log"
	[[ $(log_has amd '^WRONG .* not_waited 0 -> 1') == 1 ]]
}

@test "Intel: the same" {
	host intel intel kvmfixes.rounds=2
	grep -E '^(WRONG|STORM|SWITCHED)' "$UNMAP/intel.log"
	[[ $(log_has intel '^WRONG .* not_waited 0 -> 1') == 1 ]]
}

@test "warn: a line for each violation, and one WARN for the rule" {
	run host warn amd kvmfixes.violate=no-wait kvmfixes.mode=warn
	echo "$output"
	[[ $status == 1 && $(log_has warn '^TWICE not_waited=2 $') == 1 ]]
	[[ $(log_has warn '^KLOG .*unmap guard: flush of memslot 1 in address space 0, gfns 0x200 to 0x400 of VM [0-9]+, by kvm-unmap-storm\[[0-9]+\]: not_waited') == 2 ]]
	[[ $(log_has warn '^KLOG .*WARNING: ') == 1 ]]
}

@test "count: a violation is not in the kernel log" {
	host count amd kvmfixes.violate=no-wait kvmfixes.mode=count
	[[ $(log_has count '^TWICE not_waited=2 $') == 1 ]]
	run ! log_has count '^KLOG .*unmap guard'
}

@test "off: nothing is counted" {
	host off amd kvmfixes.violate=no-wait kvmfixes.mode=off
	[[ $(log_has off '^TWICE $') == 1 ]]
}
