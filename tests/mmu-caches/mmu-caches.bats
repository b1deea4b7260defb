#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# mmu-caches in an emulated host with kernel $KERNEL: a module of its own (module/) lets
# the vendor module's load fail where the MMU's first cache is made. Of a kernel of another
# suite: MODULE is kvm-no-cache.ko, built in a chroot of that suite, TREES the folder of the
# trees stock and fixed, IMAGE the unpacked image package; FIX is the state to be found.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	TREES=${TREES:-$BUILD/try/$KERNEL/trees}
	IMAGE=${IMAGE:-$BUILD/image/$KERNEL}
	CACHES=$BUILD/mmu-caches/$KERNEL
	export REPO BUILD TREES IMAGE CACHES
	[[ -e $TREES/fixed ]] || "$REPO/scripts/make-trees" "$KERNEL"
	make -s -C "$REPO" BUILD="$BUILD" vmm
	rm -rf "$CACHES" && mkdir -p "$CACHES"
	if [[ -z ${MODULE:-} ]]; then
		cp "$REPO"/tests/mmu-caches/module/* "$CACHES/"
		make -s -C "/lib/modules/$KERNEL/build" M="$CACHES" modules >"$CACHES/log" 2>&1
		MODULE=$CACHES/kvm-no-cache.ko
	fi
	"$REPO/scripts/vm/make-initramfs" --out "$CACHES/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree stock="$TREES/stock" --tree fixed="$TREES/fixed" --file "$MODULE=/kvm-no-cache.ko"
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
