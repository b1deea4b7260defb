#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# make install in a Debian of suite $SUITE, and then that suite's real kernel
# packages: what matters is that their own scripts succeed. The tests follow one
# another on one host.

bats_require_minimum_version 1.5.0
load chroot

setup_file() { chroot_setup_file; }

teardown_file() { chroot_teardown_file; }

@test "make install on a host without kernels places its files and succeeds" {
	run -0 inside make -C /root/kvm-fixes install
	grep -x 'KERNEL  *STATE  *REASON' <<<"$output"
	[[ $(inside run-parts --test /etc/kernel/postinst.d | paste -sd' ') == *"/dkms "*"/dkms-kvm-fixes "*/initramfs-tools ]]
	[[ -x $CHROOT/etc/kernel/header_postinst.d/dkms-kvm-fixes && -x $CHROOT/etc/kernel/prerm.d/dkms-kvm-fixes ]]
	inside test -x /usr/lib/kvm-fixes/dkms-kernel
}

@test "and the command: it runs, its units are enabled, its manual and completions are there" {
	local file
	[[ $(inside kvm-fixes version) == "kvm-fixes $VERSION" ]]
	inside /usr/lib/kvm-fixes/kvm-guest-check --list
	for file in kvm-fixes-early.service kvm-fixes-recover.service; do
		inside test -e "/etc/systemd/system/sysinit.target.wants/$file"
		inside grep -q '^ExecStart=/usr/sbin/kvm-fixes recover' "/lib/systemd/system/$file"
	done
	inside test -s /usr/share/man/man8/kvm-fixes.8
	inside bash -c '. /usr/share/bash-completion/completions/kvm-fixes && complete -p kvm-fixes'
	[[ -s $CHROOT/usr/share/zsh/vendor-completions/_kvm-fixes ]]
}

@test "a unit that was disabled stays so when it is installed again" {
	rm "$CHROOT/etc/systemd/system/sysinit.target.wants/kvm-fixes-early.service"
	run -0 inside make -C /root/kvm-fixes install
	[[ ! -e $CHROOT/etc/systemd/system/sysinit.target.wants/kvm-fixes-early.service ]]
	[[ -L $CHROOT/etc/systemd/system/sysinit.target.wants/kvm-fixes-recover.service ]]
}

@test "without the source the kernel's packages install, and the reason is on record" {
	run -0 apt install "linux-image-$RELEASE" "linux-headers-$RELEASE"
	grep "kernel $RELEASE: its source is .* run: apt-get install linux-source-$SERIES=" <<<"$output"
	packages_whole
	[[ $(state state) == skipped && $(state reason) == *"apt-get install linux-source-$SERIES="* ]]
	[[ ! -e $MODULES/updates ]]
	resolves_to_stock
	nothing_loaded
}

@test "a kernel's removal takes along what was kept for it" {
	run -0 apt purge "linux-image-$RELEASE" "linux-headers-$RELEASE"
	[[ ! -e $STATE/kernels/$RELEASE && ! -e $STATE/stock/$RELEASE ]]
	packages_whole
}

@test "image, headers and source at once: the hooks leave ours installed" {
	: >"$CHROOT/var/log/depmod"
	run -0 apt install "linux-image-$RELEASE" "linux-headers-$RELEASE" "linux-source-$SERIES"
	grep "dkms-kernel: kernel $RELEASE: installed" <<<"$output"
	packages_whole
	[[ $(state state) == installed && $(state version) == "$VERSION" ]]
	[[ $(state image) == "$(inside dpkg-query -W -f='${Version}' "linux-image-$RELEASE")" ]]
	jq -e . "$STATE/kernels/$RELEASE/report.json"
	stock_whole
	resolves_to_ours
	nothing_loaded
}

@test "for that, depmod ran once, and never by DKMS" {
	cat "$CHROOT/var/log/depmod"
	[[ $(depmods dkms-kernel) == 1 && $(depmods /usr/sbin/dkms) == 0 ]]
}

# carried - what the kernel's initrd has of KVM, and what a boot loads, by status.
carried() {
	inside bash -c 'mount -t sysfs sysfs /sys && kvm-fixes --json status --no-holders' >"$PLACE/status" || true
	jq -r --arg release "$RELEASE" '.kernels[] | select(.release == $release) | .initrd.carries_kvm + " " + .next_boot' "$PLACE/status"
}

@test "an initrd of initramfs-tools that is made to hold KVM has ours, and status knows" {
	mkdir -p "$CHROOT/etc/initramfs-tools/conf.d"
	echo MODULES=list >"$CHROOT/etc/initramfs-tools/conf.d/small"
	printf '%s\n' kvm_intel kvm_amd >>"$CHROOT/etc/initramfs-tools/modules"
	inside update-initramfs -c -k "$RELEASE"
	[[ $(carried) == "same ours" ]]
}

@test "an initrd of dracut's that is made to hold KVM is understood, and status knows what it has" {
	local image=$CHROOT/boot/initrd.img-$RELEASE
	run -0 apt install dracut-core
	mv "$image" "$PLACE/initrd"
	inside dracut --no-hostonly --modules base --add-drivers 'kvm kvm-intel kvm-amd' "/boot/initrd.img-$RELEASE" "$RELEASE"
	inside lsinitrd "/boot/initrd.img-$RELEASE" | grep 'kvm.*\.ko'
	[[ $(carried) == "same ours" ]]
	mv "$PLACE/initrd" "$image"
}

@test "installing again does nothing, and is quick" {
	local start=$SECONDS before
	before=$(stat -c %Y:%i "$MODULES"/updates/dkms/*)
	run -0 inside make -C /root/kvm-fixes install
	[[ $(awk -v release="$RELEASE" '$1 == release { print $2 }' <<<"$output") == installed ]]
	[[ $((SECONDS - start)) -lt 30 && $(stat -c %Y:%i "$MODULES"/updates/dkms/*) == "$before" ]]
}

@test "the image reinstalled leaves ours installed" {
	run -0 apt install --reinstall "linux-image-$RELEASE"
	packages_whole
	[[ $(state state) == installed ]]
	stock_whole
	resolves_to_ours
}

@test "kvm-fixes recover puts the kernel's own modules back, and what damage took away" {
	run -0 inside kvm-fixes recover
	[[ -z $output ]]
	rm "$MODULES"/kernel/arch/x86/kvm/kvm-amd.ko*
	run -0 inside kvm-fixes recover
	stock_whole
	resolves_to_ours
	rm "$MODULES"/updates/dkms/kvm-intel.ko*
	run -0 inside kvm-fixes recover
	stock_whole
	resolves_to_stock
	[[ $(state state) == failed && $(state reason) == "damaged: "*"dkms-kernel install $RELEASE" ]]
	nothing_loaded
	run -0 inside /usr/lib/kvm-fixes/dkms-kernel install "$RELEASE"
	resolves_to_ours
}

@test "where stock was chosen, a build is installed and the kernel's own are loaded" {
	mkdir -p "$CHROOT/etc/depmod.d"
	printf 'override %s * kernel/arch/x86/kvm\n' kvm kvm-intel kvm-amd >"$CHROOT/etc/depmod.d/kvm-fixes-stock.conf"
	run -0 inside /usr/lib/kvm-fixes/dkms-kernel install "$RELEASE"
	[[ $(state state) == installed ]]
	resolves_to_stock
	run -0 apt install --reinstall "linux-image-$RELEASE"
	resolves_to_stock
	rm "$CHROOT/etc/depmod.d/kvm-fixes-stock.conf"
	run -0 inside /usr/lib/kvm-fixes/dkms-kernel repair "$RELEASE"
	[[ $output == *"made modules.dep anew" ]]
	resolves_to_ours
	stock_whole
}

@test "dkms uninstall by hand: the distribution's own are there and win" {
	run -0 inside dkms uninstall "kvm-fixes/$VERSION" -k "$RELEASE"
	[[ $(state state) == removed && ! -e $MODULES/updates ]]
	stock_whole
	resolves_to_stock
}

@test "with that, the initrd holds modules that are gone, and status says what to run" {
	[[ $(carried) == "old initrd" ]]
	inside update-initramfs -u -k "$RELEASE"
	[[ $(carried) == "same stock" ]]
	rm "$CHROOT/boot/initrd.img-$RELEASE"
}

@test "even where DKMS moves the kernel's own modules away, they are back in place" {
	# Without our pre-install, 3.2 does; 3.0 on Debian does not.
	echo 'PRE_INSTALL=' >"$CHROOT/etc/dkms/kvm-fixes.conf"
	run -0 inside dkms install "kvm-fixes/$VERSION" -k "$RELEASE"
	rm "$CHROOT/etc/dkms/kvm-fixes.conf"
	[[ $(inside dkms --version) != dkms-3.2.* || $output == *"/kvm.ko.xz, archiving for uninstallation"* ]]
	stock_whole
	resolves_to_ours
	run -0 inside dkms uninstall "kvm-fixes/$VERSION" -k "$RELEASE"
	stock_whole
	resolves_to_stock
}

@test "dkms install by hand, on a host that wants modules loaded: checked, and nothing is" {
	echo 'modprobe_on_install="true"' >"$CHROOT/etc/dkms/framework.conf.d/load.conf"
	run -0 inside dkms install "kvm-fixes/$VERSION" -k "$RELEASE"
	[[ $(state state) == installed ]]
	stock_whole
	resolves_to_ours
	nothing_loaded
}

@test "that host would have loaded other modules, so the last test could fail" {
	mkdir -p "$CHROOT/usr/src/other-1"
	cat >"$CHROOT/usr/src/other-1/dkms.conf" <<-'EOF'
		PACKAGE_NAME=other
		PACKAGE_VERSION=1
		BUILT_MODULE_NAME[0]=other
		DEST_MODULE_LOCATION[0]=/updates/dkms
		MAKE[0]=./build
		CLEAN=true
	EOF
	printf '#!/bin/sh\ncp /lib/modules/%s/updates/dkms/kvm.ko* .; xz -df kvm.ko.xz; mv kvm.ko other.ko\n' "$RELEASE" >"$CHROOT/usr/src/other-1/build"
	chmod 755 "$CHROOT/usr/src/other-1/build"
	# 3.2 loads only what is of the running kernel.
	printf '#!/bin/sh\n[ "$1" = -r ] && echo %s || exec /bin/uname.real "$@"\n' "$RELEASE" >"$CHROOT/root/uname"
	cp "$CHROOT/bin/uname" "$CHROOT/bin/uname.real"
	install -m 755 "$CHROOT/root/uname" "$CHROOT/bin/uname"
	inside dkms install other/1 -k "$RELEASE" || true
	cat "$CHROOT/var/log/loads"
	[[ $(cat "$CHROOT/var/log/loads") == "modprobe "* ]]
	inside dkms remove other/1 -k "$RELEASE"
	mv "$CHROOT/bin/uname.real" "$CHROOT/bin/uname"
	: >"$CHROOT/var/log/loads"
}

@test "make uninstall waits for an unfinished swap" {
	mkdir -p "$STATE/swap"
	: >"$STATE/swap/journal.json"
	run ! inside make -C /root/kvm-fixes uninstall
	[[ $output == *"a swap did not end"*"run: kvm-fixes recover"* ]]
	inside kvm-fixes version
	rm "$STATE/swap/journal.json"
}

@test "make uninstall leaves the distribution's own modules and nothing of ours" {
	run -0 inside make -C /root/kvm-fixes uninstall
	resolves_to_stock
	[[ -z $(inside dpkg --verify "linux-image-$RELEASE" | grep /kvm) && ! -e $MODULES/updates ]]
	[[ -z $(find "$CHROOT"/{etc,usr,var,run} -name '*kvm-fixes*' -not -path '*/archives/*') ]]
	[[ -z $(find "$MODULES" -name '.*') ]]
	packages_whole
	nothing_loaded
}

@test "after that, the kernel's hooks run as if nothing had been" {
	local dir
	for dir in postinst.d header_postinst.d; do
		run -0 inside run-parts --exit-on-error --arg="$RELEASE" "/etc/kernel/$dir"
		[[ $output != *kvm-fixes* ]]
	done
	resolves_to_stock
}
