#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The command in emulated hosts with kernel $KERNEL: the real modules, loaded and
# unloaded for real. LONG=1 takes the long variants.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD WORK=$BUILD/try/$KERNEL HOSTS=$BUILD/cli/$KERNEL
	[[ -d $WORK/trees/after && -d $WORK/records ]] || "$REPO/scripts/make-trees" "$KERNEL" >&2
	make -s -C "$REPO" BUILD="$BUILD" cli vmm >&2
	mkdir -p "$HOSTS"
	bad_modules
	pack
}

# plain FILE TO - out of what it is compressed with.
plain() {
	case $1 in
	*.xz) xz -dc "$1" >"$2" ;;
	*) cp "$1" "$2" ;;
	esac
}

# bad_modules - ours, each spoiled in one way, for both vendors.
bad_modules() {
	local vendor bad file dir=$WORK/trees/fixed/updates/dkms
	rm -rf "$HOSTS/bad"
	for vendor in kvm_intel kvm_amd; do
		bad=$HOSTS/bad/$vendor
		mkdir -p "$bad"
		for file in kvm "${vendor/_/-}"; do
			plain "$dir/$file".ko* "$bad/$file.ko"
		done
		file=$bad/${vendor/_/-}.ko
		head -c 100000 "$bad/kvm.ko" >"$bad/kvm-cut-short"
		head -c 100000 "$file" >"$bad/vendor-cut-short"
		perl -0777 -pe 's/(vermagic=)\d/${1}9/ or die "no vermagic"' "$file" >"$bad/vendor-vermagic"
		perl -0777 -pe 's/....(\0{4}module_layout\0)/\x5a\xa5\x5a\xa5$1/s or die "no CRC"' "$bad/kvm.ko" >"$bad/kvm-crc"
		rm "$bad"/*.ko
	done
}

pack() {
	local file options=()
	while read -r file; do
		options+=(--file "$HOSTS/bad/$file=/vm/bad/$file")
	done < <(cd "$HOSTS/bad" && find . -type f -printf '%P\n')
	while read -r file; do
		options+=(--file "$WORK/records/$file=/var/lib/kvm-fixes/$file")
	done < <(cd "$WORK/records" && find . -type f -printf '%P\n')
	"$REPO/scripts/vm/make-initramfs" --out "$HOSTS/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree stock="$WORK/trees/stock" --tree fixed="$WORK/trees/fixed" \
		--program "$BUILD/kvm-fixes=/sbin/kvm-fixes" --program "$(command -v strace)=/bin/strace" "${options[@]}"
}

# host VENDOR SCENARIO ARGUMENTS [OPTION...] - boots it; what its scenario prints of
# results goes into the test's output.
host() {
	local vendor=$1 scenario=$2 arguments=$3 log=$HOSTS/$1-$2.log code=0
	shift 3
	"$REPO/scripts/vm/run-host" --vendor "$vendor" --vmlinuz "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" \
		--initramfs "$HOSTS/initramfs" --log "$log" --work "$BUILD/vm" --timeout "${TIMEOUT:-900}" --mem 640 \
		--append "kvmfixes.scenario=$scenario $arguments" "$@" || code=$?
	grep -E '^(FAULT|KILL|KILL-TWICE|GAP|CYCLES|BARE|BLACKOUT) ' "$log" || true
	return "$code"
}

# both COMMAND -- COMMAND - two hosts at a time: each emulator has one thread.
both() {
	local first=() code=0
	while [[ $1 != -- ]]; do
		first+=("$1")
		shift
	done
	shift
	host "${first[@]}" >"$BATS_TEST_TMPDIR/first" 2>&1 &
	host "$@" || code=$?
	wait $! || code=$?
	cat "$BATS_TEST_TMPDIR/first"
	return "$code"
}

# length SHORT LONG - which of them is wanted.
length() { if [[ -n ${LONG:-} ]]; then echo "$2"; else echo "$1"; fi; }

@test "swap, rollback, what survives and what lasts (AMD)" {
	host amd cli-swap kvmfixes.params=nested=0,npt=0
}

@test "swap there and back (Intel); what is refused beforehand (AMD)" {
	both intel cli-swap "kvmfixes.params=nested=0,ept=0 $(length kvmfixes.short=1 '')" -- amd cli-refuse ''
}

@test "a boot with kvm_fixes=stock (Intel)" {
	host intel cli-boot kvm_fixes=stock
}

@test "faults (AMD), and unsigned modules where signed ones are wanted" {
	both amd cli-faults '' -- amd cli-policy module.sig_enforce=1 --with-keys
}

@test "killed at any step (AMD); a boot with kvm_fixes=stock (AMD)" {
	both amd cli-kill "kvmfixes.every=$(length 12 1)" -- amd cli-boot kvm_fixes=stock
}

@test "others that want KVM meanwhile (AMD); over and over (AMD)" {
	both amd cli-gap "kvmfixes.rounds=$(length 2 20)" -- amd cli-cycles "kvmfixes.cycles=$(length 5 100)"
}

@test "lockdown=integrity (AMD); back to the kernel's own modules without the command (AMD)" {
	both amd cli-policy lockdown=integrity --with-keys -- amd cli-by-hand ''
}
