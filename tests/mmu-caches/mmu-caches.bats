#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# mmu-caches in an emulated host with kernel $KERNEL: a module of its own (module/) lets
# the vendor module's load fail where the MMU's first cache is made. FIX is the state to be
# found.

bats_require_minimum_version 1.5.0
load ../vm/kept

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	CACHES=$BUILD/mmu-caches/$KERNEL
	export REPO BUILD CACHES
	find_kernel
	make -s -C "$REPO" BUILD="$BUILD" vmm
	rm -rf "$CACHES" && mkdir -p "$CACHES"
	"$REPO/scripts/vm/make-initramfs" --out "$CACHES/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree stock="$TREES/stock" --tree fixed="$TREES/fixed" --file "$(test_module kvm-no-cache "$CACHES")=/kvm-no-cache.ko"
}

# host TREE - one CPU, so that memory just freed is what is taken next.
host() {
	"$REPO/scripts/vm/run-host" --vendor amd --vmlinuz "$IMAGE/boot/vmlinuz-$KERNEL" --cpus 1 --mem 640 \
		--initramfs "$CACHES/initramfs" --log "$CACHES/$1.log" --work "$BUILD/vm" --timeout 300 \
		--append "kvmfixes.scenario=mmu-caches kvmfixes.tree=$1 slub_nomerge"
}

# state - of the fix, as the replaced module says.
state() {
	xz -dcf "$TREES"/fixed/updates/dkms/kvm.ko* >"$CACHES/kvm.ko"
	objcopy -O binary --only-section=.note.kvm-fixes "$CACHES/kvm.ko" /dev/stdout |
		tr '\0' '\n' | sed -n 's/.*mmu-caches:\([a-z ]*\).*/\1/p'
}

@test "a vendor module's load that fails leaves alone what the one before has freed" {
	host fixed
	grep -q '^STEP load-fails ok' "$CACHES/fixed.log"
}

@test "the shipped modules free it once more where the fix is applied, and only there" {
	run host stock
	[[ $(state) == "${FIX:-$(state)}" ]]
	case $(state) in
	applied) [[ $status == 1 ]] && grep -q '^KLOG .*BUG pte_list_desc .*: Objects remaining' "$CACHES/stock.log" ;;
	upstream) [[ $status == 0 ]] ;;
	*) false ;;
	esac
}
