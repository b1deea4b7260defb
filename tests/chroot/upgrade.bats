#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What a host goes through over time, with the real packages of suite $SUITE: its
# kernel moves on, sources come late and move on too, packages are built again
# under an old name. The tests follow one another on one host.

bats_require_minimum_version 1.5.0
load chroot

setup_file() {
	chroot_setup_file
	[[ -n ${CHROOT:-} ]] || return 0
	NEWEST=$RELEASE
	PREVIOUS=$(inside apt-cache search --names-only "^linux-headers-$(sed 's/-[0-9]*-/-[0-9]+-/; s/[.]/[.]/g' <<<"$RELEASE")\$" |
		sed 's/ .*//; s/^linux-headers-//' | sort -V | tail -n 2 | sed -n 1p)
	export NEWEST PREVIOUS
	inside make -s -C /root/kvm-fixes install >&2
}

teardown_file() { chroot_teardown_file; }

# at RELEASE - what follows is about that kernel.
at() {
	RELEASE=$1
	MODULES=$CHROOT/lib/modules/$RELEASE
}

# source_version RELEASE - of the source package that its headers want.
source_version() { inside apt-cache show "linux-headers-$1" | sed -n 's/^Version: //p' | sed -n 1p; }

# with_sys COMMAND... - what is loaded is looked for there.
with_sys() { inside bash -c 'mount -t sysfs sysfs /sys && exec "$@"' - "$@"; }

status_json() { with_sys kvm-fixes --json status --no-holders; }

@test "a kernel whose source is not there yet is skipped, and built when apt brings it" {
	at "$PREVIOUS"
	[[ $PREVIOUS != "$NEWEST" ]]
	run -0 apt install "linux-image-$PREVIOUS" "linux-headers-$PREVIOUS"
	[[ $(state state) == skipped ]]
	resolves_to_stock
	run -0 apt install "linux-source-$SERIES=$(source_version "$PREVIOUS")"
	echo "$output"
	grep "dkms-kernel: kernel $PREVIOUS: installed" <<<"$output"
	packages_whole
	[[ $(state state) == installed ]]
	resolves_to_ours
	stock_whole
}

@test "the next ABI comes with headers and source in one transaction" {
	run -0 apt install "linux-image-$NEWEST" "linux-headers-$NEWEST" "linux-source-$SERIES=$(source_version "$NEWEST")"
	packages_whole
	at "$NEWEST"
	[[ $(state state) == installed ]]
	resolves_to_ours
	at "$PREVIOUS"
	[[ $(state state) == installed ]]
	resolves_to_ours
}

@test "the source has moved on, and the older kernel is built again from the cache" {
	at "$PREVIOUS"
	inside /usr/lib/kvm-fixes/dkms-kernel remove "$PREVIOUS"
	resolves_to_stock
	run -0 inside /usr/lib/kvm-fixes/dkms-kernel install "$PREVIOUS"
	resolves_to_ours
	stock_whole
}

@test "kvm-fixes list and status know both kernels" {
	run status_json
	jq -e --arg a "$PREVIOUS" --arg b "$NEWEST" '[.kernels[] | select(.state == "installed") | .release] | contains([$a, $b])' <<<"$output"
	run -0 with_sys kvm-fixes list
	grep "bus-barrier" <<<"$output"
}

@test "the older kernel is removed, and ours for it go" {
	at "$PREVIOUS"
	run -0 apt purge "linux-image-$PREVIOUS" "linux-headers-$PREVIOUS"
	packages_whole
	[[ ! -e $MODULES/updates && ! -e $STATE/kernels/$PREVIOUS && ! -e $STATE/stock/$PREVIOUS ]]
	at "$NEWEST"
	resolves_to_ours
}

# repack - the image of $NEWEST, built again with other modules under the same name.
repack() {
	local dir=/root/image
	inside bash -euc '
		cd /root && apt-get -qq -o APT::Sandbox::User=root download "$1" && dpkg-deb -R "${1}"_*.deb "$0" && rm "${1}"_*.deb
		sed -i "s/^Version: .*/&+again1/" "$0/DEBIAN/control"
		cd "$0" && file=$(find . -name "kvm.ko*")
		case $file in *.xz) xz -d "$file" && file=${file%.xz} && again=xz ;; esac
		objcopy --strip-unneeded --add-section .again="$0/DEBIAN/control" "$file"
		[[ -z ${again:-} ]] || xz --check=crc32 "$file"
		find . -path ./DEBIAN -prune -o -type f -printf "%P\\0" | xargs -0 md5sum >DEBIAN/md5sums
		dpkg-deb -Znone -b . /root/again.deb >/dev/null' "$dir" "linux-image-$NEWEST"
}

@test "the kernel's package is built again under the same name: its modules are what loads" {
	local old
	at "$NEWEST"
	old=$(sha256sum <"$MODULES"/kernel/arch/x86/kvm/kvm.ko*)
	repack
	run -0 inside dpkg -i /root/again.deb
	echo "$output"
	packages_whole
	[[ $(sha256sum <"$MODULES"/kernel/arch/x86/kvm/kvm.ko*) != "$old" ]]
	resolves_to_stock
	[[ $(state state) == skipped && $(state reason) == *"its image is "*"+again1 and its headers are "* ]]
	[[ ! -e $MODULES/updates/dkms/kvm.ko && ! -e $MODULES/updates/dkms/kvm.ko.xz ]]
}

@test "and when the package is right again, ours are built again" {
	at "$NEWEST"
	run -0 apt install --reinstall --allow-downgrades "linux-image-$NEWEST=$(source_version "$NEWEST")"
	packages_whole
	[[ $(state state) == installed ]]
	resolves_to_ours
	stock_whole
}

@test "a kernel with nothing left to fix is skipped as such, and ours are withdrawn" {
	at "$NEWEST"
	inside mkdir -p /etc/kvm-fixes
	inside bash -c 'echo "off = $(sed "/^#/d" /usr/src/kvm-fixes-*/patches/series | paste -sd,)" >/etc/kvm-fixes/kvm-fixes.conf'
	run -0 apt install --reinstall "linux-image-$NEWEST"
	echo "$output"
	packages_whole
	resolves_to_stock
	[[ $(state state) == skipped && $(state reason) == *"nothing to fix"* ]]
	inside rm /etc/kvm-fixes/kvm-fixes.conf
}

@test "dpkg is killed while our hook of the kernel builds: stock resolves, and dpkg --configure -a builds ours" {
	at "$NEWEST"
	killed_when "/var/lib/kvm-fixes/kernels/$NEWEST/dkms.log" apt-get -y -qq install --reinstall "linux-image-$NEWEST"
	run ! packages_whole
	resolves_to_stock
	[[ ! -e $MODULES/updates/dkms/kvm.ko && ! -e $MODULES/updates/dkms/kvm.ko.xz ]]
	run -0 inside dpkg --configure -a
	echo "$output"
	packages_whole
	[[ $(state state) == installed ]]
	resolves_to_ours
	stock_whole
}

@test "a kernel that no patch fits installs as ever, with its own modules" {
	at "$NEWEST"
	sed -i 's/^-.*buses.*/-	no such line/' "$CHROOT"/usr/src/kvm-fixes-*/patches/bus-barrier/*.patch
	run -0 apt install --reinstall "linux-image-$NEWEST"
	echo "$output"
	packages_whole
	resolves_to_stock
	[[ $(state state) == failed && $(state reason) == *"no patch fits this source"* ]]
	run status_json
	jq -e --arg release "$NEWEST" '.kernels[] | select(.release == $release) | .state == "failed" and (.reason | contains("no patch fits"))' <<<"$output"
}

@test "nothing was loaded by any of it" {
	nothing_loaded
}
