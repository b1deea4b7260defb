#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms-kernel on disks that are full to within a few pages: wherever it runs out,
# it ends in one line, and there are three whole modules to load.

bats_require_minimum_version 1.5.0
load fixture
load dkms-fixture

setup() {
	[[ $EUID == 0 ]] || skip "needs root, to mount a small disk"
	wrap_setup
	dkms_setup
}

teardown() {
	if [[ -n ${SMALL:-} ]]; then
		umount "$SMALL"
	fi
}

# make_small DIR - DIR on a disk of its own, that fill() fills.
make_small() {
	SMALL=$1
	mv "$SMALL" "$BATS_TEST_TMPDIR/moved"
	mkdir "$SMALL"
	mount -t tmpfs -o size=4m none "$SMALL"
	cp -a "$BATS_TEST_TMPDIR/moved/." "$SMALL/"
}

# fill PAGES - all but so many.
fill() {
	local free
	rm -f "$SMALL/filler"
	free=$(stat -f -c %a "$SMALL")
	head -c $(((free - $1) * 4096)) /dev/zero >"$SMALL/filler"
	[[ $(stat -f -c %a "$SMALL") == "$1" ]]
}

# whole - stock or ours, but three that go together.
whole() { all_in "$INTREE" || { all_in "$DEST" && cmp "$INTREE/kvm.ko" "$KEPT/stock/$REL/kvm.ko"; }; }

# sweep STEP [upgrade] - free pages from none up to enough. Only an upgrade may end
# with what was there before: when there is no room to let go of it.
sweep() {
	local pages
	FAILURES=0
	for ((pages = 0; pages < 200; pages += $1)); do
		fill "$pages"
		install_it
		[[ $status == 0 || ($status == 1 && ${#lines[@]} == 1) ]]
		whole
		[[ $status != 0 ]] || return 0
		[[ ${2:-} == upgrade ]] || all_in "$INTREE"
		FAILURES=$((FAILURES + 1))
	done
	false
}

@test "the disk of /lib/modules fills up at any point of an installation" {
	make_small "$MODDIR"
	sweep 2
	[[ $FAILURES -gt 5 ]]
	rm "$SMALL/filler"
	ours_installed
}

@test "the disk of /lib/modules fills up at any point of an upgrade" {
	make_small "$MODDIR"
	install_it
	make_stock two
	sweep 2 upgrade
	[[ $FAILURES -gt 2 ]]
	rm "$SMALL/filler"
	ours_installed
}

@test "the disk of /var fills up at any point" {
	make_small "$HOST/var"
	sweep 4
	[[ $FAILURES -gt 5 ]]
	rm "$SMALL/filler"
	install_it
	ours_installed
}

@test "removal on a full disk leaves what can be loaded" {
	make_small "$MODDIR"
	install_it
	fill 0
	run "$DKMS" remove "$REL"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"free some space"* ]]
	all_in "$DEST"
	rm "$SMALL/filler"
	run -0 "$DKMS" remove "$REL"
	only_stock
}
