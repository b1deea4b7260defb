# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# Read by the first program of an emulated host that has a disk, $root: goes on from there,
# with the scenario, or as a host of its own with kvmfixes.init=PROGRAM.
# scripts/vm/make-disk made it, with links into /run where the scenarios look for things.
flags=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^kvmfixes\.rootflags=//p')
mkdir /host
# shellcheck disable=SC2154
if ! mount -t ext4 -o "rw${flags:+,$flags}" "$root" /host; then
	echo "VM-RESULT: FAIL $root cannot be mounted"
	sleep 1
	poweroff -f
fi
mkdir /run/kvm-fixes-host /run/kvm-fixes-host/bin
cp -a /init /vm /scenario /run/kvm-fixes-host/
cp -a /bin/busybox /bin/kvm-guest-check /run/kvm-fixes-host/bin/
init=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^kvmfixes\.init=//p')
mount -t tmpfs tmpfs /host/tmp
ln -s /proc/self/fd /dev/fd
# The shell finds its own commands by /proc, which therefore goes last.
for fs in sys dev run proc; do
	/bin/busybox mount --move "/$fs" "/host/$fs"
done
exec /bin/busybox switch_root /host "${init:-/run/kvm-fixes-host/init}"
