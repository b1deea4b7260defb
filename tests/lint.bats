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
	local tests
	mapfile -t tests < <(files 'tests/*.bats' 'tests/*.bash')
	# 2030, 2031, 2034, 2154: a test is a subshell, and `run` sets variables.
	# 2119, 2120: helpers with defaults. 2164: a test ends where cd fails.
	shellcheck -S warning -e SC2030,SC2031,SC2034,SC2154,SC2119,SC2120,SC2164 "${tests[@]}"
}

@test "kernel code is in kernel style" {
	local file
	while read -r file; do
		checkpatch -f "$file"
	done < <(files 'src/kernel/*.[ch]' 'include/*.h' 'tests/unmap/module/*.c' 'tests/mmu-caches/module/*.c' 'tests/late-failure/module/*.c')
}

@test "patches are in kernel style" {
	local file
	while read -r file; do
		sed -n '/^--- a/,$p' "$file" | checkpatch --no-signoff --ignore COMMIT_MESSAGE -
	done < <(files 'patches/*.patch')
}

@test "C code is clean under cppcheck" {
	local sources
	mapfile -t sources < <(files 'src/vmm/*.c' 'src/cli/*.c' 'scripts/vm/*.c' 'bench/bus/*.c' 'tests/storm/*.c' ':(glob)tests/unmap/*.c' 'tests/power/*.c')
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem -Isrc/vmm -Isrc/cli -Iinclude "${sources[@]}"
}

@test "C code is clean under clang-tidy" {
	local file checks='-*,clang-analyzer-*,bugprone-*'
	checks+=',-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-suspicious-string-compare'
	# It wants memcpy_s() and the like, which no libc here has.
	checks+=',-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling'
	# One by one: it takes a va_list of one file for that of the next (LLVM 41311).
	while read -r file; do
		clang-tidy --quiet --warnings-as-errors='*' --checks="$checks" "$file" -- \
			-std=gnu11 -D_GNU_SOURCE -DVMM_VERSION='"x"' -Isrc/vmm \
			-DCLI_VERSION='"x"' -DCLI_LIBDIR='"x"' -Isrc/cli -Iinclude </dev/null
	done < <(files 'src/vmm/*.c' 'src/cli/*.c' 'scripts/vm/*.c' 'bench/bus/*.c' 'tests/storm/*.c' ':(glob)tests/unmap/*.c' 'tests/power/*.c')
}

@test "the Ansible role is clean under ansible-lint" {
	cd deploy/ansible
	ansible-lint --offline --nocolor --profile production
}

@test "nothing names a path of the machine it was written on" {
	run ! git -C "$REPO" grep -nF "$(dirname "$REPO")/" -- . ':!tests/lint.bats'
}

@test "DKMS is told the version that the modules carry" {
	( . ./dkms.conf && [[ $PACKAGE_VERSION == "$(cat VERSION)" ]] )
}
