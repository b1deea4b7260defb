# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fixes: reading patches/NAME/fix.conf, telling from the source whether a fix is
# there, and applying the one patch that fits. Needs common.sh, and source.sh's
# HEADERS_BUILD.
#
# A fix.conf has lines "key = value"; '#' starts a comment line. Keys:
#   summary, why, upstream   for people
#   changes = FUNCTION...    what may differ from the shipped module's, or be new
#   requires                 another fix that must be there too
#   imports = SYMBOL...      what the kernel must export, else not applicable
#   drops = SYMBOL...        what kvm.ko need not import any more
#   objects = NAME...        src/kernel/NAME.c is linked into kvm.ko with the fix
#   needs = FILE FUNCTION    what the source must define, else not applicable
#   mark = FILE FUNCTION TEXT  the fix is there when each TEXT stands in the body
#                            of its FUNCTION; FILE and FUNCTION may be a|b

# shellcheck disable=SC2034 # used by prepare-source
readonly FIX_NAME='^[a-z0-9][a-z0-9-]*$'
# The results of apply_fix, one line a fix: name, state, patch, digest, changes, reason.
FIX_RESULTS=()

# read_fix DIR - sets FIX (a map of single keys), FIX_NEEDS and FIX_MARKS.
read_fix() {
	local conf=$1/fix.conf line key value number=0
	declare -gA FIX=()
	FIX_NEEDS=() FIX_MARKS=()
	[[ -r $conf ]] ||
		die "$EX_FAILED" "$conf: missing or not readable; each fix is a folder with a fix.conf and its patches"
	while IFS= read -r line || [[ -n $line ]]; do
		number=$((number + 1))
		[[ -z $line || $line == '#'* ]] && continue
		[[ $line =~ ^([a-z]+)\ =\ (.+)$ ]] ||
			die "$EX_FAILED" "$conf: line $number is not 'key = value'; see docs/ARCHITECTURE.md for the format"
		key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
		case $key in
		summary | why | upstream | requires) FIX[$key]=$value ;;
		changes | imports | drops | objects) check_words "$conf" "$number" "$value" && FIX[$key]=$value ;;
		needs) check_place "$conf" "$number" "$value" 2 && FIX_NEEDS+=("$value") ;;
		mark) check_place "$conf" "$number" "$value" 3 && FIX_MARKS+=("$value") ;;
		*) die "$EX_FAILED" "$conf: line $number: unknown key '$key'; see docs/ARCHITECTURE.md for the format" ;;
		esac
	done <"$conf"
	[[ -n ${FIX[summary]:-} && ${#FIX_MARKS[@]} -gt 0 ]] ||
		die "$EX_FAILED" "$conf: a summary and at least one mark are needed; without a mark nobody can tell whether the fix is there"
}

# check_place CONF LINE VALUE FIELDS - "FILE FUNCTION [TEXT]", inside the tree.
check_place() {
	local file func text
	read -r file func text <<<"$3"
	[[ $file =~ ^[A-Za-z0-9_./|-]+$ && $file != *..* && $file != /* && $file != *'|/'* &&
		$func =~ ^[A-Za-z0-9_|]+$ && ($4 == 2 || -n $text) ]] ||
		die "$EX_FAILED" "$1: line $2: wants FILE FUNCTION$([[ $4 == 3 ]] && echo ' TEXT'); FILE lies inside the source tree"
}

# check_words CONF LINE VALUE - names only: they become file names and patterns.
check_words() {
	[[ $3 =~ ^[A-Za-z0-9_\ -]+$ ]] ||
		die "$EX_FAILED" "$1: line $2: wants names, with a space between two"
}

# function_has TREE FILE FUNCTION [TEXT] - yes, no or absent; the first FILE that
# defines FUNCTION decides.
function_has() {
	local tree=$1 file files answer=absent
	IFS='|' read -ra files <<<"$2"
	for file in "${files[@]}"; do
		[[ -r $tree/$file ]] || continue
		answer=$(functions=$3 text=${4:-} awk -f "$LIB/function-has.awk" "$tree/$file")
		[[ $answer == absent ]] || break
	done
	printf '%s\n' "$answer"
}

# probe_marks TREE - sets MARKS_THERE and MARKS_MISSING, as "FUNCTION (FILE)".
probe_marks() {
	local mark file func text
	MARKS_THERE=() MARKS_MISSING=()
	for mark in "${FIX_MARKS[@]}"; do
		read -r file func text <<<"$mark"
		if [[ $(function_has "$1" "$file" "$func" "$text") == yes ]]; then
			MARKS_THERE+=("$func in ${file%%|*}")
		else
			MARKS_MISSING+=("$func in ${file%%|*}")
		fi
	done
}

# missing_need TREE - prints what the fix needs and the source or the kernel has not.
missing_need() {
	local need file func symbol
	for symbol in ${FIX[imports]:-}; do
		if [[ -z $(awk -F'\t' -v name="$symbol" '$2 == name' "$HEADERS_BUILD/Module.symvers") ]]; then
			printf 'the kernel does not export %s\n' "$symbol"
			return
		fi
	done
	for need in "${FIX_NEEDS[@]}"; do
		read -r file func <<<"$need"
		if [[ $(function_has "$1" "$file" "$func") == absent ]]; then
			printf 'no %s in %s\n' "$func" "$file"
			return
		fi
	done
}

# misfit TREE PATCH - prints the first hunk that does not stand in exactly one
# place, or nothing. Status 1 when PATCH cannot be read at all.
misfit() {
	local places
	places=$(awk -v tree="$1" -f "$LIB/hunk-places.awk" "$2") || return
	awk '$3 == "-" { printf "%s hunk %d fits nowhere", $1, $2; exit }
		$3 ~ /,/ { printf "%s hunk %d fits in %d places (lines %s)", $1, $2, split($3, at, ","), $3; exit }' \
		<<<"$places"
}

# choose_patch NAME DIR TREE - sets PATCH to the one patch in DIR that fits.
choose_patch() {
	local name=$1 dir=$2 tree=$3 patch why fits=() reasons=()
	for patch in "$dir"/*.patch; do
		[[ -r $patch ]] ||
			die "$EX_FAILED" "fix $name: $dir holds no readable .patch; add one or remove the folder"
		why=$(misfit "$tree" "$patch") ||
			die "$EX_FAILED" "fix $name: ${patch##*/} cannot be read as a patch of KVM$(cause); mend or remove it"
		if [[ -z $why ]]; then
			fits+=("$patch")
		else
			reasons+=("${patch##*/}: $why")
		fi
	done
	case ${#fits[@]} in
	1) PATCH=${fits[0]} ;;
	0) die "$EX_FAILED" "fix $name: no patch fits this source ($(join '; ' "${reasons[@]}")); the fix needs a patch for it, or switch it off in kvm-fixes.conf" ;;
	*) die "$EX_FAILED" "fix $name: ${#fits[@]} patches fit this source ($(join ', ' "${fits[@]##*/}")) and only one may; make them differ in their context" ;;
	esac
}

join() {
	local glue=$1 text=$2
	shift 2
	printf '%s' "$text" "${@/#/$glue}"
}

# fix_result NAME STATE PATCH REASON
fix_result() {
	local digest=-
	if [[ $3 != - ]]; then
		digest=$(sha256sum <"$3")
	fi
	FIX_RESULTS+=("$(printf '%s\t%s\t%s\t%s\t%s\t%s' "$1" "$2" "${3##*/}" "${digest%% *}" "${FIX[changes]:--}" "$4")")
	step "fix $1: $2${4:+ ($4)}"
}

# fix_state NAME - as recorded so far.
fix_state() {
	local line
	for line in "${FIX_RESULTS[@]}"; do
		if [[ $line == "$1"$'\t'* ]]; then
			cut -f2 <<<"$line"
		fi
	done
}

check_requires() {
	local name=$1 other=$2 state
	state=$(fix_state "$other")
	[[ $state == applied || $state == upstream ]] ||
		die "$EX_FAILED" "fix $name requires $other, which is ${state:-not there}; switch both on or both off in kvm-fixes.conf"
}

# apply_fix NAME DIR TREE OFF - one fix, from finding its state to recording it.
# OFF is "yes" when the configuration switches it off.
apply_fix() {
	local name=$1 dir=$2 tree=$3 off=$4 why
	read_fix "$dir"
	probe_marks "$tree"
	why=$(missing_need "$tree")
	if [[ ${#MARKS_MISSING[@]} == 0 ]]; then
		fix_result "$name" upstream - ""
	elif [[ ${#MARKS_THERE[@]} -gt 0 ]]; then
		die "$EX_FAILED" "fix $name: the source has half of it (there: $(join ', ' "${MARKS_THERE[@]}"); missing: $(join ', ' "${MARKS_MISSING[@]}")); use the unmodified source of this kernel"
	elif [[ $off == yes ]]; then
		fix_result "$name" off - "by configuration"
	elif [[ -n $why ]]; then
		fix_result "$name" "not applicable" - "$why"
	else
		if [[ -n ${FIX[requires]:-} ]]; then
			check_requires "$name" "${FIX[requires]}"
		fi
		choose_patch "$name" "$dir" "$tree"
		apply_patch "$name" "$tree"
	fi
}

apply_patch() {
	local name=$1 tree=$2 said
	said=$(patch -d "$tree" -p1 -F0 --batch --forward --no-backup-if-mismatch <"$PATCH" 2>&1) ||
		die "$EX_FAILED" "fix $name: ${PATCH##*/} was found to fit and patch refuses it ($(paste -sd' ' <<<"$said")); check the space and the rights there"
	FIX_APPLIED_DIRS+=("$name"$'\t'"${PATCH%/*}")
	# shellcheck disable=SC2206 # words, see check_words
	FIX_OBJECTS+=(${FIX[objects]:-}) FIX_IMPORTS+=(${FIX[imports]:-}) FIX_DROPS+=(${FIX[drops]:-})
	fix_result "$name" applied "$PATCH" ""
}

# check_applied TREE - after all fixes, and with our headers in place: is each one
# that was applied now found there, by the same marks?
check_applied() {
	local entry name
	for entry in "${FIX_APPLIED_DIRS[@]}"; do
		name=${entry%%$'\t'*}
		read_fix "${entry#*$'\t'}"
		probe_marks "$1"
		[[ ${#MARKS_MISSING[@]} == 0 ]] ||
			die "$EX_FAILED" "fix $name: applied, and yet missing: $(join ', ' "${MARKS_MISSING[@]}"); its marks and its patch do not agree"
	done
}
FIX_APPLIED_DIRS=()
# Of the fixes that were applied: what of src/kernel/ is built, what may be imported,
# what need not be any more.
FIX_OBJECTS=() FIX_IMPORTS=() FIX_DROPS=()
