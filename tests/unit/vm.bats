#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What the emulated hosts' tools do without booting one.

# shellcheck disable=SC2030,SC2031 # bats runs each test in a shell of its own

bats_require_minimum_version 1.5.0
load vm_fixture

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	VM=$REPO/scripts/vm
	TOOLS=$BATS_FILE_TMPDIR/tools
	make -s -C "$VM" OUT="$TOOLS" CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
	export REPO VM TOOLS
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# shellcheck source=tests/vm/kernel-log.sh
	source "$REPO/tests/vm/kernel-log.sh"
	make_elf vmlinux
	make_payload payload vmlinux gzip -c
	make_bzimage vmlinuz payload
	printf '070701 and so on' >initrd
}

# failed CODE TEXT - the last run ended with CODE and one line, which has TEXT.
failed() {
	[[ $status == "$1" && $output == *"$2"* && -n $output && $output != *$'\n'* ]] ||
		{ echo "instead of $1, $2: $status, $output"; return 1; }
}

# judge TEXT... - judge-log's verdict on standard input must be TEXT.
judge() {
	cat >log
	run "$VM/judge-log" log
	[[ $output == "$1"* ]] || { echo "verdict: $output"; return 1; }
	[[ $status == "$([[ $1 == PASS ]] && echo 0 || echo 1)" ]]
}

disk() {
	run "$TOOLS/bootdisk" --sector "$TOOLS/bootsector.bin" --vmlinux vmlinux --bzimage vmlinuz \
		--initrd initrd --out disk --memory 64 --append 'console=ttyS0' "$@"
}

# refused TEXT - bootdisk ended with 1, said TEXT, and left no disk.
refused() {
	disk
	failed 1 "$1"
	[[ ! -e disk ]]
}

host() {
	run "$VM/run-host" --vendor amd --vmlinuz vmlinuz --initramfs initrd --log log --work work "$@"
}

# gone PID - it ended, even if nobody asked how.
gone() { [[ ! -e /proc/$1 ]] || grep -q "^State:.Z" "/proc/$1/status"; }

# --- judge-log

@test "a log with the verdict and a clean kernel log passes, boot warnings or not" {
	good_log | judge PASS
	good_log | sed 's/$/\r/' | judge PASS
}

@test "a bad kernel line after the first load fails, whatever the verdict says" {
	local line
	while IFS= read -r line; do
		good_log | insert "KLOG 4,355,3000000,-;$line" | judge 'FAIL kernel log: KLOG'
		good_log | insert "[    3.000000] $line" | judge 'FAIL kernel log: ['
	done <<-'END'
		WARNING: CPU: 0 PID: 88 at arch/x86/kvm/x86.c:1 vcpu_enter_guest+0x1/0x2 [kvm]
		WARNING: possible circular locking dependency detected
		WARNING: suspicious RCU usage
		BUG: kernel NULL pointer dereference, address: 0000000000000000
		BUG: KASAN: use-after-free in kvm_io_bus_write+0x1/0x2 [kvm]
		kernel BUG at virt/kvm/kvm_main.c:1!
		Oops: 0000 [#1] PREEMPT SMP NOPTI
		general protection fault, probably for non-canonical address 0xdead000000000122
		INFO: possible recursive locking detected
		INFO: task kvm-guest-check:88 blocked for more than 120 seconds.
		rcu: INFO: rcu_preempt self-detected stall on CPU
		UBSAN: array-index-out-of-bounds in arch/x86/kvm/x86.c:1
	END
}

@test "words that only look like it do not fail a run" {
	good_log | insert 'KLOG 6,355,3000000,-;debug: DEBUG_LOCKS_WARNINGS off, no BUGS known' | judge PASS
}

@test "a warning that a scenario knows of does not fail a run, and any other does" {
	local known='KNOWN-WARNING WARNING: arch/x86/kvm/mmu/(tdp_)?mmu[.]c:[0-9]+ at kvm_tdp_mmu_map[+]'
	local warning='KLOG 4,355,3000000,-;WARNING: arch/x86/kvm/mmu/tdp_mmu.c:1137 at kvm_tdp_mmu_map+0x5cd/0x7b0 [kvm], CPU#1: qemu/7'
	good_log | insert "$warning" | judge 'FAIL kernel log: KLOG'
	good_log | insert "$warning" | insert "$known" | judge PASS
	good_log | insert "${warning/kvm_tdp_mmu_map/kvm_tdp_mmu_zap_leafs}" | insert "$known" | judge 'FAIL kernel log: KLOG'
	good_log | insert "$warning" | insert "$known" |
		insert 'KLOG 4,356,3000000,-;BUG: KASAN: use-after-free in kvm_tdp_mmu_map+0x1/0x2' | judge 'FAIL kernel log: KLOG'
	good_log | insert "$warning" | insert 'KNOWN-WARNING kvm_tdp_mmu_map(' | judge 'FAIL the kernel log could not be judged'
}

@test "without the verdict, or with another one, a log fails" {
	good_log | grep -v '^VM-RESULT' | judge 'FAIL the host did not say that it passed'
	good_log | sed 's/^VM-RESULT: PASS/& not/' | judge 'FAIL the host did not say'
	good_log | sed 's/^VM-RESULT: PASS/ &/' | judge 'FAIL the host did not say'
	good_log | sed 's/^VM-RESULT: PASS/&\n&/' | judge 'FAIL the host did not say'
	good_log | sed 's/^VM-RESULT: .*/VM-RESULT: FAIL because/' | judge 'FAIL because'
	good_log | insert 'VM-RESULT: FAIL early' | judge 'FAIL early'
}

@test "a failed step, no step, a cut kernel log or no load fails" {
	good_log | insert 'STEP fixed-load FAIL no' | judge 'FAIL STEP fixed-load: no'
	good_log | grep -v '^STEP' | judge 'FAIL no step'
	good_log | grep -v "$KLOG_END" | judge 'FAIL the kernel log is not there to its end'
	good_log | grep -v "$KLOG_BEGIN" | judge 'FAIL no module was loaded'
	good_log | insert '[    3.000000] Kernel panic - not syncing: no' | judge 'FAIL kernel log'
	judge 'FAIL the host printed nothing' </dev/null
}

@test "judge-log without a log is a usage error or a failure" {
	run "$VM/judge-log"
	failed 2 usage
	run "$VM/judge-log" nowhere
	failed 1 nowhere
}

# --- extract-vmlinux

@test "every compression that kernels use is undone" {
	for command in 'gzip -c' 'xz -c --check=crc32' 'zstd -qc' 'lz4 -lc'; do
		# shellcheck disable=SC2086
		make_payload payload vmlinux $command
		make_bzimage vmlinuz payload
		"$VM/extract-vmlinux" vmlinuz out
		cmp vmlinux out
		rm out
	done
}

# no_kernel TEXT
no_kernel() {
	run "$VM/extract-vmlinux" vmlinuz out
	[[ ${lines[-1]} == "extract-vmlinux: vmlinuz: "*"$1"* && $status == 1 ]] || { echo "$status: $output"; return 1; }
	[[ -z $(compgen -G 'out' -G '.out*') ]]
}

@test "a damaged or strange kernel image is refused by name" {
	cp vmlinuz good
	head -c 100 good >vmlinuz && no_kernel 'too short'
	head -c 5000 /dev/zero >vmlinuz && no_kernel 'no boot protocol header'
	cp good vmlinuz && poke vmlinuz 0x206 2 $((0x207)) && no_kernel 'boot protocol 2.7'
	cp good vmlinuz && poke vmlinuz 0x24c 4 $((0xffffffff)) && no_kernel 'ends before'
	cp good vmlinuz && poke vmlinuz 0x248 4 $((0xffffff00)) && no_kernel 'ends before'
	cp good vmlinuz && poke vmlinuz 1792 2 $((0x4242)) && no_kernel 'format'
	cp good vmlinuz && poke vmlinuz 1820 4 $((0x4242)) && no_kernel 'damaged'
	make_payload payload vmlinux xz -c && poke payload "$(($(stat -c %s payload) - 4))" 4 5
	make_bzimage vmlinuz payload && no_kernel '2048 bytes came out, 5 are announced'
	seq 500 >vmlinux && make_payload payload vmlinux zstd -qc
	make_bzimage vmlinuz payload && no_kernel 'not an ELF kernel'
}

@test "extract-vmlinux says how it is called and what is not there" {
	run "$VM/extract-vmlinux" vmlinuz
	failed 2 usage
	run "$VM/extract-vmlinux" nowhere out
	failed 1 nowhere
	run "$VM/extract-vmlinux" vmlinuz nowhere/out
	[[ $status == 1 && $output == *'nowhere/out: cannot be written'* ]]
	mkfifo pipe
	run "$VM/extract-vmlinux" vmlinuz pipe
	failed 1 'not a regular file'
	[[ -p pipe ]]
}

# --- bootdisk

# word OFFSET - the 32-bit number there on the disk.
word() { od -An -tu4 -j "$1" -N 4 disk | tr -d ' '; }

# chunk NUMBER FILE SKIP LENGTH ADDRESS - the table's entry leads to those bytes.
chunk() {
	local at=$((512 + 12 * $1))
	[[ $(word $((at + 8))) == $(($5)) && $(word $((at + 4))) == $((($4 + 511) / 512)) ]]
	cmp <(tail -c +$(($(word "$at") * 512 + 1)) disk | head -c "$4") <(tail -c +$(($3 + 1)) "$2" | head -c "$4")
}

@test "the disk has all chunks where the boot sector looks for them" {
	disk
	[[ $status == 0 && -z $output ]]
	cmp -n 512 "$TOOLS/bootsector.bin" disk
	[[ $(($(stat -c %s disk) % (16 * 63 * 512))) == 0 ]]
	[[ $(word $((512 + 8))) == $((0x14000)) ]]
	printf 'console=ttyS0\0' >cmdline
	chunk 1 cmdline 0 14 0x8400
	chunk 2 vmlinux 512 600 0x1000000
	chunk 3 vmlinux 1536 500 0x1100000
	chunk 4 initrd 0 16 0x3f00000
	[[ $(word $((512 + 12 * 5 + 4))) == 0 && $(word $((512 + 12 * 5 + 8))) == $((0x1000000)) ]]
}

@test "boot_params has the memory map, the command line and the initramfs" {
	local params=1024
	disk
	[[ $(od -An -tu1 -j $((params + 0x1e8)) -N 1 disk) -eq 5 ]]
	[[ $(od -An -tx1 -j $((params + 0x210)) -N 2 disk) == ' ff 01' ]]
	[[ $(word $((params + 0x218))) == $((0x3f00000)) && $(word $((params + 0x21c))) == 16 ]]
	[[ $(word $((params + 0x228))) == $((0x8400)) ]]
	# the fourth entry: from 1 MiB to 64 KiB below the top
	[[ $(word $((params + 0x2d0 + 60))) == $((0x100000)) ]]
	[[ $(word $((params + 0x2d0 + 68))) == $(((64 << 20) - 0x10000 - 0x100000)) ]]
}

@test "the boot sector is one sector with its signature" {
	[[ $(stat -c %s "$TOOLS/bootsector.bin") == 512 ]]
	[[ $(od -An -tx1 -j 510 "$TOOLS/bootsector.bin") == ' 55 aa' ]]
	cp vmlinux sector
	run "$TOOLS/bootdisk" --sector sector --vmlinux vmlinux --bzimage vmlinuz --initrd initrd --out disk
	failed 1 'not a boot sector'
}

@test "a malformed ELF kernel is refused, not read beyond its end" {
	cp vmlinux good
	# elf OFFSET BYTES NUMBER TEXT
	elf() {
		cp good vmlinux
		poke vmlinux "$1" "$2" "$3"
		refused "$4"
	}
	head -c 20 good >vmlinux && refused 'too short for an ELF'
	elf 0 4 0 'not a 64-bit ELF'
	elf 4 1 1 'not a 64-bit ELF'
	elf 16 2 3 'not an x86-64 executable'
	elf 18 2 40 'not an x86-64 executable'
	elf 54 2 32 'no program headers'
	elf 56 2 0 'no program headers'
	elf 56 2 65535 'program headers lie outside'
	elf 32 8 2040 'program headers lie outside'
	elf 32 8 -1 'program headers lie outside'
	elf $((64 + 8)) 8 1999 'segment lies outside the file'
	elf $((64 + 8)) 8 -64 'segment lies outside the file'
	elf $((64 + 32)) 8 601 'larger in the file than in memory'
	elf $((64 + 24)) 8 4096 'first 4 GiB'
	elf $((64 + 24)) 8 $((0x100000000)) 'first 4 GiB'
	elf $((64 + 40)) 8 -1 'first 4 GiB'
	elf $((64 + 40)) 8 $((0x200000)) 'overlap or are not in order'
	elf 24 8 $((0x1000000 + 600)) 'entry point'
	elf 24 8 -1 'entry point'
	elf $((120 + 40)) 8 $((64 << 20)) 'do not fit into the memory'
	elf $((120 + 40)) 8 $((0x2e00001)) 'do not fit into the memory'
	cp good vmlinux && poke vmlinux $((120 + 40)) 8 $((0x2e00000)) && disk
	[[ $status == 0 ]]
	rm disk
	cp good vmlinux && poke vmlinux 64 4 0 && poke vmlinux 120 4 0 && refused 'entry point'
}

@test "a malformed bzImage or initramfs is refused" {
	cp vmlinuz good
	# bz OFFSET BYTES NUMBER TEXT
	bz() {
		cp good vmlinuz
		poke vmlinuz "$1" "$2" "$3"
		refused "$4"
	}
	head -c 600 good >vmlinuz && refused 'too short for a bzImage'
	bz 0x1fe 2 0 'not a bzImage'
	bz 0x202 4 0 'not a bzImage'
	bz 0x201 1 0 'not a bzImage'
	bz 0x206 2 $((0x205)) 'protocol is too old'
	bz 0x238 4 5 'command line of that length'
	bz 0x22c 4 $((0x3f0000e)) 'no initramfs at that address'
	cp good vmlinuz
	printf 'something else' >initrd && refused 'not a newc cpio'
	printf '0707' >initrd && refused 'not a newc cpio'
	: >initrd && refused 'not a regular file'
	rm initrd && mkdir initrd && refused 'initrd'
}

@test "random damage never crashes bootdisk" {
	local i
	RANDOM=1
	cp vmlinux elf
	cp vmlinuz bz
	for ((i = 0; i < 150; i++)); do
		cp elf vmlinux
		cp bz vmlinuz
		poke vmlinux $((RANDOM % 176)) $((1 + RANDOM % 8)) $((RANDOM * RANDOM * RANDOM))
		poke vmlinuz $((0x1f1 + RANDOM % 120)) $((1 + RANDOM % 4)) $((RANDOM * RANDOM))
		disk
		[[ $status == 0 && -z $output ]] || failed 1 bootdisk: || { echo "damage $i"; return 1; }
	done
}

@test "bootdisk's usage errors are 2, and it leaves no half disk" {
	run "$TOOLS/bootdisk"
	failed 2 usage
	for memory in 0 63 2049 12x -1 ''; do
		disk --memory "$memory"
		failed 2 "--memory $memory"
		[[ ! -e disk ]]
	done
	disk --append "$(printf 'x%.0s' {1..2048})"
	failed 1 'command line'
	disk --out nowhere/disk
	failed 1 nowhere/disk
	mkfifo pipe
	disk --out pipe
	failed 1 'not a regular file'
	[[ -p pipe ]]
	(ulimit -f 64 && trap '' XFSZ && disk && [[ $status == 1 && $output == *'not written'* && ! -e disk ]])
}

# --- run-host, with an emulator that only writes a log

@test "run-host's usage errors are 2" {
	for args in '' '--vendor vax' '--vendor' '--cpus x' '--cpus 0' '--cpus 99' '--mem 1' '--timeout 0' \
		'--timeout 1h' '--debug-model Opteron' '--debug-model corei7_haswell_4770' '--nonsense 1' \
		'--keep' '--record log' '--vendor intel --disk initrd' '--vendor intel --forward 2222' '--forward 22' '--forward x'; do
		# shellcheck disable=SC2086
		if [[ -n $args ]]; then host $args; else run "$VM/run-host"; fi
		failed 2 '' || { echo "arguments: $args"; return 1; }
	done
	host --append $'a\nb'
	failed 2 unprintable
}

@test "run-host says which file is missing" {
	host --vmlinuz nowhere
	failed 1 'nowhere: no such file'
	host --initramfs nowhere
	failed 1 'nowhere: no such file'
}

@test "run-host passes a host that passed, and leaves only its cache" {
	good_log >good
	fake_emulator "cat '$PWD/good' >serial.log; printf '%s\n' \"\$@\" >'$PWD/arguments'"
	host --append 'kvmfixes.params=npt=0' --cpus 3 --mem 300
	[[ $status == 0 && $output == 'PASS amd EPYC in '* ]]
	cmp log good
	grep -qx 3 arguments && grep -qx 300 arguments
	grep -q 'kvmfixes.params=npt=0$' arguments
	grep -q load_system_certificate_list arguments
	cmp vmlinux work/vmlinux-*
	[[ $(ls work) == vmlinux-* ]]
	host --with-keys
	[[ $status == 0 ]]
	run ! grep -q load_system_certificate_list arguments
}

# disk_arguments - what the emulator was told of a disk and a network.
disk_arguments() { grep -E 'snapshot|blklogwrites|hostfwd' arguments | paste -sd' '; }

@test "run-host's disk forgets what was written, or keeps it, or records it; and ssh is this machine's alone" {
	good_log >good
	fake_emulator "cat '$PWD/good' >serial.log; printf '%s\n' \"\$@\" >'$PWD/arguments'; readlink disk record >'$PWD/links' || true"
	: >image
	host --disk image
	[[ $status == 0 && $(disk_arguments) == 'if=none,id=disk,format=raw,file=disk,snapshot=on' && $(cat links) == "$PWD/image" ]]
	host --disk image --keep --forward 2222
	[[ $status == 0 && $(disk_arguments) == *'snapshot=off'*'restrict=on,hostfwd=tcp:127.0.0.1:2222-:22' ]]
	host --disk image --record writes
	[[ $status == 0 && $(disk_arguments) == *driver=blklogwrites* && $(cat links) == "$PWD/image"$'\n'"$PWD/writes" ]]
	host --disk nowhere
	failed 1 'nowhere: no such file'
}

@test "run-host fails a host that did not pass, and shows the log's end" {
	fake_emulator 'echo boot >serial.log'
	host
	[[ $status == 1 && ${lines[0]} == *'no module was loaded'* && ${lines[-1]} == '  | boot' ]]
	fake_emulator 'echo cannot start >&2; exit 3'
	host
	[[ $status == 1 && $output == *'status 3: cannot start'* ]]
	good_log >good
	fake_emulator "cat '$PWD/good' >serial.log; kill -9 \$\$"
	host
	[[ $status == 1 && $output == *'died of signal 9'* ]]
	[[ $(ls work) == vmlinux-* ]]
}

@test "run-host ends a host that hangs, even one that said PASS" {
	good_log >good
	fake_emulator "cat '$PWD/good' >serial.log; trap '' TERM; echo \$\$ >'$PWD/pid'; exec sleep 100"
	host --timeout 1
	[[ $status == 1 && $output == *'not over after 1 s'* ]]
	gone "$(cat pid)"
	[[ $(ls work) == vmlinux-* ]]
}

@test "run-host takes its emulator and directory along when it is ended" {
	fake_emulator "echo \$\$ >'$PWD/pid.new'; mv '$PWD/pid.new' '$PWD/pid'; exec sleep 100"
	local signal code
	for signal in TERM HUP; do
		rm -f pid
		code=0
		"$VM/run-host" --vendor amd --vmlinuz vmlinuz --initramfs initrd --log log --work work 3>&- &
		until [[ -s pid ]]; do sleep 0.1; done
		kill -"$signal" $!
		wait $! || code=$?
		[[ $code -gt 128 ]]
		gone "$(cat pid)"
		[[ $(ls work) == vmlinux-* ]]
	done
}

@test "what a killed run-host left is removed by the next one" {
	good_log >good
	fake_emulator "cat '$PWD/good' >serial.log"
	mkdir -p work/run.old
	host
	[[ $status == 0 && $(ls work) == vmlinux-* ]]
}

@test "a kernel image that is none fails before anything is started" {
	fake_emulator "touch '$PWD/started'"
	head -c 5000 /dev/zero >vmlinuz
	host
	[[ $status == 1 && $output == *'no boot protocol header'* && ! -e started && $(ls -A work) == '' ]]
}

# --- make-initramfs

initramfs() { run "$VM/make-initramfs" --out out "$@"; }

@test "the initramfs has what KVM needs of every tree, and what to expect of it" {
	make_tree "$PWD/stock" 6.1.0-9-test
	cp -r stock fixed
	make_tree "$PWD/fixed" 6.1.0-9-test updates/dkms
	xz --check=crc32 fixed/updates/dkms/kvm.ko
	index_tree "$PWD/fixed" 6.1.0-9-test
	echo x >extra
	initramfs --tree stock=stock --tree fixed=fixed --file extra=/scenario/extra
	[[ $status == 0 && -z $output ]]
	mkdir root && (cd root && cpio -idm --quiet <../out)
	[[ -x root/init && -x root/scenario/swap && -x root/sbin/modprobe && -s root/scenario/extra ]]
	[[ -e root/trees/fixed/kernel/kvm.ko && -e root/trees/fixed/updates/dkms/kvm.ko.xz ]]
	[[ -e root/trees/stock/kernel/irqbypass.ko && ! -e root/trees/stock/kernel/other.ko ]]
	objcopy -O binary --only-section=.note.gnu.build-id stock/kernel/kvm-intel.ko id
	cmp id root/vm/expect/stock/kvm_intel/build-id
	run ! cmp root/vm/expect/stock/kvm/build-id root/vm/expect/fixed/kvm/build-id
	mv out first
	initramfs --tree stock=stock --tree fixed=fixed --file extra=/scenario/extra
	cmp first out
}

@test "modules to be inserted first come with what they need, in that order, and once" {
	make_tree "$PWD/stock" 6.1.0-9-test
	xz --check=crc32 stock/kernel/irqbypass.ko
	index_tree "$PWD/stock" 6.1.0-9-test
	initramfs --tree stock=stock --insert kvm,other,kvm_amd=stock
	[[ $status == 0 && -z $output ]]
	mkdir root && (cd root && cpio -idm --quiet <../out)
	[[ $(cd root/insert && echo *) == '100.ko 101.ko 102.ko 103.ko' ]]
	cmp <(xz -dc stock/kernel/irqbypass.ko.xz) root/insert/100.ko
	cmp stock/kernel/kvm.ko root/insert/101.ko
	cmp stock/kernel/other.ko root/insert/102.ko
	cmp stock/kernel/kvm-amd.ko root/insert/103.ko
	initramfs --tree stock=stock --insert nonsense=stock
	[[ $status == 1 && ${lines[-1]} == *'modprobe does not find nonsense'* ]]
}

@test "a program comes with every library that it is linked to, and runs from there" {
	make_tree "$PWD/stock" 6.1.0-9-test
	initramfs --tree stock=stock --program /bin/bash=/opt/bin/bash --program "$(command -v xz)=/bin/xz"
	[[ $status == 0 && -z $output ]]
	mkdir root && (cd root && cpio -idm --quiet <../out)
	[[ $(stat -c %a root/opt/bin/bash) == 755 ]]
	# The loader that it names is there as well, so it needs nothing of ours.
	run -0 "$PWD/root$(readelf -lW root/bin/xz | sed -n 's/.*interpreter: \(.*\)]/\1/p')" --inhibit-cache \
		--library-path "$PWD/root/lib/x86_64-linux-gnu:$PWD/root/usr/lib/x86_64-linux-gnu" --list root/bin/xz
	[[ $output == *"$PWD/root/"*liblzma* ]]
	run ! grep -E '=> /(lib|usr)' <<<"$output"
	initramfs --tree stock=stock --program nowhere=/x
	failed 1 'nowhere: no such program'
	initramfs --tree stock=stock --program /bin/busybox=/x
	failed 1 'not a dynamically linked program'
	initramfs --tree stock=stock --program /bin/bash=x
	failed 2 'absolute destination'
}

@test "make-initramfs refuses what it cannot make a host of" {
	make_tree "$PWD/stock" 6.1.0-9-test
	for args in '' '--tree stock' '--tree =stock' '--tree A/B=stock' '--tree stock=stock --file x=y' \
		'--tree stock=stock --file x=/../y' '--tree stock=stock --nonsense x' '--tree'; do
		# shellcheck disable=SC2086
		initramfs $args
		failed 2 '' || { echo "arguments: $args"; return 1; }
	done
	initramfs --tree stock=nowhere
	failed 1 'nowhere: no such directory'
	initramfs --tree stock=stock --guest-check /usr/bin/env
	failed 1 'not statically linked'
	initramfs --tree stock=stock --file nowhere=/x
	failed 1 'nowhere: no such file'
	cp -r stock other && rm other/kernel/kvm.ko && make_module "$PWD/other/kernel/kvm.ko" 6.1.0-8-test kvm_x
	initramfs --tree stock=stock --tree other=other
	failed 1 'trees of one kernel'
	mkdir other/updates && cp stock/kernel/kvm.ko other/updates/ && cp stock/kernel/kvm.ko other/updates/kvm.ko.gz
	initramfs --tree other=other
	failed 1 'more than once'
	rm stock/modules.builtin
	initramfs --tree stock=stock
	failed 1 'has no modules.builtin;'
	rm stock/kernel/kvm-amd.ko && touch stock/modules.builtin && index_tree "$PWD/stock" 6.1.0-9-test
	initramfs --tree stock=stock
	[[ $status == 1 && ${lines[-1]} == *'does not find kvm_amd'* && ! -e out ]]
}
