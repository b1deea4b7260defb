# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A chroot of suite $SUITE for the tests, in which whoever asks for modprobe or
# insmod is written down, and refused.
# shellcheck source=scripts/lib/chroot.sh
. "$BATS_TEST_DIRNAME/../../scripts/lib/chroot.sh"
# What make install compiles with: there already, so that it is not fetched each time.
BASE+=,$(sed -n 's/^cli: //p' "$BATS_TEST_DIRNAME/../../scripts/packages" | tr ' ' ,)

# divert_kmod - modprobe and insmod answer questions and refuse to load; who runs
# depmod is written down.
divert_kmod() {
	local name path
	for name in modprobe insmod depmod; do
		path=$(inside dpkg -L kmod | grep -E "/sbin/$name$")
		inside dpkg-divert --quiet --local --rename --add "$path"
		cat >"$CHROOT$path" <<-EOF
			#!/bin/bash
			real() { exec -a $name /bin/kmod "\$@"; }
			case $name:" \$* " in
			modprobe:*\\ -n\\ * | modprobe:*\\ -D\\ * | modprobe:*\\ --show-depends\\ * | modprobe:*\\ --dump-modversions\\ *) ;;
			depmod:*) echo "\$(tr '\0' ' ' </proc/\$PPID/cmdline)> \$*" >>/var/log/depmod ;;
			*)
				echo "$name \$*" >>/var/log/loads
				exit 1
				;;
			esac
			real "\$@"
		EOF
		chmod 755 "$CHROOT$path"
	done
	: >"$CHROOT/var/log/depmod"
	: >"$CHROOT/var/log/loads"
}

# make_chroot - sets CHROOT and RELEASE, the suite's newest kernel.
make_chroot() {
	unpack_chroot
	divert_kmod
	copy_checkout "$REPO"
	apt update
	apt autoclean
	RELEASE=$(inside apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: linux-image-//p' | sed -n 1p)
	SERIES=$(cut -d. -f1,2 <<<"$RELEASE")
	export CHROOT RELEASE SERIES
}
