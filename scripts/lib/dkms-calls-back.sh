# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What DKMS runs in the middle of its own work, as dkms.conf tells it to, for us
# or for an operator who typed `dkms install`. For use by dkms-kernel only.

# post_build - the reports, which DKMS would delete together with its build folder.
post_build() {
	local file log
	log=$(dirname -- "$(built_report)")
	for file in out/audit.json out/audit.txt out/report.json; do
		[[ ! -e $file ]] || cp -- "$file" "$log/" ||
			die "$EX_FAILED" "$log: cannot be written; free some space"
	done
}

# pre_install - before DKMS touches anything. It stops when this fails.
pre_install() {
	begin
	check_kernel
	refuse_rivals
	check_packages
	keep_stock
	let_stock_win
	hold_originals
}

# post_install - DKMS does not care how this ends, and runs depmod next: what is
# not right must be gone by then. In a run of ours, the caller does all this.
post_install() {
	local why
	[[ -z ${KVM_FIXES_LOCKED:-} ]] || return 0
	begin
	restore_stock
	# shellcheck disable=SC2034 # record reads it
	STOCK_DIGEST=$(stock_digest)
	apart check_by_hand
	if [[ $CODE == 0 ]]; then
		# shellcheck disable=SC2034
		BUILD=$(json_field build "$(built_report)")
		mkdir -p -- "$KEPT"
		keep_report "$(built_report)"
		record installed ""
		return
	fi
	why=$(last_error)
	remove_ours
	record failed "$why"
	die "$EX_FAILED" "$why; removed again"
}

# shellcheck disable=SC2034 # say reads it
check_by_hand() {
	exec {STDERR}>"$WORK/errors"
	check_installed "$(built_report)"
}

# post_remove - called for every version, and also when one replaces itself.
post_remove() {
	[[ -z ${KVM_FIXES_LOCKED:-} ]] || return 0
	begin
	find_ours
	if [[ -d $MODDIR/kernel && ${#OURS[@]} == 0 ]]; then
		restore_stock
		record removed ""
	fi
}
