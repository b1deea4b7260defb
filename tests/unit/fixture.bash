# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A small host below $HOST and a small copy of this project in $PROJECT, so that
# the scripts run as they are, without root and without a kernel.
#
# The kernel is 6.1.0-9-test, its source a handful of short files, its one fix
# is called demo and turns answer() from 41 to 42.

REL=6.1.0-9-test
VERSION_OK=6.1.50-1

# wrap_setup - call from setup().
wrap_setup() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	HOST=$BATS_TEST_TMPDIR/host
	PROJECT=$BATS_TEST_TMPDIR/project
	SRC=$BATS_TEST_TMPDIR/linux-source-6.1
	OUT=$BATS_TEST_TMPDIR/out
	export KVM_FIXES_ROOT=$HOST
	unset KVM_FIXES_SOURCE KVM_FIXES_CACHE KVM_FIXES_OFF KVM_FIXES_VERBOSE
	make_project
	make_source
	make_headers
	make_packages
}

make_project() {
	mkdir -p "$PROJECT"
	cp -r "$REPO"/{scripts,include,Kbuild,VERSION} "$PROJECT"
	mkdir -p "$PROJECT/src"
	cp -r "$REPO/src/kernel" "$PROJECT/src/"
	mkdir -p "$PROJECT/patches/demo"
	echo demo >"$PROJECT/patches/series"
	cat >"$PROJECT/patches/demo/fix.conf" <<-'EOF'
		summary = The answer
		needs = virt/kvm/kvm_main.c answer
		mark = virt/kvm/kvm_main.c answer return 42;
		mark = arch/x86/kvm/x86.c caller answer() + 1
	EOF
	demo_patch >"$PROJECT/patches/demo/a.patch"
}

demo_patch() {
	cat <<-'EOF'
		--- a/virt/kvm/kvm_main.c
		+++ b/virt/kvm/kvm_main.c
		@@ -3,5 +3,5 @@
		 int answer(void)
		 {
		-	return 41;
		+	return 42;
		 }

		--- a/arch/x86/kvm/x86.c
		+++ b/arch/x86/kvm/x86.c
		@@ -2,4 +2,4 @@
		 int caller(void)
		 {
		-	return answer();
		+	return answer() + 1;
		 }
	EOF
}

make_source() {
	mkdir -p "$SRC"/{arch/x86/kvm/mmu,arch/x86/include/asm,virt/kvm,include/linux,drivers}
	printf 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 50\nEXTRAVERSION =\n' >"$SRC/Makefile"
	printf 'obj-y += x86.o\n' >"$SRC/arch/x86/kvm/Makefile"
	printf '/* x86 */\nint caller(void)\n{\n\treturn answer();\n}\n' >"$SRC/arch/x86/kvm/x86.c"
	printf '/* mmu */\n' >"$SRC/arch/x86/kvm/mmu/mmu.c"
	printf '/* kvm */\n\nint answer(void)\n{\n\treturn 41;\n}\n\nint other(void)\n{\n\treturn 0;\n}\n' >"$SRC/virt/kvm/kvm_main.c"
	printf '/* host */\n' >"$SRC/include/linux/kvm_host.h"
	printf '/* types */\n' >"$SRC/include/linux/kvm_types.h"
	printf '/* asm */\n' >"$SRC/arch/x86/include/asm/kvm_host.h"
	printf '/* not taken */\n' >"$SRC/drivers/other.c"
}

# pack [SUFFIX-OF-TAR-ARGUMENTS...] - the source as the package's tarball.
pack() {
	mkdir -p "$HOST/usr/src"
	tar -cJf "$HOST/usr/src/linux-source-6.1.tar.xz" "$@" -C "$BATS_TEST_TMPDIR" linux-source-6.1
	record_tarball
}

record_tarball() {
	mkdir -p "$HOST/var/lib/dpkg/info"
	(cd "$HOST" && md5sum usr/src/linux-source-6.1.tar.xz) >"$HOST/var/lib/dpkg/info/linux-source-6.1.md5sums"
}

make_headers() {
	local build=$HOST/usr/src/linux-headers-$REL
	mkdir -p "$build/include/generated" "$build/include/config" "$build/include/linux" \
		"$build/arch/x86/include/asm" "$HOST/lib/modules/$REL"
	ln -s "$build" "$HOST/lib/modules/$REL/build"
	printf '#define UTS_RELEASE "%s"\n' "$REL" >"$build/include/generated/utsrelease.h"
	printf 'CONFIG_MODVERSIONS=y\nCONFIG_CC_VERSION_TEXT="gcc 12"\n' >"$build/include/config/auto.conf"
	printf 'modules:\n' >"$build/Makefile"
	cp "$SRC"/include/linux/*.h "$build/include/linux/"
	cp "$SRC"/arch/x86/include/asm/*.h "$build/arch/x86/include/asm/"
	printf '/* srcu */\n' >"$build/include/linux/srcu.h"
}

# make_packages [HEADERS-VERSION [SOURCE-VERSION]] - what dpkg knows of.
make_packages() {
	mkdir -p "$HOST/var/lib/dpkg/info" "$HOST/var/lib/dpkg/updates"
	: >"$HOST/var/lib/dpkg/status"
	add_package "linux-headers-$REL" "${1-$VERSION_OK}"
	add_package linux-source-6.1 "${2-$VERSION_OK}"
	pack
}

add_package() {
	[[ -n $2 ]] || return 0
	printf 'Package: %s\nStatus: install ok installed\nMaintainer: x <x@example.org>\nArchitecture: all\nVersion: %s\nDescription: x\n\n' \
		"$1" "$2" >>"$HOST/var/lib/dpkg/status"
}

prepare() {
	run "$PROJECT/scripts/prepare-source" --kernel "$REL" --out "$OUT"
}

# refused CODE TEXT - the last run ended in CODE with one line that has TEXT, and
# left nothing behind.
refused() {
	printf 'status %s, output: %s\n' "$status" "$output"
	[[ $status == "$1" ]]
	[[ ${#lines[@]} == 1 ]]
	[[ $output == *"$2"* ]]
	nothing_left
}

nothing_left() {
	local left
	left=$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name 'out*')
	printf 'left behind: %s\n' "$left"
	[[ -z $left ]]
}
