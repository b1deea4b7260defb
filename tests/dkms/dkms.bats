#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The real DKMS of this machine, the real kernel $KERNEL, in a root of its own
# below $BUILD. $IMAGE is a folder with the kernel's image unpacked (scripts/setup
# image). The tests follow one another on one host.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	[[ $EUID == 0 ]] || skip "needs root, which DKMS asks for"
	mkdir -p "$BUILD"
	PLACE=$(mktemp -d "$BUILD/dkms.XXXXXX")
	export REPO PLACE
	make -s -C "$REPO" BUILD="$BUILD" cli
	export KVM_FIXES_COMMAND=$BUILD/kvm-fixes
	export KVM_FIXES_ROOT=$PLACE/host KVM_FIXES_CACHE=${KVM_FIXES_CACHE:-$BUILD/cache}
	. "$REPO/scripts/lib/private-host.sh"
	make_private_host "$KVM_FIXES_ROOT" "$IMAGE" "$KERNEL"
	cp -al "$KVM_FIXES_ROOT/lib/modules/$KERNEL" "$PLACE/before"
	outside >"$PLACE/outside"
}

teardown_file() { [[ -z ${PLACE:-} ]] || rm -rf "$PLACE"; }

# outside - what an installation on this machine itself would change.
outside() { find /lib/modules /usr/src /var/lib/dkms /var/lib/kvm-fixes /etc/kernel /etc/dkms -printf '%p %s %T@ %l\n' 2>/dev/null | sort; }

setup() {
	MODULES=$KVM_FIXES_ROOT/lib/modules/$KERNEL
	STATE=$KVM_FIXES_ROOT/var/lib/kvm-fixes
	TREE=$KVM_FIXES_ROOT/var/lib/dkms
	VERSION=$(cat "$REPO/VERSION")
	DKMS_KERNEL=$REPO/scripts/dkms-kernel
}

teardown() {
	if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
		tail -n 20 "$STATE/kernels/$KERNEL"/{state.json,dkms.log} "$TREE"/kvm-fixes/*/build/make.log 2>/dev/null || true
	fi
}

state() { jq -r ".$1" "$STATE/kernels/$KERNEL/state.json"; }

# by_hand ACTION HEADERS - what an operator would type, told where its places are;
# the last step, DKMS's own depmod, knows no place but /.
by_hand() {
	run env mok_signing_key="$TREE/mok.key" mok_certificate="$TREE/mok.pub" \
		dkms "$1" "kvm-fixes/$VERSION" -k "$KERNEL" --no-depmod --dkmstree "$TREE" \
		--sourcetree "$KVM_FIXES_ROOT/usr/src" --installtree "$KVM_FIXES_ROOT/lib/modules" --kernelsourcedir "$2"
	printf '%s\n' "$output"
	depmod -b "$KVM_FIXES_ROOT" "$KERNEL"
}

files_of() { modprobe -d "$KVM_FIXES_ROOT" -S "$KERNEL" --show-depends "$1" | awk '$2 ~ /kvm/ { print $2 }' | sed 's/\.[xzst]*$//' | paste -sd' '; }

takes_from() {
	[[ $(files_of kvm_intel) == "$MODULES/$1/kvm.ko $MODULES/$1/kvm-intel.ko" ]]
	[[ $(files_of kvm_amd) == "$MODULES/$1/kvm.ko $MODULES/$1/kvm-amd.ko" ]]
	[[ $(modinfo -b "$KVM_FIXES_ROOT" -k "$KERNEL" -n kvm) == "$MODULES/$1/kvm.ko"* ]]
}

stock_whole() {
	local name
	for name in kvm kvm-intel kvm-amd; do
		cmp "$MODULES/kernel/arch/x86/kvm/$name".ko* "$PLACE/before/kernel/arch/x86/kvm/$name".ko*
		cmp "$STATE/stock/$KERNEL/$name".ko* "$PLACE/before/kernel/arch/x86/kvm/$name".ko*
	done
}

# kill_dkms - the one that builds in this root, and what it started: that would go on
# under the lock, and the next run would wait for it.
kill_dkms() {
	local dir
	for dir in /proc/[0-9]*; do
		if [[ $(readlink "$dir/cwd") == "$TREE"/* ]] ||
			tr '\0' ' ' <"$dir/cmdline" 2>/dev/null | grep -q "dkms build .*$TREE"; then
			kill -9 "${dir##*/}" 2>/dev/null || true
		fi
	done
}

@test "DKMS is killed while it builds: one line, and stock modules" {
	local pid code=0
	"$DKMS_KERNEL" install "$KERNEL" 2>"$PLACE/said" &
	pid=$!
	until [[ -e $TREE/kvm-fixes/$VERSION/build/tree/.prepared/complete ]] || ! kill -0 "$pid"; do sleep 0.2; done
	kill_dkms
	wait "$pid" || code=$?
	kill_dkms
	cat "$PLACE/said"
	[[ $code == 1 && $(wc -l <"$PLACE/said") == 1 && $(cat "$PLACE/said") == *"dkms build failed"* && $(state state) == failed ]]
	takes_from kernel/arch/x86/kvm
	[[ ! -e $MODULES/updates ]]
}

@test "install: built, in place, resolved, on record" {
	run -0 "$DKMS_KERNEL" install "$KERNEL"
	[[ -z $output && $(state state) == installed && $(state version) == "$VERSION" ]]
	takes_from updates/dkms
	stock_whole
	[[ $(modinfo -b "$KVM_FIXES_ROOT" -k "$KERNEL" -F kvm_fixes_build kvm_amd) == "$(state build)" ]]
}

@test "what is installed is what the report says was built" {
	local name report=$STATE/kernels/$KERNEL/report.json
	for name in kvm kvm-intel kvm-amd; do
		case $(echo "$MODULES/updates/dkms/$name".ko*) in
		*.xz) xz -dc "$MODULES/updates/dkms/$name.ko.xz" ;;
		*) cat "$MODULES/updates/dkms/$name.ko" ;;
		esac >"$PLACE/$name.ko"
		[[ $(head -c "$(jq -r ".modules[] | select(.name == \"$name\") | .bytes" "$report")" "$PLACE/$name.ko" | sha256sum) == \
			"$(jq -r ".modules[] | select(.name == \"$name\") | .sha256" "$report") "* ]]
		readelf -n "$PLACE/$name.ko" | grep -q "Build ID: $(jq -r ".modules[] | select(.name == \"$name\") | .build_id" "$report")"
	done
	[[ $(jq -r .abi.shipped_modules_compared "$report") == true ]]
}

@test "install again takes seconds and touches nothing" {
	local before start=$SECONDS
	before=$(find "$KVM_FIXES_ROOT/lib/modules" -printf '%p %i %T@\n' | sort)
	run -0 "$DKMS_KERNEL" install "$KERNEL"
	[[ $((SECONDS - start)) -lt 20 && $(find "$KVM_FIXES_ROOT/lib/modules" -printf '%p %i %T@\n' | sort) == "$before" ]]
}

@test "dkms uninstall and install by hand keep the stock modules and the record" {
	by_hand uninstall "$MODULES/build"
	[[ $status == 0 && $(state state) == removed && ! -e $MODULES/updates ]]
	stock_whole
	takes_from kernel/arch/x86/kvm
	by_hand install "$MODULES/build"
	[[ $status == 0 && $(state state) == installed ]]
	stock_whole
	takes_from updates/dkms
}

# to_zstd DIR - the modules of KVM there, which is a kernel's folder. Ours stay as they
# are: how to pack them, DKMS 3.0 sees in /lib/modules, be it told another place.
to_zstd() {
	local file
	for file in "$1"/kernel/arch/x86/kvm/kvm*.ko*; do
		plain "$file" | zstd -q -o "${file%.ko*}.ko.zst"
		rm "$file"
	done
}

plain() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

@test "the kernel's own modules come as .ko.zst: what is installed stays" {
	to_zstd "$MODULES"
	to_zstd "$PLACE/before"
	depmod -b "$KVM_FIXES_ROOT" "$KERNEL"
	takes_from updates/dkms
	mkdir -p "$PLACE/base/lib/modules"
	mv "$PLACE/before" "$PLACE/base/lib/modules/$KERNEL"
	depmod -b "$PLACE/base" "$KERNEL"
	mv "$PLACE/base/lib/modules/$KERNEL" "$PLACE/before"
}

@test "an upgrade of ours is installed, and the former version is gone" {
	local next=$PLACE/next
	mkdir "$next"
	cp -r "$REPO"/{COPYING,Kbuild,dkms.conf,include,patches,scripts,src} "$next/"
	echo "$VERSION.1" >"$next/VERSION"
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$VERSION.1\"/" "$next/dkms.conf"
	run -0 "$next/scripts/dkms-kernel" install "$KERNEL"
	[[ $(state version) == "$VERSION.1" && $(modinfo -b "$KVM_FIXES_ROOT" -k "$KERNEL" -F version kvm) == "$VERSION.1" ]]
	takes_from updates/dkms
	stock_whole
	[[ -z $(find "$TREE/kvm-fixes" -path "*/$VERSION/$KERNEL*") ]]
}

@test "DKMS is killed by hand while it copies, and somebody runs depmod: repaired to stock" {
	local VERSION=$VERSION.1
	by_hand uninstall "$MODULES/build"
	mkdir "$PLACE/bin"
	printf '#!/bin/bash\n/bin/cp "$@" || exit\n[[ $* != */updates/dkms/kvm-intel.ko* ]] || kill -9 "$(awk "{ print \\$4 }" "/proc/$PPID/stat")" "$PPID"\n' >"$PLACE/bin/cp"
	chmod 755 "$PLACE/bin/cp"
	PATH=$PLACE/bin:$PATH by_hand install "$MODULES/build"
	[[ $status == 137 && $(cd "$MODULES/updates/dkms" && echo kvm*) == "kvm-intel.ko"*" kvm.ko"* ]]
	run -0 "$PLACE/next/scripts/dkms-kernel" repair "$KERNEL"
	[[ $output == *"removed what an interrupted installation left" ]]
	stock_whole
	takes_from kernel/arch/x86/kvm
	[[ ! -e $MODULES/updates ]]
}

@test "a build that cannot be is not made: DKMS ends, and nothing is installed" {
	run -0 "$DKMS_KERNEL" remove "$KERNEL"
	cp -r "$REPO"/{COPYING,Kbuild,VERSION,dkms.conf,include,patches,scripts,src} "$KVM_FIXES_ROOT/usr/src/kvm-fixes-$VERSION/"
	mv "$MODULES/build" "$PLACE/build"
	by_hand install "$PLACE/build"
	[[ $status != 0 && ! -e $MODULES/updates ]]
	mv "$PLACE/build" "$MODULES/build"
}

@test "remove: everything below /lib/modules is as it was" {
	run -0 "$DKMS_KERNEL" remove "$KERNEL"
	[[ -z $output && $(state state) == removed ]]
	diff -r --no-dereference "$PLACE/before" "$MODULES"
	takes_from kernel/arch/x86/kvm
	[[ -z $(find "$TREE" -name "*$KERNEL*") ]]
}

@test "nothing outside of that root was touched" {
	diff "$PLACE/outside" <(outside)
}
