#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only

bats_require_minimum_version 1.5.0
load fixture

setup() {
	wrap_setup
	DEMO=$PROJECT/patches/demo
	SITE=$HOST/etc/kvm-fixes/patches.d
}

# state NAME - as prepare-source wrote it down.
state() { awk -F'\t' -v name="$1" '$1 == name { print $2 }' "$OUT/.prepared/fixes"; }

# site_fix NAME MARKED-TEXT - a site's own fix, which turns other()'s 0 to 7.
site_fix() {
	mkdir -p "$SITE/$1"
	printf 'summary = Seven\nmark = virt/kvm/kvm_main.c other %s\n' "$2" >"$SITE/$1/fix.conf"
	printf -- '--- a/virt/kvm/kvm_main.c\n+++ b/virt/kvm/kvm_main.c\n@@ -8,4 +8,4 @@\n int other(void)\n {\n-\treturn 0;\n+\treturn 7;\n }\n' \
		>"$SITE/$1/x.patch"
	chmod -R go-w "$SITE"
}

# change_source COMMAND... - run in the source, which is packed again.
change_source() {
	(cd "$SRC" && "$@")
	pack
}

@test "each fix of this project has a readable fix.conf and names its patches" {
	cp -r "$REPO/patches/." "$PROJECT/patches/"
	local name
	while read -r name; do
		[[ $name == '#'* ]] && continue
		run bash -c ". '$PROJECT/scripts/lib/common.sh'; LIB='$PROJECT/scripts/lib'; . '$PROJECT/scripts/lib/fixes.sh'; read_fix '$PROJECT/patches/$name'"
		echo "$name: $output"
		[[ $status == 0 ]]
		compgen -G "$PROJECT/patches/$name/*.patch"
	done <"$REPO/patches/series"
}

@test "a fix that is there already is upstream, and then there is nothing to do: 77" {
	patch -s -p1 -d "$SRC" <"$DEMO/a.patch"
	pack
	prepare
	refused 77 "nothing to fix (demo:upstream)"
}

@test "a fix that is there is told beside one that is applied" {
	patch -s -p1 -d "$SRC" <"$DEMO/a.patch"
	pack
	site_fix seven 'return 7;'
	prepare
	[[ $status == 0 && $(state demo) == upstream && $(state seven) == applied ]]
	grep -qF '"demo:upstream, seven:applied"' "$OUT/include/kvm-fixes/stamp-values.h"
}

@test "half of a fix in the source is an error of its own" {
	change_source sed -i 's/return 41/return 42/' virt/kvm/kvm_main.c
	prepare
	refused 1 "the source has half of it (there: answer in virt/kvm/kvm_main.c; missing: caller in arch/x86/kvm/x86.c)"
}

@test "the text of a fix in another function does not count" {
	change_source sed -i 's/return 0/return 42/' virt/kvm/kvm_main.c
	prepare
	[[ $status == 0 && $(state demo) == applied ]]
}

@test "no patch fits: the build stops and names file and hunk" {
	change_source sed -i 's/return 41/return 40/' virt/kvm/kvm_main.c
	prepare
	refused 1 "a.patch: virt/kvm/kvm_main.c hunk 1 fits nowhere"
}

@test "context must be exact: no fuzz" {
	change_source sed -i 's/^int caller(void)/int caller(void) /' arch/x86/kvm/x86.c
	prepare
	refused 1 "a.patch: arch/x86/kvm/x86.c hunk 1 fits nowhere"
}

@test "a hunk that fits in two places is refused, with the lines" {
	printf 'summary = x\nmark = virt/kvm/kvm_main.c answer return 42;\n' >"$DEMO/fix.conf"
	printf -- '--- a/virt/kvm/kvm_main.c\n+++ b/virt/kvm/kvm_main.c\n@@ -4,3 +4,3 @@\n {\n-\treturn 41;\n+\treturn 42;\n }\n' >"$DEMO/a.patch"
	change_source sed -i 's/return 0/return 41/' virt/kvm/kvm_main.c
	prepare
	refused 1 "virt/kvm/kvm_main.c hunk 1 fits in 2 places (lines 4,9)"
}

@test "two patches that fit are refused" {
	cp "$DEMO/a.patch" "$DEMO/b.patch"
	prepare
	refused 1 "2 patches fit this source (a.patch, b.patch)"
}

@test "of several patches the one that fits is taken" {
	sed 's/return 41/return 40/' "$DEMO/a.patch" >"$DEMO/0.patch"
	prepare
	[[ $status == 0 ]]
	grep -q $'^demo\tapplied\ta.patch\t' "$OUT/.prepared/fixes"
}

@test "a patch whose marks are not there afterwards is refused" {
	sed -i 's/return 42;/return 43;/' "$DEMO/a.patch"
	prepare
	refused 1 "its marks and its patch do not agree"
}

@test "not applicable, with the reason, where what it mends does not exist" {
	site_fix seven 'return 7;'
	sed -i 's/ answer$/ absent_function/' "$DEMO/fix.conf"
	prepare
	[[ $status == 0 && $(state demo) == "not applicable" && $(state seven) == applied ]]
	grep -q 'no absent_function in virt/kvm/kvm_main.c' "$OUT/.prepared/fixes"
}

@test "a function that is only declared or called is not there" {
	local file=$BATS_TEST_TMPDIR/x.c
	printf 'int one(void);\nint two(void)\n{\n\tone();\n}\nstatic int\nthree(int a,\n      int b)\n{\n\ta +\n\t\tb;\n}\n' >"$file"
	has() { functions=$1 text=$2 awk -f "$REPO/scripts/lib/function-has.awk" "$file"; }
	[[ $(has one x) == absent ]]
	[[ $(has wo x) == absent ]]
	[[ $(has two 'one();') == yes ]]
	[[ $(has two 'three') == no ]]
	[[ $(has 'nine|three' 'a + b;') == yes ]]
}

@test "switched off in the configuration" {
	site_fix seven 'return 7;'
	mkdir -p "$HOST/etc/kvm-fixes"
	printf '# a comment\noff = demo\n' >"$HOST/etc/kvm-fixes/kvm-fixes.conf"
	prepare
	[[ $status == 0 && $(state demo) == off && $(state seven) == applied ]]
	grep -q 'return 41;' "$OUT/virt/kvm/kvm_main.c"
}

@test "everything switched off: nothing to do, 77" {
	KVM_FIXES_OFF=demo prepare
	refused 77 "nothing to fix (demo:off)"
}

@test "an unknown name cannot be switched off" {
	KVM_FIXES_OFF="demo nonsense" prepare
	refused 1 "no fix is named 'nonsense'"
}

@test "a configuration that is not understood stops the build" {
	mkdir -p "$HOST/etc/kvm-fixes"
	echo 'of = demo' >"$HOST/etc/kvm-fixes/kvm-fixes.conf"
	prepare
	refused 1 "kvm-fixes.conf: not understood: 'of = demo'"
}

@test "a fix that requires another one" {
	site_fix seven 'return 7;'
	echo 'requires = demo' >>"$SITE/seven/fix.conf"
	prepare
	[[ $status == 0 && $(state seven) == applied ]]
	rm -r "$OUT"
	KVM_FIXES_OFF=demo prepare
	refused 1 "fix seven requires demo, which is off"
}

@test "a fix that needs an export the kernel has not is not applicable" {
	local symvers=$HOST/usr/src/linux-headers-$REL/Module.symvers
	printf '0x1\tpoll_it\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x2\tpoll_it_not\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' >"$symvers"
	site_fix seven 'return 7;'
	echo 'imports = poll_it get_it' >>"$SITE/seven/fix.conf"
	prepare
	[[ $status == 0 && $(state seven) == "not applicable" && ! -s $OUT/src/kernel/fixes.mk ]]
	grep -qF 'the kernel does not export get_it' "$OUT/.prepared/fixes"
	[[ -z $(tr -d '+\n-' <"$OUT/.prepared/imports") ]]
	rm -r "$OUT"
	printf '0x3\tget_it\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' >>"$symvers"
	prepare
	[[ $status == 0 && $(state seven) == applied && $(paste -sd, "$OUT/.prepared/imports") == +poll_it,+get_it ]]
}

@test "a fix brings its own file of src/kernel, and only where it is applied" {
	site_fix seven 'return 7;'
	echo 'objects = seven' >>"$SITE/seven/fix.conf"
	prepare
	refused 1 "there is no src/kernel/seven.c"
	echo '/* seven */' >"$PROJECT/src/kernel/seven.c"
	prepare
	[[ $status == 0 && $(cat "$OUT/src/kernel/fixes.mk") == "kvm-y += ../../../src/kernel/seven.o" ]]
	rm -r "$OUT"
	KVM_FIXES_OFF=seven prepare
	[[ $status == 0 && ! -s $OUT/src/kernel/fixes.mk ]]
	echo 'objects = ../seven' >>"$SITE/seven/fix.conf"
	rm -r "$OUT"
	prepare
	refused 1 "wants names"
}

@test "a site's fix goes through the same code" {
	site_fix seven 'return 7;'
	prepare
	[[ $status == 0 && $(state seven) == applied ]]
	grep -q 'return 7;' "$OUT/virt/kvm/kvm_main.c"
	sed -i 's/return 0/return 1/' "$SRC/virt/kvm/kvm_main.c"
	pack
	rm -r "$OUT" "$HOST/var/cache"
	prepare
	refused 1 "fix seven: no patch fits"
}

@test "a site's fix may not take one of our names, nor an odd one" {
	site_fix demo 'return 7;'
	prepare
	refused 1 "the name of a fix"
	mv "$SITE/demo" "$SITE/Odd name"
	prepare
	refused 1 "the name of a fix"
}

@test "a site's fix that others can change is refused to root" {
	[[ $EUID == 0 ]] || skip "matters to root only"
	site_fix seven 'return 7;'
	chmod o+w "$SITE/seven/x.patch"
	prepare
	refused 1 "others than its owner may change"
}

@test "a fix.conf with an unknown key, a bad line, no mark, or a path outside" {
	local bad
	for bad in 'colour = red' 'summary: x' 'mark = ../../etc/passwd root x' 'mark = /etc/passwd root x' \
		'mark = virt/kvm/kvm_main.c answer' 'needs = virt/kvm/kvm_main.c $(id)'; do
		printf 'summary = x\nmark = virt/kvm/kvm_main.c answer return 42;\n%s\n' "$bad" >"$DEMO/fix.conf"
		prepare
		refused 1 "demo/fix.conf: line 3"
	done
	echo 'summary = x' >"$DEMO/fix.conf"
	prepare
	refused 1 "at least one mark"
	rm "$DEMO/fix.conf"
	prepare
	refused 1 "missing or not readable"
}

@test "a patch that leaves KVM, or is none, is refused" {
	local file
	for file in ../../../etc/passwd /etc/passwd arch/x86/kvm/../../../kernel/fork.c kernel/fork.c; do
		demo_patch | sed "s,^+++ b/virt/kvm/kvm_main.c,+++ b/$file," >"$DEMO/a.patch"
		prepare
		refused 1 "only files below arch/x86/kvm, virt/kvm and include may be changed"
	done
	demo_patch | sed 's,kvm_main.c,no_such.c,' >"$DEMO/a.patch"
	prepare
	refused 1 "no such file in the source"
	echo hello >"$DEMO/a.patch"
	prepare
	refused 1 "no file is changed"
	demo_patch | head -n -3 >"$DEMO/a.patch"
	prepare
	refused 1 "the patch ends inside a hunk"
	rm "$DEMO/a.patch"
	prepare
	refused 1 "holds no readable .patch"
}
