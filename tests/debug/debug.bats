#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-bus-storm in emulated AMD hosts whose kernels look for faults, with allocations
# failing. Each mutant of tests/mutants/bus-retire must be found by what is to find it.
#
# A test's name begins with its kernel's flavour, for bats --filter. STORM_WRITES is how
# many writes the guest has to count on each kernel.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	STORM_WRITES=${STORM_WRITES:-15000}
	export REPO BUILD STORM_WRITES
	make -s -C "$REPO" -f tests/storm/storm.mk BUILD="$BUILD" storm
}

# storm FLAVOUR TREE WRITES FAULTS - one host; FAULTS of 100 allocations fail.
storm() {
	local tree=$2 dir=$BUILD/debug/$1 trees=()
	[[ $tree == stock ]] || trees=(--tree "$tree=$dir/trees/$tree")
	"$REPO/scripts/vm/make-initramfs" --out "$BATS_TEST_TMPDIR/initramfs" --tree stock="$dir/trees/stock" \
		"${trees[@]}" --file "$BUILD/kvm-bus-storm=/bin/kvm-bus-storm"
	"$REPO/scripts/vm/run-host" --vendor amd --cpus 4 --mem 1024 --timeout $((600 + $3 / 40)) \
		--vmlinuz "$(compgen -G "$dir/image/*/boot/vmlinuz-*")" --initramfs "$BATS_TEST_TMPDIR/initramfs" \
		--log "$dir/$tree.log" --work "$BUILD/vm" \
		--append "kvmfixes.scenario=bus-storm kvmfixes.tree=$tree kvmfixes.writes=$3 kvmfixes.faults=$4"
}

# passes FLAVOUR TREE - and shows the totals.
passes() {
	"$REPO/scripts/debug-kernel" modules "$1"
	storm "$1" "$2" "$STORM_WRITES" 3
	grep '^STORM' "$BUILD/debug/$1/$2.log"
}

# caught FLAVOUR MUTANT PATTERN [WRITES] - the run fails, and because of that.
caught() {
	"$REPO/scripts/debug-kernel" mutant "$1" "$REPO/tests/mutants/bus-retire/$2.patch"
	run storm "$1" "$2" "${4:-15000}" 0
	echo "$output"
	[[ $status == 1 ]]
	grep -qE -- "$3" <<<"$output"
}

@test "lockdep: a storm loses no event, has no report and leaves no memory" {
	passes lockdep fixed
}

@test "lockdep: an event lost in ten thousand is found" {
	# Where it hits is chance; of so many it spares all in one run of twenty thousand.
	caught lockdep lose-one 'STEP storm.* lost [1-9]' 100000
}

@test "lockdep, more: the kernel's own modules pass the same storm" {
	passes lockdep stock
}

@test "lockdep, more: registration without slots_lock is found" {
	caught lockdep unlocked 'kernel log: .*(suspicious RCU usage|kvm_bus_retire)'
}

@test "lockdep, more: a forgotten queue is found" {
	caught lockdep forget-queue 'bytes are retained although there is no VM'
}

@test "lockdep, more: a leak that the account hides is found" {
	caught lockdep leak 'the slabs hold [0-9]+ bytes'
}

@test "kasan: a storm loses no event, has no report and leaves no memory" {
	passes kasan fixed
}

@test "kasan: an array freed at once is found" {
	caught kasan free-at-once 'kernel log: .*KASAN: .*use-after-free in .*kvm_io_bus'
}

@test "kasan: a leak that the account hides is found" {
	caught kasan leak 'memory was leaked'
}

@test "kcsan: a storm loses no event, has no report and leaves no memory" {
	passes kcsan fixed
}

@test "kcsan: publication by a plain store is found" {
	# It looks at one access in some thousand.
	caught kcsan plain-publish 'kernel log: .*KCSAN: data-race in .*kvm_io_bus_register_dev' 120000
}

@test "kcsan: an array freed at once is found" {
	caught kcsan free-at-once 'kernel log: .*KCSAN: .*race in .*(kvm_io_bus|ioeventfd|coalesced)' 40000
}
