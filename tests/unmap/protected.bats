#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Private memory under the unmap guard, on a 6.12 that offers it to VMs without hardware for
# it, with lockdep: a distribution's kernel has it for SEV-SNP and TDX alone.

bats_require_minimum_version 1.5.0
load selftests

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD DIR=$BUILD/debug/protected UNMAP=$BUILD/unmap/protected
	"$REPO/scripts/debug-kernel" modules protected
	make -s -C "$REPO" BUILD="$BUILD" vmm
	make -s -C "$REPO" -f tests/unmap/unmap.mk BUILD="$BUILD" unmap-storm
	mkdir -p "$UNMAP"
}

vmlinuz() { compgen -G "$DIR/image/*/boot/vmlinuz-*"; }

@test "memory is made private and shared again under running guests: nothing is blamed, lockdep is silent" {
	"$REPO/scripts/vm/make-initramfs" --out "$UNMAP/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree fixed="$DIR/trees/fixed" --file "$BUILD/kvm-unmap-storm=/bin/kvm-unmap-storm"
	"$REPO/scripts/vm/run-host" --vendor amd --vmlinuz "$(vmlinuz)" --initramfs "$UNMAP/initramfs" --log "$UNMAP/amd.log" \
		--work "$BUILD/vm" --timeout 1800 --mem 768 --append kvmfixes.scenario=unmap-guard
	grep -E '^(STORM|MEMORY)' "$UNMAP/amd.log"
	grep -q '^STORM --private status 0 ' "$UNMAP/amd.log"
}

@test "selftests about private memory have the same results as with the stock modules" {
	local tests=(guest_memfd_test set_memory_region_test pre_fault_memory_test memslot_modification_stress_test
		kvm_page_table_test x86_64/private_mem_conversions_test x86_64/private_mem_kvm_exits_test)
	build_selftests 6.12 "$UNMAP/selftests" "${tests[@]}"
	same_results "$UNMAP/selftests" amd "$DIR/trees" "$(vmlinuz)" "${tests[@]}"
	grep -q '^SELFTEST fixed private_mem_conversions_test: 0' "$UNMAP/selftests/amd.log"
	grep -q '^SELFTEST fixed private_mem_kvm_exits_test: 0' "$UNMAP/selftests/amd.log"
}
