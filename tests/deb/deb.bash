# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The packages of this checkout, built in a chroot of suite $SUITE by its own tools
# and no root, and another DKMS module beside them.
# shellcheck source=tests/chroot/chroot.bash
load ../chroot/chroot
BASE_NAME=deb
BASE+=,jq,$(sed -n 's/^deb: //p' "$BATS_TEST_DIRNAME/../../scripts/packages" | tr ' ' ,)

# as_nobody COMMAND... - in the chroot.
as_nobody() { inside setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/nonexistent "$@"; }

# build_packages NAME VERSION - of the checkout as that version, into /srv/NAME/out/deb.
build_packages() {
	local dir=$CHROOT/srv/$1
	cp -r "$CHROOT/root/kvm-fixes" "$dir"
	if [[ $(cat "$dir/VERSION") != "$2" ]]; then
		echo "$2" >"$dir/VERSION"
		sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$2\"/" "$dir/dkms.conf"
		sed -i "1s/(.*)/($2)/" "$dir/debian/changelog"
	fi
	inside chown -R nobody:nogroup "/srv/$1"
	as_nobody make -s -C "/srv/$1" BUILD=out deb
}

# debs NAME - of the two packages, for apt.
debs() { (cd "$CHROOT" && printf '/%s\n' "srv/$1/out/deb/"kvm-fixes{,-dkms}_*.deb); }

# apt_install NAME [OPTION]... - the packages that were built as NAME.
apt_install() {
	local files
	mapfile -t files < <(debs "$1")
	apt install -o APT::Sandbox::User=root "${@:2}" "${files[@]}"
}

# add_tiny - a module of somebody else's that DKMS builds for every kernel.
add_tiny() {
	local dir=$CHROOT/usr/src/tiny-1
	mkdir -p "$dir"
	printf '%s\n' '#include <linux/module.h>' 'MODULE_LICENSE("GPL");' 'MODULE_VERSION("1");' >"$dir/tiny.c"
	echo 'obj-m := tiny.o' >"$dir/Kbuild"
	# shellcheck disable=SC2016 # for DKMS
	printf '%s\n' PACKAGE_NAME=tiny PACKAGE_VERSION=1 'BUILT_MODULE_NAME[0]=tiny' \
		'DEST_MODULE_LOCATION[0]=/updates/dkms' 'AUTOINSTALL=yes' \
		'MAKE[0]="make -C $kernel_source_dir M=$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION/build modules"' \
		CLEAN=true >"$dir/dkms.conf"
	inside dkms add tiny/1
}

tiny_there() { [[ -n $(compgen -G "$MODULES/updates/dkms/tiny.ko*") ]] && inside modprobe -n -S "$RELEASE" tiny; }

# digests - of the three modules where the kernel's package put them.
digests() { (cd "$MODULES/kernel/arch/x86/kvm" && sha256sum kvm.ko* kvm-intel.ko* kvm-amd.ko*); }

# stock_untouched - byte for byte as the image brought them.
stock_untouched() {
	diff <(digests) "$PLACE/stock-digests" && [[ -z $(inside dpkg --verify "$(image_package)" | grep /kvm) ]]
}

image_package() { inside dpkg-query -S '*/kernel/arch/x86/kvm/kvm.ko*' | sed 's/:.*//'; }

# installed_as VERSION - the modules of that version, no other of ours, and all else as it was.
installed_as() {
	VERSION=$1
	packages_whole && resolves_to_ours && stock_whole && tiny_there && nothing_loaded &&
		[[ $(state state) == installed && $(state version) == "$1" &&
			$(inside dkms status kvm-fixes) == *"kvm-fixes/$1, $RELEASE, x86_64: installed"* &&
			$(inside dkms status | grep -c kvm-fixes) == 1 && $(compgen -G "$CHROOT/usr/src/kvm-fixes-*") == *"-$1" ]]
}
