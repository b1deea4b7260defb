#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms-kernel on hosts that are not as one would like them: file systems that are
# read-only, other runs beside it, modules in other packings and places, and others
# that replace KVM too.

bats_require_minimum_version 1.5.0
load fixture
load dkms-fixture

setup() {
	wrap_setup
	dkms_setup
}

teardown() {
	if [[ -n ${FIXED_DISK:-} ]]; then
		umount "$FIXED_DISK"
	fi
}

# read_only DIR - as on a disk that the kernel does not write to any more.
read_only() {
	[[ $EUID == 0 ]] || skip "needs root, to mount"
	mount --bind "$1" "$1"
	FIXED_DISK=$1
	mount -o remount,bind,ro "$1"
}

writable() {
	umount "$FIXED_DISK"
	FIXED_DISK=
}

@test "/lib/modules is read-only: said before the build, and tried again it works" {
	read_only "$MODDIR"
	install_it
	failed_with "$MODDIR: cannot be written (Read-only file system, or not permitted)"
	[[ $output == *"; make it writable and run: /usr/lib/kvm-fixes/dkms-kernel install $REL" && ! -e $BIN/calls ]]
	run -0 "$DKMS" hook "$REL"
	[[ ${#lines[@]} == 1 ]]
	writable
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "/lib/modules is read-only: nothing to do is no error, an upgrade and a removal leave what can be loaded" {
	local command
	install_it
	cp -a "$MODDIR" "$BIN/before"
	: >"$BIN/calls"
	read_only "$MODDIR"
	for command in install repair; do
		run -0 "$DKMS" "$command" "$REL"
		[[ -z $output && -z $(dkms_calls) ]]
	done
	echo 0.9.9 >"$PROJECT/VERSION"
	sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="0.9.9"/' "$PROJECT/dkms.conf"
	for command in install remove forget; do
		run "$DKMS" "$command" "$REL"
		ended 1 "Read-only file system"
		all_in "$DEST"
		diff -r --no-dereference "$BIN/before" "$MODDIR"
	done
	writable
	VERSION=0.9.9
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "/lib/modules is read-only: a repair that is needed says so and changes nothing" {
	install_it
	rm "$INTREE/kvm-amd.ko"
	read_only "$MODDIR"
	run "$DKMS" repair "$REL"
	ended 1 "the kernel's own module cannot be put back there ("
	all_in "$DEST"
	writable
	run -0 "$DKMS" repair "$REL"
	ours_installed
}

@test "/var is read-only: one line, no build, and tried again it works" {
	local command
	mkdir -p "$HOST/var/lib/kvm-fixes"
	read_only "$HOST/var"
	for command in install remove repair; do
		run "$DKMS" "$command" "$REL"
		ended 1 "$KEPT/lock: cannot be written ($KEPT/lock: Read-only file system); make it writable"
		[[ ! -e $BIN/calls ]]
		only_stock
	done
	run -0 "$DKMS" hook "$REL"
	[[ ${#lines[@]} == 1 ]]
	writable
	install_it
	[[ $status == 0 ]]
	ours_installed
	read_only "$HOST/var"
	run -1 "$DKMS" remove "$REL"
	run -1 "$DKMS" install "$REL"
	run -0 "$DKMS" hook "$REL"
	writable
	ours_installed
}

# small_disk DIR - an empty one, of a megabyte.
small_disk() {
	[[ $EUID == 0 ]] || skip "needs root, to mount"
	mkdir -p "$1"
	mount -t tmpfs -o size=1m none "$1"
	FIXED_DISK=$1
}

# fill PAGES - all of it but so many.
fill() { head -c $((($(stat -f -c %a "$FIXED_DISK") - $1) * 4096)) /dev/zero >"$FIXED_DISK/filler"; }

# small_work - the folders that it works in are on a small disk, below /var/lib/kvm-fixes and in
# TMPDIR; records, copies and DKMS's folders are not.
small_work() {
	small_disk "$BATS_TEST_TMPDIR/small"
	mkdir -p "$FIXED_DISK/state" "$FIXED_DISK/tmp" "$HOST/var/lib" "$BATS_TEST_TMPDIR/kernels" "$BATS_TEST_TMPDIR/stock"
	ln -s "$FIXED_DISK/state" "$HOST/var/lib/kvm-fixes"
	ln -s "$BATS_TEST_TMPDIR/kernels" "$BATS_TEST_TMPDIR/stock" "$FIXED_DISK/state/"
	export TMPDIR=$FIXED_DISK/tmp
}

@test "the disk that it works on fills up at any point" {
	local pages failures=0 made
	small_work
	for pages in 0 2 5 10 20 60; do
		fill "$pages"
		install_it
		[[ $status == 0 || ($status == 1 && ${#lines[@]} == 1) ]]
		rm "$FIXED_DISK/filler"
		made=$(find "$FIXED_DISK" -mindepth 2 -not -name lock -not -type l)
		echo "left: $made"
		[[ -z $made ]]
		[[ $status != 0 ]] || break
		failures=$((failures + 1))
		only_stock
	done
	[[ $status == 0 && $failures -gt 2 ]]
	ours_installed
}

@test "the disk of TMPDIR alone is full: that is no reason to fail" {
	small_disk "$BATS_TEST_TMPDIR/small"
	export TMPDIR=$FIXED_DISK
	fill 0
	install_it
	[[ $status == 0 && -z $output && $(ls -A "$FIXED_DISK") == filler ]]
	ours_installed
}

@test "/var is read-only: a repair whose caller has the lock works in TMPDIR" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	compress_stock xz
	install_it
	rm "$INTREE/kvm.ko.xz"
	read_only "$HOST/var"
	KVM_FIXES_LOCKED=1 run "$DKMS" repair "$REL"
	ended 0 "kernel $REL: put its own modules back"
	[[ -z $(ls -A "$TMPDIR") ]]
	writable
	ours_installed
}

@test "/var is full: a repair works where there is room, in TMPDIR" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	compress_stock xz
	install_it
	rm "$INTREE/kvm.ko.xz"
	mv "$KEPT" "$BATS_TEST_TMPDIR/kept"
	small_disk "$KEPT"
	cp -a "$BATS_TEST_TMPDIR/kept/." "$KEPT/"
	fill 0
	run "$DKMS" repair "$REL"
	ended 0 "kernel $REL: put its own modules back"
	[[ -z $(ls -A "$TMPDIR") && -z $(compgen -G "$KEPT/work.*") ]]
	ours_installed
}

@test "DKMS alone is killed while it builds: one line, stock modules, and the next run mends it" {
	dkms_mode killed-building
	install_it
	failed_with "dkms build failed"
	dkms_mode
	install_it
	[[ $status == 0 ]]
	ours_installed
	make_stock two
	dkms_mode killed-building
	install_it
	failed_with "dkms build failed"
}

@test "DKMS alone is killed while it copies: one line, stock modules, and the next run mends it" {
	dkms_mode killed-alone moves-stock
	install_it
	failed_with "dkms install failed"
	dkms_mode
	install_it
	[[ $status == 0 ]]
	ours_installed
	make_stock two
	dkms_mode killed-alone
	install_it
	failed_with "dkms install failed"
}

@test "the disk that it works on is full, and a kernel is skipped: the line says something" {
	local pages
	make_packages "$VERSION_OK" 6.1.49-1
	small_work
	for pages in 0 1 2 3 4 5 6 7 8; do
		fill "$pages"
		install_it
		[[ ($status == 1 || $status == 77) && ${#lines[@]} == 1 && $output =~ ^dkms-kernel:\ [a-z/].* ]]
		rm "$FIXED_DISK/filler"
	done
	[[ $status == 77 && $output == *"its source is not linux-source-6.1 6.1.49-1"* ]]
}

@test "a reason that was lost on a full disk: a fixed text in its place, in the line and on record" {
	make_packages "$VERSION_OK" 6.1.49-1
	mkdir "$BIN/full"
	printf '#!/bin/bash\n[[ $* != *work.*said* && $* != *work.*errors* ]] || exit 0\nexec %s "$@"\n' "$(command -v tail)" >"$BIN/full/tail"
	chmod 755 "$BIN/full/tail"
	PATH=$BIN/full:$PATH install_it
	ended 77 "kernel $REL: dkms-kernel failed and its reason is lost, as on a full disk; free some space in $KEPT, see $KEPT/kernels/$REL/dkms.log, and run this again"
	[[ $(state state) == skipped && "dkms-kernel: $(state reason)" == "$output" ]]
	sed -i 's/ && $. != .work.*errors[*]//' "$BIN/full/tail"
	PATH=$BIN/full:$PATH install_it
	ended 77 "kernel $REL: prepare-source failed and its reason is lost"
}

@test "dkms-kernel alone is killed: DKMS goes on under its lock, stock resolves, recovery takes the rest away" {
	local pid inner
	dkms_mode outlives
	"$DKMS" install "$REL" 2>/dev/null &
	pid=$!
	while [[ ! -e $BIN/hanging ]]; do sleep 0.1; done
	# It and the shell in which it does its work.
	mapfile -t -d' ' inner <"/proc/$pid/task/$pid/children"
	kill -9 "$pid" "${inner[@]}"
	wait "$pid" || true
	KVM_FIXES_LOCK_WAIT=0 install_it
	ended 1 "another dkms-kernel is at work"
	dkms_mode
	run -0 "$DKMS" repair "$REL"
	[[ $output == *"removed what an interrupted installation left" && $(state reason) == *interrupted* ]]
	only_stock
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "somebody else's depmod in the middle of the copying: it does not count, however this ends" {
	dkms_mode other-depmod
	install_it
	[[ $status == 0 ]]
	ours_installed
	make_stock two
	dkms_mode other-depmod truncates
	install_it
	failed_with "cut short"
	dkms_mode other-depmod killed
	install_it
	[[ $status == 137 ]]
	run -0 "$DKMS" repair "$REL"
	only_stock
}

# by_hand - `dkms install` as an operator types it: a build, the copying, a depmod.
by_hand() {
	local options=(-m kvm-fixes -v "$VERSION" -k "$REL" -a "$(uname -m)" --dkmstree "$HOST/var/lib/dkms"
		--sourcetree "$HOST/usr/src" --installtree "$HOST/lib/modules")
	dkms build "${options[@]}" && dkms install "${options[@]}"
	depmod -b "$HOST" "$REL"
}

# one_set - what resolves is whole, and of one kind.
one_set() {
	all_in "$INTREE" || {
		all_in "$DEST" && [[ $(modinfo -F kvm_fixes_build "$DEST"/kvm{,-intel,-amd}.ko | sort -u | wc -l) == 1 ]]
	}
}

@test "dkms install by hand beside dkms-kernel: either may fail, a whole set resolves, and the next run mends it" {
	local pid
	install_it
	make_stock two
	by_hand >"$BIN/by-hand" 2>&1 &
	pid=$!
	install_it
	[[ $status == 0 || ($status == 1 && ${#lines[@]} == 1) ]]
	wait "$pid" || true
	cat "$BIN/by-hand"
	one_set
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "dkms install by hand stands still between its hooks while dkms-kernel installs" {
	local pid
	install_it
	make_stock two
	dkms_mode waits
	by_hand >"$BIN/by-hand" 2>&1 &
	pid=$!
	while [[ ! -e $BIN/hanging ]]; do sleep 0.1; done
	dkms_mode
	install_it
	[[ $status == 0 ]]
	ours_installed
	rm "$BIN/hanging"
	wait "$pid"
	cat "$BIN/by-hand"
	ours_installed
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "a kernel whose modules are .ko.zst: ours are too, through a whole life" {
	compress_stock zst
	cp -a "$MODDIR" "$BIN/before"
	install_it
	[[ $status == 0 && -z $output && $(ls "$DEST") == "kvm-amd$KO"$'\n'"kvm-intel$KO"$'\n'"kvm$KO" ]]
	ours_installed
	truncate -s -8 "$DEST/kvm-amd$KO"
	run "$DKMS" repair "$REL"
	ended 0 "withdrew what was installed, which is damaged"
	dkms_mode truncates
	install_it
	failed_with "cut short"
	dkms_mode moves-stock
	install_it
	rm "$INTREE/kvm$KO"
	run -0 "$DKMS" repair "$REL"
	ours_installed
	run -0 "$DKMS" remove "$REL"
	only_stock
	diff -r --no-dereference "$BIN/before" "$MODDIR"
}

# newer_packed - the kernel's own modules are other ones now, two megabytes each, and packed.
newer_packed() {
	local name
	rm "$INTREE"/*
	make_stock two
	for name in kvm kvm-intel kvm-amd; do
		yes | head -c 2M >"$BIN/bulk"
		objcopy --add-section .bulk="$BIN/bulk" "$INTREE/$name.ko"
	done
	compress_stock "$1"
	cp -a "$INTREE" "$BIN/newer"
}

# no_room - little is free where modules are unpacked, for whoever looks there and in TMPDIR.
no_room() {
	small_disk "$BATS_TEST_TMPDIR/small"
	mkdir -p "$FIXED_DISK/state" "$FIXED_DISK/tmp"
	mv "$KEPT" "$BATS_TEST_TMPDIR/kept"
	ln -s "$BATS_TEST_TMPDIR/kept"/* "$FIXED_DISK/state/"
	ln -s "$FIXED_DISK/state" "$KEPT"
	export TMPDIR=$FIXED_DISK/tmp
}

# room_again - all is where it was.
room_again() {
	[[ -z $(compgen -G "$KEPT/work.*") && -z $(ls -A "$TMPDIR") ]]
	writable
	rm "$KEPT"
	mv "$BATS_TEST_TMPDIR/kept" "$KEPT"
	unset TMPDIR
}

@test "packed modules that there is no room to unpack: newer ones are not taken for damaged" {
	local packing command
	for packing in xz zst; do
		make_stock one
		compress_stock "$packing"
		install_it
		[[ $status == 0 ]]
		newer_packed "$packing"
		no_room
		for command in repair install remove; do
			run "$DKMS" "$command" "$REL"
			ended 1 "kernel $REL: no space in $KEPT/work."
			[[ $output == *"No space left on device); free some space there and run this again"* ]]
			diff -r "$BIN/newer" "$INTREE"
		done
		room_again
		run -0 "$DKMS" forget "$REL"
		all_in "$INTREE"
		rm -r "$BIN/newer" "${INTREE:?}"/*
	done
}

@test "packed modules of ours that there is no room to unpack: a repair leaves them in place" {
	compress_stock xz
	yes | head -c 2M >"$BIN/bulk"
	objcopy --add-section .bulk="$BIN/bulk" "$BIN/kvm-amd.o"
	install_it
	[[ $status == 0 ]]
	no_room
	run "$DKMS" repair "$REL"
	ended 1 "no space in $KEPT/work."
	[[ $(state state) == installed ]]
	room_again
	run -0 "$DKMS" repair "$REL"
	[[ -z $output ]]
	ours_installed
}

@test "what unpacks or reads modules is killed, has no memory, or is not there: nobody's file is damaged by that" {
	local program=$BIN/xz how
	compress_stock xz
	install_it
	rm "$INTREE"/*
	make_stock two
	compress_stock xz
	cp -a "$MODDIR" "$BIN/before"
	for how in 'kill -9 $$' 'exit 127' 'echo "xz: (stdin): Cannot allocate memory" >&2; exit 1'; do
		for program in "$BIN/xz" "$BIN/modinfo"; do
			printf '#!/bin/bash\n[[ "$*" != *kvm*.ko.xz && "$*" != */plain.ko ]] || { %s; }\nexec "%s" "$@"\n' \
				"$how" "$(PATH=${PATH#*:} command -v "${program##*/}")" >"$program"
			chmod 755 "$program"
			run "$DKMS" repair "$REL"
			rm "$program"
			ended 1 ".ko.xz: cannot be read ("
			diff -r --no-dereference "$BIN/before" "$MODDIR"
		done
	done
}

@test "a packed module that is damaged comes back from the copy" {
	compress_stock xz
	install_it
	truncate -s -8 "$INTREE/kvm.ko.xz"
	run "$DKMS" repair "$REL"
	ended 0 "put its own modules back"
	ours_installed
}

@test "a kernel whose modules are .ko.xz, and then come packed in another way: ours follow, and the copy too" {
	compress_stock xz
	install_it
	[[ $status == 0 && $(ls "$DEST") == $'kvm-amd.ko.xz\nkvm-intel.ko.xz\nkvm.ko.xz' ]]
	ours_installed
	rm "$INTREE"/*
	make_stock two
	compress_stock zst
	install_it
	[[ $status == 0 && $(ls "$DEST") == $'kvm-amd.ko.zst\nkvm-intel.ko.zst\nkvm.ko.zst' ]]
	ours_installed
	[[ -z $(find "$KEPT/stock" -name '*.xz') ]]
}

# somebody_else FILE - another kvm, as a vendor's package would bring it.
somebody_else() {
	mkdir -p "${1%/*}"
	make_module "$BIN/kvm.ko" version=9
	cp "$BIN/kvm.ko" "$1"
	make_objects
	depmod -b "$HOST" "$REL"
}

@test "another kvm.ko, wherever it lies: named with its owner, left alone, and ours is not built" {
	local dir file
	for dir in updates extra weak-updates/vendor kernel/drivers/vendor; do
		file=$MODDIR/$dir/kvm.ko
		somebody_else "$file"
		install_it
		ended 1 "$file is not of kvm-fixes but of no package, so something else replaces KVM there"
		[[ $(modinfo -F version "$file") == 9 && ! -e $BIN/calls && $(state state) == failed ]]
		rm "$file"
	done
	somebody_else "$MODDIR/updates/kvm_intel.ko.xz"
	install_it
	ended 1 "updates/kvm_intel.ko.xz is not of kvm-fixes"
	rm -r "$MODDIR/updates"
	depmod -b "$HOST" "$REL"
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "another kvm.ko that a package or DKMS brought is named with it" {
	local file=$MODDIR/updates/dkms/kvm.ko
	add_package vendor-kvm 1
	printf '/lib/modules/%s/extra/kvm.ko\n' "$REL" >"$HOST/var/lib/dpkg/info/vendor-kvm.list"
	somebody_else "$MODDIR/extra/kvm.ko"
	install_it
	ended 1 "extra/kvm.ko is not of kvm-fixes but of the package vendor-kvm, so"
	rm "$MODDIR/extra/kvm.ko"
	somebody_else "$file"
	mkdir -p "$HOST/var/lib/dkms/vendor/2/$REL/$(uname -m)/module"
	ln -s "2/$REL/$(uname -m)" "$HOST/var/lib/dkms/vendor/kernel-$REL-$(uname -m)"
	cp "$file" "$HOST/var/lib/dkms/vendor/2/$REL/$(uname -m)/module/"
	install_it
	ended 1 "updates/dkms/kvm.ko is not of kvm-fixes but of the DKMS module vendor, so"
	run -1 "$DKMS" pre-install "$REL"
	[[ $(modinfo -F version "$file") == 9 ]]
}

@test "another kvm.ko that comes later: ours give way, and it is left alone" {
	local file=$MODDIR/updates/vendor/kvm.ko
	install_it
	somebody_else "$file"
	install_it
	ended 1 "$file is not of kvm-fixes but of no package"
	[[ $(state state) == failed && -z $(find "$MODDIR/updates" -name 'kvm*' -not -path "$file") ]]
	[[ $(modinfo -F version "$(resolved kvm)") == 9 && $(resolved kvm-amd) == "$INTREE/kvm-amd.ko" ]]
	run -0 "$DKMS" remove "$REL"
	[[ $(modinfo -F version "$file") == 9 ]]
}

# merged_usr - from here on /lib is a link to usr/lib, as on every host of today.
merged_usr() {
	mkdir -p "$HOST/usr"
	mv "$HOST/lib" "$HOST/usr/lib"
	ln -s usr/lib "$HOST/lib"
}

# image_owns DIR VERSION - dpkg says that the modules below DIR are that image's.
image_owns() {
	make_packages
	add_package "linux-image-$REL" "$2"
	printf '%s/modules/%s/kernel/arch/x86/kvm/kvm.ko\n' "$1" "$REL" >"$HOST/var/lib/dpkg/info/linux-image-$REL.list"
}

@test "with and without merged /usr, and with either of dpkg's names for the modules" {
	local dir
	for dir in /lib /usr/lib /lib; do
		image_owns "$dir" 6.1.51-1
		install_it
		ended 77 "its image is 6.1.51-1 and its headers are $VERSION_OK"
		only_stock
		image_owns "$dir" "$VERSION_OK"
		install_it
		[[ $status == 0 && $(state image) == "$VERSION_OK" ]]
		ours_installed
		run -0 "$DKMS" repair "$REL"
		[[ -z $output ]]
		run -0 "$DKMS" remove "$REL"
		only_stock
		[[ -L $HOST/lib ]] || merged_usr
	done
	add_package vendor-kvm 1
	printf '/usr/lib/modules/%s/extra/kvm.ko\n' "$REL" >"$HOST/var/lib/dpkg/info/vendor-kvm.list"
	somebody_else "$MODDIR/extra/kvm.ko"
	install_it
	ended 1 "of the package vendor-kvm"
}
