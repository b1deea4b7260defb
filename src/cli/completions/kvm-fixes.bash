# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bash completion for kvm-fixes(8).

_kvm_fixes() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local word command='' words='--json --help --version status list audit swap rollback selftest recover version'

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ $word != -* ]]; then
			command=$word
			break
		fi
	done
	case $command in
	status) words='--no-holders --json --help' ;;
	audit) words='--kernel --stock --declared --show --json --help' ;;
	swap) words='--to --dry-run --wait --json --help' ;;
	rollback) words='--dry-run --wait --json --help' ;;
	recover) words='--early --json --help' ;;
	list | selftest | version) words='--json --help' ;;
	esac
	case $command:$prev in
	swap:--to) words='fixed stock' ;;
	swap:--wait | rollback:--wait) words='10 60 600' ;;
	audit:--kernel) words=$(cd /lib/modules 2>/dev/null && echo *) ;;
	audit:--show) words='' ;;
	audit:*)
		if [[ $cur != -* ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _kvm_fixes kvm-fixes
