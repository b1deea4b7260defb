# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# BASH_ENV of what power-record runs: has dkms-kernel mark on the disk each of its steps, the
# functions of that name, as it enters them.
mark_step() {
	MARKED=${FUNCNAME[1]:-main}
	case $MARKED in
	keep_stock | dkms_build | let_stock_win | remove_ours | dkms_install | restore_stock | check_installed | run_depmod | \
		publish_indexes | check_resolved | keep_report | write_record | dkms_forget | place_source | drop_old_sources | unregister) ;;
	*) return 0 ;;
	esac
	/bin/busybox sh /vm/power-mark.sh "$(cat /run/phase):$MARKED"
}

case $0 in
*/dkms-kernel)
	MARKED=
	set -T
	trap '[[ ${FUNCNAME[0]:-main} == "$MARKED" ]] || mark_step' DEBUG
	;;
esac
