# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Debian of suite $SUITE in a folder, $CHROOT, made from the mirrors of the host.
# Nothing that runs in it can load a module into the kernel it runs on: it has not
# the capability. Needs from its caller: SUITE, PLACE (a folder for the run) and
# CACHE (one that may stay). Backports are known to apt there, not preferred.

# The caller may add to it; then it gives it a name of its own, for the cache.
BASE_NAME=base
BASE=dkms,dwarves,initramfs-tools,ca-certificates
# apt_sources - the host's own mirrors, with the names of $SUITE.
apt_sources() {
	local uri release component here
	here=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		while read -r uri release component; do
			[[ $component == main && $release =~ ^$here(|-updates|-security)$ ]] || continue
			printf 'deb %s %s main\n' "$uri" "$SUITE${release#"$here"}"
			[[ $release != "$here" || $SUITE != trixie ]] || printf 'deb %s %s-backports main\n' "$uri" "$SUITE"
		done
}

# base_key FILE - what the packages of the base depend on: the suite as released.
base_key() {
	local uri
	uri=$(awk -v suite="$SUITE" '$3 == suite { print $2 }' "$1")
	/usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "${uri%/}/dists/$SUITE/InRelease" "$PLACE/InRelease" >/dev/null &&
		cat "$PLACE/InRelease" "$1" - <<<"$BASE" | sha256sum | cut -c1-16
}

# make_base FILE - a mirror that does not answer is asked again. mmdebstrap hands a
# descriptor of its own to a shell that only knows those below 10: ours are closed.
make_base() {
	mmdebstrap --quiet --mode=root --variant=minbase --format=tar --aptopt='Acquire::Retries "3"' \
		--include="$BASE" "$SUITE" "$1" "$PLACE/sources.list" >&2 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

# base_tarball - prints its name; made when the cache has none for this state.
base_tarball() {
	local key file
	apt_sources >"$PLACE/sources.list"
	key=$(base_key "$PLACE/sources.list") || return
	file=$CACHE/$SUITE-$BASE_NAME-$key.tar
	if [[ ! -e $file ]]; then
		rm -f "$CACHE/$SUITE-$BASE_NAME"-*.tar
		make_base "$file.new" || { sleep 20 && make_base "$file.new"; } || return
		mv "$file.new" "$file"
	fi
	printf '%s\n' "$file"
}

# inside COMMAND... - run it in the chroot, without the right to load modules.
inside() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private bash -euc '
		mount --rbind /dev "$0/dev"
		mount -t proc proc "$0/proc"
		mount --bind "$1" "$0/var/cache/apt/archives"
		shift
		exec setpriv --bounding-set -sys_module --inh-caps -sys_module \
			env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C INITRD=No DEBIAN_FRONTEND=noninteractive \
			chroot "$0" "$@"' "$CHROOT" "$PLACE/archives" "$@" </dev/null
}

# share_archives FROM TO - packages that were downloaded, by hard links where that
# goes. Each run has a folder of its own, since apt locks it.
share_archives() {
	mkdir -p "$1" "$2"
	find "$1" -maxdepth 1 -name '*.deb' -exec sh -c 'cp -aln "$@" || cp -an "$@"' - -t "$2" {} + 2>/dev/null || true
}

apt() {
	inside apt-get -y -qq -o Acquire::Retries=3 -o APT::Keep-Downloaded-Packages=true --no-install-recommends "$@"
}

# keep_archives - for the next run of this suite: what was used and can still be had.
keep_archives() {
	inside apt-get -qq autoclean
	rm -rf -- "${CACHE:?}/$SUITE-archives.new"
	share_archives "$PLACE/archives" "$CACHE/$SUITE-archives.new"
	rm -rf -- "${CACHE:?}/$SUITE-archives"
	mv -T -- "$CACHE/$SUITE-archives.new" "$CACHE/$SUITE-archives"
}

# unpack_chroot - sets CHROOT, the suite's base system as released.
unpack_chroot() {
	local tarball
	share_archives "$CACHE/$SUITE-archives" "$PLACE/archives"
	tarball=$(base_tarball) || return
	CHROOT=$PLACE/root
	mkdir "$CHROOT"
	tar -xf "$tarball" -C "$CHROOT" --numeric-owner
	cp -L /etc/resolv.conf "$CHROOT/etc/resolv.conf"
	cp "$PLACE/sources.list" "$CHROOT/etc/apt/sources.list"
	echo force-unsafe-io >"$CHROOT/etc/dpkg/dpkg.cfg.d/unsafe-io"
}

# copy_checkout DIR - this project's files to /root/kvm-fixes in the chroot.
copy_checkout() {
	mkdir "$CHROOT/root/kvm-fixes"
	(cd "$1" && git ls-files -z --cached --others --exclude-standard | tar -cf - --null -T -) |
		tar -xf - -C "$CHROOT/root/kvm-fixes" --no-same-owner
}
