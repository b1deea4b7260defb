#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-fixes and kvm-fixes-dkms as packages, in a Debian of suite $SUITE: built,
# installed, upgraded, downgraded, removed and purged beside that suite's kernel and
# another DKMS module. The tests follow one another on one host.

bats_require_minimum_version 1.5.0
load deb

setup_file() {
	chroot_setup_file
	[[ -n ${CHROOT:-} ]] || return 0
	NEXT=$(awk -F. '{ print $1 "." $2 "." $3 + 1 }' "$REPO/VERSION")
	export NEXT
}

teardown_file() { chroot_teardown_file; }

@test "make deb builds both, and needs no root" {
	run -0 build_packages now "$(cat "$REPO/VERSION")"
	echo "$output"
	[[ $(debs now | grep -c '\.deb$') == 2 ]]
	build_packages next "$NEXT" >/dev/null
	[[ $(debs next | paste -sd' ') == *"_${NEXT}_"*"_${NEXT}_"* ]]
}

@test "built in another folder, they are the same bytes" {
	local file
	build_packages again "$VERSION" >/dev/null
	for file in $(debs now); do
		cmp "$CHROOT$file" "$CHROOT/srv/again/out/deb/${file##*/}"
	done
	inside rm -r /srv/again
}

@test "lintian has nothing to say that matters" {
	run -0 as_nobody bash -c "lintian --fail-on error,warning /srv/now/out/deb/*.changes"
	echo "$output"
}

@test "lintian would have" {
	inside bash -euc 'cd /srv && dpkg-deb -R now/out/deb/kvm-fixes-dkms_*.deb bad && mkdir bad/usr/local && date >bad/usr/local/x && dpkg-deb --root-owner-group -b bad bad.deb' >/dev/null
	run as_nobody lintian --fail-on error,warning /srv/bad.deb
	[[ $status != 0 && $output == *file-in-usr-local* ]]
	inside rm -r /srv/bad /srv/bad.deb
}

@test "without a kernel they install; the units are enabled, not started, and no apt hook comes along" {
	local file
	run -0 apt_install now
	echo "$output"
	packages_whole
	[[ $(inside kvm-fixes version) == "kvm-fixes $VERSION" ]]
	inside /usr/lib/kvm-fixes/kvm-guest-check --list
	for file in kvm-fixes-early.service kvm-fixes-recover.service; do
		inside test -e "/etc/systemd/system/sysinit.target.wants/$file"
	done
	inside test -s /usr/share/man/man5/kvm-fixes.conf.5.gz
	[[ ! -e $CHROOT/etc/apt/apt.conf.d/90kvm-fixes ]]
	run ! grep -E '(systemctl|deb-systemd-invoke|service) .*(start|stop)|(modprobe|insmod|rmmod) ' "$CHROOT"/var/lib/dpkg/info/kvm-fixes*.{pre,post}*
}

@test "make install and uninstall refuse where the packages are" {
	local target
	for target in install uninstall; do
		run ! inside make -C /root/kvm-fixes "$target"
		[[ $output == *"the package kvm-fixes is installed; run: apt-get "* ]]
	done
}

# left_alone - the kernel is as it came.
left_alone() {
	resolves_to_stock && stock_untouched && nothing_loaded && [[ -z $(compgen -G "$MODULES/updates/dkms/kvm*") ]]
}

@test "alone, with a kernel that has neither headers nor source: upgraded, downgraded, removed, purged and back, it is left alone" {
	run -0 apt install "linux-image-$RELEASE"
	digests >"$PLACE/stock-digests"
	left_alone
	run -0 apt_install next
	packages_whole
	left_alone
	[[ $(inside dkms status) != *kvm-fixes*installed* && $(inside kvm-fixes version) == "kvm-fixes $NEXT" ]]
	run -0 apt_install now --allow-downgrades
	packages_whole
	left_alone
	run -0 apt remove kvm-fixes-dkms kvm-fixes
	left_alone
	run -0 apt purge kvm-fixes-dkms kvm-fixes
	packages_whole
	left_alone
	[[ ! -e $STATE && ! -e $CHROOT/etc/kvm-fixes ]]
	run -0 apt_install now
	packages_whole
	left_alone
}

@test "a kernel with headers but without source installs and is skipped, and another module is built" {
	add_tiny
	run -0 apt install "linux-headers-$RELEASE"
	packages_whole
	[[ $(state state) == skipped && $(state reason) == *"apt-get install linux-source-$SERIES="* ]]
	tiny_there
	resolves_to_stock
	[[ -z $(compgen -G "$MODULES/updates/dkms/kvm*") ]]
}

@test "the source arrives, and a trigger of dpkg's has the modules built" {
	run -0 apt install "linux-source-$SERIES"
	echo "$output"
	grep "Processing triggers for kvm-fixes-dkms" <<<"$output"
	grep "dkms-kernel: kernel $RELEASE: installed" <<<"$output"
	installed_as "$VERSION"
}

@test "the package's own test passes: list, audit, nothing loaded" {
	run -0 inside bash -c 'mount -t sysfs sysfs /sys && /root/kvm-fixes/debian/tests/smoke'
	echo "$output"
	[[ $output == *"kernels served: 1" ]]
	nothing_loaded
}

@test "unpacked and not yet configured, the next version stands in no other module's or kernel's way" {
	local files fake=0.0.1-new
	mapfile -t files < <(debs next)
	run -0 inside dpkg --unpack "${files[@]}"
	[[ -d $CHROOT/usr/src/kvm-fixes-$NEXT && ! -e $CHROOT/usr/src/kvm-fixes-$VERSION/dkms.conf ]]
	resolves_to_ours
	# A kernel that comes in the same run: DKMS has not met it yet.
	mkdir "$CHROOT/lib/modules/$fake"
	cp -a "$MODULES/build" "$CHROOT/lib/modules/$fake/"
	run -0 inside /etc/kernel/postinst.d/dkms "$fake"
	echo "$output"
	[[ -n $(compgen -G "$CHROOT/lib/modules/$fake/updates/dkms/tiny.ko*") ]]
	inside dkms remove tiny/1 -k "$fake"
	rm -r "$CHROOT/lib/modules/$fake"
}

@test "dpkg is killed while they are configured: a whole set resolves" {
	killed_when "/var/lib/kvm-fixes/kernels/$RELEASE/dkms.log" dpkg --configure -a
	run ! packages_whole
	# The former ones, until theirs are built.
	[[ $(inside modinfo -k "$RELEASE" -F kvm_fixes_build kvm) == "$(inside modinfo -k "$RELEASE" -F kvm_fixes_build kvm_amd)" ]]
	resolves_to_ours
	stock_whole
	nothing_loaded
}

@test "configured, it has replaced the modules of the former version" {
	run -0 inside dpkg --configure -a
	echo "$output"
	installed_as "$NEXT"
}

@test "downgraded, the former version's modules are back" {
	run -0 apt_install now --allow-downgrades
	echo "$output"
	installed_as "$VERSION"
}

@test "removal waits for an unfinished swap" {
	mkdir -p "$STATE/swap"
	: >"$STATE/swap/journal.json"
	run ! apt remove kvm-fixes-dkms
	[[ $output == *"a swap did not end"*"run: kvm-fixes recover"* ]]
	rm "$STATE/swap/journal.json"
	# dpkg has it run its postinst again: nothing is left to do.
	run -0 inside dpkg --configure -a
	packages_whole
	resolves_to_ours
}

@test "removed, the kernel's own modules are where they were, and the other module too" {
	local dir
	mkdir -p "$CHROOT/etc/kvm-fixes"
	echo '# the site writes here' >"$CHROOT/etc/kvm-fixes/kvm-fixes.conf"
	run -0 apt remove kvm-fixes-dkms kvm-fixes
	echo "$output"
	stock_untouched
	resolves_to_stock
	tiny_there
	[[ -z $(compgen -G "$MODULES/updates/dkms/kvm*") && ! -e $CHROOT/var/lib/dkms/kvm-fixes && ! -e $CHROOT/usr/src/kvm-fixes-$VERSION ]]
	[[ -e $CHROOT/etc/kvm-fixes/kvm-fixes.conf ]]
	for dir in postinst.d header_postinst.d; do
		run -0 inside run-parts --exit-on-error --arg="$RELEASE" "/etc/kernel/$dir"
		[[ $output != *kvm-fixes* ]]
	done
}

@test "a build that fails does not fail the package" {
	mkdir -p "$CHROOT/etc/kvm-fixes"
	echo 'nonsense' >"$CHROOT/etc/kvm-fixes/kvm-fixes.conf"
	run -0 apt_install now
	echo "$output"
	packages_whole
	[[ $(state state) == failed && $(state reason) == *"not understood: 'nonsense'"* ]]
	[[ $output == *"kvm-fixes.conf: not understood"* ]]
	resolves_to_stock
	stock_untouched
}

@test "a purge keeps the copies as long as one is not in place" {
	local name
	mkdir -p "$STATE/stock/$RELEASE"
	cp "$MODULES"/kernel/arch/x86/kvm/kvm{,-intel,-amd}.ko* "$STATE/stock/$RELEASE/"
	(cd "$STATE/stock/$RELEASE" && sha256sum kvm* >SHA256SUMS)
	name=$(basename "$MODULES"/kernel/arch/x86/kvm/kvm-amd.ko*)
	rm "$MODULES/kernel/arch/x86/kvm/$name"
	run -0 inside /var/lib/dpkg/info/kvm-fixes-dkms.postrm purge
	[[ $output == *"/stock/$RELEASE/$name is not in place"* && -e $STATE/stock/$RELEASE/$name ]]
	# What removal does before: it comes back.
	run -0 inside /var/lib/dpkg/info/kvm-fixes-dkms.prerm remove
	stock_untouched
	resolves_to_stock
}

@test "purged, nothing of ours is left, and the kernel's own modules are byte for byte in place" {
	run -0 apt purge kvm-fixes-dkms
	echo "$output"
	# The command is there a little longer, and its unit may run.
	inside bash -c 'mount -t sysfs sysfs /sys && kvm-fixes recover'
	[[ -e $STATE/lock ]]
	# What it remembers of files that are compressed, and half of that, as a kill leaves it.
	mkdir -p "$CHROOT"/{var/cache/kvm-fixes,etc/depmod.d}
	touch "$CHROOT"/var/cache/kvm-fixes/{identity.json,.identity.json.Ab12Cd}
	touch "$CHROOT/etc/depmod.d/.kvm-fixes-stock.conf.Ab12Cd"
	run -0 apt purge kvm-fixes
	echo "$output"
	packages_whole
	stock_untouched
	resolves_to_stock
	tiny_there
	run -0 find "$CHROOT"/{etc,usr,var,run,boot} -name '*kvm-fixes*' -not -path '*/archives/*'
	echo "$output"
	[[ -z $output && -z $(find "$MODULES" -name '.*') ]]
}

@test "nothing was loaded by any of it" {
	nothing_loaded
}
