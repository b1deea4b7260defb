# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Messages, exit codes and the few file operations that all scripts share.
# Source it after `set -euo pipefail`; it defines functions and nothing runs.
#
# KVM_FIXES_ROOT  prefix for every path of the host (/lib/modules, /usr/src,
#                 /var, /etc); empty on a real host, a directory in the tests.

# shellcheck disable=SC2034 # used by the scripts that source this file
readonly EX_FAILED=1 EX_USAGE=2 EX_SKIP=77
readonly PROG=${0##*/}
ROOT=${KVM_FIXES_ROOT:-}
ROOT=${ROOT%/}

STDERR=2

# say TEXT... - one line on standard error, with the program's name. That it cannot be
# written, as to a file on a full disk, must not keep die from its exit code.
say() { printf '%s: %s\n' "$PROG" "$*" >&"$STDERR" || true; }

# die CODE TEXT... - what failed, why, what to do next; then exit CODE.
die() {
	local code=$1
	shift
	trap - ERR
	say "$*"
	if [[ -n ${CAUGHT:-} && $BASHPID != "$$" ]]; then
		echo reported >&2
	fi
	exit "$code"
}

# step TEXT... - progress, for people: on a terminal, or when asked for.
step() {
	if [[ -t $STDERR || -n ${KVM_FIXES_VERBOSE:-} ]]; then
		say "$*"
	fi
}

# catch_errors - from here on what tools print on standard error is kept for
# cause(), and a command that fails where nobody expected it ends the script in
# one line too.
catch_errors() {
	local file
	file=$(mktemp) || die "$EX_FAILED" "${TMPDIR:-/tmp}: cannot be written; free some space"
	exec {STDERR}>&2 2>"$file" {CAUGHT}<"$file"
	rm -f -- "$file"
	set -E
	trap unexpected ERR
}

# last_line TEXT - without where the shell stands, which its own complaints begin with, and
# blanks, which zstd's end in.
last_line() {
	local line=${1##*$'\n'}
	if [[ $line =~ ^/[^:]*:\ line\ [0-9]+:\ (.*)$ ]]; then
		line=${BASH_REMATCH[1]}
	fi
	printf '%s' "${line%"${line##*[![:space:]]}"}"
}

# cause - the last thing that a tool complained of, in parentheses; nothing without
# catch_errors.
cause() {
	local line
	[[ -n ${CAUGHT:-} ]] || return 0
	line=$(last_line "$(tail -n 1 "/dev/fd/$CAUGHT")")
	[[ -z $line ]] || printf ' (%s)' "$line"
}

unexpected() {
	local code=$?
	# A subshell's failure is its parent's to report, unless it did.
	[[ $BASHPID == "$$" && $(cause) != ' (reported)' ]] || exit "$code"
	die "$EX_FAILED" "'${BASH_COMMAND%%$'\n'*}' failed$(cause); check the space and the rights where it works, then run this again"
}

# is_release TEXT - can that be the name of a kernel release? It becomes part of paths
# and of commands, so the alphabet is a closed one.
is_release() { [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9.+~_-]*$ && $1 != *..* ]]; }

# check_release TEXT - refuse anything else.
check_release() {
	is_release "$1" ||
		die "$EX_USAGE" "${1@Q} is not a kernel release; name one as under /lib/modules, for example 6.1.0-56-amd64"
}

# publish_file FROM TO - make TO appear whole or not at all, also after a crash.
publish_file() {
	local from=$1 to=$2 tmp
	tmp=$(mktemp "${to%/*}/.${to##*/}.XXXXXX") || return
	if cp --preserve=mode,timestamps -- "$from" "$tmp" && sync -- "$tmp" &&
		mv -T -- "$tmp" "$to" && sync -- "${to%/*}"; then
		return 0
	fi
	rm -f -- "$tmp"
	return 1
}

# json_string TEXT - TEXT as a JSON string, quotes included.
json_string() {
	local s=$1
	s=${s//\\/\\\\}
	s=${s//\"/\\\"}
	s=${s//$'\n'/\\n}
	s=${s//$'\t'/\\t}
	s=${s//$'\r'/\\r}
	printf '"%s"' "${s//[[:cntrl:]]/}"
}

# json_array TEXT... - a JSON array of strings.
json_array() {
	local text out=
	for text; do
		out+="${out:+,}$(json_string "$text")"
	done
	printf '[%s]' "$out"
}

# decompress FILE - to standard output, by its name.
decompress() {
	case $1 in
	*.xz) xz -dc -- "$1" ;;
	*.bz2) bzip2 -dc -- "$1" ;;
	*.gz) gzip -dc -- "$1" ;;
	*.zst) zstd -dcq -- "$1" ;;
	*) cat -- "$1" ;;
	esac
}

# find_module_file DIR NAME - the file of a module there, compressed or not.
find_module_file() {
	local file
	for file in "$1/$2".ko "$1/$2".ko.xz "$1/$2".ko.zst "$1/$2".ko.gz; do
		if [[ -f $file ]]; then
			printf '%s\n' "$file"
			return
		fi
	done
}

# find_shipped RELEASE DIR - the folder with the kernel's own modules: DIR if it is
# not empty, else the host's, else our copy of them; nothing where there are none.
find_shipped() {
	local dir file
	for dir in "${2:-$ROOT/lib/modules/$1/kernel/arch/x86/kvm}" "$ROOT/var/lib/kvm-fixes/stock/$1"; do
		file=$(find_module_file "$dir" kvm)
		# Ours are not, wherever they lie.
		if [[ -n $file && $(decompress "$file" 2>/dev/null | grep -ac kvm_fixes_build=) == 0 ]]; then
			printf '%s\n' "$dir"
			return
		fi
		[[ -z $2 ]] ||
			die "$EX_FAILED" "$2: no kvm.ko of the kernel's own there, compressed or not; name the folder of the shipped modules"
	done
}
