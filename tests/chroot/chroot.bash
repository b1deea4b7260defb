# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Debian of suite $SUITE in a folder, with DKMS and without a kernel. Nothing
# that runs in it can load a module into the kernel it runs on: it has not the
# capability, and whoever asks for modprobe or insmod is written down.

BASE=dkms,dwarves,initramfs-tools,ca-certificates

# apt_sources - the host's own mirrors, with the names of $SUITE.
apt_sources() {
	local uri release component here
	here=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		while read -r uri release component; do
			[[ $component == main && $release =~ ^$here(|-updates|-security)$ ]] || continue
			printf 'deb %s %s main\n' "$uri" "$SUITE${release#"$here"}"
		done
}

# base_key FILE - what the packages of the base depend on: the suite as released.
base_key() {
	local uri
	uri=$(awk -v suite="$SUITE" '$3 == suite { print $2 }' "$1")
	/usr/lib/apt/apt-helper download-file "${uri%/}/dists/$SUITE/InRelease" "$PLACE/InRelease" >/dev/null &&
		cat "$PLACE/InRelease" "$1" - <<<"$BASE" | sha256sum | cut -c1-16
}

# base_tarball - prints its name; made when the cache has none for this state.
base_tarball() {
	local key file
	apt_sources >"$PLACE/sources.list"
	key=$(base_key "$PLACE/sources.list") || return
	file=$CACHE/$SUITE-$key.tar
	if [[ ! -e $file ]]; then
		rm -f "$CACHE/$SUITE"-*.tar
		mmdebstrap --quiet --mode=root --variant=minbase --format=tar \
			--include="$BASE" "$SUITE" "$file.new" "$PLACE/sources.list" >&2 || return
		mv "$file.new" "$file"
	fi
	printf '%s\n' "$file"
}

# inside COMMAND... - run it in the chroot, without the right to load modules.
inside() {
	unshare --mount --propagation private bash -euc '
		mount --rbind /dev "$0/dev"
		mount -t proc proc "$0/proc"
		mount --bind "$1" "$0/var/cache/apt/archives"
		shift
		exec setpriv --bounding-set -sys_module --inh-caps -sys_module \
			env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C INITRD=No DEBIAN_FRONTEND=noninteractive \
			chroot "$0" "$@"' "$CHROOT" "$CACHE/archives" "$@" </dev/null
}

apt() {
	inside apt-get -y -qq -o APT::Keep-Downloaded-Packages=true --no-install-recommends "$@"
}

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
	local tarball
	tarball=$(base_tarball)
	CHROOT=$PLACE/root
	mkdir "$CHROOT"
	tar -xf "$tarball" -C "$CHROOT" --numeric-owner
	cp -L /etc/resolv.conf "$CHROOT/etc/resolv.conf"
	cp "$PLACE/sources.list" "$CHROOT/etc/apt/sources.list"
	echo force-unsafe-io >"$CHROOT/etc/dpkg/dpkg.cfg.d/unsafe-io"
	divert_kmod
	mkdir "$CHROOT/root/kvm-fixes"
	(cd "$REPO" && git ls-files -z --cached --others --exclude-standard | tar -cf - --null -T -) |
		tar -xf - -C "$CHROOT/root/kvm-fixes" --no-same-owner
	apt update
	apt autoclean
	RELEASE=$(inside apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: linux-image-//p' | sed -n 1p)
	SERIES=$(cut -d. -f1,2 <<<"$RELEASE")
	export CHROOT RELEASE SERIES
}
