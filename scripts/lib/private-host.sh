# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A folder that DKMS can work on as if it were a host (KVM_FIXES_ROOT).

# make_private_host DIR IMAGE RELEASE - with the shipped modules of RELEASE, out
# of an unpacked image, and nothing of ours. Headers, sources, package database
# and configuration are this machine's, by links.
make_private_host() {
	local host=$1 image=$2 release=$3 link
	local modules=$host/lib/modules
	mkdir -p -- "$modules" "$host/usr/src" "$host/var/lib" "$host/etc"
	cp -al -- "$image/lib/modules/$release" "$modules/"
	for link in build source; do
		rm -f -- "$modules/$release/$link"
		ln -s -- "$(readlink -f "/lib/modules/$release/$link")" "$modules/$release/$link"
	done
	ln -s -- /usr/src/linux-source-*.tar.xz "$host/usr/src/"
	ln -s -- /var/lib/dpkg "$host/var/lib/dpkg"
	[[ ! -d /etc/kvm-fixes ]] || ln -s -- /etc/kvm-fixes "$host/etc/kvm-fixes"
	depmod -b "$host" "$release"
}
