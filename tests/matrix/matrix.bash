# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What all tests of rows of tests/kernels.conf begin with.

# rows_setup_file - rows are built in chroots.
rows_setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD
	[[ $EUID == 0 ]] || skip "needs root"
	unshare --mount --propagation private true 2>/dev/null ||
		skip "mounting is not allowed here, or the root folder is no mount point"
}
