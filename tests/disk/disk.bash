# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The disk of an emulated host: a Debian of suite $SUITE with its kernel, systemd, sshd, and
# our packages in /srv, on which everything is real but for the compiler, which would take
# half an hour there.
# shellcheck source=tests/deb/deb.bash
load ../deb/deb

# What the hosts load, and what they take to reach their disk and their network.
readonly HOST_MODULES=(kvm_intel kvm_amd virtio_pci virtio_blk ext4 virtio_net) BOOT_MODULES=virtio_pci,virtio_blk,ext4

# disk_setup_file - sets DISK, a folder with: image, vmlinuz, initramfs; marks-at, see
# make-disk; login, a key for ssh; debs and, with $UPGRADE, those of the next version. It stays
# between runs as long as what is made of this checkout would be the same.
disk_setup_file() {
	SUITE=${SUITE:-bookworm}
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	CACHE=${KVM_FIXES_TEST_CACHE:-$BUILD/cache}/chroot
	DISK=$BUILD/disk/$SUITE${UPGRADE:+-upgrade}
	FIRST=$(cat "$REPO/VERSION")
	SECOND=$(awk -F. '{ print $1 "." $2 "." $3 + 1 }' "$REPO/VERSION")
	export SUITE REPO BUILD CACHE DISK FIRST SECOND
	[[ $EUID == 0 ]] || skip "needs root"
	unshare --mount --propagation private true 2>/dev/null ||
		skip "mounting is not allowed here, or the root folder is no mount point"
	mkdir -p "$CACHE"
	make -s -C "$REPO" BUILD="$BUILD" vmm
	if [[ ! -e $DISK/made-of || $(cat "$DISK/made-of") != "$(disk_key)" ]]; then
		rm -rf "$DISK" && mkdir -p "$DISK"
		make_host
		disk_key >"$DISK/made-of"
	fi
}

# disk_key - of all that the disk and what is recorded of it depends on.
disk_key() {
	(cd "$REPO" && git ls-files -z --cached --others --exclude-standard -- Kbuild dkms.conf Makefile VERSION debian include \
		patches scripts src tests/disk tests/vm | xargs -0 sha256sum | sha256sum)
}

# make_host - the modules are made here, and lie there.
make_host() {
	PLACE=$(mktemp -d "$BUILD/chroot.XXXXXX")
	{
		unpack_chroot && copy_checkout "$REPO" && apt update
		RELEASE=$(inside apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: linux-image-//p' | sed -n 1p)
		SERIES=$(cut -d. -f1,2 <<<"$RELEASE")
		apt install systemd-sysv udev openssh-server python3-apt "linux-image-$RELEASE" "linux-headers-$RELEASE" \
			"linux-source-$SERIES=$(inside apt-cache show "linux-headers-$RELEASE" | sed -n 's/^Version: //p' | sed -n 1p)"
		prebuilt first "$FIRST"
		[[ -z ${UPGRADE:-} ]] || prebuilt second "$SECOND"
		satisfy
		reachable
		slim
		pack
		keep_archives
	} >&2
	rm -rf --one-file-system "$PLACE"
}

# prebuilt NAME VERSION - the packages, and what their build of the modules comes to, which a
# stand-in for build-modules has DKMS find. (Whoever installs the second version puts its
# stand-in there: the first one takes away what looks like an old version of itself.)
prebuilt() {
	local source=/usr/src/kvm-fixes-$2
	build_packages "$1" "$2"
	# shellcheck disable=SC2046 # a name without blanks
	inside dpkg -x $(debs "$1" | grep '/kvm-fixes_') "/srv/$1/unpacked"
	inside "/srv/$1/scripts/prepare-source" --kernel "$RELEASE" --out "/srv/$1/tree"
	inside env KVM_FIXES_COMMAND="/srv/$1/unpacked/usr/sbin/kvm-fixes" "/srv/$1/scripts/build-modules" \
		--kernel "$RELEASE" --tree "/srv/$1/tree" --out "/srv/prebuilt/$2"
	inside mkdir -p "$source/scripts"
	inside dpkg-divert --quiet --local --no-rename --divert "$source/scripts/build-modules.real" --add "$source/scripts/build-modules"
	cat >"$CHROOT/srv/$1.stand-in" <<-EOF
		#!/bin/bash
		set -euo pipefail
		while [[ \$# -ge 2 ]]; do
			case \$1 in
			--tree) tree=\$2 ;;
			--out) out=\$2 ;;
			esac
			shift 2
		done
		[[ -e \$tree/.prepared/complete ]] && mkdir -p "\$out" && cp /srv/prebuilt/$2/* "\$out/"
	EOF
	echo "$source/scripts/build-modules" >"$CHROOT/srv/$1.place"
	[[ $1 != first ]] || install -m 755 "$CHROOT/srv/$1.stand-in" "$CHROOT$source/scripts/build-modules"
	mkdir "$CHROOT/srv/$1.debs"
	mv "$CHROOT/srv/$1/out/deb"/*.deb "$CHROOT/srv/$1.debs/"
	rm -rf "${CHROOT:?}/srv/$1"
}

# satisfy - what the packages depend on is there before them.
satisfy() {
	local file
	for file in "$CHROOT"/srv/first.debs/kvm-fixes{,-dkms}_*.deb; do
		apt satisfy "$(dpkg-deb -f "$file" Depends | sed 's/kvm-fixes ([^)]*), *//')"
	done
}

# reachable - by ssh, on the only network card there is.
reachable() {
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$DISK/login"
	install -D -m 600 "$DISK/login.pub" "$CHROOT/root/.ssh/authorized_keys"
	printf '[Match]\nName=e*\n[Network]\nDHCP=ipv4\n' >"$CHROOT/etc/systemd/network/80-card.network"
	inside systemctl enable -q systemd-networkd
	inside systemctl mask -q systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer
}

# slim - no module that is not needed, since depmod reads them all; the kernel's source is in
# our cache; and dpkg writes as it does on a host.
slim() {
	local name keep
	keep=$(for name in "${HOST_MODULES[@]}"; do inside modprobe --show-depends -S "$RELEASE" "$name"; done | awk '$1 == "insmod" { sub("^/usr", "", $2); print $2 }' | sort -u)
	(cd "$CHROOT" && find "./lib/modules/$RELEASE/kernel" -name '*.ko*' | sed 's/^[.]//' | grep -vxF -e "$keep" | sed 's/^/./' | xargs -d '\n' rm --)
	inside depmod "$RELEASE"
	rm -rf "$CHROOT"/root/kvm-fixes "$CHROOT"/usr/src/linux-source-* "$CHROOT"/usr/share/doc/* "$CHROOT"/var/lib/apt/lists/*
	rm -f "$CHROOT/etc/dpkg/dpkg.cfg.d/unsafe-io"
}

# pack - the disk, and what its host boots by: kernel, initramfs with what to expect.
pack() {
	local modules=$CHROOT/lib/modules/$RELEASE name version trees=()
	cp "$CHROOT/boot/vmlinuz-$RELEASE" "$DISK/vmlinuz"
	cp -r "$CHROOT/srv/first.debs" "$DISK/debs"
	for name in stock fixed ${UPGRADE:+second}; do
		version=$FIRST
		[[ $name != second ]] || version=$SECOND
		mkdir -p "$PLACE/trees"
		cp -a "$modules" "$PLACE/trees/$name"
		rm -f "$PLACE/trees/$name"/{build,source}
		[[ $name == stock ]] || install -D -m 644 -t "$PLACE/trees/$name/updates/dkms" "$CHROOT/srv/prebuilt/$version"/*.ko
		trees+=(--tree "$name=$PLACE/trees/$name")
	done
	"$REPO/scripts/vm/make-initramfs" --out "$DISK/initramfs" --guest-check "$BUILD/kvm-guest-check" "${trees[@]}" \
		--insert "$BOOT_MODULES=$PLACE/trees/stock"
	"$REPO/scripts/vm/make-disk" --root "$CHROOT" --out "$DISK/image" >"$DISK/marks-at"
}

