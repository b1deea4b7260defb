#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The series that no other stage has, each by one row of tests/kernels.conf; the other
# rows are `make matrix`.

bats_require_minimum_version 1.5.0
load matrix

setup_file() { rows_setup_file; }

# row NAME [KEEP=1] - runs it, or finds that it passed with these very files.
row() {
	run make -s -C "$REPO" matrix "ONLY=$1" "${@:2}"
	printf '%s\n' "$output"
	[[ $status == 0 && $(jq -r .verdict "$BUILD/matrix/$1/result.json") == pass ]]
}

@test "5.10: built by bullseye's compiler and DKMS, swapped on Intel and AMD" {
	row bullseye-amd64 KEEP=1
}

@test "5.10: caches that its own modules free twice are freed once by ours" {
	local kept=$BUILD/matrix/bullseye-amd64/kept
	run -0 env KERNEL="$(jq -r .release "$kept/../result.json")" KEPT="$kept" FIX=applied bats "$REPO/tests/mmu-caches"
	echo "$output"
}

@test "7.2: built by trixie's compiler and DKMS, swapped on AMD" {
	row backports-7.2-cloud
}

@test "7.3: built by trixie's compiler and DKMS, swapped on AMD" {
	row backports-7.3-cloud
}

@test "the rows of tests/kernels.conf are whole, and each has a name of its own" {
	local names
	names=$("$REPO/scripts/matrix" --list | jq -r '.[]')
	[[ $(wc -l <<<"$names") -ge 18 && -z $(sort <<<"$names" | uniq -d) ]]
	awk '!/^#/ && NF { if (NF != 5 && NF != 6) { print; bad = 1 } } END { exit bad }' "$REPO/tests/kernels.conf"
}

@test "a pattern without a row is a failure" {
	run make -s -C "$REPO" matrix ONLY=none-such
	[[ $status != 0 && $output == *"no row's name matches"* ]]
}
