# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What can be mended without building anything, for `kvm-fixes recover`: at boot,
# and after a power cut. For use by dkms-kernel only.

# resolve_chosen - modprobe loads what it should. Sets ANEW if that took a depmod.
# shellcheck disable=SC2030,SC2031
resolve_chosen() {
	ANEW=
	if ! (exec {STDERR}>/dev/null && check_resolved) 2>/dev/null; then
		run_depmod all
		check_resolved
		ANEW=1
	fi
}

# check_quietly - 77 for what cannot be judged, which check_installed has no use for.
# shellcheck disable=SC2034 # say reads it, and read_module
check_quietly() {
	exec {STDERR}>"$WORK/errors"
	UNSURE=$EX_SKIP
	check_installed "$KEPT/report.json"
}

# repair_installed - the record says that ours are installed.
repair_installed() {
	local why
	apart check_quietly
	if [[ $CODE == 0 ]]; then
		resolve_chosen
		[[ -z $ANEW ]] || DONE+="; made modules.dep anew"
		return
	fi
	why=$(last_error)
	# It may be whole, so it stays.
	[[ $CODE != "$EX_SKIP" ]] || die "$EX_FAILED" "$why"
	why="damaged: ${why#kernel "$RELEASE": }"
	withdraw
	record failed "${why%%;*}; run: $REBUILD $RELEASE"
	DONE+="; withdrew what was installed, which is ${why%%;*}; run: $REBUILD $RELEASE"
}

# repair_kernel - one line on what was done, if anything was.
repair_kernel() {
	local before state DONE=''
	need_root
	begin
	state=$(json_field state "$KEPT/state.json")
	[[ -d $MODDIR/kernel ]] && [[ $state == installed || -d $STOCK || -d $(original_dir) ]] || return 0
	before=$(stock_digest)
	restore_stock
	[[ $(stock_digest) == "$before" ]] || DONE+="; put its own modules back"
	if [[ $state == installed ]]; then
		repair_installed
	elif ours_there; then
		withdraw
		DONE+="; removed what an interrupted installation left"
	fi
	[[ -z $DONE ]] || say "kernel $RELEASE: ${DONE#; }"
}
