#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# tests/run with stages made up for it: what is counted as what, and said of it.

bats_require_minimum_version 1.5.0

setup() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	STAGES=$BATS_TEST_TMPDIR/stages
	export REPO STAGES BUILD=$BATS_TEST_TMPDIR/build
	unset ONLY
	: >"$STAGES"
}

# stage LANE NAME BUDGET - one that does what comes on standard input.
stage() {
	cat >"$BATS_TEST_TMPDIR/$2"
	printf '%s %s %s bash %s\n' "$1" "$2" "$3" "$BATS_TEST_TMPDIR/$2" >>"$STAGES"
}

# run_stages STATUS
run_stages() {
	run "-$1" bash -c '. "$REPO/tests/run" && stages() { cat "$STAGES"; } && run_stages'
	echo "$output"
}

# table NAME - its numbers passed, failed, skipped; and what stands behind the budget.
table() { sed -n "s/^$1  *\([0-9]*\)  *\([0-9]*\)  *\([0-9]*\)  *[0-9]*  *[0-9]*\(.*\)/\1 \2 \3\4/p" <<<"$output"; }

@test "what passes is added up, a test that is skipped among them" {
	stage left one 60 <<<'printf "1..2\nok 1 a\nok 2 b # skip not here\n"'
	stage right two 60 <<<'printf "1..1\nok 1 a\n"'
	run_stages 0
	[[ $(table one) == "1 0 1" && $(table two) == "1 0 0" ]]
	[[ ${lines[-1]} == "2 passed, 0 failed, 1 skipped" ]]
}

@test "a stage of which nothing passed has failed, and it says why" {
	stage left one 60 <<<'printf "1..2\nok 1 a # skip mounting is not allowed here\nok 2 b # SKIP the same\n"'
	stage right two 60 <<<'printf "1..1\nok 1 a\n"'
	run_stages 1
	[[ $(table one) == "0 1 2" && $(table two) == "1 0 0" ]]
	grep -qx -- '-- one failed: nothing passed, all was skipped: mounting is not allowed here' <<<"$output"
	grep -qx 'one: nothing passed, all was skipped: mounting is not allowed here' <<<"$output"
	[[ ${lines[-1]} == "1 passed, 1 failed, 2 skipped" ]]
}

@test "one that has no tests, one that dies, one that loses some" {
	stage left none 60 <<<'true'
	stage left dies 60 <<<'printf "1..1\nok 1 a\n"; exit 3'
	stage right loses 60 <<<'printf "1..3\nok 1 a\n"'
	stage right fails 60 <<<'printf "1..2\nok 1 a\nnot ok 2 b\n# the line\n"; exit 1'
	run_stages 1
	[[ $(table none) == "0 1 0" && $(table dies) == "1 1 0" && $(table loses) == "1 2 0" && $(table fails) == "1 1 0" ]]
	grep -qx 'none: it has no tests' <<<"$output"
	grep -qx 'dies: it ended with 3' <<<"$output"
	grep -qx 'loses: 2 of 3 tests have no result' <<<"$output"
	grep -qx 'fails: not ok 2 b' <<<"$output"
	[[ ${lines[-1]} == "3 passed, 5 failed, 0 skipped" ]]
}

@test "over its budget it is marked, at three times that it is stopped and has failed" {
	stage left slow 1 <<<'sleep 2; printf "1..1\nok 1 a\n"'
	stage right stuck 1 <<<'printf "1..2\nok 1 a\n"; sleep 60'
	run_stages 1
	[[ $(table slow) == "1 0 0 over" && $(table stuck) == "1 1 0 over" ]]
	grep -qx 'stuck: 1 of 2 tests have no result, since it was stopped at three times its budget' <<<"$output"
	[[ ${lines[-1]} == "2 passed, 1 failed, 0 skipped" ]]
}

@test "ONLY takes the stages whose name matches" {
	stage left one 60 <<<'printf "1..1\nok 1 a\n"'
	stage right two 60 <<<'printf "1..1\nok 1 a\n"'
	export ONLY='t*'
	run_stages 0
	[[ -z $(table one) && $(table two) == "1 0 0" ]]
}
