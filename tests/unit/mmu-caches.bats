#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The fix mmu-caches by itself, on a source that is short but for the function that it is
# about. What it does in a kernel: tests/mmu-caches.

bats_require_minimum_version 1.5.0
load fixture

setup() {
	wrap_setup
	cp -r "$REPO/patches/mmu-caches" "$PROJECT/patches/"
	echo mmu-caches >>"$PROJECT/patches/series"
}

# source_has LINE... - the body of mmu_destroy_caches(), where 5.10 and 6.1 had it.
source_has() {
	{
		printf '/* mmu */\n\nstatic void mmu_destroy_caches(void)\n{\n'
		printf '\t%s\n' "$@"
		printf '}\n\nint next_function(void)\n{\n\treturn 0;\n}\n'
	} >"$SRC/arch/x86/kvm/mmu/mmu.c"
	pack
}

state() { awk -F'\t' '$1 == "mmu-caches" { print $2 }' "$OUT/.prepared/fixes"; }

@test "where the caches are only freed they are forgotten too, afterwards" {
	source_has 'kmem_cache_destroy(pte_list_desc_cache);' 'kmem_cache_destroy(mmu_page_header_cache);'
	prepare
	[[ $status == 0 && $(state) == applied ]]
	grep -E 'destroy\(|= NULL' "$OUT/arch/x86/kvm/mmu/mmu.c" | diff - <(printf '\t%s\n' \
		'kmem_cache_destroy(pte_list_desc_cache);' 'kmem_cache_destroy(mmu_page_header_cache);' \
		'pte_list_desc_cache = NULL;' 'mmu_page_header_cache = NULL;')
}

@test "upstream's own form is found" {
	source_has 'kmem_cache_destroy(pte_list_desc_cache);' 'pte_list_desc_cache = NULL;' \
		'kmem_cache_destroy(mmu_page_header_cache);' 'mmu_page_header_cache = NULL;'
	prepare
	[[ $status == 0 && $(state) == upstream ]]
}

@test "one of the two forgotten is half of it" {
	source_has 'kmem_cache_destroy(pte_list_desc_cache);' 'kmem_cache_destroy(mmu_page_header_cache);' \
		'mmu_page_header_cache = NULL;'
	prepare
	refused 1 "fix mmu-caches: the source has half of it (there: mmu_destroy_caches in arch/x86/kvm/mmu/mmu.c"
}

@test "a source that has no such function does not need it" {
	prepare
	[[ $status == 0 && $(state) == "not applicable" ]]
}
