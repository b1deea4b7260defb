# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Building a whole kernel out of the distribution's source with a configuration of
# ours, from the fragments in tests/vm/kernel. Needs common.sh, and TOP.

# unpack_kernel SERIES DIR - linux-source-SERIES, which is installed, becomes DIR.
unpack_kernel() {
	local file=/usr/src/linux-source-$1.tar.xz
	rm -rf -- "$2" && mkdir -p -- "$2"
	decompress "$file" | tar -xf - -C "$2" --strip-components=1 ||
		die "$EX_FAILED" "$file cannot be extracted; reinstall its package, or free some space"
}

# kernel_make SOURCE OBJECTS TARGET... - OBJECTS may be SOURCE itself. The caller's
# make must not take part. The code that QEMU enters a kernel by (PVH), and what that
# calls, runs before there is memory that the sanitizers could use.
kernel_make() {
	local source=$1 objects=$2
	shift 2
	[[ $objects != "$source" ]] || objects=
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$source" ${objects:+O="$objects"} -s -j"$(nproc)" \
		LOCALVERSION= K{A,C}SAN_SANITIZE_{enlighten,string}.o=n "$@" >&2
}

# configure_kernel SOURCE OBJECTS FRAGMENT... - from next to nothing, and every line
# that was asked for must be there.
configure_kernel() {
	local source=$1 objects=$2 line missing
	shift 2
	mkdir -p -- "$objects"
	(cd -- "$TOP/tests/vm/kernel" && cat -- "${@/%/.config}") >"$objects/fragments.config"
	kernel_make "$source" "$objects" KCONFIG_ALLCONFIG="$objects/fragments.config" allnoconfig
	missing=$(grep '^CONFIG' "$objects/fragments.config" | while read -r line; do
		grep -qxF "$line" "$objects/.config" || printf '%s ' "$line"
	done)
	[[ -z $missing ]] || die "$EX_FAILED" "the configuration lacks $missing; correct tests/vm/kernel"
}

# kernel_image SOURCE OBJECTS DIR - what scripts/setup image makes of a package, out of
# a kernel that has been built. Prints its release.
kernel_image() {
	local source=$1 objects=$2 image release
	release=$(make -s -C "$objects" LOCALVERSION= kernelrelease)
	image=$3/$release
	rm -rf -- "$image" && mkdir -p -- "$image/boot" "$image/lib/modules"
	kernel_make "$source" "$objects" INSTALL_MOD_PATH="$image" modules_install
	cp -- "$objects/arch/x86/boot/bzImage" "$image/boot/vmlinuz-$release"
	ln -sfn -- "$objects" "$image/lib/modules/$release/build"
	: >"$image/complete"
	printf '%s\n' "$release"
}
