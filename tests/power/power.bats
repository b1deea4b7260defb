#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The power goes while our packages are installed, upgraded and purged and the modules are
# swapped, on an emulated AMD host of suite $SUITE with a disk. All that its disk was told is
# recorded, and the disk as it was at some instant is booted: with all that it had got
# by then, or with a part lost of what it had not been told to flush. $SEED chooses the
# instants: $NAMED of the named steps ("all") and $CUTS others, once and, with $UPGRADE, for two
# ways to mount the file system. Of those at entries that $FINISH divides, what was cut off is
# finished. What was seen with the same files is not tried again, unless it failed.

bats_require_minimum_version 1.5.0
load power

setup_file() { power_setup_file; }

setup() { read -ra MODES <<<"${UPGRADE:+default }noauto_da_alloc"; }

teardown() { :; }

@test "installed, swapped there and back, and purged: what the disk was told is recorded" {
	local mode
	for mode in "${MODES[@]}"; do
		record "$mode"
		echo "# $mode: $("$POWER/disklog" count "$POWER/$mode/log") entries, $(wc -l <"$POWER/$mode/marks") marks" >&3
	done
}

@test "wherever the power goes, the host boots with KVM, and nothing is left to be put right" {
	local mode
	for mode in "${MODES[@]}"; do
		instants "$mode" "${NAMED:-4}" "${CUTS:-6}" | cut_all "$mode"
		[[ $(grep -c ' random$' "$POWER/$mode/instants") == "${CUTS:-6}" ]]
		outcomes "$mode" | tee "$POWER/$mode/outcomes"
		outcomes "$mode" | awk -F'\t' '{ n[$7]++ } END { for (o in n) printf "# %d %s\n", n[o], o }' >&3
	done
	for mode in "${MODES[@]}"; do
		run ! grep -P '\tFAIL\t' "$POWER/$mode/outcomes"
	done
}

# spoiled MODE WHAT - the host as it is once the packages are installed, but for that.
spoiled() {
	local image=$POWER/$1/disk-spoiled n
	n=$(awk '$2 == "install:end" { print $1 }' "$POWER/$1/marks")
	cp --sparse=always "$DISK/image" "$image"
	"$POWER/disklog" apply "$POWER/$1/log" "$image" 0 "$n"
	run host "$POWER/$1/spoiled-$2.log" power-check "$1" --disk "$image" -- "kvmfixes.spoil=$2"
	rm "$image"
	echo "$output"
}

@test "what a power cut could do to a file is seen, and put right by our unit alone" {
	local mode=${MODES[0]}
	spoiled "$mode" files
	[[ $status == 0 ]]
	grep -q '^OUTCOME recovered' "$POWER/$mode/spoiled-files.log"
	grep -q '^CLI missing module files are put right' "$POWER/$mode/spoiled-files.log"
	spoiled "$mode" all
	[[ $status == 1 && $output == *'the modules are no pair, or not there'* ]]
}

@test "a record that is cut short, or of something else, is refused" {
	local log=$POWER/${MODES[0]}/log
	head -c 100000 "$log" >"$BATS_TEST_TMPDIR/short"
	run -1 "$POWER/disklog" count "$DISK/vmlinuz"
	[[ $output == *"is no log of writes"* ]]
	run -1 "$POWER/disklog" marks "$BATS_TEST_TMPDIR/short" 0
	[[ $output == *"the log ends, or is damaged"* ]]
}
