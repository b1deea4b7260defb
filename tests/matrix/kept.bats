#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What other tests boot with kernels of this machine's suite, on rows of tests/kernels.conf of
# other suites: the unmap guard, and loads that fail. An hour; in `make check-long`.

bats_require_minimum_version 1.5.0
load matrix

setup_file() { rows_setup_file; }

# on_row NAME TEST [OPTION]... - that test on the row's kernel.
on_row() {
	local row=$BUILD/matrix/$1
	make -s -C "$REPO" matrix "ONLY=$1" KEEP=1
	run env KERNEL="$(jq -r .release "$row/result.json")" KEPT="$row/kept" bats "${@:3}" "$REPO/tests/$2"
	printf '%s\n' "$output"
	[[ $status == 0 && $output == *$'\nok 1 '* ]]
}

@test "5.10: the unmap guard blames nothing without a cause, and all that is done wrong" {
	on_row bullseye-amd64 unmap/unmap.bats --filter '^(AMD|Intel|warn):'
}

@test "7.3: the unmap guard blames nothing without a cause, and all that is done wrong" {
	on_row backports-7.3-amd64 unmap/unmap.bats --filter '^(AMD|Intel|warn):'
}

@test "7.2: a vendor module's load that fails late leaves nothing in debugfs" {
	on_row backports-7.2-amd64 late-failure
}

@test "7.3: a vendor module's load that fails late leaves nothing in debugfs" {
	on_row backports-7.3-amd64 late-failure
}
