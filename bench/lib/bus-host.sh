# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One emulated AMD host in which several builds of the modules register ioeventfds in turn.
# Needs common.sh, TOP and BUILD.

readonly CPUS=4
# Of 15 minutes: no round begins after so many seconds.
readonly LAST_ROUND=420

phase() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

# set_up KERNEL [BOUND]... - all that is needed, and the sets of modules, as bus-modules has
# them. Sets RELEASE and WORK.
set_up() {
	local kernel=$1
	shift
	phase "packages, and headers, source and image of the kernel"
	"$TOP/scripts/setup" packages build hosts bench
	RELEASE=$("$TOP/scripts/setup" release "$kernel")
	"$TOP/scripts/setup" kernel "$RELEASE"
	"$TOP/scripts/setup" image "$RELEASE" "$BUILD/image/$RELEASE"
	WORK=$BUILD/bench/$RELEASE
	phase "$((3 + $#)) sets of modules for $RELEASE (about a minute each if they must be built)"
	"$TOP/bench/bus-modules" "$RELEASE" "$@"
	make -s -C "$TOP" BUILD="$BUILD" "$BUILD/kvm-bus-bench" ||
		die "$EX_FAILED" "kvm-bus-bench cannot be built; see the message above"
}

# follow LOG PID - the steps of the host, for people who wait.
follow() {
	[[ -t 1 ]] || return 0
	tail -n 0 -F --pid "$2" "$1" 2>/dev/null | sed -un 's/^STEP \([^ ]*\) ok \(.*\)$/       \1 (\2 s in the host)/p'
}

# measure LOG FORM ROUNDS SET... - the results are in LOG.
measure() {
	local log=$1 form=$2 rounds=$3 pid set trees=()
	shift 3
	phase "measuring in an emulated host ($*, $rounds in turn; up to 15 minutes)"
	for set; do
		trees+=(--tree "$set=$WORK/trees/$set")
	done
	"$TOP/scripts/vm/make-initramfs" --out "$WORK/initramfs" "${trees[@]}" \
		--file "$BUILD/kvm-bus-bench=/bin/kvm-bus-bench"
	: >"$log"
	"$TOP/scripts/vm/run-host" --vendor amd --cpus "$CPUS" --mem 2048 --timeout 1200 \
		--vmlinuz "$BUILD/image/$RELEASE/boot/vmlinuz-$RELEASE" --initramfs "$WORK/initramfs" \
		--log "$log" --work "$BUILD/vm" \
		--append "kvmfixes.scenario=bus-bench kvmfixes.rounds=$rounds kvmfixes.form=$form kvmfixes.seconds=$LAST_ROUND kvmfixes.sets=$(IFS=,; printf '%s' "$*")" &
	pid=$!
	follow "$log" "$pid"
	wait "$pid" || die "$EX_FAILED" "the host failed; its log: $log"
}
