# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Small kernels, modules and console logs for vm.bats, made byte by byte, and an
# emulator that only writes a log.

# poke FILE OFFSET BYTES NUMBER - write it there, little-endian.
poke() {
	local i hex=''
	for ((i = 0; i < $3; i++)); do
		hex+=$(printf '\\x%02x' $((($4 >> (8 * i)) & 255)))
	done
	printf '%b' "$hex" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none
}

# make_elf FILE - an x86-64 executable with two segments: 600 bytes of text at
# 16 MiB, where it starts, and 512 of data, then zeros up to 8 KiB, at 17 MiB.
make_elf() {
	head -c 2048 /dev/zero >"$1"
	printf '\x7fELF\x02\x01\x01' | dd of="$1" conv=notrunc status=none
	poke "$1" 16 2 2
	poke "$1" 18 2 62
	poke "$1" 24 8 $((0x1000000))
	poke "$1" 32 8 64
	poke "$1" 54 2 56
	poke "$1" 56 2 2
	make_segment "$1" 64 512 $((0x1000000)) 600 600
	make_segment "$1" 120 1536 $((0x1100000)) 512 8192
	yes text | head -c 600 | dd of="$1" bs=1 seek=512 conv=notrunc status=none
	yes data | head -c 500 | dd of="$1" bs=1 seek=1536 conv=notrunc status=none
}

# make_segment FILE HEADER_OFFSET OFFSET ADDRESS FILE_SIZE MEMORY_SIZE
make_segment() {
	poke "$1" "$2" 4 1
	poke "$1" $(($2 + 8)) 8 "$3"
	poke "$1" $(($2 + 24)) 8 "$4"
	poke "$1" $(($2 + 32)) 8 "$5"
	poke "$1" $(($2 + 40)) 8 "$6"
}

# make_bzimage FILE PAYLOAD - boot protocol 2.15, two sectors of set-up code, and
# PAYLOAD 256 bytes into what follows.
make_bzimage() {
	head -c $((1024 + 512 + 256)) /dev/zero >"$1"
	poke "$1" 0x1f1 1 2
	poke "$1" 0x1fe 2 $((0xaa55))
	poke "$1" 0x200 2 $((0x66eb))
	printf HdrS | dd of="$1" bs=1 seek=$((0x202)) conv=notrunc status=none
	poke "$1" 0x206 2 $((0x20f))
	poke "$1" 0x22c 4 $((0x7fffffff))
	poke "$1" 0x238 4 2047
	poke "$1" 0x248 4 256
	poke "$1" 0x24c 4 "$(stat -c %s "$2")"
	cat "$2" >>"$1"
	head -c 4096 /dev/zero >>"$1"
}

# make_payload FILE ELF COMMAND... - as the kernel's build does it: compressed by
# COMMAND, then the size, which gzip has already.
make_payload() {
	local file=$1 elf=$2
	shift 2
	"$@" <"$elf" >"$file"
	[[ $1 == gzip ]] || poke "$file" "$(stat -c %s "$file")" 4 "$(stat -c %s "$elf")"
}

# make_module FILE VERMAGIC SYMBOLS CODE... - an object that depmod and modinfo
# take for a module; it exports SYMBOLS.
make_module() {
	mkdir -p "${1%/*}"
	cc -x c -c -o "$1.o" - <<-END
		__attribute__((section(".modinfo"), used)) static const char info[] = "vermagic=$2 SMP";
		__attribute__((section("__ksymtab_strings"), used)) static const char names[] = "$3";
		${*:4}
	END
	ld -r --build-id -o "$1" "$1.o"
	rm "$1.o"
}

# make_tree DIR RELEASE [SUBDIR] - what of a /lib/modules/RELEASE make-initramfs
# wants, the KVM modules in SUBDIR.
make_tree() {
	local kvm=$1/${3:-kernel}
	make_module "$1/kernel/irqbypass.ko" "$2" bypass 'int one(void) { return 1; }'
	make_module "$kvm/kvm.ko" "$2" kvm_x "extern int bypass(void); int two(void) { return bypass() + ${#kvm}; }"
	make_module "$kvm/kvm-intel.ko" "$2" '' "extern int kvm_x(void); int three(void) { return kvm_x() + ${#kvm}; }"
	make_module "$kvm/kvm-amd.ko" "$2" '' "extern int kvm_x(void); int four(void) { return kvm_x() - ${#kvm}; }"
	make_module "$1/kernel/other.ko" "$2" '' 'int five(void) { return 5; }'
	touch "$1/modules.order" "$1/modules.builtin" "$1/modules.builtin.modinfo"
	index_tree "$1" "$2"
}

index_tree() {
	mkdir -p "$BATS_TEST_TMPDIR/base/lib/modules"
	ln -sfn "$1" "$BATS_TEST_TMPDIR/base/lib/modules/$2"
	depmod -b "$BATS_TEST_TMPDIR/base" "$2"
}

# good_log - what a host prints that passed. Its boot warned.
good_log() {
	cat <<-END
		[    0.100000] WARNING: CPU: 0 PID: 0 at kernel/early.c:1 early+0x1/0x2
		HOST 6.1.0-9-test kvm_amd cpus 2 scenario swap params
		STEP nothing-loaded ok 0.01
		KLOG 13,350,2666635,-;$KLOG_BEGIN
		KLOG 5,351,2740201,-;kvm: module verification failed: signature and/or required key missing - tainting kernel
		STEP stock-load ok 0.83
		GUEST guest-check: PASS (8 checks)
		KLOG 13,360,7723534,-;$KLOG_END
		STEP kernel-log ok 0.14
		VM-RESULT: PASS
		[    8.938061] reboot: Power down
	END
}

# insert LINE - into standard input, in the middle of the run.
insert() { sed "/^STEP stock-load/i $1"; }

# fake_emulator COMMAND - it runs COMMAND in the place of QEMU, and PATH finds it.
fake_emulator() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/bash\n%s\n' "$1" >"$BATS_TEST_TMPDIR/bin/qemu-system-x86_64"
	chmod +x "$BATS_TEST_TMPDIR/bin/qemu-system-x86_64"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}
