#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The unmap guard in emulated hosts with kernel $KERNEL, on the modules that `make try`
# made: silent while all is done rightly, and right when something is done wrong, which a
# module of its own does (tests/unmap/module).

bats_require_minimum_version 1.5.0
load ../vm/kept

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	UNMAP=$BUILD/unmap/$KERNEL
	export REPO BUILD UNMAP
	find_kernel
	make -s -C "$REPO" BUILD="$BUILD" vmm
	make -s -C "$REPO" -f tests/unmap/unmap.mk BUILD="$BUILD" unmap-storm
	rm -rf "$UNMAP" && mkdir -p "$UNMAP"
	[[ -n ${KEPT:-} ]] || "$REPO/scripts/prepare-source" --kernel "$KERNEL" --out "$UNMAP/tree"
	swap_disk >"$UNMAP/brd.ko"
	"$REPO/scripts/vm/make-initramfs" --out "$UNMAP/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree fixed="$TREES/fixed" --file "$BUILD/kvm-unmap-storm=/bin/kvm-unmap-storm" \
		--file "$(test_module kvm-violate "$UNMAP" TREE="$UNMAP/tree")=/kvm-violate.ko" --file "$UNMAP/brd.ko=/brd.ko"
}

# swap_disk - the kernel's module for disks in memory, which the hosts swap to.
swap_disk() { find "$IMAGE" -name 'brd.ko*' -exec xz -dcf -- {} +; }

# host NAME VENDOR [ARGUMENT...] - boots and runs the scenario with these arguments.
host() {
	local name=$1 vendor=$2
	shift 2
	"$REPO/scripts/vm/run-host" --vendor "$vendor" --vmlinuz "$IMAGE/boot/vmlinuz-$KERNEL" \
		--initramfs "$UNMAP/initramfs" --log "$UNMAP/$name.log" --work "$BUILD/vm" --timeout 1800 \
		--mem 640 --append "kvmfixes.scenario=unmap-guard $*"
}

# log_has NAME PATTERN - how many lines. A console ends them as a terminal does.
log_has() { tr -d '\r' <"$UNMAP/$1.log" | grep -cE -- "$2"; }

# since VERSION - the status that a storm has to end with which kernels can do since then.
since() { if [[ $(printf '%s\n' "$1" "$KERNEL" | sort -V | sed -n 1p) == "$1" ]]; then echo 0; else echo 77; fi; }

# all_storms NAME - each of them in both kinds of paging, and nothing left out unless the kernel
# has no such thing. Before 6.1 merged pages that are written to are not counted, and a page cannot
# be collapsed on request, which seldom works where memory is short; what the lines count is since
# the boot.
all_storms() {
	[[ $(log_has "$1" "^STORM --mode long --slot-zap status $(since 6.12) ") == 2 ]]
	[[ $(log_has "$1" "^STORM --guest-memfd status $(since 6.18) ") == 2 ]]
	# Not in a distribution's kernel: see protected.bats.
	[[ $(log_has "$1" '^STORM --private status 77 ') == 2 ]]
	[[ $(log_has "$1" '^STORM --nested (tdp|shadow) status 0 ') == 3 ]]
	[[ $(log_has "$1" '^MEMORY .*pswpout=[1-9]') == 2 ]]
	[[ $(since 6.1) == 77 || $(log_has "$1" '^MEMORY .*cow_ksm=[1-9]') == 2 ]]
	[[ $(since 6.1) == 77 || $(log_has "$1" '^MEMORY .*thp_collapse_alloc=[1-9]') -ge 1 ]]
}

@test "AMD: nothing is blamed without a cause, and each thing done wrong once and by its name" {
	host amd amd
	grep -E '^(WRONG|STORM|SWITCHED|MEMORY)' "$UNMAP/amd.log"
	[[ $(log_has amd '^WRONG .* not_waited 0 -> 1') == 1 ]]
	all_storms amd
	# Counted, and not said.
	run ! log_has amd '^KLOG .*unmap guard'
}

@test "Intel: the same" {
	host intel intel kvmfixes.rounds=2
	grep -E '^(WRONG|STORM|SWITCHED|MEMORY)' "$UNMAP/intel.log"
	[[ $(log_has intel '^WRONG .* not_waited 0 -> 1') == 1 ]]
	all_storms intel
}

@test "warn: a line for each violation, and one WARN for the rule" {
	run host warn amd kvmfixes.violate=no-wait kvmfixes.mode=warn
	echo "$output"
	[[ $status == 1 && $(log_has warn '^TWICE not_waited=2 $') == 1 ]]
	[[ $(log_has warn '^KLOG .*unmap guard: flush of memslot 1 in address space 0, gfns 0x200 to 0x400 of VM [0-9]+, by kvm-unmap-storm\[[0-9]+\]: not_waited$') == 2 ]]
	[[ $(log_has warn '^KLOG .*WARNING: ') == 1 ]]
}

# ways FOLDER FUNCTION [--on] - of a kvm.ko, as "CHECKS WAYS LENGTH CALLS": see paths.
ways() {
	"$REPO/tests/unmap/paths" ${3:+"$3"} "$(find "$TREES/$1" -name 'kvm.ko*')" "$2" |
		awk '{ checks = $3; $3 = ""; print checks, $0 }' | tr -s ' '
}

# through FILE CHECKS - the ways of a file that have so many checks, without that number.
through() { sed -n "s/^$2 //p" "$1" | LC_ALL=C sort; }

@test "off: each way to a check has one no-op more than before, and nothing else" {
	local function checked=0 work=$BATS_TEST_TMPDIR
	for function in kvm_swap_active_memslots kvm_unmap_gfn_range kvm_page_track_flush_slot kvm_arch_flush_shadow_memslot; do
		ways stock/kernel "$function" >"$work/stock" || continue
		ways fixed/updates "$function" >"$work/off"
		ways fixed/updates "$function" --on >"$work/on"
		[[ -n $(through "$work/off" 1) ]] || continue
		checked=$((checked + 1))
		echo "$function: $(grep -c ^1 "$work/off") kinds of ways to its check"
		run ! grep '^[^01]' "$work/off"
		[[ -z $(comm -23 <(through "$work/off" 1) <(through "$work/stock" 0)) ]]
		# What is to be seen can be seen: with the guard on they are longer.
		[[ -z $(comm -12 <(through "$work/on" 1) <(through "$work/stock" 0)) ]]
		# Where 6.12 flushes a memslot by its range, which is checked further down, the
		# compiler puts the blocks in another order.
		[[ $function == kvm_arch_flush_shadow_memslot ]] ||
			diff <(through "$work/off" 0) <(comm -23 <(through "$work/stock" 0) <(through "$work/off" 1))
	done
	[[ $checked == 3 ]]
}
