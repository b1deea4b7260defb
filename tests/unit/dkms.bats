#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms-kernel on a small host, with a DKMS that goes wrong on demand.

bats_require_minimum_version 1.5.0
load fixture
load dkms-fixture

setup() {
	wrap_setup
	dkms_setup
	# As make exports it: no variable of a caller may end up in a record.
	export BUILD=/elsewhere IMAGE=/elsewhere STATE=/elsewhere
}

@test "install: ours resolve, the distribution's are kept, the record says what and why" {
	install_it
	[[ $status == 0 && -z $output ]]
	ours_installed
	[[ $(state version) == "$VERSION" && $(state headers) == "$VERSION_OK" && $(state kernel) == "$REL" && $(state reason) == "" ]]
	[[ $(jq -r .build "$KEPT/kernels/$REL/report.json") == "$(state build)" ]]
	[[ $(dkms_calls) == "add build install" ]]
	grep -q -- "-k $REL -a $(uname -m) --no-depmod" "$BIN/calls"
	run ! grep -vq -- --no-depmod "$BIN/calls"
}

@test "install again: nothing to do, DKMS is not asked" {
	install_it
	: >"$BIN/calls"
	install_it
	[[ $status == 0 && -z $(dkms_calls) ]]
	ours_installed
}

@test "the indexes are those that depmod makes" {
	install_it
	cp -a "$HOST" "$BATS_TEST_TMPDIR/other"
	depmod -b "$BATS_TEST_TMPDIR/other" "$REL"
	diff -r "$BATS_TEST_TMPDIR/other/lib/modules/$REL" "$MODDIR"
}

@test "remove: as before, and again is no error" {
	cp -a "$MODDIR" "$BATS_TEST_TMPDIR/before"
	install_it
	run -0 "$DKMS" remove "$REL"
	[[ -z $output && $(state state) == removed && $(state build) == "" ]]
	only_stock
	diff -r --no-dereference "$BATS_TEST_TMPDIR/before" "$MODDIR"
	[[ ! -e $TREE ]] || [[ -z $(find "$TREE" -name "$REL*") ]]
	run -0 "$DKMS" remove "$REL"
}

@test "remove deletes ours only after modules.dep has let go of them" {
	install_it
	watch_modules
	run -0 "$DKMS" remove "$REL"
	watched
	only_stock
}

@test "an upgrade and every step of it leave three loadable modules" {
	install_it
	echo 0.9.9 >"$PROJECT/VERSION"
	sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="0.9.9"/' "$PROJECT/dkms.conf"
	watch_modules
	install_it
	[[ $status == 0 ]]
	watched
	ours_installed
	[[ $(state version) == 0.9.9 && $(modinfo -F version "$DEST/kvm.ko") == 0.9.9 ]]
	[[ $(readlink "$TREE/kernel-$REL-$(uname -m)") == 0.9.9/* ]]
}

@test "a first installation too" {
	watch_modules
	install_it
	[[ $status == 0 ]]
	watched
}

@test "the watch notices a module that goes away too early" {
	install_it
	watch_modules
	rm "$DEST/kvm.ko"
	[[ -s $BIN/watch/bad ]]
}

@test "DKMS exits 0 and has installed nothing" {
	dkms_mode install-says-done
	install_it
	failed_with "there is no kvm.ko in"
}

@test "DKMS exits 0 and has built nothing" {
	dkms_mode build-says-done
	install_it
	failed_with "built nothing"
}

@test "the build fails: the record has the compiler's word for it" {
	dkms_mode build-fails
	install_it
	failed_with "build-modules: gcc: it broke"
}

@test "the build of an upgrade fails: the former modules go as well" {
	install_it
	make_stock two
	dkms_mode build-fails
	install_it
	failed_with "it broke"
}

@test "dkms install fails" {
	dkms_mode install-fails
	install_it
	failed_with "dkms install failed"
}

@test "a file is cut short, lost, or of another build" {
	dkms_mode truncates
	install_it
	failed_with "cut short"
	dkms_mode loses-one
	install_it
	failed_with "there is no kvm-intel.ko"
	make_module "$BIN/kvm-amd.ko" "version=$VERSION" kvm_fixes_build=feed
	mv "$BIN/kvm-amd.ko" "$BIN/other-build.ko"
	dkms_mode mixes
	install_it
	failed_with "is not the module that was built"
	dkms_mode
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "DKMS moves the kernel's own modules away: they come back" {
	dkms_mode moves-stock
	install_it
	[[ $status == 0 ]]
	ours_installed
	[[ ! -e $TREE/original_module/$REL/$(uname -m) ]]
	"$DKMS" remove "$REL"
	only_stock
}

@test "DKMS does not move them while its link is there" {
	install_it
	[[ ! -e $TREE/original_module && $(readlink "$TREE/kernel-$REL-$(uname -m)") == "$VERSION/$REL/$(uname -m)" ]]
}

@test "killed while DKMS copies: stock resolves, and the next run mends it" {
	dkms_mode killed moves-stock
	install_it
	[[ $status == 137 ]]
	[[ -e $DEST/kvm.ko && ! -e $DEST/kvm-amd.ko && $(state state) == failed && $(state reason) == *interrupted* ]]
	(cd "$KEPT/stock/$REL" && sha256sum --quiet -c SHA256SUMS)
	dkms_mode
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "killed while DKMS copies: remove brings the distribution's back" {
	dkms_mode killed moves-stock
	install_it
	[[ $status == 137 ]]
	run -0 "$DKMS" remove "$REL"
	only_stock
}

@test "interrupted: one line, a record, and stock modules" {
	local pid code=0
	dkms_mode hangs
	setsid "$DKMS" install "$REL" 2>"$BIN/said" &
	pid=$!
	while [[ ! -e $BIN/hanging ]]; do sleep 0.1; done
	kill -TERM -- "-$pid"
	wait "$pid" || code=$?
	[[ $code == 1 ]]
	[[ $(cat "$BIN/said") == *interrupted* && $(wc -l <"$BIN/said") == 1 && $(state state) == failed ]]
	only_stock
}

@test "two runs at once: the second waits, or gives up when told to" {
	local pid
	dkms_mode hangs
	setsid "$DKMS" install "$REL" 2>/dev/null &
	pid=$!
	while [[ ! -e $BIN/hanging ]]; do sleep 0.1; done
	KVM_FIXES_LOCK_WAIT=0 install_it
	ended 1 "another dkms-kernel is at work"
	dkms_mode
	(sleep 1 && kill -TERM -- "-$pid") &
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "the lock is for nobody else to hold" {
	(umask 0 && "$DKMS" install "$REL")
	[[ $(stat -c %a "$KEPT/lock") == 600 && $(stat -c %a "$KEPT") == 777 ]]
	# As earlier versions made it.
	chmod 644 "$KEPT/lock"
	install_it
	[[ $status == 0 && $(stat -c %a "$KEPT/lock") == 600 ]]
}

@test "a kernel that cannot be served is skipped, with the reason on record" {
	make_packages "$VERSION_OK" 6.1.49-1
	install_it
	ended 77 "its source is not linux-source-6.1 6.1.49-1"
	[[ $(state state) == skipped && $(state reason) == *"apt-get install linux-source-6.1=$VERSION_OK"* ]]
	[[ ! -e $BIN/calls ]]
	only_stock
}

@test "what was served once is withdrawn when it no longer can be" {
	install_it
	rm -r "$HOST/var/cache/kvm-fixes"
	make_packages 6.1.51-1 "$VERSION_OK"
	install_it
	ended 77 "its source is not"
	only_stock
	[[ $(state state) == skipped && ! -e $KEPT/kernels/$REL/report.json ]]
}

@test "no headers, no image, KVM built in, no dkms" {
	mv "$MODDIR/kernel" "$BIN/kernel"
	install_it
	ended 77 "install the package linux-image-$REL"
	mv "$BIN/kernel" "$MODDIR/kernel"
	sed -i 's/^CONFIG_KVM=m/CONFIG_KVM=y/' "$MODDIR/build/include/config/auto.conf"
	install_it
	ended 77 "its KVM is not made of the modules"
	rm "$MODDIR/build"
	install_it
	ended 77 "install the package linux-headers-$REL"
	[[ $(state state) == skipped ]]
	only_stock
}

@test "headers that are not configured yet are waited for" {
	sed -i "/^Package: linux-headers-$REL/{n;s/installed/unpacked/}" "$HOST/var/lib/dpkg/status"
	install_it
	ended 77 "not configured yet"
	sed -i "/^Package: linux-headers-$REL/{n;s/unpacked/half-configured/}" "$HOST/var/lib/dpkg/status"
	install_it
	[[ $status == 0 ]]
	ours_installed
}

# own_image VERSION - dpkg says that the modules are an image package's.
own_image() {
	add_package "linux-image-$REL" "$1"
	printf '/lib/modules/%s/kernel/arch/x86/kvm/kvm.ko\n' "$REL" >"$HOST/var/lib/dpkg/info/linux-image-$REL.list"
}

@test "an image of another version than the headers is left alone" {
	own_image 6.1.51-1
	install_it
	ended 77 "its image is 6.1.51-1 and its headers are $VERSION_OK"
	only_stock
	make_packages
	own_image "$VERSION_OK"
	install_it
	[[ $status == 0 && $(state image) == "$VERSION_OK" ]]
}

# newer_image - its modules, and dpkg says so; nobody has told us.
newer_image() {
	make_stock two
	make_packages
	own_image 6.1.51-1
}

@test "a newer image of the same release is not masked by what was made for the former, and that one's copy goes" {
	own_image "$VERSION_OK"
	install_it
	newer_image
	install_it
	ended 77 "its image is 6.1.51-1"
	only_stock
	grep -q two "$INTREE/kvm.ko"
	[[ ! -e $KEPT/stock/$REL ]]
	rm "$INTREE/kvm-amd.ko"
	run -0 "$DKMS" repair "$REL"
	[[ ! -e $INTREE/kvm-amd.ko ]]
}

@test "the copy of one image's modules is never mixed with, or put in the place of, those of another" {
	local lost command
	own_image "$VERSION_OK"
	install_it
	newer_image
	for lost in kvm-amd.ko kvm.ko 'kvm*.ko'; do
		# shellcheck disable=SC2086 # a pattern
		(cd "$INTREE" && rm $lost)
		cp -a "$INTREE" "$BIN/before"
		for command in repair remove forget; do
			run "$DKMS" "$command" "$REL"
			ended 1 "is not in $INTREE, and the copy in $KEPT/stock/$REL is of another version of the modules; reinstall linux-image-$REL"
			diff -r "$BIN/before" "$INTREE"
			all_in "$DEST"
		done
		rm -r "$BIN/before"
		make_stock two
	done
	# By its version alone, should all the rest be the same.
	make_stock one
	rm "$INTREE/kvm-amd.ko"
	run "$DKMS" repair "$REL"
	ended 1 "reinstall linux-image-$REL"
	make_packages
	own_image "$VERSION_OK"
	run "$DKMS" repair "$REL"
	ended 0 "put its own modules back"
	ours_installed
}

@test "where dpkg knows no version of the modules, those that are there say whether the copy is of theirs" {
	install_it
	make_stock two
	rm "$INTREE/kvm-amd.ko"
	run "$DKMS" repair "$REL"
	ended 1 "the copy in $KEPT/stock/$REL is of another version of the modules; reinstall the image package"
	[[ ! -e $INTREE/kvm-amd.ko ]]
	cp "$KEPT/stock/$REL/kvm.ko" "$INTREE/"
	run -1 "$DKMS" repair "$REL"
	truncate -s 20 "$INTREE/kvm-intel.ko"
	run -0 "$DKMS" repair "$REL"
	ours_installed
	rm "$INTREE"/*
	run -0 "$DKMS" repair "$REL"
	ours_installed
}

@test "what DKMS moved away is not put among modules of another image" {
	install_it
	mkdir -p "$TREE/original_module/$REL/$(uname -m)"
	cp "$INTREE"/*.ko "$TREE/original_module/$REL/$(uname -m)/"
	rm -r "$KEPT/stock"
	make_stock two
	rm "$INTREE/kvm-amd.ko"
	run "$DKMS" repair "$REL"
	ended 1 "its own kvm-amd is neither in $INTREE nor kept"
	[[ ! -e $INTREE/kvm-amd.ko && -e $TREE/original_module/$REL/$(uname -m)/kvm-amd.ko ]]
	make_stock one
	rm "$INTREE/kvm-amd.ko"
	run -0 "$DKMS" repair "$REL"
	[[ ! -e $TREE/original_module/$REL/$(uname -m) ]]
	all_in "$DEST"
	grep -q one "$INTREE/kvm-amd.ko"
}

@test "what DKMS moved away comes back though the copy is of the former image, and not if it is that one too" {
	local moved
	moved=$TREE/original_module/$REL/$(uname -m)
	own_image "$VERSION_OK"
	install_it
	newer_image
	mkdir -p "$moved"
	mv "$INTREE"/*.ko "$moved/"
	run -0 "$DKMS" repair "$REL"
	all_in "$DEST"
	grep -q two "$INTREE/kvm-amd.ko"
	rm "$INTREE"/*
	mkdir -p "$moved"
	cp "$KEPT/stock/$REL"/*.ko "$moved/"
	run "$DKMS" repair "$REL"
	ended 1 "is of another version of the modules; reinstall linux-image-$REL"
	[[ -z $(ls "$INTREE") && -e $moved/kvm.ko ]]
}

@test "a newer image whose modules are the same, byte for byte: the copy is of that one then" {
	own_image "$VERSION_OK"
	install_it
	[[ $(cat "$KEPT/stock/$REL/image") == "$VERSION_OK" ]]
	make_packages 6.1.51-1 6.1.51-1
	own_image 6.1.51-1
	install_it
	[[ $status == 0 && $(cat "$KEPT/stock/$REL/image") == 6.1.51-1 ]]
	ours_installed
	rm "$INTREE/kvm.ko"
	run -0 "$DKMS" repair "$REL"
	ours_installed
}

@test "forget: a copy of another image's modules is no reason to stop" {
	own_image "$VERSION_OK"
	install_it
	run -0 "$DKMS" remove "$REL"
	newer_image
	rm "$INTREE/kvm-amd.ko"
	run -0 "$DKMS" forget "$REL"
	[[ -z $(find "$KEPT" -name "*$REL*") && ! -e $INTREE/kvm-amd.ko ]]
	grep -q two "$INTREE/kvm.ko"
}

@test "the same release with other modules is built again, and the copy follows" {
	local before
	install_it
	before=$(state stock)
	make_stock two
	: >"$BIN/calls"
	install_it
	[[ $status == 0 && $(dkms_calls) == "build install" && $(state stock) != "$before" ]]
	ours_installed
	grep -q two "$KEPT/stock/$REL/kvm.ko"
}

@test "another configuration is built again" {
	local before
	mkdir -p "$HOST/etc/kvm-fixes/patches.d/site"
	install_it
	[[ $status == 1 ]]
	rm -r "$HOST/etc/kvm-fixes"
	install_it
	before=$(state build)
	echo '/* more */' >>"$PROJECT/src/kernel/stamp-module.h"
	install_it
	[[ $status == 0 && $(state build) != "$before" ]]
	ours_installed
}

@test "a file of ours that was damaged later is noticed and replaced" {
	install_it
	truncate -s -8 "$DEST/kvm.ko"
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "the copy of the stock modules is never one of ours" {
	install_it
	cp "$DEST"/*.ko "$INTREE/"
	run -0 "$DKMS" remove "$REL"
	only_stock
	grep -q one "$INTREE/kvm.ko"
	cp "$BIN/kvm.o" "$BIN/kvm.ko"
	rm -r "$KEPT/stock"
	make_module "$INTREE/kvm.ko" "version=$VERSION" kvm_fixes_build=feed
	install_it
	ended 1 "its own kvm is neither in"
	[[ ! -e $KEPT/stock/$REL ]]
}

@test "a copy that was damaged is made again" {
	install_it
	echo x >>"$KEPT/stock/$REL/kvm.ko"
	dkms_mode
	make_stock two
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "stock modules that are gone and not kept: an error that names them" {
	rm "$INTREE/kvm-amd.ko"
	install_it
	ended 1 "its own kvm-amd is neither in"
	[[ ! -e $BIN/calls ]]
}

@test "another package's kvm.ko is not touched" {
	mkdir -p "$DEST"
	make_module "$DEST/kvm.ko" version=3
	depmod -b "$HOST" "$REL"
	install_it
	ended 1 "something else replaces KVM"
	[[ $(modinfo -F version "$(resolved kvm)") == 3 && ! -e $BIN/calls ]]
	run -0 "$DKMS" remove "$REL"
	[[ $(modinfo -F version "$DEST/kvm.ko") == 3 ]]
}

@test "depmod.d prefers other files: an error that says which and why" {
	mkdir -p "$HOST/etc/depmod.d"
	echo 'override kvm-intel * kernel/arch/x86/kvm' >"$HOST/etc/depmod.d/site.conf"
	install_it
	failed_with "for kvm-intel modprobe would load $INTREE/kvm-intel.ko"
	[[ $output == *"'override kvm-intel * kernel/arch/x86/kvm' in $HOST/etc/depmod.d/site.conf"* ]]
	echo 'search built-in updates' >"$HOST/etc/depmod.d/site.conf"
	install_it
	failed_with "'search built-in updates' in"
	rm "$HOST/etc/depmod.d/site.conf"
	install_it
	[[ $status == 0 ]]
	ours_installed
}

@test "depmod fails, or cuts its files short: the indexes stay as they were" {
	local before
	before=$(cd "$MODDIR" && sha256sum modules.*)
	printf '#!/bin/sh\necho "depmod: ERROR: no space" >&2\nexit 1\n' >"$BIN/depmod"
	chmod 755 "$BIN/depmod"
	install_it
	failed_with "depmod failed: depmod: ERROR: no space"
	[[ $(cd "$MODDIR" && sha256sum modules.*) == "$before" ]]
}

@test "releases with odd characters" {
	local name
	for name in '' ' ' .. ../x a/b 'a b' '$(id)' 'a;b' -x; do
		run "$DKMS" install "$name"
		ended 2 "is not a kernel release"
	done
	run -2 "$DKMS" install
	run -2 "$DKMS" nonsense "$REL"
	[[ ! -e $BIN/calls ]]
}

@test "a release with every character that a package may have" {
	local odd=6.1.0-9+deb13.1-test
	mv "$MODDIR" "$HOST/lib/modules/$odd"
	MODDIR=$HOST/lib/modules/$odd REL=$odd INTREE=$HOST/lib/modules/$odd/kernel/arch/x86/kvm DEST=$HOST/lib/modules/$odd/updates/dkms
	sed -i "s/\".*\"/\"$odd\"/" "$MODDIR/build/include/generated/utsrelease.h"
	make_stock one
	make_packages
	depmod -b "$HOST" "$REL"
	install_it
	[[ $status == 0 ]]
	ours_installed
	run -0 "$DKMS" remove "$REL"
	only_stock
}

@test "a private root whose path has blanks is refused" {
	KVM_FIXES_ROOT="$BATS_TEST_TMPDIR/a b" install_it
	ended 2 "no path with blanks"
}

@test "hook: never fails, one line" {
	run -0 "$DKMS" hook "$REL"
	[[ $output == "dkms-kernel: kernel $REL: installed" ]]
	dkms_mode build-fails
	make_stock two
	run -0 "$DKMS" hook "$REL"
	[[ ${#lines[@]} == 1 && $output == *"it broke"* ]]
	run -0 "$DKMS" hook 'a b'
	TMPDIR=/nonexistent run -0 "$DKMS" hook "$REL"
}

@test "hooks succeed with the program there, failing, or gone" {
	local hook program=$BIN/lib/dkms-kernel
	mkdir "$BIN/lib"
	for hook in "$REPO"/scripts/hooks/kernel-*; do
		sed "s,@LIBDIR@,$BIN/lib," "$hook" >"$BIN/hook"
		rm -f "$program"
		run -0 sh "$BIN/hook" "$REL"
		[[ -z $output ]]
		printf '#!/bin/sh\necho "$*"\nexit 1\n' >"$program"
		chmod 755 "$program"
		run -0 sh "$BIN/hook" "$REL" /boot/vmlinuz
		[[ $output == "hook $REL" || $output == "forget $REL" ]]
		run -0 sh "$BIN/hook"
		[[ -z $output ]]
	done
}

@test "forget: nothing is kept either" {
	install_it
	run -0 "$DKMS" forget "$REL"
	only_stock
	[[ -z $(find "$KEPT" -name "*$REL*") ]]
}

@test "forget: a module that only the copy has is put back first" {
	install_it
	run -0 "$DKMS" remove "$REL"
	mkdir -p "$KEPT/stock/$REL"
	cp "$INTREE"/kvm*.ko "$KEPT/stock/$REL/"
	(cd "$KEPT/stock/$REL" && sha256sum kvm*.ko >SHA256SUMS)
	rm "$INTREE/kvm-amd.ko"
	run -0 "$DKMS" forget "$REL"
	only_stock
	[[ -z $(find "$KEPT" -name "*$REL*") ]]
}

# odd_folders - in /lib/modules and among the records, as people and backups leave them.
odd_folders() {
	local name
	for name in "$REL (copy)" .hidden -x 'a..b'; do
		mkdir -p "$HOST/lib/modules/$name" "$KEPT/kernels/$name"
		ln -s "$(readlink -f "$MODDIR/build")" "$HOST/lib/modules/$name/build"
	done
	echo x >"$HOST/lib/modules/README"
	echo x >"$KEPT/kernels/6.1.0-0-file"
}

@test "install-all and remove-all pass over what is no kernel's folder" {
	odd_folders
	run -0 "$DKMS" install-all
	printf '%s\n' "${lines[@]}"
	[[ ${#lines[@]} == 2 && ${lines[1]} == "$REL"*installed* ]]
	ours_installed
	run -0 "$DKMS" remove-all
	[[ -z $output ]]
	only_stock
	[[ -e "$HOST/lib/modules/$REL (copy)/build" && -e $HOST/lib/modules/README ]]
}

@test "unregister: DKMS knows nothing of this version, and what is installed stays" {
	install_it
	run -0 "$DKMS" unregister
	[[ ! -e $TREE/$VERSION ]]
	[[ $(modinfo -F kvm_fixes_build "$MODDIR/updates/dkms/kvm.ko") == "$(modinfo -F kvm_fixes_build "$MODDIR/updates/dkms/kvm-amd.ko")" ]]
	run -0 "$DKMS" install "$REL"
	run -0 "$DKMS" remove "$REL"
	only_stock
}

@test "install-all: a table, a skipped kernel is no failure, a failed one is" {
	local other=$HOST/lib/modules/6.1.0-8-test
	mkdir -p "$other"
	ln -s "$MODDIR/build" "$other/build"
	run -0 "$DKMS" install-all
	[[ ${lines[-3]} =~ ^KERNEL\ +STATE\ +REASON$ && ${lines[-1]} =~ ^$REL\ +installed && ${lines[-2]} =~ ^6.1.0-8-test\ +skipped\ +kernel ]]
	dkms_mode build-fails
	make_stock two
	run -1 "$DKMS" install-all
	[[ ${lines[-1]} =~ ^$REL\ +failed\ +.*it\ broke ]]
	run -0 "$DKMS" remove-all
	only_stock
	[[ ! -e $TREE && -z $(find "$KEPT" -name '*-test') ]]
}

# next_version TEXT - what is to be installed from here on.
next_version() {
	echo "$1" >"$PROJECT/VERSION"
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$1\"/" "$PROJECT/dkms.conf"
}

@test "install-all drops a version that no kernel uses any more, and no other" {
	next_version 0.0.5
	install_it
	mkdir -p "$TREE/0.0.5/6.1.0-7-test/x86_64/log"
	next_version "$VERSION"
	install_it
	next_version 0.9.9
	run -0 "$DKMS" install-all
	(cd "$HOST/usr/src" && echo kvm-fixes-*)
	[[ $(cd "$HOST/usr/src" && echo kvm-fixes-*) == "kvm-fixes-0.0.5 kvm-fixes-0.9.9" ]]
}

# lookalikes - folders that only have such names: checkouts, a backup, a link. Prints what is in them.
lookalikes() {
	local dir src=$HOST/usr/src
	if [[ ! -e $src/kvm-fixes-git ]]; then
		for dir in kvm-fixes-git kvm-fixes-0.0.9 kvm-fixes-; do
			mkdir -p "$src/$dir"
			echo precious >"$src/$dir/work"
		done
		cp -a "$src/kvm-fixes-$VERSION" "$src/kvm-fixes-$VERSION.bak"
		cp -a "$src/kvm-fixes-$VERSION" "$src/kvm-fixes-0.0.8"
		ln -s "kvm-fixes-$VERSION" "$src/kvm-fixes-0.0.7"
	fi
	(cd "$src" && find kvm-fixes-git kvm-fixes-0.0.[789] kvm-fixes- "kvm-fixes-$VERSION.bak" -printf '%p %i\n' | sort)
}

@test "install-all and remove-sources take what was placed for DKMS, and nothing that only has such a name" {
	local before
	install_it
	before=$(lookalikes)
	next_version 0.9.9
	run -0 "$DKMS" install-all
	[[ ! -e $HOST/usr/src/kvm-fixes-$VERSION ]]
	diff <(printf '%s\n' "$before") <(lookalikes)
	run -0 "$DKMS" remove-sources
	printf '%s\n' "${lines[@]}"
	[[ ${#lines[@]} == 6 && $output == *"usr/src/kvm-fixes-git: was not placed there by kvm-fixes, so it stays"* ]]
	[[ ! -e $HOST/usr/src/kvm-fixes-0.9.9 ]]
	diff <(printf '%s\n' "$before") <(lookalikes)
}

@test "sources are removed under the lock" {
	install_it
	next_version 0.9.9
	exec 8>"$KEPT/lock"
	flock 8
	KVM_FIXES_LOCK_WAIT=0 run -1 "$DKMS" remove-sources
	[[ $output == *"another dkms-kernel is at work"* ]]
	rm "$MODDIR/build"
	KVM_FIXES_LOCK_WAIT=0 run -1 "$DKMS" install-all
	[[ $output == *"another dkms-kernel is at work"*KERNEL* && -e $HOST/usr/src/kvm-fixes-$VERSION/dkms.conf ]]
	exec 8>&-
	run -0 "$DKMS" install-all
	run -0 "$DKMS" remove "$REL"
	run -0 "$DKMS" install-all
	[[ ! -e $HOST/usr/src/kvm-fixes-$VERSION ]]
}

@test "source: a checkout in the place of what DKMS builds from is refused, and stays" {
	local place=$HOST/usr/src/kvm-fixes-$VERSION
	mkdir -p "$HOST/usr/src"
	mv "$PROJECT" "$place"
	run "$place/scripts/dkms-kernel" source "$place"
	ended 1 "$place: is where this runs from"
	ln -s "$place" "$PROJECT"
	run "$PROJECT/scripts/dkms-kernel" source "$place"
	ended 1 "$place: is where this runs from"
	rm "$PROJECT"
	cp -r "$place" "$PROJECT"
	echo precious >"$place/work"
	run "$DKMS" source "$place"
	ended 1 "$place: was not placed there by kvm-fixes"
	install_it
	ended 1 "$place: was not placed there by kvm-fixes"
	[[ $(cat "$place/work") == precious && ! -e $BIN/calls ]]
	rm -r "$place"
	ln -s nowhere "$place"
	run "$DKMS" source "$place"
	ended 1 "$place: was not placed there by kvm-fixes"
	rm "$place"
	mkdir "$place"
	run -0 "$DKMS" source "$place"
	run -0 "$DKMS" source "$place"
	[[ $(head -n 1 "$place"/PLACED-*) == "kvm-fixes $VERSION" ]]
	install_it
	ours_installed
}

@test "the record is JSON whatever the reason has in it" {
	dkms_mode build-fails
	sed -i 's/gcc: it broke/gcc: "it" \\ broke\ttab/' "$BIN/dkms"
	install_it
	[[ $(state reason) == *'"it" \ broke'* ]]
	run -1 "$DKMS" install-all
	printf '%s\n' "${lines[-1]}"
	[[ ${lines[-1]} == *'"it" \ broke'* ]]
}

# choose_stock - as `kvm-fixes swap --to stock` writes it.
choose_stock() {
	CHOICE=$HOST/etc/depmod.d/kvm-fixes-stock.conf
	mkdir -p "${CHOICE%/*}"
	printf 'override %s * kernel/arch/x86/kvm\n' kvm kvm-intel kvm-amd >"$CHOICE"
}

# stock_chosen - ours are installed and whole, and the others are what loads.
stock_chosen() {
	local name
	all_in "$INTREE"
	for name in kvm kvm-intel kvm-amd; do
		[[ $(modinfo -F kvm_fixes_build "$DEST/$name.ko") == "$(state build)" ]]
	done
	[[ $(state state) == installed ]]
}

@test "where stock is chosen, ours are installed and the kernel's own are loaded" {
	choose_stock
	install_it
	[[ $status == 0 && -z $output ]]
	stock_chosen
	: >"$BIN/calls"
	install_it
	[[ $status == 0 && -z $(dkms_calls) ]]
	make_stock two
	install_it
	[[ $status == 0 && $(dkms_calls) == "build install" ]]
	stock_chosen
	run -0 "$DKMS" remove "$REL"
	only_stock
	[[ -e $CHOICE ]]
}

@test "an upgrade where stock is chosen leaves three loadable modules at every step" {
	choose_stock
	install_it
	make_stock two
	watch_modules
	install_it
	[[ $status == 0 ]]
	watched
	stock_chosen
}

@test "another choice takes a depmod and no build" {
	install_it
	: >"$BIN/calls"
	choose_stock
	install_it
	[[ $status == 0 && -z $(dkms_calls) ]]
	stock_chosen
	rm "$CHOICE"
	install_it
	[[ $status == 0 && -z $(dkms_calls) ]]
	ours_installed
}

@test "stock is chosen, and another line of depmod.d wants ours: an error that says so" {
	choose_stock
	echo "override kvm $REL updates/dkms" >"$HOST/etc/depmod.d/a.conf"
	echo "override kvm * updates/dkms" >>"$HOST/etc/depmod.d/zz.conf"
	install_it
	failed_with "for kvm modprobe would load $DEST/kvm.ko and not $INTREE/kvm.ko, because of 'override kvm"
	rm "$HOST/etc/depmod.d/"{a,zz}.conf
	: >"$CHOICE"
	install_it
	failed_with "although $CHOICE asks for it"
}

@test "remove-all takes the choice along, and not while something of ours is left" {
	choose_stock
	install_it
	rm "$INTREE/kvm.ko" "$KEPT/stock/$REL/kvm.ko"
	run -1 "$DKMS" remove-all
	[[ -e $CHOICE ]]
	make_stock one
	run -0 "$DKMS" remove-all
	only_stock
	[[ ! -e $CHOICE ]]
}

@test "it works below /var/lib/kvm-fixes, and what killed runs left there goes under the lock" {
	local left=$KEPT/work.killed
	mkdir -p "$left" "$BATS_TEST_TMPDIR/tmp" "$TREE"
	: >"$left/plain.ko"
	exec 8>"$KEPT/lock"
	flock 8
	KVM_FIXES_LOCK_WAIT=0 install_it
	ended 1 "another dkms-kernel is at work"
	KVM_FIXES_LOCKED=1 run -0 "$DKMS" pre-install "$REL"
	[[ -e $left/plain.ko ]]
	exec 8>&-
	printf '#!/bin/bash\nls -d "%s"/work.* "%s"/* >>"%s"\nexec %s "$@"\n' \
		"$KEPT" "$BATS_TEST_TMPDIR/tmp" "$BIN/seen" "$(command -v depmod)" >"$BIN/depmod"
	chmod 755 "$BIN/depmod"
	TMPDIR=$BATS_TEST_TMPDIR/tmp install_it
	[[ $status == 0 && ! -e $left && $(sort -u "$BIN/seen") =~ ^"$KEPT"/work\.[A-Za-z0-9]{6}$ ]]
	[[ -z $(compgen -G "$KEPT/work.*") ]]
	mkdir "$left"
	KVM_FIXES_LOCKED=1 run -0 "$DKMS" repair "$REL"
	[[ ! -e $left ]]
	ours_installed
}

# everything - with its times, but for the lock's and those of the folder that it works in, where
# what it needs meanwhile comes and goes.
everything() {
	(cd "$HOST" && {
		find . -not -name lock -not -path ./var/lib/kvm-fixes -printf '%p %T@ %i\n'
		stat -c '%n %i' var/lib/kvm-fixes
	} | sort)
}

@test "repair: nothing to do, nothing said, nothing written" {
	local before
	run -0 "$DKMS" repair "$REL"
	[[ -z $output ]]
	only_stock
	install_it
	: >"$BIN/calls"
	before=$(everything)
	run -0 "$DKMS" repair "$REL"
	[[ -z $output && ! -s $BIN/calls ]]
	diff <(printf '%s\n' "$before") <(everything)
	ours_installed
	run -0 "$DKMS" remove "$REL"
	run -0 "$DKMS" repair "$REL"
	[[ -z $output ]]
	only_stock
}

@test "repair: a kernel without KVM modules, or without any, is left alone" {
	rm -r "$INTREE"
	sed -i 's/^CONFIG_KVM=m/CONFIG_KVM=y/' "$MODDIR/build/include/config/auto.conf"
	install_it
	[[ $status == 77 ]]
	run -0 "$DKMS" repair "$REL"
	[[ -z $output && ! -e $INTREE ]]
	run -0 "$DKMS" repair 6.1.0-1-gone
	[[ -z $output ]]
}

@test "repair: the kernel's own modules come back, from DKMS's folder or the copy" {
	install_it
	rm "$INTREE/kvm-amd.ko"
	truncate -s 20 "$INTREE/kvm.ko"
	run -0 "$DKMS" repair "$REL"
	[[ $output == "dkms-kernel: kernel $REL: put its own modules back" ]]
	ours_installed
	mkdir -p "$TREE/original_module/$REL/$(uname -m)"
	mv "$INTREE"/*.ko "$TREE/original_module/$REL/$(uname -m)/"
	rm -r "$KEPT/stock"
	run -0 "$DKMS" repair "$REL"
	[[ $output == *"put its own modules back" && ! -e $TREE/original_module/$REL/$(uname -m) ]]
	all_in "$DEST"
	[[ $(ls "$INTREE") == $'kvm-amd.ko\nkvm-intel.ko\nkvm.ko' ]]
	rm "$INTREE/kvm.ko"
	run "$DKMS" repair "$REL"
	ended 1 "its own kvm is neither in"
	all_in "$DEST"
}

@test "repair: a damaged or missing file of ours: stock resolves, the record says why" {
	local damage
	for damage in "truncate -s -8 $DEST/kvm-amd.ko" "rm $DEST/kvm-intel.ko" "cp $DEST/kvm.ko $DEST/kvm-amd.ko"; do
		install_it
		[[ $status == 0 ]]
		: >"$BIN/calls"
		$damage
		run "$DKMS" repair "$REL"
		ended 0 "kernel $REL: withdrew what was installed, which is damaged: "
		[[ $output == *"; run: /usr/lib/kvm-fixes/dkms-kernel install $REL" && $output != *"see "* ]]
		[[ $(state state) == failed && $(state reason) == "damaged: "*"; run: /usr/lib/kvm-fixes/dkms-kernel install $REL" ]]
		[[ $(dkms_calls) == remove ]]
		only_stock
	done
}

@test "repair: modules.dep is made again when it names other files, by either choice" {
	install_it
	cp "$MODDIR"/modules.* "$BIN/"
	choose_stock
	run -0 "$DKMS" repair "$REL"
	[[ $output == "dkms-kernel: kernel $REL: made modules.dep anew" ]]
	stock_chosen
	run -0 "$DKMS" repair "$REL"
	[[ -z $output ]]
	rm "$CHOICE" "$MODDIR"/modules.{dep,dep.bin}
	run -0 "$DKMS" repair "$REL"
	[[ $output == *"made modules.dep anew" ]]
	ours_installed
	cmp "$MODDIR/modules.dep.bin" "$BIN/modules.dep.bin"
}

@test "repair: what a killed installation left goes" {
	dkms_mode killed moves-stock
	install_it
	[[ $status == 137 && -e $DEST/kvm.ko ]]
	run -0 "$DKMS" repair "$REL"
	[[ $output == *"put its own modules back; removed what an interrupted installation left" ]]
	only_stock
	[[ $(state state) == failed && $(state reason) == *interrupted* ]]
}

@test "repair runs under the lock of its caller, and else takes its own" {
	local lock=$KEPT/lock
	install_it
	rm "$INTREE/kvm.ko"
	exec 8>"$lock"
	flock 8
	KVM_FIXES_LOCK_WAIT=0 run -1 "$DKMS" repair "$REL"
	[[ $output == *"another dkms-kernel is at work"* && ! -e $INTREE/kvm.ko ]]
	KVM_FIXES_LOCKED=1 run -0 "$DKMS" repair "$REL"
	exec 8>&-
	ours_installed
}

@test "by hand: pre-install keeps the stock modules and holds DKMS off them" {
	install_it
	"$DKMS" remove "$REL"
	rm -r "$KEPT/stock"
	mkdir -p "$TREE"
	run -0 "$DKMS" pre-install "$REL"
	[[ -L $TREE/kernel-$REL-$(uname -m) && ! -e $TREE/kernel-$REL-$(uname -m) ]]
	cmp "$KEPT/stock/$REL/kvm.ko" "$INTREE/kvm.ko"
}

@test "by hand: post-install takes away what is not right" {
	install_it
	truncate -s -40 "$DEST/kvm.ko"
	run -1 "$DKMS" post-install "$REL"
	[[ $output == *"cut short"*"removed again" && $(state state) == failed ]]
	[[ -z $(find "$DEST" -name '*.ko') && ! -L $TREE/kernel-$REL-$(uname -m) ]]
}

@test "by hand: post-install and post-remove put the stock modules back" {
	install_it
	mkdir -p "$TREE/original_module/$REL/$(uname -m)"
	mv "$INTREE"/*.ko "$TREE/original_module/$REL/$(uname -m)/"
	run -0 "$DKMS" post-install "$REL"
	ours_installed
	rm "$INTREE"/*.ko "$DEST"/*.ko
	run -0 "$DKMS" post-remove "$REL"
	cmp "$INTREE/kvm.ko" "$KEPT/stock/$REL/kvm.ko"
	[[ $(state state) == removed ]]
}

@test "what is placed for DKMS is enough to build from" {
	"$DKMS" source "$BATS_TEST_TMPDIR/placed"
	run -0 "$BATS_TEST_TMPDIR/placed/scripts/prepare-source" --kernel "$REL" --out "$OUT"
	rm -r "$OUT"
}

@test "retry: a source that came after the kernel was skipped is built from" {
	make_packages "$VERSION_OK" ""
	rm "$HOST"/usr/src/linux-source-*
	install_it
	[[ $status == 77 && $(state state) == skipped ]]
	run "$PROJECT/scripts/dkms-kernel" retry
	[[ $status == 0 && -z $output && $(state state) == skipped ]]
	sleep 0.1
	make_packages
	run "$PROJECT/scripts/dkms-kernel" retry
	echo "$output"
	[[ $status == 0 && $output == *"kernel $REL: installed" ]]
	ours_installed
	: >"$BIN/calls"
	run "$PROJECT/scripts/dkms-kernel" retry
	[[ $status == 0 && -z $output && -z $(dkms_calls) ]]
}

@test "retry: a source that does not help is tried once" {
	make_packages "$VERSION_OK" ""
	rm "$HOST"/usr/src/linux-source-*
	install_it
	sleep 0.1
	make_packages "$VERSION_OK" 6.1.49-1
	run "$PROJECT/scripts/dkms-kernel" retry
	[[ $status == 0 && $output == *"apt-get install linux-source-6.1=$VERSION_OK" && $(state state) == skipped ]]
	sleep 0.1
	run "$PROJECT/scripts/dkms-kernel" retry
	[[ $status == 0 && -z $output ]]
}
