#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader of what a disk was told (tests/power/disklog.c), with logs made by hand.

bats_require_minimum_version 1.5.0
load vm_fixture

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	DISKLOG=$BATS_FILE_TMPDIR/disklog
	cc -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -Wshadow -Wconversion -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o "$DISKLOG" "$REPO/tests/power/disklog.c"
	export DISKLOG
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	head -c 512 /dev/zero >log
	poke log 0 8 $((0x6a736677736872))
	poke log 8 8 1
	poke log 24 4 512
	ENTRIES=0
	head -c 4096 /dev/zero | tr '\0' . >disk
}

# told SECTOR SECTORS FLAGS [TEXT] - an entry more; its data is TEXT and blanks.
told() {
	local at
	at=$(stat -c %s log)
	head -c 512 /dev/zero >>log
	poke log "$at" 8 "$1"
	poke log $((at + 8)) 8 "$2"
	poke log $((at + 16)) 8 "$3"
	[[ $3 == 4 ]] || printf "%-$(($2 * 512))s" "${4:-}" >>log
	ENTRIES=$((ENTRIES + 1))
	poke log 16 8 $ENTRIES
}

# at SECTOR - the first word there on the disk.
at() { dd if=disk bs=512 skip="$1" count=1 status=none | cut -c1-5 | tr -d ' '; }

# some_log - two writes, a flush, two more of which one is forced out, a discard.
some_log() {
	told 1 1 0 one
	told 2 2 0 two
	told 0 0 1
	told 1 1 0 three
	told 3 1 2 four
	told 5 1 4
}

@test "a prefix is what the disk had been told by then" {
	some_log
	run -0 "$DISKLOG" count log
	[[ $output == 6 ]]
	run -0 "$DISKLOG" apply log disk 0 2
	[[ $(at 0) == ..... && $(at 1) == one && $(at 2) == two && $(at 3) == '' && $(at 4) == ..... ]]
	run -0 "$DISKLOG" apply log disk 2 6
	[[ $(at 1) == three && $(at 3) == four && $(at 5) == ..... ]]
}

@test "what was sure to stay goes up to the last flush" {
	some_log
	[[ $("$DISKLOG" flushed log 2) == 0 && $("$DISKLOG" flushed log 3) == 3 && $("$DISKLOG" flushed log 6) == 3 ]]
}

@test "a cut loses some of the rest, by its seed, and never what was forced out; undone, all is as it was" {
	local seed lost=0
	some_log
	"$DISKLOG" apply log disk 0 3
	cp disk before
	for seed in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		"$DISKLOG" cut log disk 3 6 $seed undo
		[[ $(at 3) == four ]]
		[[ $(at 1) == three ]] || { [[ $(at 1) == one && $seed != 0 ]] && lost=$((lost + 1)); }
		"$DISKLOG" undo disk undo
		cmp disk before
	done
	echo "$lost of 16"
	[[ $lost -gt 2 && $lost -lt 14 ]]
}

@test "a place that is written twice in a cut is undone too" {
	told 1 1 0 one
	told 1 2 0 two
	cp disk before
	"$DISKLOG" cut log disk 0 2 0 undo
	[[ $(at 1) == two ]]
	"$DISKLOG" undo disk undo
	cmp disk before
}

@test "marks and texts are found by how many entries they took" {
	told 9 1 0 'install:begin '
	told 1 2 0 'some "step":"hiding" here'
	told 9 1 0 "$(printf 'x%.0s' {1..300})"
	run -0 "$DISKLOG" marks log $((9 * 512))
	[[ ${lines[0]} == '1 install:begin' && ${lines[1]} == "3 $(printf 'x%.0s' {1..120})" && ${#lines[@]} == 2 ]]
	run -0 "$DISKLOG" find log '"step":"hiding"'
	[[ $output == 2 ]]
}

# refused TEXT COMMAND...
refused() {
	local text=$1
	shift
	run "$DISKLOG" "$@"
	[[ $status == 1 && $output == *"$text"* && $output != *$'\n'* ]] || { echo "$status: $output"; return 1; }
}

@test "damage is told, and nothing outside of a file is read or written" {
	some_log
	cp log good
	refused 'No such file' count nowhere
	: >empty
	refused 'cut short' count empty
	refused 'no log of writes' count disk
	head -c 1200 good >log
	refused 'ends, or is damaged' apply log disk 0 2
	refused 'ends, or is damaged' marks log 0
	cp good log && poke log 520 8 $((1 << 60))
	refused 'ends, or is damaged' flushed log 1
	cp good log && poke log 512 8 -1
	refused 'ends, or is damaged' apply log disk 0 1
	cp good log
	"$DISKLOG" cut log disk 0 2 0 undo
	head -c 700 undo >short
	refused 'is damaged' undo disk short
	head -c 600 disk >small
	refused 'cannot be written, or its old content' cut log small 0 2 0 undo
}

@test "usage errors are 2" {
	local arguments
	some_log
	for arguments in '' 'count' 'count log 1' 'nonsense log' 'flushed log 7' 'flushed log -1' 'flushed log x' 'apply log disk 0 7' 'cut log disk 0 1 x undo' 'undo disk'; do
		# shellcheck disable=SC2086
		run -2 "$DISKLOG" $arguments
	done
}
