# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For tests that boot kernel $KERNEL with a module of their own, in the folder module/ beside
# them: the kernel of this machine's suite, on the modules that `make try` makes, or one of
# another, out of the folder KEPT that `make matrix KEEP=1` left.

# find_kernel - sets TREES, the folder of the trees stock and fixed, and IMAGE, with the
# kernel below boot/.
find_kernel() {
	TREES=${KEPT:-$BUILD/try/$KERNEL}/trees
	IMAGE=${KEPT:-$BUILD/image/$KERNEL}
	export TREES IMAGE
	[[ -e $TREES/fixed ]] || "$REPO/scripts/make-trees" "$KERNEL"
}

# test_module NAME DIR [VARIABLE]... - prints where the module is; built in DIR if need be,
# with these variables of make.
test_module() {
	local name=$1 dir=$2
	if [[ -n ${KEPT:-} ]]; then
		printf '%s\n' "$KEPT/$name.ko"
		return
	fi
	cp "$BATS_TEST_DIRNAME"/module/* "$dir/"
	make -s -C "/lib/modules/$KERNEL/build" M="$dir" "${@:3}" modules >"$dir/log" 2>&1 || return
	printf '%s\n' "$dir/$name.ko"
}
