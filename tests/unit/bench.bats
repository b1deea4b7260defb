#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The benchmark's own arithmetic, on results made up for it.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BENCH_BUILD=${BUILD:-$BATS_FILE_TMPDIR/build}
	export REPO BENCH_BUILD
	make -s -C "$REPO" BUILD="$BENCH_BUILD" "$BENCH_BUILD/kvm-bus-bench"
}

setup() {
	export BUILD=$BATS_TEST_TMPDIR/build
	WORK=$BUILD/bench/6.1.0-1-amd64
	mkdir -p "$WORK"
	echo '{"kernel":"6.1.0-1-amd64","package":"1","emulator":"none","cpus":4,"cores":2,"processor":"none","form":"full","load_before":0}' >"$WORK/facts.json"
	printf 'kvm_io_bus_write 30 30 0\nall 30 30 0\n' >"$WORK/readers"
}

# burst SET TOTAL_MS [WAITS PEAK] - of 1,000 with 4 vCPUs.
burst() {
	printf 'BENCH {"kind":"burst","set":"%s","round":1,"bus":"mmio","vcpus":4,"load":"exit","n":1000,"total_ns":%d,"samples":1000,"median_ns":1,"p99_ns":2,"worst_ns":3%s}\r\n' \
		"$1" $(($2 * 1000000)) "${3:+,\"waits\":$3,\"retained_peak_bytes\":$4}" >>"$WORK/host.log"
}

grace() {
	printf 'BENCH {"kind":"burst","set":"stock","round":1,"bus":"mmio","vcpus":4,"load":"exit","n":1000,"total_ns":1,"samples":1,"median_ns":1,"p99_ns":1,"worst_ns":1,"grace":{"expedited_waits":%d,"normal_waits":0,"callbacks":%d,"started":0}}\n' \
		"$1" "$2" >>"$WORK/host.log"
}

# goal NAME - met, or by how much it is missed.
goal() { jq -r --arg goal "$1" '.goals[] | select(.goal == $goal) | .missed_by // "met"' "$WORK/bus.json"; }

report() { "$REPO/bench/bus-report" 6.1.0-1-amd64; }

@test "goals that are met" {
	grace 1000 0
	burst stock 6000
	burst ours 120 15 1048576
	burst floor 100
	run -0 report
	[[ $(goal "total of 1,000 against the floor") == met ]]
	[[ $(goal "total of 1,000, times faster than stock") == met ]]
	[[ $(goal waits) == met && $(goal "bytes retained") == met ]]
	[[ $(goal "instructions of the readers more than stock") == met ]]
	[[ $output != *MISSED* ]]
	[[ -s $WORK/bus-total.svg && -s $WORK/bus-tail.svg ]]
}

@test "goals that are missed, and by how much" {
	grace 1000 0
	burst stock 2000
	burst ours 200 30 8388608
	burst floor 80
	printf 'kvm_io_bus_write 30 31 1\nall 30 31 1\n' >"$WORK/readers"
	run -0 report
	[[ $(goal "total of 1,000 against the floor") == "a factor of 2" ]]
	[[ $(goal "total of 1,000, times faster than stock") == "a factor of 1.5" ]]
	[[ $(goal waits) == "a factor of 2" ]]
	[[ $(goal "bytes retained") != met ]]
	[[ $(goal "instructions of the readers more than stock") == 1 ]]
	[[ $output == *"MISSED by a factor of 2"* ]]
}

@test "the middle of the bursts counts, and those with counters on do not" {
	local ms
	for ms in 900 100 110; do burst ours "$ms" 1 1; done
	for ms in 100 100 1; do burst floor "$ms"; done
	grace 0 1
	run -0 report
	[[ $(jq -c '[.bursts[] | [.set, .bursts, .total_ns]]' "$WORK/bus.json") == '[["floor",3,100000000],["ours",3,110000000]]' ]]
	# Where the kernel does not wait itself, it need not be beaten.
	[[ -z $(goal "total of 1,000, times faster than stock") ]]
}

# sample SET CALLS EXITS - so many samples of each; no calls at all with 0.
sample() {
	local burst
	for burst in true false; do
		[[ $2 == 0 ]] || printf 'BENCH {"kind":"call","set":"%s","round":1,"call":"add-slot","vcpus":0,"load":"none","burst":%s,"samples":%d,"median_ns":1000}\n' \
			"$1" "$burst" "$2" >>"$WORK/host.log"
	done
	printf 'BENCH {"kind":"exit","set":"%s","round":1,"bus":"pio","n":0,"samples":%d,"median_ns":1000}\n' "$1" "$3" >>"$WORK/host.log"
}

@test "the tables have each build's own numbers of bursts and samples" {
	burst stock 6000
	burst ours 120 1 1
	burst ours 120 1 1
	burst ours 120 1 1
	burst floor 100
	burst floor 100
	sample stock 4 5
	sample ours 3 6
	sample floor 0 7
	run -0 report
	grep -qE '^ +1000 +mmio +4 +exit +1/3/2 +6000 +120 +100 ' <<<"$output"
	grep -qE '^ +add-slot +0 +none +4/3/- ' <<<"$output"
	grep -qE '^ +pio +0 +5/6/7 ' <<<"$output"
	# Of a build that has none.
	sed -i '/"burst".*"stock"/d' "$WORK/host.log"
	run -0 report
	grep -qE '^ +1000 +mmio +4 +exit +-/3/2 +- +120 +100 ' <<<"$output"
}

@test "a host that left nothing is an error, and so is half a line" {
	run -1 report
	[[ $output == *"make bench"* ]]
	echo 'BENCH {"kind":"burst"' >"$WORK/host.log"
	run -1 report
	[[ $output == *"run bus-run again"* ]]
}

# reader_module FILE EXTRA - a kvm.ko of four readers, EXTRA instructions more in one.
reader_module() {
	local name
	for name in write write_cookie read get_dev; do
		printf '.globl kvm_io_bus_%s\n.type kvm_io_bus_%s, @function\nkvm_io_bus_%s:\n\tpush %%rbx\n' "$name" "$name" "$name"
		[[ $name != read ]] || printf '.rept %d\n\tmov %%rax, %%rbx\n.endr\n' "$2"
		printf '\tpop %%rbx\n\tret\n.balign 64, 0x90\n'
	done >"$1.s"
	as -o "$1" "$1.s"
}

@test "bounds: medians of each beside the floor's, whose middle half is told" {
	local ms
	for ms in 452 452 9000; do burst bound-1 "$ms" 16 1; done
	burst bound-2 265 8 1
	burst bound-4 217 4 1
	burst bound-8 221 2 1
	burst bound-12 200 1 1
	for ms in 100 179 235 319 900; do burst floor "$ms"; done
	run -0 bash -c '. "$REPO/bench/bus-bounds"; WORK=$1; cp "$WORK/host.log" "$WORK/bounds.log"; table' - "$WORK"
	[[ ${lines[2]} == '| mmio | exit | 452 | 265 | 217 | 221 | 200 | 235 (179 to 319) |' ]]
	run -2 "$REPO/bench/bus-bounds" 6.1
}

@test "one instruction more in a reader is seen, padding is not" {
	cd "$BATS_TEST_TMPDIR"
	reader_module stock.ko 0
	reader_module ours.ko 1
	run -0 "$REPO/bench/bus-readers" stock.ko ours.ko
	[[ ${lines[*]} == *"kvm_io_bus_read 3 4 1"* && ${lines[-1]} == "all 12 13 1" ]]
	run -1 "$REPO/bench/bus-readers" stock.ko "$WORK/facts.json"
}

@test "the program has no device of its own choice and says what is wrong" {
	run -2 "$BENCH_BUILD/kvm-bus-bench" --sizes 10
	[[ $output == *--device* ]]
	run -3 "$BENCH_BUILD/kvm-bus-bench" --device "$BATS_TEST_TMPDIR/none"
	for bad in "--sizes 0" "--sizes 1,,2" "--sizes 20001" "--vcpus 5" "--round 0" "--set A" "--calls 65" "more"; do
		# shellcheck disable=SC2086
		run -2 "$BENCH_BUILD/kvm-bus-bench" --device "$BATS_TEST_TMPDIR/none" $bad
		[[ ${#lines[@]} == 1 ]]
	done
}
