# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A chroot of suite $SUITE for the tests, in which whoever asks for modprobe or
# insmod is written down, and refused.
# shellcheck source=scripts/lib/chroot.sh
. "$BATS_TEST_DIRNAME/../../scripts/lib/chroot.sh"
# What make install compiles with: there already, so that it is not fetched each time.
BASE_NAME=install
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
	RELEASE=$(inside apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: linux-image-//p' | sed -n 1p)
	SERIES=$(cut -d. -f1,2 <<<"$RELEASE")
	export CHROOT RELEASE SERIES
}

# chroot_setup_file - a chroot of the suite, with this checkout in it.
chroot_setup_file() {
	SUITE=${SUITE:-bookworm}
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	CACHE=${KVM_FIXES_TEST_CACHE:-$BUILD/cache}/chroot
	export SUITE REPO CACHE
	[[ $EUID == 0 ]] || skip "needs root"
	unshare --mount --propagation private true 2>/dev/null ||
		skip "mounting is not allowed here, or the root folder is no mount point"
	mkdir -p "$CACHE" "$BUILD"
	PLACE=$(mktemp -d "$BUILD/chroot.XXXXXX")
	export PLACE
	loaded_modules >"$PLACE/loaded"
	make_chroot >&2
}

chroot_teardown_file() {
	[[ -n ${PLACE:-} ]] || return 0
	keep_archives
	rm -rf --one-file-system "$PLACE"
}

setup() {
	VERSION=$(cat "$REPO/VERSION")
	MODULES=$CHROOT/lib/modules/$RELEASE
	STATE=$CHROOT/var/lib/kvm-fixes
}

teardown() {
	local log
	if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
		for log in "$STATE/kernels/$RELEASE"/{state.json,dkms.log} "$CHROOT"/var/log/{loads,depmod}; do
			[[ ! -s $log ]] || { echo "-- $log" && tail -n 15 "$log"; }
		done
	fi
}

state() { jq -r ".$1" "$STATE/kernels/$RELEASE/state.json"; }

# packages_whole - dpkg has nothing left to do, and no script of a package failed.
packages_whole() { [[ -z $(inside dpkg --audit) && -z $(inside dpkg-query -W -f='${db:Status-Status}\n' | grep -v '^installed$') ]]; }

# loads NAME - the files that modprobe would insert.
loads() { inside modprobe --show-depends -S "$RELEASE" "$1" | awk '{ print $2 }'; }

resolves_to_stock() {
	[[ $(loads kvm_intel | tail -n 2 | paste -sd' ') == */kernel/arch/x86/kvm/kvm.ko*\ */kernel/arch/x86/kvm/kvm-intel.ko* ]] &&
		[[ $(loads kvm_amd | tail -n 1) == */kernel/arch/x86/kvm/kvm-amd.ko* ]] &&
		[[ $(inside modinfo -k "$RELEASE" -n kvm) == */kernel/arch/x86/kvm/kvm.ko* ]]
}

resolves_to_ours() {
	[[ $(loads kvm_intel | grep /kvm | paste -sd' ') == */updates/dkms/kvm.ko*\ */updates/dkms/kvm-intel.ko* ]] &&
		[[ $(loads kvm_amd | tail -n 1) == */updates/dkms/kvm-amd.ko* ]] &&
		[[ $(inside modinfo -k "$RELEASE" -F version kvm) == "$VERSION" ]] &&
		[[ $(inside modinfo -k "$RELEASE" -F kvm_fixes_build kvm_intel) == "$(state build)" ]]
}

# stock_whole - the package's own files, untouched and in place, and kept.
stock_whole() {
	local package=linux-image-$RELEASE file
	! inside dpkg --verify "$package" | grep /kvm || return
	for file in kvm kvm-intel kvm-amd; do
		cmp "$MODULES/kernel/arch/x86/kvm/$file".ko* "$STATE/stock/$RELEASE/$file".ko* || return
	done
	(cd "$STATE/stock/$RELEASE" && sha256sum --quiet -c SHA256SUMS)
}

# loaded_modules - by name: how often one is in use changes all the time. Nothing where the
# kernel that runs this has no modules at all, and no such file.
loaded_modules() { cut -d' ' -f1 /proc/modules 2>/dev/null | sort || true; }

nothing_loaded() {
	[[ ! -s $CHROOT/var/log/loads ]] && diff "$PLACE/loaded" <(loaded_modules)
}

# killed_when FILE COMMAND... - it and all that it started are killed, SIGKILL at once,
# a moment after FILE has come to hold something.
killed_when() {
	rm -f "$CHROOT$1"
	# shellcheck disable=SC2016 # for the inner shell, whose end is everyone's
	inside unshare --pid --fork --mount --propagation unchanged --mount-proc bash -c '
		file=$1
		shift
		"$@" >/var/log/killed 2>&1 &
		until [[ -s $file ]]; do
			kill -0 $! || { tail -n 5 /var/log/killed; exit 1; }
			sleep 0.1
		done
		sleep 1' - "$@"
}

depmods() { grep -c "$1" "$CHROOT/var/log/depmod" || true; }
