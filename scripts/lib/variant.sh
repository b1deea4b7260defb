# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For builds that differ from ours on purpose, in tests and benchmarks. Needs common.sh.

# seal_tree TREE - what was changed in a prepared tree passes for what prepare-source made.
seal_tree() {
	local sums=$1/.prepared/complete
	(cd -- "$1" && cut -c67- .prepared/complete | tr '\n' '\0' | xargs -0 sha256sum --) >"$sums.new" ||
		die "$EX_FAILED" "$1: lacks files that prepare-source made; prepare it again"
	mv -- "$sums.new" "$sums"
}
