#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The unmap guard and upstream's assertion side by side, on the kernel of tests/debug with
# lockdep, and the mistakes of tests/mutants/unmap-guard: in KVM, which the guard must name,
# and in the guard, which the deliberate violations must show.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD DIR=$BUILD/debug/lockdep UNMAP=$BUILD/unmap/lockdep
	local objects
	"$REPO/scripts/debug-kernel" modules lockdep
	make -s -C "$REPO" BUILD="$BUILD" vmm
	make -s -C "$REPO" -f tests/unmap/unmap.mk BUILD="$BUILD" unmap-storm
	rm -rf "$UNMAP" && mkdir -p "$UNMAP"
	cp "$REPO"/tests/unmap/module/* "$UNMAP/"
	objects=$(compgen -G "$DIR/image/*/lib/modules/*/build")
	make -s -C "$objects" M="$UNMAP" TREE="$DIR/tree" modules >"$UNMAP/log" 2>&1
}

# host NAME TREE [ARGUMENT...] - an AMD host with that tree's modules.
host() {
	local name=$1 tree=$2 files=()
	shift 2
	[[ "$*" != *violate* ]] || files=(--file "$UNMAP/kvm-violate.ko=/kvm-violate.ko")
	"$REPO/scripts/vm/make-initramfs" --out "$BATS_TEST_TMPDIR/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree "$tree=$DIR/trees/$tree" --file "$BUILD/kvm-unmap-storm=/bin/kvm-unmap-storm" "${files[@]}"
	"$REPO/scripts/vm/run-host" --vendor amd --vmlinuz "$(compgen -G "$DIR/image/*/boot/vmlinuz-*")" \
		--initramfs "$BATS_TEST_TMPDIR/initramfs" --log "$UNMAP/$name.log" --work "$BUILD/vm" --timeout 900 \
		--mem 768 --append "kvmfixes.scenario=unmap-guard kvmfixes.tree=$tree kvmfixes.mode=count $*"
}

# blames NAME RULES - what the guard had to say in a host that broke the rule.
blames() {
	[[ $(tr -d '\r' <"$UNMAP/$1.log" | grep '^TWICE') == "TWICE $2" ]]
}

# mutant NAME - KVM's modules with that mistake.
mutant() { "$REPO/scripts/debug-kernel" mutant lockdep "$REPO/tests/mutants/unmap-guard/$1.patch"; }

@test "neither says anything while all is done rightly" {
	host rightly fixed kvmfixes.rounds=3
	grep -E '^(STORM|MEMORY|SWITCHED)' "$UNMAP/rightly.log"
}

@test "unprotected: both say so" {
	run host unprotected fixed kvmfixes.violate=unmap
	echo "$output"
	[[ $status == 1 && $output == *"WARNING: "*"kvm_unmap_gfn_range"* ]]
	blames unprotected 'unprotected=2 '
}

@test "all the rest, slots_lock without retiring and an invalidation elsewhere among it: the assertion is silent, the guard is not" {
	host missed fixed kvmfixes.violate=unmap-with-slots-lock,unmap-elsewhere,other-address-space,update-in-progress,no-wait
	blames missed 'not_covered=2 not_retired=2 address_space=2 update_in_progress=2 not_waited=2 '
}

@test "KVM that does not wait for a grace period is named, and for that alone" {
	mutant no-synchronize
	run host no-synchronize no-synchronize kvmfixes.rounds=2
	echo "$output"
	[[ $status == 1 ]]
	grep -E '^STEP rightly FAIL blamed without a cause: not_waited=[1-9][0-9]* .?$' "$UNMAP/no-synchronize.log"
}

@test "a guard that does not poll the cookie is found" {
	mutant no-poll
	host no-poll no-poll kvmfixes.violate=no-wait
	blames no-poll ''
}

@test "a guard that takes any invalidation is found" {
	mutant cover-all
	host cover-all cover-all kvmfixes.violate=unmap-elsewhere
	blames cover-all ''
}
