# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scenarios of the command share: a host that runs the kernel's own
# modules and on which ours have just been installed, and what must be true of it
# whatever happened.
# shellcheck source=tests/vm/lib.sh
. /vm/lib.sh

MODULES=/lib/modules/$RELEASE
# shellcheck disable=SC2034 # for the scenarios
STOCK=$MODULES/kernel/arch/x86/kvm
# shellcheck disable=SC2034
FIXED=$MODULES/updates/dkms
VENDOR_FILE=$(echo "$VENDOR" | tr _ -)
STATE=/var/lib/kvm-fixes
JOURNAL=$STATE/swap/journal.json
LOADED='' CHOSEN='' CODE=0 NODE=''

# guest_check_is full|short|failing|slow - what a swap runs to see that a guest runs.
# The whole of it is about a second on hardware and ten in emulation.
guest_check_is() {
	local program=/usr/lib/kvm-fixes/kvm-guest-check what
	case $1 in
	full) what='exec /bin/kvm-guest-check "$@"' ;;
	short) what='exec /bin/kvm-guest-check --only pio,irqfd "$@"' ;;
	failing) what='echo "guest-check: FAIL (1 of 8 checks)"; exit 1' ;;
	slow) what='sleep 5; exec /bin/kvm-guest-check --only pio "$@"' ;;
	esac
	mkdir -p "${program%/*}"
	printf '#!/bin/busybox sh\n%s\n' "$what" >"$program"
	chmod 755 "$program"
}

# cli_host - the modules are loaded first and installed then, as it goes on a
# host; /dev/kvm gets what udev gives it.
cli_host() {
	mkdir -p "$MODULES" /etc/depmod.d /run/modprobe.d /var/cache /tmp
	guest_check_is short
	cp -a /trees/stock/. "$MODULES/"
	"$SBIN/depmod" -a
	configure_params
	load
	cp -a /trees/fixed/updates "$MODULES/"
	"$SBIN/depmod" -a
	chown 0:104 /dev/kvm
	chmod 660 /dev/kvm
	note_node
	healthy stock fixed
}

node() { stat -c '%F %a %u:%g %t:%T' /dev/kvm 2>/dev/null || echo none; }
note_node() { NODE=$(node); }

# same_build TREE MODULE - what is loaded is of that tree.
same_build() {
	cmp -s "/vm/expect/$1/$2/build-id" "/sys/module/$2/notes/.note.gnu.build-id"
}

# look - sets LOADED and CHOSEN, what modprobe would load: stock, fixed, none, or
# what is wrong with it.
look() {
	local tree
	LOADED=none
	if [ -e /sys/module/kvm ] || [ -e "/sys/module/$VENDOR" ]; then
		LOADED=mixed
		for tree in stock fixed; do
			if same_build "$tree" kvm && same_build "$tree" "$VENDOR"; then
				LOADED=$tree
			fi
		done
	fi
	case $("$SBIN/modprobe" -C /dev/null -D "$VENDOR" 2>/dev/null | grep -E '/kvm[^/]*\.ko' | sed 's,.*/\([a-z0-9]*/[^/]*\)\.ko.*,\1,' | tr '\n' ' ') in
	"dkms/kvm dkms/$VENDOR_FILE ") CHOSEN=fixed ;;
	"kvm/kvm kvm/$VENDOR_FILE ") CHOSEN=stock ;;
	*) CHOSEN=unclear ;;
	esac
}

# unhealthy - prints what is wrong with the host, nothing if nothing is. Nobody
# may be using KVM when it is asked.
unhealthy() {
	local path
	look
	case $LOADED in
	stock | fixed) ;;
	*) echo "loaded modules: $LOADED" ;;
	esac
	case $CHOSEN in
	stock | fixed) ;;
	*) echo "modprobe would load neither set" ;;
	esac
	for path in kvm "$VENDOR"; do
		same_text "/sys/module/$path/initstate" live || echo "$path is not live"
	done
	[ "$(node)" = "$NODE" ] || echo "/dev/kvm is '$(node)', it was '$NODE'"
	for path in /run/modprobe.d/+kvm-fixes-swap.conf "$JOURNAL" /dev/.kvm-fixes/kvm; do
		[ ! -e "$path" ] || echo "$path is left"
	done
	kvm-guest-check --only pio >/run/guest 2>&1 || echo "no guest runs: $(tail -n 1 /run/guest)"
	wait_for 10 same_text "/sys/module/$VENDOR/refcnt" 0 || echo "$VENDOR stays in use"
	same_text /sys/module/kvm/refcnt 1 || echo "kvm has refcount $(cat /sys/module/kvm/refcnt 2>/dev/null)"
}

# healthy [LOADED [CHOSEN]] - and these are loaded, and those chosen.
healthy() {
	unhealthy >/run/unhealthy
	[ ! -s /run/unhealthy ] || fail "the host is not healthy: $(tr '\n' ';' </run/unhealthy)"
	[ "${1:-$LOADED}" = "$LOADED" ] || fail "$LOADED is loaded and not $1"
	[ "${2:-$CHOSEN}" = "$CHOSEN" ] || fail "$CHOSEN is chosen and not $2"
}

# expect_exit CODE PATTERN COMMAND... - its exit code, and what it must have said.
# With an empty pattern it may say nothing.
expect_exit() {
	local want=$1 pattern=$2
	shift 2
	quietly "$@"
	[ "$CODE" = "$want" ] || fail "'$*' ended with $CODE instead of $want: $(tail -n 1 /run/said)"
	[ -z "$pattern" ] || grep -qE -- "$pattern" /run/said || fail "'$*' did not say '$pattern' but: $(tail -n 1 /run/said)"
}

# quietly COMMAND... - sets CODE; what it says goes to /run/said and the console.
quietly() {
	CODE=0
	"$@" >/run/said 2>&1 </dev/null || CODE=$?
	sed 's/^/CLI /' /run/said
}

# other TREE - the other one.
other() {
	case $1 in
	stock) echo fixed ;;
	*) echo stock ;;
	esac
}

# with_fault INJECTION COMMAND... - under strace, which makes a system call fail or
# sends a signal when it is entered. Our own process alone is looked at.
with_fault() {
	local inject=$1
	shift
	strace -o /run/strace -e "trace=${inject%%:*}" -e "inject=$inject" -- "$@"
}

# with_faults INJECTION COMMAND... - in programs that it runs as well.
with_faults() {
	local inject=$1
	shift
	strace -f -o /run/strace -e "trace=${inject%%:*}" -e "inject=$inject" -- "$@"
}

# injected - did the last fault happen at all?
injected() { grep -qE 'INJECTED|^[^ ]* *[+]{3} killed|--- SIG' /run/strace; }

# hold_kvm, release_kvm - a reference to kvm that belongs to no process: a trigger
# of the kernel's tracing that would switch one of kvm's events on.
TRIGGER=/sys/kernel/tracing/events/sched/sched_process_exit/trigger
hold_kvm() {
	[ -e "$TRIGGER" ] || mount -t tracefs tracefs /sys/kernel/tracing
	echo enable_event:kvm:kvm_fpu >"$TRIGGER"
}
release_kvm() { echo '!enable_event:kvm:kvm_fpu' >"$TRIGGER"; }

# step_of_journal - how far the swap came that is under way or was cut short.
step_of_journal() { sed -n 's/.*"step": *"\([a-z]*\)".*/\1/p' "$JOURNAL" 2>/dev/null || true; }

# kernel_rejects FILE... - so that a refusal is about something; the stock modules are
# loaded again afterwards.
kernel_rejects() {
	local file
	"$SBIN/rmmod" "$VENDOR"
	"$SBIN/rmmod" kvm
	for file; do
		! "$SBIN/insmod" "$file" 2>/run/said || fail "this kernel takes $file"
	done
	sed 's/^/CLI /' /run/said
	"$SBIN/insmod" "$STOCK"/kvm.ko*
	"$SBIN/insmod" "$STOCK/$VENDOR_FILE".ko*
	chown 0:104 /dev/kvm
	chmod 660 /dev/kvm
}

# number NAME DEFAULT - the value of kvmfixes.NAME.
number() {
	local value
	value=$(argument "$1")
	echo "${value:-$2}"
}
