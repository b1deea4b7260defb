#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Each fuzz target for FUZZ_SECONDS (default 10) under ASan and UBSan, from seeds that
# seeds-NAME makes on the spot. What crashes it stays in $BUILD/fuzz.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=$(realpath -m "${BUILD:-$REPO/build}")
	export REPO BUILD
	make -s -C "$REPO" BUILD="$BUILD" cli-fuzz >&2
}

# executed LOG - how often the target ran.
executed() { sed -n 's/^stat::number_of_executed_units: *//p' "$1"; }

# fuzz NAME [OPTION...] - fails when it crashes, leaks, hangs, or hardly ran at all.
fuzz() {
	local name=$1 corpus=$BUILD/fuzz/corpus-$1 log=$BUILD/fuzz/$1.log code=0 seeds
	shift
	rm -rf -- "$corpus"
	mkdir -p -- "$corpus"
	"$REPO/tests/fuzz/seeds-$name" "$corpus"
	seeds=("$corpus"/*)
	[[ -e ${seeds[0]} ]]
	"$BUILD/fuzz/fuzz_$name" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=20 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$BUILD/fuzz/$name-" "$@" "$corpus" >"$log" 2>&1 || code=$?
	tail -n 30 "$log"
	[[ $code == 0 ]]
	[[ $(executed "$log") -ge 1000 ]]
	printf '# %s: %s executions from %s seeds, random %s\n' "$name" "$(executed "$log")" \
		"${#seeds[@]}" "$(sed -n 's/^INFO: Seed: //p' "$log")" >&3
}

@test "fuzz: a module's file" { fuzz modfile; }

@test "fuzz: two modules against each other" { fuzz audit; }

@test "fuzz: ELF notes" { fuzz note; }

@test "fuzz: an initrd" { fuzz initrd; }

@test "fuzz: records in JSON" { fuzz json; }

@test "fuzz: every target has its test" {
	local file name
	for file in "$BATS_TEST_DIRNAME"/fuzz_*.c; do
		name=${file##*/fuzz_}
		grep -qE "^@test .*\{ fuzz ${name%.c}[ ;]" "$BATS_TEST_FILENAME"
	done
}
