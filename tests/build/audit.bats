#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The audit of a real build for kernel $KERNEL with every fix left out: rebuilt from the
# unpatched source, all functions are those that were shipped ($IMAGE).

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	PLACE=$(mktemp -d)
	BUILD=${BUILD:-$REPO/build}
	export REPO PLACE CLI=$BUILD/kvm-fixes STOCK=$IMAGE/lib/modules/$KERNEL/kernel/arch/x86/kvm
	make -s -C "$REPO" BUILD="$BUILD" cli
	cp -r "$REPO"/{scripts,include,patches,src,Kbuild,VERSION} "$PLACE/"
	# A kernel with nothing to fix is not built for; here it is.
	sed -i 's/{#FIX_APPLIED_DIRS\[@\]} -gt 0/{#FIX_APPLIED_DIRS[@]} -ge 0/' "$PLACE/scripts/prepare-source"
	KVM_FIXES_OFF=$(grep -v '^#' "$REPO/patches/series" | paste -sd' ') \
		"$PLACE/scripts/prepare-source" --kernel "$KERNEL" --out "$PLACE/tree"
	KVM_FIXES_COMMAND=$CLI "$PLACE/scripts/build-modules" --tree "$PLACE/tree" --out "$PLACE/out" --kernel "$KERNEL" --stock "$STOCK"
	jq -e '[.fixes[] | select(.state == "applied")] == []' "$PLACE/out/report.json"
}

teardown_file() { rm -rf "$PLACE"; }

audit() { "$CLI" --json audit --kernel "$KERNEL" --stock "$STOCK" "$PLACE"/out/kvm{,-intel,-amd}.ko; }

same_compiler() {
	[[ $(jq -r .compiler "$PLACE/out/report.json") == "$(jq -r .kernel_compiler "$PLACE/out/report.json")" || $(audit | jq -r .verdict) != "not attestable" ]] ||
		skip "compiled by $(jq -r .compiler "$PLACE/out/report.json"), shipped: $(jq -r .kernel_compiler "$PLACE/out/report.json")"
}

@test "unpatched, every function and object of the three modules is the shipped one" {
	same_compiler
	run audit
	jq '.modules[] | {name, functions, data}' <<<"$output"
	[[ $status == 0 && $(jq -r .verdict <<<"$output") == passed ]]
	jq -e '.modules | length == 3 and all(.functions.identical > 300 and .data.identical > 100)' <<<"$output"
	jq -e '[.modules[].findings[] | select(.by != "stamp")] == []' <<<"$output"
}

@test "the audit of three modules takes less than two seconds and 200 MB" {
	same_compiler
	local start=${EPOCHREALTIME/./}
	audit >/dev/null
	echo "$((${EPOCHREALTIME/./} - start)) us"
	((${EPOCHREALTIME/./} - start < 2000000))
	(ulimit -v 204800 && audit >/dev/null)
}
