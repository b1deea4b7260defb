#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What can be said of the files without running them.

bats_require_minimum_version 1.5.0

setup() {
	REPO=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	cd "$REPO"
}

files() { git -C "$REPO" ls-files --cached --others --exclude-standard "$@"; }

# checkpatch ARGUMENTS... - the kernel's own, out of the newest source package.
checkpatch() {
	local dir=${BUILD:-$REPO/build}/cache/checkpatch tarball
	if [[ ! -e $dir/checkpatch.pl ]]; then
		tarball=$(compgen -G '/usr/src/linux-source-*.tar.xz' | sort -V | tail -n 1)
		[[ -n $tarball ]] || skip "no linux-source package, and checkpatch.pl comes from there"
		mkdir -p "$dir"
		tar -xJf "$tarball" -C "$dir" --wildcards --strip-components=2 '*/scripts/checkpatch.pl' \
			'*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
	fi
	perl "$dir/checkpatch.pl" --strict --no-tree --terse --no-summary "$@"
}

@test "every file names its licence" {
	local file missing=()
	while read -r file; do
		case $file in
		COPYING | VERSION | *.patch | .gitignore | debian/*) continue ;;
		esac
		head -n 5 "$file" | grep -q SPDX-License-Identifier || missing+=("$file")
	done < <(files)
	printf '%s\n' "${missing[@]}"
	[[ ${#missing[@]} == 0 ]]
}

@test "shell scripts are clean under shellcheck" {
	local file scripts=()
	while read -r file; do
		case $file in
		*.bats | *.bash) continue ;;
		esac
		if [[ $file == *.sh ]] || head -n 1 "$file" | grep -qE '^#!.*\b(ba|da)?sh\b'; then
			scripts+=("$file")
		fi
	done < <(files)
	[[ ${#scripts[@]} -gt 8 ]]
	shellcheck "${scripts[@]}"
}

@test "tests are clean under shellcheck, as far as it knows bats" {
	# 2030, 2031, 2034, 2154: a test is a subshell, and `run` sets variables.
	shellcheck -S warning -e SC2030,SC2031,SC2034,SC2154,SC2016 $(files 'tests/*.bats' 'tests/*.bash')
}

@test "kernel code is in kernel style" {
	local file
	for file in $(files 'src/kernel/*.[ch]' 'include/*.h'); do
		checkpatch -f "$file"
	done
}

@test "patches are in kernel style" {
	local file
	for file in $(files 'patches/*.patch'); do
		sed -n '/^--- a/,$p' "$file" | checkpatch --no-signoff --ignore COMMIT_MESSAGE -
	done
}

@test "C code is clean under cppcheck" {
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem -Isrc/vmm $(files 'src/vmm/*.c' 'scripts/vm/*.c')
}

@test "C code is clean under clang-tidy" {
	clang-tidy --quiet --warnings-as-errors='*' \
		--checks='-*,clang-analyzer-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling' \
		$(files 'src/vmm/*.c' 'scripts/vm/*.c') -- -std=gnu11 -D_GNU_SOURCE -DVMM_VERSION='"x"' -Isrc/vmm
}

@test "nothing names a path of the machine it was written on" {
	run ! git -C "$REPO" grep -nF "$(dirname "$REPO")/" -- . ':!tests/lint.bats'
}

@test "DKMS is told the version that the modules carry" {
	( . ./dkms.conf && [[ $PACKAGE_VERSION == "$(cat VERSION)" ]] )
}
