#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Searches the model of bus-retire, every state of it, and then its mutants,
# each of which has to violate the property that it is there for.

bats_require_minimum_version 1.5.0

setup() {
	MODEL=$BATS_TEST_DIRNAME/bus-retire.pml
	OUT=$BATS_TEST_TMPDIR/out
	cd "$BATS_TEST_TMPDIR"
}

# One vCPU that emulates two instructions in a section. Mutants are of this.
SMALL=(-DVCPUS=1 -DLOOP)

# search OPTIMISATION MACRO... - DEPTH and HASH (bits) are pan's.
search() {
	local optimisation=$1
	shift
	spin "$@" -a "$MODEL"
	gcc "$optimisation" -w -DSAFETY -DCOLLAPSE -o pan pan.c
	./pan "-m${DEPTH:-10000}" "-w${HASH:-22}" >"$OUT"
	sed -n 's/^ *\([0-9]*\) states, stored.*/# \1 states/p' "$OUT" >&3
}

# Nothing is wrong, and no state was left out.
complete() {
	cat "$OUT"
	grep -q '^Full statespace search for:$' "$OUT" || return 1
	grep -qE '^State-vector .*, errors: 0$' "$OUT" || return 1
	! grep -qiE 'search depth too small|truncated|not completed|out of memory|interrupted' "$OUT"
}

# Every statement of every process ran in some state: nothing holds for want of trying.
covered() {
	local processes
	processes=$(grep -cE '^unreached in (proctype|init)' "$OUT")
	[[ $processes == 5 && $(grep -cE '^\s\(0 of [0-9]+ states\)$' "$OUT") == 5 ]]
}

# violates PROPERTY NAME MACRO... - as the first error and the only one looked for.
violates() {
	local property=$1 name=$2
	shift 2
	search -O0 "${SMALL[@]}" "-DONLY=$property" "$@"
	if complete; then
		return 1
	fi
	grep -qE "^pan:1: assertion violated $name \(at depth [0-9]+\)$" "$OUT" || return 1
	grep -qE '^State-vector .*, errors: 1$' "$OUT"
}

freed_array() { violates ARRAY no_reader_uses_a_freed_array "$@"; }
freed_device() { violates DEVICE no_reader_uses_a_freed_device "$@"; }
not_found() { violates FOUND an_announced_device_is_found "$@"; }
left() { violates LEFT nothing_is_left_after_destruction "$@"; }
over_the_bound() { violates BOUND retained_is_within_the_bound "$@"; }

@test "two vCPUs, three registrations, one unregistration: every property holds" {
	HASH=25 search -O2
	complete
	covered
}

@test "two instructions in one section: every property holds" {
	search -O2 "${SMALL[@]}"
	complete
	covered
}

@test "a scan that reads the counters one by one: every property holds" {
	HASH=24 search -O2 -DSPLIT_SCAN -DSECTIONS=1 -DREGISTRATIONS=1
	complete
}

@test "a search that was cut short is not taken for a complete one" {
	DEPTH=60 search -O0 "${SMALL[@]}"
	run ! complete
}

@test "a model of which a part never runs is not taken for covered" {
	search -O0 "${SMALL[@]}" -DUNREGISTRATIONS=0
	complete
	run ! covered
}

@test "mutant: the cookie is taken before the publication" {
	freed_array -DCOOKIE_BEFORE_PUBLISH
}

@test "mutant: the cookie is taken while the publication is in the store buffer" {
	freed_array -DNO_COOKIE_BARRIER
}

@test "mutant: the cookie is the end of the grace period that is running" {
	freed_array -DCOOKIE_OF_RUNNING
}

@test "mutant: an array is freed before its poll" {
	freed_array -DFREE_BEFORE_POLL
}

@test "mutant: one complete cookie frees the whole queue" {
	freed_array -DPOLL_ONE_FREE_ALL
}

@test "mutant: no wait where the bound is passed" {
	freed_array -DNO_WAIT_AT_BOUND
}

@test "mutant: no bound" {
	over_the_bound -DNO_BOUND
}

@test "mutant: no barrier in the reader, freed array" {
	freed_array -DNO_READER_BARRIER
}

@test "mutant: no barrier in the reader, device not found" {
	not_found -DNO_READER_BARRIER
}

@test "mutant: no barrier between instructions of one section" {
	not_found -DNO_LOOP_BARRIER
}

@test "mutant: announced before it is registered" {
	not_found -DANNOUNCED_EARLY
}

@test "mutant: no wait at unregistration" {
	freed_device -DNO_WAIT_UNREGISTER
}

@test "mutant: unregistration waits before it publishes" {
	freed_device -DWAIT_BEFORE_PUBLISH
}

@test "mutant: the queue is dropped when the bus becomes NULL" {
	left -DNULL_DROPS_QUEUE
}

@test "mutant: the queue stays with the array that is replaced" {
	left -DQUEUE_STAYS_BEHIND
}

@test "mutant: destruction while vCPUs still run" {
	freed_array -DNO_WAIT_FOR_USERS
}

@test "mutant: a grace period that does not flip the index" {
	freed_array -DNO_FLIP
}

@test "mutant: a grace period that scans one index only" {
	freed_array -DNO_FIRST_SCAN
}
