#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only

bats_require_minimum_version 1.5.0
load fixture

setup() { wrap_setup; }

@test "a matching package gives a tree with the fix in it and a whole manifest" {
	prepare
	[[ $status == 0 && -z $output ]]
	grep -q 'return 42;' "$OUT/virt/kvm/kvm_main.c"
	grep -q 'answer() + 1' "$OUT/arch/x86/kvm/x86.c"
	(cd "$OUT" && sha256sum --quiet -c .prepared/complete)
	grep -q "^source=$VERSION_OK$" "$OUT/.prepared/origin"
	[[ $(cut -f1,2 "$OUT/.prepared/fixes") == demo$'\t'applied ]]
	[[ ! -e $OUT/drivers ]]
	rm -r "$OUT" && nothing_left
}

@test "the stamp names release, fixes, source and its digest" {
	prepare
	local stamp=$OUT/include/kvm-fixes/stamp-values.h
	grep -qF "KVM_FIXES_KERNEL \"$REL\"" "$stamp"
	grep -qF 'KVM_FIXES_STATES "demo:applied"' "$stamp"
	grep -qE "KVM_FIXES_SOURCE \"linux-source-6.1 $VERSION_OK sha256:[0-9a-f]{64}\"" "$stamp"
	grep -qE 'KVM_FIXES_BUILD "[0-9a-f]{32}"' "$stamp"
}

@test "the same source from tarball, cache and tree has the same digest" {
	prepare
	local from_tarball from_cache
	from_tarball=$(grep ^digest= "$OUT/.prepared/origin")
	rm "$HOST/usr/src/linux-source-6.1.tar.xz"
	prepare
	[[ $status == 0 ]]
	from_cache=$(grep ^digest= "$OUT/.prepared/origin")
	KVM_FIXES_SOURCE=$SRC prepare
	[[ $status == 0 ]]
	[[ $from_tarball == "$from_cache" && $from_tarball == "$(grep ^digest= "$OUT/.prepared/origin")" ]]
	grep -q '^origin=tree$' "$OUT/.prepared/origin"
	grep -q '^source=6.1.50$' "$OUT/.prepared/origin"
}

@test "the cache serves a kernel whose source package moved on" {
	prepare
	make_packages "$VERSION_OK" 6.1.51-1
	prepare
	[[ $status == 0 ]]
	grep -q "^source=$VERSION_OK$" "$OUT/.prepared/origin"
}

@test "headers that no fix changed come from the kernel, changed ones from us" {
	prepare
	[[ ! -e $OUT/include/linux/kvm_types.h && ! -e $OUT/include/linux/kvm_host.h ]]
	sed -i '$a mark = include/linux/kvm_host.h probe x' "$PROJECT/patches/demo/fix.conf"
	cat >>"$PROJECT/patches/demo/a.patch" <<-'EOF'
		--- a/include/linux/kvm_host.h
		+++ b/include/linux/kvm_host.h
		@@ -1 +1,5 @@
		 /* host */
		+int probe(void)
		+{
		+	x;
		+}
	EOF
	prepare
	[[ $status == 0 ]]
	grep -q probe "$OUT/include/linux/kvm_host.h"
}

@test "probes look at the headers" {
	prepare
	[[ ! -s $OUT/include/kvm-fixes/probes.h ]]
	echo 'static inline void smp_mb__after_srcu_read_lock(void) {}' >"$HOST/usr/src/linux-headers-$REL/include/linux/srcu.h"
	prepare
	grep -qx '#define KVM_FIXES_HAVE_SMP_MB_AFTER_SRCU_READ_LOCK 1' "$OUT/include/kvm-fixes/probes.h"
}

@test "usage: no arguments, no release, an unknown option" {
	run "$PROJECT/scripts/prepare-source"
	[[ $status == 2 ]]
	run "$PROJECT/scripts/prepare-source" --out "$OUT"
	[[ $status == 2 ]]
	run "$PROJECT/scripts/prepare-source" --kernel "$REL" --out "$OUT" --frobnicate
	[[ $status == 2 ]]
	run "$PROJECT/scripts/prepare-source" --help
	[[ $status == 0 && $output == Usage:* ]]
}

@test "a release with odd characters is refused before it is part of a path" {
	local odd
	for odd in '../../etc' 'a b' '-x' "6.1'; touch $BATS_TEST_TMPDIR/pwned; '" '6.1/..' '.hidden' '6.1$(id)' $'6.1\nx' ''; do
		run "$PROJECT/scripts/prepare-source" --kernel="$odd" --out "$OUT"
		printf '%q: %s %s\n' "$odd" "$status" "$output"
		[[ $status == 2 ]]
	done
	[[ ! -e $BATS_TEST_TMPDIR/pwned ]]
	nothing_left
}

@test "no headers: 77, and the package to install" {
	rm "$HOST/lib/modules/$REL/build"
	prepare
	refused 77 "install the package linux-headers-$REL"
}

@test "headers of another release behind the link: 77" {
	echo '#define UTS_RELEASE "6.1.0-8-test"' >"$HOST/usr/src/linux-headers-$REL/include/generated/utsrelease.h"
	prepare
	refused 77 "are those of '6.1.0-8-test'"
}

@test "no source: 77, and the exact package and version" {
	make_packages "$VERSION_OK" ""
	prepare
	refused 77 "apt-get install linux-source-6.1=$VERSION_OK"
}

@test "source of another version: 77, and the exact package and version" {
	make_packages "$VERSION_OK" 6.1.49-1
	prepare
	refused 77 "not linux-source-6.1 6.1.49-1 but linux-source-6.1 $VERSION_OK"
	[[ $output == *"apt-get install linux-source-6.1=$VERSION_OK"* ]]
}

@test "source package removed, its configuration left: counts as not installed" {
	make_packages "$VERSION_OK" ""
	printf 'Package: linux-source-6.1\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: %s\nMaintainer: x\nDescription: x\n' \
		"$VERSION_OK" >>"$HOST/var/lib/dpkg/status"
	prepare
	refused 77 "is not installed"
}

@test "headers of no package and no tree named: 77" {
	make_packages "" "$VERSION_OK"
	prepare
	refused 77 KVM_FIXES_SOURCE
}

@test "headers that are the kernel's own whole tree serve as the source" {
	make_packages "" ""
	cp -r "$SRC"/. "$HOST/usr/src/linux-headers-$REL/"
	prepare
	[[ $status == 0 ]]
	grep -q '^origin=tree$' "$OUT/.prepared/origin"
}

# realtime - the kernel's headers are of a source with one more patch.
realtime() {
	local build=$HOST/usr/src/linux-headers-$REL
	echo CONFIG_PREEMPT_RT=y >>"$build/include/config/auto.conf"
	mv "$build" "$build-rt"
	ln -sfn "$build-rt" "$HOST/lib/modules/$REL/build"
}

# realtime_patch PATH OLD - the package's further patch: of KVM, of others, and a
# removed line that looks like the head of a file.
realtime_patch() {
	{
		printf -- '--- a/drivers/other.c\n+++ b/drivers/other.c\n@@ -1 +1,2 @@\n /* none */\n+more\n'
		printf -- '--- a/drivers/query.sql\n+++ b/drivers/query.sql\n@@ -1,2 +1 @@\n--- a/arch/x86/kvm/x86.c\n one\n'
		printf 'Index: x\n--- a/%s\t2026-01-01\n+++ b/%s\t2026-01-02\n@@ -1 +1 @@\n-%s\n+/* realtime */\n' "$1" "$1" "$2"
	} | xz >"$HOST/usr/src/linux-patch-6.1-rt.patch.xz"
	(cd "$HOST" && md5sum usr/src/*.xz) >"$HOST/var/lib/dpkg/info/linux-source-6.1.md5sums"
}

@test "a realtime kernel whose patch the distribution does not ship: 77" {
	realtime
	prepare
	refused 77 PREEMPT_RT
}

@test "a realtime kernel that is built from the common source" {
	echo CONFIG_PREEMPT_RT=y >>"$HOST/usr/src/linux-headers-$REL/include/config/auto.conf"
	prepare
	[[ $status == 0 ]]
	grep -q '^origin=linux-source-6.1$' "$OUT/.prepared/origin"
}

@test "a realtime kernel: KVM's part of the patch, and a cache of its own" {
	prepare
	rm -r "$OUT"
	realtime
	realtime_patch arch/x86/kvm/mmu/mmu.c '/* mmu */'
	prepare
	echo "$output"
	[[ $status == 0 && $(cat "$OUT/arch/x86/kvm/mmu/mmu.c") == '/* realtime */' ]]
	grep -q '^origin=linux-source-6.1-rt$' "$OUT/.prepared/origin"
	[[ ! -e $OUT/drivers && -e $HOST/var/cache/kvm-fixes/source/linux_$VERSION_OK-rt.tar.gz ]]
	rm -r "$OUT" "$HOST/usr/src/linux-patch-6.1-rt.patch.xz"
	prepare
	[[ $status == 0 && $(cat "$OUT/arch/x86/kvm/mmu/mmu.c") == '/* realtime */' ]]
}

@test "a realtime patch that does not fit, or is not the package's" {
	realtime
	realtime_patch arch/x86/kvm/mmu/mmu.c '/* other */'
	prepare
	refused 1 "does not fit the source beside it"
	realtime_patch arch/x86/kvm/mmu/mmu.c '/* mmu */'
	echo more >>"$HOST/usr/src/linux-patch-6.1-rt.patch.xz"
	prepare
	refused 1 "is not the file of linux-source-6.1"
}

# ubuntu [SOURCE-OF-HEADERS] - the same host as that distribution lays it out.
ubuntu() {
	mkdir -p "$HOST/etc" "$HOST/usr/src/linux-source-6.1.0"
	printf 'NAME="Ubuntu"\nID=ubuntu\n' >"$HOST/etc/os-release"
	: >"$HOST/var/lib/dpkg/status"
	add_package "linux-headers-$REL" 6.1.0-9.9
	sed -i "s/^Version: .*/&\nSource: ${1:-linux}/" "$HOST/var/lib/dpkg/status"
	add_package linux-source-6.1.0 6.1.0-9.9
	rm "$HOST"/usr/src/*.tar.xz
	tar -cjf "$HOST/usr/src/linux-source-6.1.0/linux-source-6.1.0.tar.bz2" -C "$BATS_TEST_TMPDIR" \
		--transform 's,^linux-source-6.1,linux-source-6.1.0,' linux-source-6.1
	(cd "$HOST" && md5sum usr/src/*/*.bz2) >"$HOST/var/lib/dpkg/info/linux-source-6.1.0.md5sums"
}

@test "Ubuntu's layout: linux-source-X.Y.Z in a folder of its own" {
	ubuntu
	prepare
	echo "$output"
	[[ $status == 0 ]]
	grep -q '^origin=linux-source-6.1.0$' "$OUT/.prepared/origin"
	rm "$HOST"/usr/src/*/*.bz2 "$HOST"/var/cache/kvm-fixes/source/*
	rm -r "$OUT"
	prepare
	refused 1 "linux-source-6.1.0.tar.bz2 is missing"
}

@test "Ubuntu's HWE kernels have no source package: what to fetch is said" {
	ubuntu linux-hwe-6.1
	prepare
	refused 77 "apt-get source linux-hwe-6.1=6.1.0-9.9"
}

@test "SUSE's layout: build is a folder of objects, source the whole tree" {
	local obj=$HOST/usr/src/linux-obj/x86_64/default
	make_packages "" ""
	rm -r "$HOST/var/lib/dpkg"
	mkdir -p "$obj"
	mv "$HOST/usr/src/linux-headers-$REL"/{Makefile,include} "$obj/"
	rm -r "$obj/include/linux"
	cp -r "$SRC" "$HOST/usr/src/linux-6.1"
	printf '/* srcu */\n' >"$HOST/usr/src/linux-6.1/include/linux/srcu.h"
	ln -sfn "$obj" "$HOST/lib/modules/$REL/build"
	ln -sfn "$HOST/usr/src/linux-6.1" "$HOST/lib/modules/$REL/source"
	prepare
	echo "$output"
	[[ $status == 0 ]]
	grep -q '^origin=tree$' "$OUT/.prepared/origin"
}

@test "headers of an RPM: the source package is named" {
	make_packages "" "$VERSION_OK"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nprintf kernel-6.1.0-9.src.rpm\n' >"$BATS_TEST_TMPDIR/bin/rpm"
	chmod 755 "$BATS_TEST_TMPDIR/bin/rpm"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH prepare
	refused 77 "unpack kernel-6.1.0-9.src.rpm"
}

@test "a header that differs by a byte: 77, and its name" {
	printf '/* typeS */\n' >"$HOST/usr/src/linux-headers-$REL/include/linux/kvm_types.h"
	prepare
	refused 77 "include/linux/kvm_types.h differs"
	[[ $output == *"linux-source-6.1=$VERSION_OK"* ]]
}

@test "a named tree that is not this kernel's: 77" {
	printf '/* hosT */\n' >"$SRC/include/linux/kvm_host.h"
	KVM_FIXES_SOURCE=$SRC prepare
	refused 77 "include/linux/kvm_host.h differs"
	[[ $output == *KVM_FIXES_SOURCE* ]]
}

@test "a named tree that is no kernel source" {
	mkdir "$BATS_TEST_TMPDIR/empty"
	KVM_FIXES_SOURCE=$BATS_TEST_TMPDIR/empty prepare
	refused 1 "not a kernel source tree"
}

@test "a tarball that dpkg did not unpack" {
	echo >>"$HOST/usr/src/linux-source-6.1.tar.xz"
	prepare
	refused 1 "apt-get install --reinstall linux-source-6.1"
}

@test "a truncated tarball, even where dpkg keeps no digest" {
	local tarball=$HOST/usr/src/linux-source-6.1.tar.xz
	truncate -s -100 "$tarball"
	rm "$HOST/var/lib/dpkg/info/linux-source-6.1.md5sums"
	prepare
	refused 1 "Unexpected end of input); run: apt-get install --reinstall linux-source-6.1"
	[[ ! -e $HOST/var/cache/kvm-fixes/source ]]
}

@test "a tarball with a path that climbs out writes nothing outside" {
	pack --transform='s,arch/x86/kvm/mmu/mmu.c,arch/x86/kvm/../../../../../escaped,'
	prepare
	refused 1 "cannot be extracted"
	[[ -z $(find "$BATS_TEST_TMPDIR" -name escaped) ]]
}

@test "a tarball with a link in it is refused" {
	ln -s /etc/passwd "$SRC/arch/x86/kvm/link.c"
	pack
	prepare
	refused 1 "arch/x86/kvm/link.c is neither a file nor a folder"
}

@test "a tarball without KVM in it is refused" {
	rm "$SRC/virt/kvm/kvm_main.c"
	pack
	prepare
	refused 1 "virt/kvm/kvm_main.c is missing"
}

@test "a damaged cache entry is not used but replaced" {
	local entry=$HOST/var/cache/kvm-fixes/source/linux_$VERSION_OK.tar.gz
	prepare
	[[ -s $entry ]]
	mkdir "$BATS_TEST_TMPDIR/x"
	tar -xzf "$entry" -C "$BATS_TEST_TMPDIR/x"
	echo 'int evil;' >>"$BATS_TEST_TMPDIR/x/tree/virt/kvm/kvm_main.c"
	tar -czf "$entry" -C "$BATS_TEST_TMPDIR/x" manifest tree
	prepare
	[[ $status == 0 && $output == *damaged* ]]
	run ! grep -q evil "$OUT/virt/kvm/kvm_main.c"
	prepare
	[[ $status == 0 && -z $output ]]
}

# alone_in_cache - the source is nowhere else. Sets ENTRY.
alone_in_cache() {
	prepare
	[[ $status == 0 ]]
	rm -r "$OUT"
	ENTRY=$HOST/var/cache/kvm-fixes/source/linux_$VERSION_OK.tar.gz
	cp "$ENTRY" "$BATS_TEST_TMPDIR/entry"
	make_packages "$VERSION_OK" ""
	rm "$HOST/usr/src/linux-source-6.1.tar.xz"
	mkdir -p "$BATS_TEST_TMPDIR/bin"
}

# instead_of PROGRAM CONDITION DEED - another one, from here on.
instead_of() {
	printf '#!/bin/bash\nif %s; then %s; fi\nexec %s "$@"\n' "$2" "$3" "$(command -v "$1")" >"$BATS_TEST_TMPDIR/bin/$1"
	chmod 755 "$BATS_TEST_TMPDIR/bin/$1"
}

@test "unpacking a cache entry fails, the entry is whole: an error with tar's cause, and the entry stays" {
	alone_in_cache
	instead_of tar '[[ $1 == -x* ]]' 'echo "tar: tree/x.c: Cannot write: No space left on device" >&2; echo "tar: Exiting with failure status due to previous errors" >&2; exit 2'
	PATH=$BATS_TEST_TMPDIR/bin:$PATH prepare
	refused 1 "$ENTRY: cannot be unpacked (tar: tree/x.c: Cannot write: No space left on device); free some space in $BATS_TEST_TMPDIR"
	cmp "$ENTRY" "$BATS_TEST_TMPDIR/entry"
	instead_of tar '[[ $1 == -x* ]]' 'kill -9 $$'
	PATH=$BATS_TEST_TMPDIR/bin:$PATH prepare
	refused 1 "$ENTRY: cannot be unpacked (tar was killed)"
	rm "$BATS_TEST_TMPDIR/bin/tar"
	for deed in 'exit 127' 'kill -9 $$'; do
		instead_of gzip true "$deed"
		PATH=$BATS_TEST_TMPDIR/bin:$PATH prepare
		refused 1 "$ENTRY: cannot be unpacked ("
	done
	rm "$BATS_TEST_TMPDIR/bin/gzip"
	instead_of sha256sum true 'echo "sha256sum: no" >&2; exit 1'
	PATH=$BATS_TEST_TMPDIR/bin:$PATH prepare
	[[ $status == 1 && ${#lines[@]} == 1 ]]
	cmp "$ENTRY" "$BATS_TEST_TMPDIR/entry"
	prepare
	[[ $status == 0 && -z $output ]]
}

@test "a full disk does not cost the only copy of a source" {
	alone_in_cache
	dd if=/dev/urandom of="$BATS_TEST_TMPDIR/big.c" bs=1k count=600 2>/dev/null
	mkdir "$BATS_TEST_TMPDIR/x"
	tar -xzf "$ENTRY" -C "$BATS_TEST_TMPDIR/x"
	mv "$BATS_TEST_TMPDIR/big.c" "$BATS_TEST_TMPDIR/x/tree/virt/kvm/"
	(cd "$BATS_TEST_TMPDIR/x/tree" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum --) >"$BATS_TEST_TMPDIR/x/manifest"
	tar -czf "$ENTRY" -C "$BATS_TEST_TMPDIR/x" manifest tree
	cp "$ENTRY" "$BATS_TEST_TMPDIR/entry"
	prepare
	[[ $status == 0 && -z $output ]]
	rm -r "$OUT"
	mount_small "$BATS_TEST_TMPDIR/small" || skip "no right to mount"
	OUT=$BATS_TEST_TMPDIR/small/out
	prepare
	local left
	left=$(ls -A "$BATS_TEST_TMPDIR/small")
	umount "$BATS_TEST_TMPDIR/small"
	[[ -z $left ]]
	refused 1 "$ENTRY: cannot be unpacked (tar: tree/"
	[[ $output == *": Cannot write: No space left on device); free some space in $BATS_TEST_TMPDIR/small, "* ]]
	cmp "$ENTRY" "$BATS_TEST_TMPDIR/entry"
}

@test "a damaged cache entry stays until there is something to replace it" {
	local damage
	alone_in_cache
	mkdir "$BATS_TEST_TMPDIR/x"
	for damage in "truncate -s -20 $ENTRY" "truncate -s 0 $ENTRY" "tar -czf $ENTRY -C $BATS_TEST_TMPDIR x" \
		"dd if=/dev/zero of=$ENTRY bs=1 seek=100 count=20 conv=notrunc"; do
		cp "$BATS_TEST_TMPDIR/entry" "$ENTRY"
		$damage
		cp "$ENTRY" "$BATS_TEST_TMPDIR/damaged"
		prepare
		[[ $status == 77 && ${lines[0]} == *"$ENTRY: damaged, not used"* && ${lines[1]} == *"is not installed; run: apt-get install "* ]]
		nothing_left
		cmp "$ENTRY" "$BATS_TEST_TMPDIR/damaged"
	done
	make_packages
	prepare
	[[ $status == 0 && $output == *damaged* ]]
	cmp "$ENTRY" "$BATS_TEST_TMPDIR/entry"
}

@test "a cache that cannot be written costs a line and nothing else" {
	mkdir -p "$HOST/var/cache"
	: >"$HOST/var/cache/kvm-fixes"
	prepare
	[[ $status == 0 && ${#lines[@]} == 1 && $output == *"is not cached"* ]]
	[[ -e $OUT/.prepared/complete ]]
}

@test "a read-only cache is read" {
	[[ $EUID != 0 ]] || skip "root writes to read-only folders"
	prepare
	chmod a-w "$HOST/var/cache/kvm-fixes/source"
	rm "$HOST/usr/src/linux-source-6.1.tar.xz"
	prepare
	chmod u+w "$HOST/var/cache/kvm-fixes/source"
	[[ $status == 0 && -z $output ]]
}

@test "a full disk: one line, nothing left" {
	mount_small "$BATS_TEST_TMPDIR/small" || skip "no right to mount"
	OUT=$BATS_TEST_TMPDIR/small/out
	dd if=/dev/urandom of="$SRC/virt/kvm/big.c" bs=1k count=600 2>/dev/null
	pack
	prepare
	local left
	left=$(ls -A "$BATS_TEST_TMPDIR/small")
	umount "$BATS_TEST_TMPDIR/small"
	echo "$status: $output; left: $left"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"No space left"* && -z $left ]]
}

mount_small() {
	[[ $EUID == 0 ]] && mkdir "$1" && mount -t tmpfs -o size=256k none "$1" 2>/dev/null
}

@test "a folder that is not ours is not touched" {
	mkdir "$OUT"
	echo precious >"$OUT/file"
	prepare
	[[ $status == 2 && $output == *"was not made by"* ]]
	[[ $(cat "$OUT/file") == precious ]]
}

@test "a second run waits for nobody: it says so and leaves the first alone" {
	exec 8>"$OUT.lock"
	flock 8
	prepare
	[[ $status == 1 && $output == *"another prepare-source is at work"* ]]
	[[ -e $OUT.lock ]]
}

@test "a run that was killed leaves no usable tree, and the next one tidies up" {
	prepare
	mkdir "$OUT.work.abcdef"
	echo 'exec sleep 60' >"$BATS_TEST_TMPDIR/xz"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho started >"%s"\nexec sleep 60\n' "$BATS_TEST_TMPDIR/started" >"$BATS_TEST_TMPDIR/bin/xz"
	chmod +x "$BATS_TEST_TMPDIR/bin/xz"
	rm -r "$HOST/var/cache"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH setsid "$PROJECT/scripts/prepare-source" --kernel "$REL" --out "$OUT" &
	local pid=$!
	until [[ -e $BATS_TEST_TMPDIR/started ]]; do sleep 0.05; done
	kill -KILL -- "-$pid"
	wait "$pid" || true
	[[ ! -e $OUT/.prepared/complete ]]
	prepare
	[[ $status == 0 && -e $OUT/.prepared/complete ]]
	[[ -z $(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name 'out.*') ]]
}

@test "a run that is interrupted cleans up after itself" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho started >"%s"\nexec sleep 60\n' "$BATS_TEST_TMPDIR/started" >"$BATS_TEST_TMPDIR/bin/xz"
	chmod +x "$BATS_TEST_TMPDIR/bin/xz"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH setsid "$PROJECT/scripts/prepare-source" --kernel "$REL" --out "$OUT" 2>/dev/null &
	local pid=$! code=0
	until [[ -e $BATS_TEST_TMPDIR/started ]]; do sleep 0.05; done
	kill -TERM -- "-$pid"
	wait "$pid" || code=$?
	[[ $code == 143 ]]
	nothing_left
}
