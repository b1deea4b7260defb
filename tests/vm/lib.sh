# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# What /init and the scenarios share inside an emulated host. The shell is
# busybox, which would run its own modprobe and depmod: kmod's are called by path.
# shellcheck source=tests/vm/kernel-log.sh
. /vm/kernel-log.sh

SBIN=/sbin
RELEASE=$(uname -r)
STEP='' STEP_START=0

case $(grep -m1 '^vendor_id' /proc/cpuinfo) in
*GenuineIntel) VENDOR=kvm_intel ;;
*AuthenticAMD) VENDOR=kvm_amd ;;
*) VENDOR='' ;;
esac

# argument NAME - the value of kvmfixes.NAME on the kernel's command line.
argument() {
	tr ' ' '\n' </proc/cmdline | sed -n "s/^kvmfixes\.$1=//p" | tail -n 1
}

# uptime_cs - hundredths of a second since the host was started.
uptime_cs() {
	local up _
	read -r up _ </proc/uptime
	echo $((${up%.*} * 100 + 1${up#*.} - 100))
}

# step NAME COMMAND... - one step, timed and reported; the first that fails
# ends the scenario.
step() {
	STEP=$1
	shift
	STEP_START=$(uptime_cs)
	"$@"
	step_ok
}

step_ok() {
	local took=$(($(uptime_cs) - STEP_START))
	printf 'STEP %s ok %d.%02d\n' "$STEP" $((took / 100)) $((took % 100))
	STEP=''
}

# fail TEXT... - the current step failed, and with it the run.
fail() {
	printf 'STEP %s FAIL %s\n' "${STEP:-none}" "$*"
	printf '%s: %s\n' "${STEP:-none}" "$*" >>/run/why
	STEP=''
	exit 1
}

# scenario_begin / scenario_end - the first and the last line of a scenario. One
# that dies in between, or leaves early with status 0, did not pass.
scenario_begin() {
	set -eu
	trap 'if [ -n "$STEP" ]; then fail "a command failed, see above"; fi' EXIT
}

scenario_end() {
	: >/run/complete
}

# mark_kernel_log TEXT - put TEXT into the kernel log.
mark_kernel_log() {
	printf '<5>%s\n' "$1" >/dev/kmsg
}

# wait_for SECONDS COMMAND... - until COMMAND succeeds.
wait_for() {
	local tries=$(($1 * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# same_text FILE TEXT
same_text() {
	[ -e "$1" ] && [ "$(cat "$1")" = "$2" ]
}

# build_id NOTE - the id in a note, in hex. Its header and owner are 16 bytes.
build_id() {
	od -An -v -tx1 -j 16 "$1" | tr -d ' \n'
}

# use_tree NAME - that captured state becomes /lib/modules/RELEASE, and depmod
# works on it as it would on a host.
use_tree() {
	[ -d "/trees/$1" ] || fail "there is no module tree '$1' in the initramfs"
	ln -sfn "/trees/$1" "/lib/modules/$RELEASE"
	"$SBIN/depmod" -a || fail "depmod failed in tree '$1'"
}

# module_options - kvmfixes.params=[MODULE.]NAME=VALUE,... as "MODULE NAME VALUE".
module_options() {
	local item
	for item in $(argument params | tr ',' ' '); do
		case $item in
		*.*=*) echo "${item%%.*}" "$(echo "${item#*.}" | tr '=' ' ')" ;;
		*=*) echo "$VENDOR" "$(echo "$item" | tr '=' ' ')" ;;
		*) echo "bad '$item' -" ;;
		esac
	done
}

# configure_params - hand them to modprobe the way an administrator would.
configure_params() {
	local module name value
	mkdir -p /etc/modprobe.d
	module_options | while read -r module name value; do
		echo "options $module $name=$value"
	done >/etc/modprobe.d/kvmfixes.conf
}

# check_params - the loaded modules have the parameters that were asked for.
check_params() {
	local module name value file
	module_options | while read -r module name value; do
		file=/sys/module/$module/parameters/$name
		case $value in
		0) same_text "$file" 0 || same_text "$file" N ;;
		1) same_text "$file" 1 || same_text "$file" Y ;;
		*) same_text "$file" "$value" ;;
		esac || { echo "$module.$name is not $value"; break; }
	done >/run/params
	[ ! -s /run/params ] || fail "parameter $(cat /run/params)"
}

# known_warning REGEX - one of the kernel's own, which does not count in this run.
known_warning() {
	printf '%s\n' "$1" >/run/known-warning
	printf 'KNOWN-WARNING %s\n' "$1"
}

# load - by name, as udev, libvirt or a person would.
load() {
	[ -e /run/klog-begun ] || {
		mark_kernel_log "$KLOG_BEGIN"
		cat /proc/sys/kernel/tainted >/run/tainted
		: >/run/klog-begun
	}
	"$SBIN/modprobe" "$VENDOR" || fail "modprobe $VENDOR failed"
	[ -d "/sys/module/$VENDOR" ] || fail "modprobe says $VENDOR is loaded, but it is not"
	check_params
	[ -c /dev/kvm ] || fail "$VENDOR is loaded, but /dev/kvm did not appear"
	check_idle
}

unload() {
	check_idle
	"$SBIN/modprobe" -r "$VENDOR" kvm || fail "modprobe -r $VENDOR kvm failed"
	check_absent
}

check_absent() {
	[ ! -e "/sys/module/$VENDOR" ] || fail "$VENDOR is loaded"
	[ ! -e /sys/module/kvm ] || fail "kvm is loaded"
	[ ! -e /dev/kvm ] || fail "/dev/kvm is there without its module"
}

# check_idle - loaded, and nobody uses it. A VM's end may take a moment.
check_idle() {
	wait_for 10 same_text "/sys/module/$VENDOR/refcnt" 0 ||
		fail "$VENDOR is in use (refcount $(cat "/sys/module/$VENDOR/refcnt"))"
	same_text /sys/module/kvm/refcnt 1 ||
		fail "kvm has refcount $(cat /sys/module/kvm/refcnt) instead of 1"
}

# check_in_use - an open /dev/kvm holds the modules.
check_in_use() {
	exec 9</dev/kvm
	same_text "/sys/module/$VENDOR/refcnt" 1 ||
		fail "an open /dev/kvm does not hold $VENDOR"
	if "$SBIN/modprobe" -r "$VENDOR" 2>/dev/null; then
		fail "$VENDOR was unloaded under an open /dev/kvm"
	fi
	[ -c /dev/kvm ] || fail "a refused unload took /dev/kvm away"
	exec 9<&-
	check_idle
}

# check_build_id TREE MODULE - what is loaded is that tree's file.
check_build_id() {
	local want=/vm/expect/$1/$2/build-id got=/sys/module/$2/notes/.note.gnu.build-id
	[ -s "$want" ] || fail "there is no expected build-id of $2 for tree '$1'"
	[ -s "$got" ] || fail "the loaded $2 has no build-id"
	cmp -s "$want" "$got" ||
		fail "loaded $2 is not that of tree '$1': build-id $(build_id "$got"), expected $(build_id "$want")"
}

# check_stamped TREE MODULE - our note and version are there, byte for byte.
check_stamped() {
	local want=/vm/expect/$1/$2 got=/sys/module/$2
	[ -s "$want/note.kvm-fixes" ] || fail "$2 of tree '$1' has no .note.kvm-fixes"
	cmp -s "$want/note.kvm-fixes" "$got/notes/.note.kvm-fixes" ||
		fail "the loaded $2 does not carry the stamp of its file"
	[ "$2" != kvm ] || [ -s "$want/version" ] || fail "kvm of tree '$1' has no version"
	[ ! -s "$want/version" ] || cmp -s "$want/version" "$got/version" ||
		fail "the loaded $2 does not report the version of its file"
}

check_not_stamped() {
	[ ! -e "/sys/module/$1/notes/.note.kvm-fixes" ] || fail "the loaded $1 carries our stamp"
	[ ! -e "/sys/module/$1/version" ] || fail "the loaded $1 reports a version"
}

# guest_check - a guest runs on what is loaded. Its last line is the verdict; it is
# shown as it comes, so that a hang leaves the line before it on the console.
guest_check() {
	local line status
	[ -x /bin/kvm-guest-check ] || fail "there is no kvm-guest-check in the initramfs"
	: >/run/guest-check
	{
		status=0
		/bin/kvm-guest-check || status=$?
		echo "$status" >/run/guest-status
	} 2>&1 | while IFS= read -r line; do
		printf 'GUEST %s\n' "$line"
		printf '%s\n' "$line" >/run/guest-check
	done
	status=$(cat /run/guest-status)
	[ "$status" = 0 ] || fail "kvm-guest-check ended with status $status: $(cat /run/guest-check)"
	grep -qE '^guest-check: PASS \([1-9][0-9]* checks\)$' /run/guest-check ||
		fail "kvm-guest-check did not say that it passed: $(cat /run/guest-check)"
	check_idle
}
