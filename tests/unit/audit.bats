#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-fixes audit on small modules that are compiled here: verdicts, declarations, both
# outputs, and the installed modules of a host that is a folder. What it finds in real
# modules is tested in cli_audit_test.c and tests/build.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	. "$REPO/tests/unit/cli-fixture.bash"
	export REPO CLI=$BATS_FILE_TMPDIR/build/kvm-fixes MADE=$BATS_FILE_TMPDIR/made
	make -s -C "$REPO" BUILD="$BATS_FILE_TMPDIR/build" cli
	mkdir -p "$MADE"/{stock,same,changed,added,unknown}
	compile stock -DCHANGE=1
	compile same -DCHANGE=1 -DSTAMP
	compile changed -DCHANGE='n*n' -DSTAMP
	compile added -DCHANGE=1 -DSTAMP -DMORE
	compile unknown -DCHANGE=1 -DSTAMP -DUNKNOWN
}

setup() {
	. "$REPO/tests/unit/cli-fixture.bash"
	unset KVM_FIXES_VERBOSE
	HOST=$BATS_TEST_TMPDIR/host DIR=$BATS_TEST_TMPDIR/built
	export KVM_FIXES_ROOT=$HOST
	mkdir -p "$HOST/proc/sys/kernel" "$DIR"
	echo "$REL" >"$HOST/proc/sys/kernel/osrelease"
}

# compile WHOSE FLAG... - $MADE/WHOSE/kvm.ko
compile() {
	local whose=$1
	shift
	module_text | gcc "$@" -O2 -mcmodel=kernel -fno-pic -fno-asynchronous-unwind-tables -fcf-protection=none \
		-x c -c -o "$MADE/$whose/kvm.ko" -
	strip --strip-debug "$MADE/$whose/kvm.ko"
}

module_text() {
	cat <<-'C'
		#define SECTION(name) __attribute__((used, section(name)))
		SECTION(".modinfo") static const char info[] = "license=GPL\0name=kvm\0vermagic=6.1.0-9-test \0"
		#ifdef STAMP
			"version=1\0kvm_fixes_kernel=6.1.0-9-test\0kvm_fixes_build=1b56";
		static const struct { unsigned int n[3]; char name[12]; char text[64]; } note
			SECTION(".note.kvm-fixes") = { { 10, 64, 1 }, "kvm-fixes", "kernel=6.1.0-9-test\nbuild=1b56\n" };
		#else
			"intree=Y";
		#endif
		int outside(int n, const char *text);
		int counter = 3;
		#ifdef MORE
		int another(int n) { return outside(n, "more"); }
		#endif
		#ifdef UNKNOWN
		SECTION(".strange") int strange = 7;
		#endif
		static int __attribute__((noinline)) inner(int n)
		{
			return outside(n + CHANGE, "some text");
		}
		int exported(int n)
		{
			return n > 5 ? inner(n) : inner(n + 1) + counter;
		}
	C
}

# declare FUNCTION... - what the one fix that is applied may change.
declare_changes() {
	jq -n '{schema: 1, kernel: "'"$REL"'", build: "1b56", source: {origin: "linux", version: "6.1.50-1", sha256: "00"},
		headers: "6.1.50-1", fixes: [{name: "one", state: "applied", patch: "6.1.patch", sha256: "11", changes: $ARGS.positional},
		{name: "two", state: "off", patch: "", sha256: "", changes: []}]}' --args "$@" >"$DIR/report.json"
}

# audit CODE WHOSE [OPTION...] - must end in CODE.
audit() {
	local code=$1 whose=$2
	shift 2
	cp "$MADE/$whose/kvm.ko" "$DIR/"
	run "$CLI" audit --stock "$MADE/stock" "$@" "$DIR/kvm.ko"
	echo "$output"
	[[ $status == "$code" ]]
}

@test "a module that only the stamp tells from the shipped one passes" {
	audit 0 same
	[[ $output == *$'\nverdict     passed\n'* && $output != *UNDECLARED* ]]
	[[ $output == *"functions 2 identical, 0 changed, 0 added, 0 removed"* && $output == *"none is declared"* ]]
}

@test "in a folder without /proc, the kernel has to be named" {
	rm -r "$HOST/proc"
	audit 0 same --kernel "$REL"
	audit 1 same
	[[ $output == *"is /proc mounted?"* ]]
}

@test "a change that nobody declares fails" {
	audit 1 changed
	[[ $output == *$'\nverdict     failed\n'* && $output == *"UNDECLARED     changed  function inner: "* ]]
	declare_changes exported
	audit 1 changed
	[[ $output == *"UNDECLARED     changed  function inner: "* ]]
}

@test "a change that an applied fix declares passes, and what did not change is listed" {
	declare_changes inner exported
	audit 0 changed
	[[ $output == *"one            changed  function inner: "* && $output == *$'declared, and not changed\n  one            exported' ]]
	[[ $output == *"linux 6.1.50-1"* && $output == *"6.1.patch, sha256 11"* && $output == *"two: off"* ]]
}

@test "what two fixes declare is said of both" {
	declare_changes inner exported
	jq '.fixes[1] |= (.state = "applied" | .changes = ["inner"])' "$DIR/report.json" >"$DIR/x" && mv "$DIR/x" "$DIR/report.json"
	audit 0 changed
	[[ $output == *"one, two       changed  function inner: "* && $output != *$'not changed\n  two'* && $output != *"two            inner"* ]]
}

@test "a fix that is off declares nothing" {
	declare_changes inner
	jq '.fixes[0].state = "off"' "$DIR/report.json" >"$DIR/x" && mv "$DIR/x" "$DIR/report.json"
	audit 1 changed
}

@test "a function that came in is to be declared; its string is not" {
	audit 1 added
	[[ $output == *"UNDECLARED     added    function another"* ]]
	declare_changes another
	audit 0 added
}

@test "a section that is not known fails, whatever is declared" {
	declare_changes strange
	audit 1 unknown
	[[ $output == *"section  .strange: of a kind that is not known here"* ]]
}

@test "another release's module fails by its vermagic" {
	declare_changes inner exported
	cp "$MADE/stock/kvm.ko" "$BATS_TEST_TMPDIR/"
	sed -i 's/vermagic=6.1.0-9/vermagic=6.1.0-8/' "$BATS_TEST_TMPDIR/kvm.ko"
	run "$CLI" audit --stock "$BATS_TEST_TMPDIR" --declared "$DIR/report.json" "$MADE/same/kvm.ko"
	[[ $status == 1 && $output == *"UNDECLARED     added    modinfo  vermagic=6.1.0-9-test"* ]]
}

@test "another compiler: not attestable, and the configuration says whether that fails" {
	declare_changes inner
	cp "$MADE/changed/kvm.ko" "$BATS_TEST_TMPDIR/"
	sed -i 's/GCC: (/CCC: (/g' "$BATS_TEST_TMPDIR/kvm.ko"
	other() { run "$CLI" audit --stock "$MADE/stock" --declared "$DIR/report.json" "$BATS_TEST_TMPDIR/kvm.ko"; }
	other
	echo "$output"
	[[ $status == 0 && $output == *$'\nverdict     not attestable\n'* && $output == *"GCC: ("*"CCC: ("* ]]
	mkdir -p "$HOST/etc/kvm-fixes"
	printf '# ours\noff = two\naudit_compiler = block\n' >"$HOST/etc/kvm-fixes/kvm-fixes.conf"
	other
	[[ $status == 1 ]]
	printf 'audit_compiler = allow\n' >"$HOST/etc/kvm-fixes/kvm-fixes.conf"
	other
	[[ $status == 0 ]]
	# What it says cannot be known: then it may forbid it.
	rm "$HOST/etc/kvm-fixes/kvm-fixes.conf"
	mkdir "$HOST/etc/kvm-fixes/kvm-fixes.conf"
	other
	echo "$output"
	[[ $status == 1 && $output == *$'\nverdict     not attestable\n'*"kvm-fixes audit: $HOST/etc/kvm-fixes/kvm-fixes.conf: cannot be read (Invalid argument), and it may forbid "* ]]
	run "$CLI" --json audit --stock "$MADE/stock" --declared "$DIR/report.json" "$BATS_TEST_TMPDIR/kvm.ko"
	[[ $status == 1 ]]
	valid error "$output"
}

@test "JSON keeps to its schema" {
	local whose
	declare_changes inner exported
	for whose in same changed added; do
		cp "$MADE/$whose/kvm.ko" "$DIR/"
		run "$CLI" --json audit --stock "$MADE/stock" "$DIR/kvm.ko"
		valid audit "$output"
		[[ $(jq -r .verdict <<<"$output") == "$([[ $whose == added ]] && echo failed || echo passed)" ]]
	done
	[[ $(jq -r '.modules[0].findings[] | select(.subject == "function") | "\(.name) \(.declared) \(.by)"' <<<"$output") == "another false " ]]
}

@test "the same modules give the same report, wherever they lie" {
	declare_changes inner exported
	cp "$MADE/changed/kvm.ko" "$DIR/"
	mkdir "$BATS_TEST_TMPDIR/elsewhere"
	cp "$DIR/report.json" "$MADE/stock/kvm.ko" "$BATS_TEST_TMPDIR/elsewhere/"
	xz "$BATS_TEST_TMPDIR/elsewhere/kvm.ko"
	cp "$MADE/changed/kvm.ko" "$BATS_TEST_TMPDIR/"
	local json
	for json in '' --json; do
		diff <("$CLI" audit $json --stock "$MADE/stock" "$DIR/kvm.ko") \
			<(cd "$BATS_TEST_TMPDIR" && "$CLI" audit $json --stock elsewhere --declared elsewhere/report.json kvm.ko)
	done
}

@test "without modules, the installed ones are compared with the shipped ones" {
	declare_changes inner exported
	local modules=$HOST/lib/modules/$REL record=$HOST/var/lib/kvm-fixes/kernels/$REL
	run "$CLI" audit
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"no replaced modules there"* ]]
	mkdir -p "$modules/updates/dkms" "$modules/kernel/arch/x86/kvm" "$record"
	cp "$MADE/changed/kvm.ko" "$modules/updates/dkms/"
	run "$CLI" audit
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"--stock"* ]]
	cp "$MADE/stock/kvm.ko" "$modules/kernel/arch/x86/kvm/"
	run "$CLI" audit
	[[ $status == 1 && $output == *UNDECLARED* ]]
	cp "$DIR/report.json" "$record/"
	run "$CLI" audit
	[[ $status == 0 ]]
	run "$CLI" audit --kernel "$OLD"
	[[ $status == 1 && $output == *"$OLD/updates/dkms"* ]]
	# What was kept counts, not what lies there now.
	mkdir -p "$HOST/var/lib/kvm-fixes/stock/$REL"
	cp "$MADE/same/kvm.ko" "$HOST/var/lib/kvm-fixes/stock/$REL/"
	run "$CLI" audit
	[[ $output != *"intree=Y"* && $output != *"stamp     "* ]]
}

@test "a report of another build, or one that declares nothing, is refused in one line" {
	declare_changes inner
	local edit
	for edit in '.build = "1b57"' '.kernel = "6.1.0-8-test"' 'del(.fixes[0].changes)' '.fixes[0].changes = "inner"' \
		'.fixes[0].changes = [7]' '.fixes[0].name = "stamp"' 'del(.fixes)' 'del(.build)' '[.]' '.fixes = [range(99)]'; do
		jq "$edit" "$DIR/report.json" >"$BATS_TEST_TMPDIR/report.json"
		run "$CLI" audit --stock "$MADE/stock" --declared "$BATS_TEST_TMPDIR/report.json" "$MADE/changed/kvm.ko"
		echo "$edit: $output"
		[[ $status == 1 && ${#lines[@]} == 1 ]]
	done
	run "$CLI" --json audit --stock "$MADE/stock" --declared /nonexistent "$MADE/changed/kvm.ko"
	[[ $status == 1 ]]
	valid error "$output"
}

@test "damaged modules are refused in one line" {
	local size n
	size=$(stat -c %s "$MADE/same/kvm.ko")
	for n in 0 1 63 64 100 $((size / 2)) $((size - 1)); do
		head -c "$n" "$MADE/same/kvm.ko" >"$DIR/kvm.ko"
		run "$CLI" audit --stock "$MADE/stock" "$DIR/kvm.ko"
		[[ $status == 1 && ${#lines[@]} == 1 ]]
	done
}

@test "--show marks what differs, and names what instructions refer to" {
	declare_changes inner
	audit 0 changed --show inner
	[[ $output == *'# "some text"'* && $output == *"# outside"* ]]
	grep -qE ' [<>|] ' <<<"$output"
	audit 0 same --show inner
	run ! grep -qE ' [<>|] ' <<<"$output"
	audit 0 added --show another
	[[ $output == *"shipped: not there"* ]]
	audit 1 same --show nothing
	[[ ${#lines[@]} == 1 && $output == *"no function 'nothing'"* ]]
}

@test "usage errors end in 2" {
	local arguments
	for arguments in --nonsense --kernel "--kernel ../x" "--json --show inner" "$(printf 'x.ko %.0s' {1..17})"; do
		# shellcheck disable=SC2086 # words are meant
		run "$CLI" audit $arguments
		[[ $status == 2 && ( ${#lines[@]} == 1 || $output == *'"code":2,'* ) ]]
	done
}

# information WHOSE - what a module says of itself, for the assembler.
information() {
	printf '.section .modinfo,"a"\n'
	directives license=GPL name=kvm "vermagic=$REL "
	[[ $1 == ours ]] || return 0
	directives "kvm_fixes_kernel=$REL" kvm_fixes_build=1b56
	printf '.section .note.kvm-fixes,"a",@note\n.long 10, 2f - 1f, 1\n.asciz "kvm-fixes"\n.balign 4\n1: .ascii "kernel=%s\\nbuild=1b56\\n"\n2: .balign 4\n' "$REL"
}

# texts WHOSE MESSAGE FILE LINE NUMBER [LINE COLUMN] - as gcc 14 and 7.x have it: texts and constants in .rodata
# by labels of the assembler, and what UBSAN would report in .data: one that code refers to, and
# behind it one (LINE, COLUMN) that none does.
texts() {
	mkdir -p "$BATS_TEST_TMPDIR/$1"
	{
		information "$1"
		printf '.text\n.type talk, @function\ntalk: mov $.LC0, %%rdi\nmov $.LC2, %%rsi\nmov $.LC3, %%rdx\njmp outside\n.size talk, . - talk\n'
		printf '.section .rodata,"a"\n.LC0: .asciz "%s"\n.balign 8\n.LC1: .asciz "%s"\n.balign 8\n.LC2: .quad %s, 1\n' "$2" "$3" "$5"
		printf '.data\n.LC3: .quad .LC1\n.long %s, 7\n.quad 0, .LC1\n.long %s, %s\n' "$4" "${6:-20}" "${7:-9}"
	} | gcc -c -x assembler -Wa,--keep-locals -o "$BATS_TEST_TMPDIR/$1/kvm.ko" -
}

# texts_end CODE ARGUMENT... - a module like that against the shipped one.
texts_end() {
	local code=$1
	shift
	texts ours "$@"
	cp "$BATS_TEST_TMPDIR/ours/kvm.ko" "$DIR/"
	run "$CLI" audit --stock "$BATS_TEST_TMPDIR/shipped" "$DIR/kvm.ko"
	echo "$output"
	[[ $status == "$code" ]]
}

@test "texts in .rodata are texts, and constants beside them are not" {
	texts shipped "a message" /build/linux-7/arch/x86/kvm/svm/../x.c 10 0x11223344
	readelf -sW "$BATS_TEST_TMPDIR/shipped/kvm.ko" | grep -q '\.LC0'
	texts_end 0 "a message" /build/linux-7/arch/x86/kvm/svm/../x.c 10 0x11223344
	texts_end 1 "a massage" /build/linux-7/arch/x86/kvm/svm/../x.c 10 0x11223344
	[[ $output == *'talk: at +0x0: refers to "a massage", was "a message"'* ]]
	texts_end 1 "a message" /build/linux-7/arch/x86/kvm/svm/../x.c 10 0x11223345
	texts_end 1 "a message" /build/linux-7/arch/x86/kvm/svm/../x.c 10 0x41
}

@test "a file of the source is the same in another folder, and its lines move" {
	texts shipped "a message" /build/linux-7/arch/x86/kvm/svm/../x.c 10 0x11223344
	texts_end 0 "a message" arch/x86/kvm/svm/../x.c 10 0x11223344
	texts_end 0 "a message" /root/include/tree/virt/kvm/../../arch/x86/kvm/svm/../x.c 10 0x11223344
	texts_end 1 "a message" arch/x86/kvm/svm/../y.c 10 0x11223344
	texts_end 1 "a message" arch/x86/kvm/svm/../x.c 11 0x11223344
	declare_changes exported
	texts_end 0 "a message" arch/x86/kvm/svm/../x.c 11 0x11223344
	[[ $output == *"identical (1 of them but for line numbers)"* ]]
	texts_end 0 "a message" arch/x86/kvm/svm/../x.c 11 0x11223344 21
	texts_end 1 "a message" arch/x86/kvm/svm/../x.c 11 0x11223344 21 10
	[[ $output == *"UNDECLARED     changed  data     (in .data): bytes differ"* ]]
}

# loops WHOSE MOVED - a module whose function with a loop comes MOVED bytes later.
loops() {
	mkdir -p "$BATS_TEST_TMPDIR/$1"
	{
		information "$1"
		printf '.text\n.p2align 6\n.type first, @function\nfirst: .fill %s, 1, 0x98\n.size first, . - first\n' $((16 + $2))
		printf '.type talk, @function\ntalk: push %%rbp\n.p2align 6\n1: dec %%edi\njne 1b\njmp outside\n.size talk, . - talk\n'
	} | gcc -c -x assembler -o "$BATS_TEST_TMPDIR/$1/kvm.ko" -
}

@test "what aligns a loop moves with its function, and that is told of" {
	loops shipped 0
	loops ours 16
	both() { run "$CLI" "$@" --kernel "$REL" --stock "$BATS_TEST_TMPDIR/shipped" --declared "$DIR/report.json" "$BATS_TEST_TMPDIR/ours/kvm.ko"; }
	declare_changes first
	both audit
	echo "$output"
	[[ $status == 0 && $output == *"functions 1 identical (1 of them but for alignment), 1 changed"* && $output != *talk* ]]
	both --json audit
	valid audit "$output"
	[[ $(jq -r '.modules[0] | .functions.moved_padding, (.findings[] | select(.name == "talk") | .verdict, .declared)' <<<"$output") == $'1\nmoved padding\ntrue' ]]
	jq '.fixes[0].state = "off"' "$DIR/report.json" >"$DIR/x" && mv "$DIR/x" "$DIR/report.json"
	both audit
	[[ $status == 1 && $output == *"UNDECLARED     moved padding function talk"* ]]
}
