#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# swap, rollback, recover and selftest as far as they go without a kernel: what
# they would do, what they refuse, and what is left to settle after a reboot. What
# they do to a kernel is tried in emulated hosts (tests/cli).

bats_require_minimum_version 1.5.0
load cli-fixture

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	CLI=$BUILD/kvm-fixes MODULES=$BATS_FILE_TMPDIR/modules
	export REPO CLI MODULES
	make -s -C "$REPO" BUILD="$BUILD" "$CLI"
	make_modules "$MODULES"
}

setup() {
	make_host
	mkdir -p "$HOST/usr/lib/kvm-fixes" "$HOST/proc/sys/kernel/random"
	printf '#!/bin/sh\necho "guest-check: PASS (8 checks)"\n' >"$HOST/usr/lib/kvm-fixes/kvm-guest-check"
	chmod 755 "$HOST/usr/lib/kvm-fixes/kvm-guest-check"
	echo boot-one >"$HOST/proc/sys/kernel/random/boot_id"
	printf 'MemAvailable:    4000000 kB\n' >"$HOST/proc/meminfo"
	load_pair stock
	SWAP=$HOST/var/lib/kvm-fixes/swap
}

# plan CODE [ARGUMENT...] - a dry run that is valid JSON and ends in CODE.
plan() {
	local code=$1
	shift
	run --separate-stderr "$CLI" "$@" --dry-run --json
	printf 'status %s: %s %s\n' "$status" "$output" "$stderr"
	[[ $status == "$code" && -z $stderr ]]
	valid swap "$output"
}

# against TEXT - the swap to the replaced modules is refused, for this reason.
against() {
	plan 3 swap --to fixed
	jq -e --arg text "$1" '.result == "would be refused" and any(.reasons[]; contains($text))' <<<"$output"
}

# journal STEP [FILE] - a swap from stock to ours that came as far as STEP.
journal() {
	local step=$1 file=${2:-journal.json}
	mkdir -p "$SWAP"
	jq -n --arg step "$step" --arg kernel "$REL" '
		def image($f; $d): {file: "/var/lib/kvm-fixes/swap/files/\($d * 40)/\($f)", build_id: ($d * 40), options: ""};
		{schema: 1, step: $step, boot: "boot-one", kernel: $kernel, vendor: "kvm_intel", to: "fixed", from: "stock",
		 had_node: true, former: {kvm: image("kvm.ko"; "a"), vendor: image("kvm-intel.ko"; "b")},
		 next: {kvm: image("kvm.ko"; "c"), vendor: image("kvm-intel.ko"; "d")}}' >"$SWAP/$file"
}

recovered() {
	run --separate-stderr "$CLI" recover --json
	printf 'status %s: %s %s\n' "$status" "$output" "$stderr"
	[[ $status == 0 && -z $stderr ]]
	valid recover "$output"
	jq -e --arg action "$1" '.action == $action' <<<"$output"
}

next_kvm() { modinfo -b "$HOST" -k "$REL" -n kvm; }

@test "a dry run tells both pairs and touches nothing" {
	find "$HOST" | sort >"$BATS_TEST_TMPDIR/before"
	plan 0 swap --to fixed
	json '.result == "would be done" and .to == "fixed" and .already == false and .reasons == []'
	json '.former.kvm.file | endswith("kernel/arch/x86/kvm/kvm.ko")'
	json '.next.vendor.file | endswith("updates/dkms/kvm-intel.ko")'
	find "$HOST" | sort | diff "$BATS_TEST_TMPDIR/before" -
	run "$CLI" swap --to fixed --dry-run
	[[ $status == 0 && $output == *"it would be done" ]]
}

@test "what is loaded already needs no swap" {
	plan 0 swap --to stock
	json '.already'
}

@test "options of modprobe.d go with the modules" {
	mkdir -p "$HOST/etc/modprobe.d"
	echo 'options kvm_intel nested=0 ept=1' >"$HOST/etc/modprobe.d/kvm.conf"
	plan 0 swap --to fixed
	json '.next.vendor.options == "nested=0 ept=1" and .former.vendor.options == "nested=0 ept=1" and .next.kvm.options == ""'
}

@test "a site's install lines are not run by a swap, which says so; blacklist and softdep do not matter" {
	mkdir -p "$HOST/etc/modprobe.d"
	printf '%s\n' 'blacklist kvm_intel' 'softdep kvm_intel pre: nothing post: more' 'options kvm_intel nested=0' >"$HOST/etc/modprobe.d/site.conf"
	plan 0 swap --to fixed
	json '.note | contains("modprobe.d") | not'
	echo 'install kvm-intel /sbin/modprobe --ignore-install kvm_intel $CMDLINE_OPTS; /usr/local/bin/tune' >>"$HOST/etc/modprobe.d/site.conf"
	plan 0 swap --to fixed
	json '.note | endswith("modprobe.d has '"'install kvm_intel /sbin/modprobe --ignore-install kvm_intel \$CMDLINE_OPTS; /usr/local/bin/tune'"', which a swap does not run; afterwards run what of it is still wanted")'
	json '.next.vendor.options == "nested=0"'
	run "$CLI" swap --to fixed --dry-run
	[[ $status == 0 && $output == *"note: modprobe.d has 'install kvm_intel "* ]]
	# What it does to status: nothing, which goes by the files.
	load_pair ours
	status_is 0
}

@test "somebody else's modules are what modprobe loads: no swap to ours, and one to stock says so" {
	local file=$HOST/lib/modules/$REL/updates/vendor/kvm.ko
	rm -r "$HOST/lib/modules/$REL/updates/dkms"
	mkdir -p "${file%/*}"
	cp "$MODULES/other/kvm.ko" "$file"
	depmod_for "$REL"
	cp -a "$HOST/lib/modules/$REL" "$BATS_TEST_TMPDIR/before"
	install_ours ours
	against "modprobe loads $file, which is neither the kernel's own nor ours; remove it (dpkg -S tells whose it is)"
	load_pair ours
	plan 0 swap --to stock
	json '.note | endswith("modprobe loads '"$file"', which is neither the kernel'"'"'s own nor ours; where stock is chosen, it does not any more")'
	cmp "$file" "$MODULES/other/kvm.ko"
}

@test "a host with merged /usr" {
	rm "$HOST/usr/lib"
	mv "$HOST/lib" "$HOST/usr/lib"
	mv "$HOST/usr/kvm-fixes" "$HOST/usr/lib/"
	ln -s usr/lib "$HOST/lib"
	plan 0 swap --to fixed
	choose_stock
	status_is 0
	journal committing
	echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
	recovered finished
	[[ $(next_kvm) == */updates/dkms/kvm.ko ]]
	load_pair ours
	status_is 0
}

@test "a folder has no kernel: nothing but a dry run" {
	run "$CLI" swap --to fixed
	echo "$output"
	[[ $status == 3 && ${#lines[@]} == 1 && $output == *KVM_FIXES_ROOT* && ! -e $SWAP ]]
}

@test "refused: no replaced modules, one of another build, one that is not ours" {
	cp "$MODULES/again/kvm-intel.ko" "$HOST/lib/modules/$REL/updates/dkms/"
	against "are of two builds"
	cp "$MODULES/stock/kvm-intel.ko" "$HOST/lib/modules/$REL/updates/dkms/"
	against "is not a module of kvm-fixes"
	rm "$HOST/lib/modules/$REL/updates/dkms/kvm-intel.ko"
	against "there are no replaced modules"
}

@test "refused: a file cut short, of another module, or not readable" {
	local file=$HOST/lib/modules/$REL/updates/dkms/kvm.ko
	truncate -s 300 "$file"
	against "kvm.ko"
	cp "$MODULES/ours/kvm-amd.ko" "$file"
	against "is not the module kvm"
	rm "$file" && mkdir "$file"
	against "kvm"
}

# compiled_by FILE TEXT - the file names a compiler.
compiled_by() {
	printf 'GCC: %s\0' "$2" >"$BATS_TEST_TMPDIR/comment"
	objcopy --add-section .comment="$BATS_TEST_TMPDIR/comment" "$1"
}

@test "refused: code that no fix declares, and no record of what was built" {
	local ours=$HOST/lib/modules/$REL/updates/dkms report=$HOST/var/lib/kvm-fixes/kernels/$REL/report.json
	module_source kvm ours "$BUILD_OURS" | sed 's/^demo: ret$/demo: nop; ret/' | gcc -c -x assembler -o "$ours/kvm.ko" -
	against "kvm function demo is changed, and no fix declares that"
	sed -i 's/"kvm_x"/"demo"/' "$report"
	plan 0 swap --to fixed
	sed -i 's/"changes"/"chances"/g' "$report"
	against "does not say which functions its fixes may change"
	rm "$report"
	against "so nobody knows what was built"
	plan 0 swap --to stock
}

@test "another compiler than the shipped modules': said, or refused by configuration" {
	compiled_by "$HOST/var/lib/kvm-fixes/stock/$REL/kvm.ko" "(X) 12.2.0"
	compiled_by "$HOST/lib/modules/$REL/updates/dkms/kvm.ko" "(X) 13.1.0"
	plan 0 swap --to fixed
	json '.note | contains("not attestable")'
	mkdir -p "$HOST/etc/kvm-fixes"
	echo 'audit_compiler = block' >"$HOST/etc/kvm-fixes/kvm-fixes.conf"
	against "not attestable, made by GCC: (X) 13.1.0"
	rm "$HOST/etc/kvm-fixes/kvm-fixes.conf"
	plan 0 swap --to fixed
	mkdir "$HOST/etc/kvm-fixes/kvm-fixes.conf"
	against "not attestable, "
	against "; $HOST/etc/kvm-fixes/kvm-fixes.conf: cannot be read (Invalid argument), and it may forbid modules that cannot be attested"
}

@test "refused: modules of another kernel" {
	sed "s/vermagic=6/vermagic=5/" "$MODULES/ours/kvm.ko" >"$HOST/lib/modules/$REL/updates/dkms/kvm.ko"
	against "5.1.0-9-test"
}

@test "refused: unsigned under sig_enforce and under lockdown" {
	mkdir -p "$HOST/sys/module/module/parameters"
	echo Y >"$HOST/sys/module/module/parameters/sig_enforce"
	against "sig"
	echo N >"$HOST/sys/module/module/parameters/sig_enforce"
	echo 'none [integrity] confidentiality' >"$HOST/sys/kernel/security/lockdown"
	against "lock"
}

@test "refused: in use, with who" {
	load_pair stock 3
	process 812 qemu-system-x86 qemu-system-x86_64 -name guest=web1,debug-threads=on
	descriptor 812 9 anon_inode:kvm-vm
	against "qemu-system-x86 (pid 812"
	against "--wait"
}

@test "refused: what is loaded came from a file that is gone" {
	load kvm other 1
	against "is nowhere on this host"
}

@test "refused: too little memory, a reboot pending, no guest check" {
	printf 'MemAvailable:    10 kB\n' >"$HOST/proc/meminfo"
	against "kB of memory"
	sed -i 's/6.1.50-1/6.1.49-1/' "$HOST/proc/version"
	against "reboot"
	rm "$HOST/usr/lib/kvm-fixes/kvm-guest-check"
	against "kvm-guest-check"
	run "$CLI" swap --to fixed --dry-run
	[[ $status == 3 && $(grep -c '^against it: ' <<<"$output") == 3 ]]
}

@test "what is loaded already needs nothing of what loading takes" {
	echo 1 >"$HOST/proc/sys/kernel/modules_disabled"
	printf 'MemAvailable:    10 kB\n' >"$HOST/proc/meminfo"
	rm "$HOST/usr/lib/kvm-fixes/kvm-guest-check"
	plan 0 swap --to stock
	json '.already and .result == "would be done"'
	run "$CLI" swap --to stock --dry-run
	[[ $status == 0 && $output == *"only the choice for later boots would be made" ]]
	against "loading modules was switched off until the next boot"
	json '.reasons | length == 3'
	load_pair ours
	plan 0 swap --to fixed
	json '.already'
}

@test "refused: /dev/kvm cannot be opened here, or is not KVM's" {
	mknod "$HOST/dev/kvm" c 1 3 || skip "needs root, to make a device"
	against "/dev/kvm does not answer (Inappropriate ioctl for device), and without it nobody would know whether the modules work; run this where it may be opened"
	json '.reasons | length == 1'
	# A choice needs no device, and without a vendor module there is none to be asked.
	plan 0 swap --to stock
	rm -r "$HOST/sys/module/kvm_intel" "$HOST/sys/module/kvm/holders/kvm_intel"
	load kvm stock
	plan 0 swap --to fixed
}

@test "refused: an earlier swap did not end" {
	journal testing
	against "kvm-fixes recover"
}

@test "refused: a processor without a module, KVM built in" {
	printf 'vendor_id\t: Other\n' >"$HOST/proc/cpuinfo"
	against "neither Intel's nor AMD's"
}

@test "rollback: nothing to go back to, another kernel, nothing loaded before" {
	plan 3 rollback
	json '.reasons | any(contains("no swap yet"))'
	journal 'done' last.json
	sed -i "s/$REL/6.1.0-8-test/" "$SWAP/last.json"
	plan 3 rollback
	json '.reasons | any(contains("was on kernel 6.1.0-8-test"))'
	journal 'done' last.json
	jq 'del(.former.kvm, .former.vendor)' "$SWAP/last.json" >"$SWAP/new" && mv "$SWAP/new" "$SWAP/last.json"
	plan 3 rollback
	json '.reasons | any(contains("was not loaded"))'
	echo '{"step":' >"$SWAP/last.json"
	plan 3 rollback
	json '.reasons | any(endswith("last.json: is no whole JSON (it is cut short); use: kvm-fixes swap --to fixed or stock"))'
}

@test "rollback goes by the files that the swap kept" {
	local name digit
	journal 'done' last.json
	for name in a:kvm:stock b:kvm-intel:stock; do
		IFS=: read -r digit name _ <<<"$name"
		mkdir -p "$SWAP/files/$(printf "%.0s$digit" {1..40})"
		cp "$MODULES/ours/$name.ko" "$SWAP/files/$(printf "%.0s$digit" {1..40})/"
	done
	plan 0 rollback
	json '.to == "stock" and (.next.kvm.file | contains("swap/files"))'
}

@test "recover: nothing to do says nothing" {
	run "$CLI" recover
	[[ $status == 0 && -z $output ]]
	recovered none
}

@test "recover after a reboot: before the test passed, boots load what they did" {
	local step
	for step in prepared hiding unloading loading testing undoing; do
		journal "$step"
		echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
		recovered undone
		[[ ! -e $SWAP/journal.json && ! -e $SWAP/last.json && $(next_kvm) == */updates/dkms/kvm.ko ]]
	done
	choose_stock
	journal loading
	recovered undone
	[[ $(next_kvm) == */kernel/arch/x86/kvm/kvm.ko ]]
}

@test "recover after a reboot: after it passed, boots load the new ones" {
	choose_stock
	journal committing
	echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
	recovered finished
	[[ ! -e $SWAP/journal.json && -e $SWAP/last.json && $(next_kvm) == */updates/dkms/kvm.ko ]]
	[[ ! -e $HOST/etc/depmod.d/kvm-fixes-stock.conf ]]
}

# read_only DIR COMMAND... - in one line of standard error, on a host whose DIR is read-only.
read_only() {
	local dir=$1
	shift
	mount --bind "$dir" "$dir"
	mount -o remount,bind,ro "$dir"
	run "$@"
	umount "$dir"
	printf 'status %s: %s\n' "$status" "$output"
}

@test "recover on read-only file systems: one line, and the next recover does it" {
	local dir
	[[ $EUID == 0 ]] || skip "needs root, to mount"
	mkdir -p "$HOST/etc/depmod.d"
	for dir in lib/modules etc var; do
		choose_stock
		journal committing
		echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
		read_only "$HOST/$dir" "$CLI" recover
		[[ $status == 1 && ${#lines[@]} == 1 && $output == *"(Read-only file system)"* ]]
		[[ $(next_kvm) == */kvm.ko ]]
		run "$CLI" recover
		[[ $status == 0 && ! -e $SWAP/journal.json ]]
		[[ $dir != var || $(next_kvm) == */updates/dkms/kvm.ko ]]
		# Told once, it stays as it was, or where it was done in part, status has it.
		if [[ $dir == lib/modules ]]; then
			run -1 "$CLI" status
			[[ $output == *"the replaced kvm is installed and chosen, and modprobe would load $(next_kvm); run: "* ]]
		fi
	done
}

@test "status, list and a dry run need nothing that can be written" {
	[[ $EUID == 0 ]] || skip "needs root, to mount"
	read_only "$HOST" "$CLI" swap --to fixed --dry-run
	[[ $status == 0 && $output == *"it would be done" ]]
	read_only "$HOST" "$CLI" list
	[[ $status == 0 ]]
	load_pair ours
	read_only "$HOST" "$CLI" status
	[[ $status == 0 && $output != *unhealthy* ]]
}

@test "recover: a journal that is damaged is left alone, with what to do" {
	mkdir -p "$SWAP"
	echo '{"step":"loading"' >"$SWAP/journal.json"
	run "$CLI" recover
	echo "$output"
	[[ $status == 1 && ${#lines[@]} == 1 && -e $SWAP/journal.json ]]
	[[ $output == *"$SWAP/journal.json: is no whole JSON (it is cut short); "*"move it away, then run: kvm-fixes recover"* ]]
	run --separate-stderr "$CLI" --json recover
	[[ $status == 1 ]]
	valid error "$output"
}

@test "recover: leftovers without a journal are swept up" {
	mkdir -p "$HOST/run/modprobe.d" "$HOST/dev/.kvm-fixes"
	echo 'install kvm /bin/false' >"$HOST/run/modprobe.d/+kvm-fixes-swap.conf"
	recovered none
	[[ ! -e $HOST/run/modprobe.d/+kvm-fixes-swap.conf && ! -e $HOST/dev/.kvm-fixes ]]
}

@test "recover: what a killed run wrote and did not rename is swept up, and nothing else" {
	local modules=$HOST/lib/modules/$REL copies=$SWAP/files/aa etc=$HOST/etc/depmod.d file
	local ours=("$modules/.modules.dep.Ab12Cd" "$modules/.modules.alias.bin.000000" "$HOST/lib/modules/$OLD/.modules.softdep.zzzzzz"
		"$etc/.kvm-fixes-stock.conf.Ab12Cd" "$SWAP/.journal.json.Ab12Cd" "$SWAP/.last.json.Ab12Cd"
		"$copies/.kvm-intel.ko.Ab12Cd" "$HOST/run/modprobe.d/.+kvm-fixes-swap.conf.Ab12Cd")
	local others=("$modules/.modules.order.Ab12Cd" "$modules/.modules.builtin.Ab12Cd" "$modules/.modules.dep.Ab12C" "$modules/.modules.dep.Ab12Cd7"
		"$modules/.modules.dep.Ab_2Cd" "$modules/modules.dep.Ab12Cd" "$modules/.xmodules.dep.Ab12Cd" "$modules/.Ab12Cd" "$etc/.site.conf.Ab12Cd"
		"$etc/kvm-fixes-stock.conf.Ab12Cd" "$SWAP/.other.json.Ab12Cd" "$copies/.vhost.ko.Ab12Cd" "$HOST/.modules.dep.Ab12Cd")
	mkdir -p "$copies" "$etc" "$HOST/run/modprobe.d" "$HOST/elsewhere" "$modules/.modules.weakdep.Ab12Cd"
	touch "${ours[@]}" "${others[@]}" "$HOST/elsewhere/.modules.dep.Ab12Cd"
	ln -s modules.dep "$modules/.modules.dep.linked"
	ln -s "$HOST/elsewhere" "$HOST/lib/modules/linked"
	recovered none
	for file in "${ours[@]}"; do
		[[ ! -e $file ]] || { echo "$file"; return 1; }
	done
	for file in "${others[@]}" "$HOST/elsewhere/.modules.dep.Ab12Cd"; do
		[[ -e $file ]] || { echo "$file"; return 1; }
	done
	[[ -L $modules/.modules.dep.linked && -d $modules/.modules.weakdep.Ab12Cd ]]
}

@test "recover: missing module files are dkms-kernel's to put back" {
	printf '#!/bin/sh\necho "$KVM_FIXES_LOCKED $*" >>"%s/repairs"\n' "$BATS_TEST_TMPDIR" >"$HOST/usr/lib/kvm-fixes/dkms-kernel"
	chmod 755 "$HOST/usr/lib/kvm-fixes/dkms-kernel"
	rm "$HOST/lib/modules/$REL/kernel/arch/x86/kvm/kvm-amd.ko"
	recovered repaired
	[[ $(cat "$BATS_TEST_TMPDIR/repairs") == "1 repair $REL" ]]
	cp "$MODULES/stock/kvm-amd.ko" "$HOST/lib/modules/$REL/kernel/arch/x86/kvm/"
	rm "$HOST/lib/modules/$REL/updates/dkms/kvm.ko"
	recovered repaired
	printf '#!/bin/sh\necho "the disk is full"; exit 1\n' >"$HOST/usr/lib/kvm-fixes/dkms-kernel"
	run "$CLI" recover
	echo "$output"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"the disk is full"* ]]
}

# repairs SHELL - what dkms-kernel does instead, with the kernel in $2, which is noted.
repairs() {
	printf '#!/bin/sh\necho "$2" >>"%s/repairs"\n%s\n' "$BATS_TEST_TMPDIR" "$1" >"$HOST/usr/lib/kvm-fixes/dkms-kernel"
	chmod 755 "$HOST/usr/lib/kvm-fixes/dkms-kernel"
}

# damage RELEASE - one of its own modules is not there any more.
damage() {
	mkdir -p "$HOST/var/lib/kvm-fixes/stock/$1"
	rm "$HOST/lib/modules/$1/kernel/arch/x86/kvm/kvm-amd.ko"
}

@test "recover after a reboot: a kernel that cannot be repaired does not keep the swap from being settled" {
	repairs 'echo "the disk is full"; exit 1'
	damage "$OLD"
	journal committing
	sed -i 's/"to": "fixed"/"to": "stock"/' "$SWAP/journal.json"
	echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
	run "$CLI" recover
	echo "$output"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"kernel $OLD: its module files are not all there, and "*"the disk is full" ]]
	[[ ! -e $SWAP/journal.json && -e $SWAP/last.json && -e $HOST/etc/depmod.d/kvm-fixes-stock.conf ]]
	[[ $(next_kvm) == */kernel/arch/x86/kvm/kvm.ko ]]
	plan 0 swap --to fixed
	journal loading
	run "$CLI" recover
	[[ $status == 1 && ! -e $SWAP/journal.json ]]
}

@test "recover after a reboot: what boots load cannot be settled, and rollback still knows what was" {
	[[ $EUID == 0 ]] || skip "needs root, to mount"
	choose_stock
	journal committing
	echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
	read_only "$HOST/lib/modules" "$CLI" recover
	[[ $status == 1 && ${#lines[@]} == 1 && ! -e $SWAP/journal.json && -e $SWAP/last.json ]]
}

@test "recover: leftovers go before module files are repaired, and also if that fails" {
	local block=$HOST/run/modprobe.d/+kvm-fixes-swap.conf
	repairs "[ ! -e '$block' ] && [ ! -L '$HOST/dev/kvm' ] && exit 1; exit 7"
	damage "$REL"
	mkdir -p "${block%/*}" "$HOST/dev/.kvm-fixes"
	echo 'install kvm /bin/false' >"$block"
	ln -s kvm-fixes-swap-in-progress "$HOST/dev/kvm"
	run "$CLI" recover
	echo "$output"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"dkms-kernel ended with 1"* ]]
	[[ ! -e $block && ! -L $HOST/dev/kvm && ! -e $HOST/dev/.kvm-fixes ]]
}

@test "recover: the running kernel's KVM is loaded once its files are back, whatever becomes of another's" {
	repairs "[ \"\$2\" = $REL ]"
	rm -r "$HOST"/sys/module/kvm*
	damage "$OLD"
	export KVM_FIXES_VERBOSE=1
	run "$CLI" recover
	echo "$output"
	[[ $status == 1 && $output != *loading* ]]
	damage "$REL"
	run "$CLI" recover
	echo "$output"
	[[ $status == 1 && $output == *"loading kvm_intel"* && $output == *"kernel $OLD: its module files are not all there"* ]]
	load_pair stock
	run "$CLI" recover
	[[ $status == 1 && $output != *loading* ]]
}

@test "recover: one error for all kernels, as JSON too" {
	local release
	repairs 'echo "the disk is full"; exit 1'
	for release in "$REL" "$OLD" "$SKIPPED"; do
		damage "$release"
	done
	run --separate-stderr "$CLI" recover --json
	echo "$output"
	[[ $status == 1 && -z $stderr ]]
	valid error "$output"
	jq -e --arg first "kernel $REL: " --arg other "kernel $OLD: " '.error.message | contains($first) and contains($other) and contains("(and 2 more: kernel ")' <<<"$output"
	run "$CLI" recover
	[[ $status == 1 && ${#lines[@]} == 1 ]]
}

@test "recover: a damaged journal keeps no module files from being repaired, but in the boot that it is of" {
	local block=$HOST/run/modprobe.d/+kvm-fixes-swap.conf text
	repairs 'exit 0'
	damage "$REL"
	mkdir -p "$SWAP" "${block%/*}"
	for text in '{"step":"loading"' '{"boot":"boot-zero","step":"leaping"}'; do
		echo "$text" >"$SWAP/journal.json"
		run "$CLI" recover
		echo "$output"
		[[ $status == 1 && ${#lines[@]} == 1 && $output == *"move it away, then run: kvm-fixes recover"* ]]
		[[ -e $SWAP/journal.json && $(cat "$BATS_TEST_TMPDIR/repairs") == "$REL" ]]
		rm "$BATS_TEST_TMPDIR/repairs"
	done
	echo '{"boot":"boot-one","step":"leaping"}' >"$SWAP/journal.json"
	run "$CLI" recover
	[[ $status == 1 && ! -e $BATS_TEST_TMPDIR/repairs ]]
	echo '{"step":"loading"' >"$SWAP/journal.json"
	echo 'install kvm /bin/false' >"$block"
	run "$CLI" recover
	[[ $status == 1 && ! -e $BATS_TEST_TMPDIR/repairs && -e $block ]]
	rm "$block"
	ln -s kvm-fixes-swap-in-progress "$HOST/dev/kvm"
	run "$CLI" recover
	[[ $status == 1 && ! -e $BATS_TEST_TMPDIR/repairs && -L $HOST/dev/kvm ]]
}

# ended_by_term - recover is told to end once there is the file $BATS_TEST_TMPDIR/begun.
ended_by_term() {
	local pid tries=100
	"$CLI" recover >"$BATS_TEST_TMPDIR/said" 2>&1 &
	pid=$!
	until [[ -e $BATS_TEST_TMPDIR/begun || $((tries--)) == 0 ]]; do
		sleep 0.1
	done
	kill -TERM "$pid"
	wait "$pid" && return 1
	cat "$BATS_TEST_TMPDIR/said"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/said") == 1 && -e $SWAP/journal.json ]]
}

@test "recover: a signal ends it, with what is left to do still on record" {
	repairs ": >'$BATS_TEST_TMPDIR/begun'; sleep 60"
	damage "$REL"
	damage "$OLD"
	journal committing
	echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
	ended_by_term
	[[ $(cat "$BATS_TEST_TMPDIR/said") == *": interrupted by a signal; run: kvm-fixes recover" ]]
	# The kernel that runs comes first.
	[[ $(cat "$BATS_TEST_TMPDIR/repairs") == "$REL" && $SECONDS -lt 60 ]]
}

@test "recover after a reboot: a signal while depmod runs leaves the rest to the next recover" {
	choose_stock
	journal committing
	echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\n: >"%s/begun"\nsleep 60\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/depmod"
	chmod 755 "$BATS_TEST_TMPDIR/bin/depmod"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH ended_by_term
	grep -q 'depmod was interrupted; run: kvm-fixes recover$' "$BATS_TEST_TMPDIR/said"
	recovered finished
	[[ ! -e $SWAP/journal.json && $(next_kvm) == */updates/dkms/kvm.ko ]]
}

@test "the unit gives recover the time that it may take" {
	local name seconds total=0
	for name in LOCK REPAIR; do
		seconds=$(sed -n "s/^#define RECOVER_${name}_SECONDS\t\([0-9]*\)u.*/\1/p" "$REPO/src/cli/recover.h")
		total=$((total + seconds))
	done
	# And a minute at least for what comes then.
	seconds=$(sed -n 's/^TimeoutStartSec=//p' "$REPO/src/cli/systemd/kvm-fixes-recover.service")
	[[ $total -ge 120 && $seconds -ge $((total + 60)) ]]
}

@test "recover: what an installation left that was cut short is dkms-kernel's to take away" {
	local dir=$HOST/lib/modules/$REL/updates/dkms
	printf '#!/bin/sh\necho "$*" >>"%s/repairs"\n' "$BATS_TEST_TMPDIR" >"$HOST/usr/lib/kvm-fixes/dkms-kernel"
	chmod 755 "$HOST/usr/lib/kvm-fixes/dkms-kernel"
	record "$REL" failed "the installation was interrupted"
	# As after a power cut: the next depmod would prefer them to the kernel's own.
	rm "$dir"/*
	: >"$dir/kvm-amd.ko"
	recovered repaired
	rm "$dir/kvm-amd.ko"
	cp "$MODULES/ours/kvm.ko" "$dir/"
	recovered repaired
	# Somebody else's is none of our business.
	cp "$MODULES/stock/kvm.ko" "$dir/"
	recovered none
	[[ $(sort -u "$BATS_TEST_TMPDIR/repairs") == "repair $REL" ]]
}

@test "recover: depmod's files come into place with modules.dep.bin last, so what was cut short is not taken for settled" {
	local dir=$HOST/lib/modules/$REL file
	choose_stock
	cp -a "$dir" "$BATS_TEST_TMPDIR/stock"
	for file in "$BATS_TEST_TMPDIR"/stock/modules.*; do
		file=${file##*/}
		case $file in
		modules.order | modules.builtin | modules.builtin.modinfo | modules.dep.bin) continue ;;
		esac
		rm -f "$dir/$file"
		mkdir -p "$dir/$file/in-the-way"
		journal committing
		echo boot-two >"$HOST/proc/sys/kernel/random/boot_id"
		run "$CLI" recover
		echo "$file: $output"
		[[ $status == 1 && ${#lines[@]} == 1 && $output == *"$dir: cannot be written (Is a directory)"* ]]
		cmp "$dir/modules.dep.bin" "$BATS_TEST_TMPDIR/stock/modules.dep.bin"
		rm -r "${dir:?}/$file"
		cp -p "$BATS_TEST_TMPDIR/stock"/modules.* "$dir/"
	done
	journal committing
	recovered finished
	[[ $(next_kvm) == */updates/dkms/kvm.ko ]]
}

@test "the lock is for nobody else to hold" {
	local lock=$HOST/var/lib/kvm-fixes/lock
	(umask 0 && "$CLI" recover)
	[[ $(stat -c %a "$lock") == 600 ]]
	# As earlier versions made it.
	chmod 644 "$lock"
	recovered none
	[[ $(stat -c %a "$lock") == 600 ]]
}

@test "recover waits for the lock and takes it" {
	mkdir -p "$HOST/var/lib/kvm-fixes"
	flock "$HOST/var/lib/kvm-fixes/lock" sleep 2 &
	sleep 0.5
	run "$CLI" recover
	[[ $status == 0 && $SECONDS -ge 1 ]]
	wait
}

@test "the boot argument makes modprobe load the stock files, for this boot" {
	local file=$HOST/run/modprobe.d/+kvm-fixes-this-boot.conf
	"$CLI" recover --early
	[[ ! -e $file ]]
	echo 'root=/dev/sda1 kvm_fixes=stock quiet' >"$HOST/proc/cmdline"
	"$CLI" recover --early
	grep -q "^install kvm .*insmod /lib/modules/$REL/kernel/arch/x86/kvm/kvm.ko " "$file"
	grep -q "^install kvm-intel modprobe kvm && insmod /lib/modules/$REL/kernel/arch/x86/kvm/kvm-intel.ko " "$file"
	echo 'root=/dev/sda1 kvm_fixes=stocks' >"$HOST/proc/cmdline"
	"$CLI" recover --early
	[[ ! -e $file ]]
	rm "$HOST/lib/modules/$REL/kernel/arch/x86/kvm/kvm.ko"
	echo 'kvm_fixes=stock' >"$HOST/proc/cmdline"
	run "$CLI" recover --early
	[[ $status == 1 && ${#lines[@]} == 1 && ! -e $file ]]
}

# modprobe_says NAME - what the real modprobe would do, by the host's configuration.
modprobe_says() { modprobe -d "$HOST" -C "$HOST/etc/modprobe.d" -C "$HOST/run/modprobe.d" -S "$REL" -D "$1"; }

@test "a boot with the stock modules comes before a site's install lines, and names what is not run" {
	local file=$HOST/run/modprobe.d/+kvm-fixes-this-boot.conf name
	mkdir -p "$HOST/etc/modprobe.d"
	echo 'install kvm_intel /sbin/modprobe -i kvm_intel $CMDLINE_OPTS; tune' >"$HOST/etc/modprobe.d/10-site.conf"
	cp "$HOST/etc/modprobe.d/10-site.conf" "$HOST/etc/modprobe.d/00-site.conf"
	cp "$HOST/etc/modprobe.d/10-site.conf" "$HOST/etc/modprobe.d/!first.conf"
	echo 'kvm_fixes=stock' >"$HOST/proc/cmdline"
	# A name that comes before ours: its line would put our module on top of the stock kvm.
	run "$CLI" recover --early
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"modprobe.d has 'install kvm_intel /sbin/modprobe -i "*"comes before +kvm-fixes-this-boot.conf, so this boot loads what it always does; rename that file" ]]
	[[ ! -e $file ]]
	rm "$HOST/etc/modprobe.d/!first.conf"
	run "$CLI" recover --early
	[[ $status == 0 && $output == "this boot loads the kernel's own modules, and does not run 'install kvm_intel /sbin/modprobe -i kvm_intel \$CMDLINE_OPTS; tune' of modprobe.d" ]]
	for name in kvm kvm_intel kvm_amd; do
		[[ $(modprobe_says "$name" | tail -n 1) == "install "*"insmod /lib/modules/$REL/kernel/arch/x86/kvm/${name/_/-}.ko "* ]]
	done
	# In such a boot too, a swap keeps others from loading KVM.
	echo 'install kvm_intel /bin/false' >"$HOST/run/modprobe.d/+kvm-fixes-swap.conf"
	[[ $(modprobe_says kvm_intel | tail -n 1) == "install /bin/false"* ]]
}

@test "/run is full or read-only: a boot cannot be made to load the stock modules, and says so" {
	[[ $EUID == 0 ]] || skip "needs root, to mount"
	mkdir -p "$HOST/run/modprobe.d"
	mount -t tmpfs -o size=4k none "$HOST/run/modprobe.d"
	head -c 4096 /dev/zero >"$HOST/run/modprobe.d/full" || true
	echo 'kvm_fixes=stock' >"$HOST/proc/cmdline"
	run "$CLI" recover --early
	umount "$HOST/run/modprobe.d"
	echo "$output"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"cannot be written (No space left on device)"* ]]
	mount -t tmpfs -o ro none "$HOST/run/modprobe.d"
	run "$CLI" recover --early
	umount "$HOST/run/modprobe.d"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"cannot be written (Read-only file system)"* ]]
}

@test "a kernel that would refuse the replaced modules boots with the stock ones" {
	local file=$HOST/run/modprobe.d/+kvm-fixes-this-boot.conf
	mkdir -p "$HOST/sys/module/module/parameters"
	echo Y >"$HOST/sys/module/module/parameters/sig_enforce"
	"$CLI" recover --early
	grep -q "^install kvm-amd .*insmod /lib/modules/$REL/kernel/arch/x86/kvm/kvm-amd.ko " "$file"
	run "$CLI" status
	[[ $output == *"; for this boot stock, since the kernel would refuse ours"* ]]
	# A site's own line, of an early name, would load ours: to no avail.
	mkdir -p "$HOST/etc/modprobe.d"
	echo 'install kvm_amd modprobe -i kvm_amd $CMDLINE_OPTS' >"$HOST/etc/modprobe.d/00-site.conf"
	run "$CLI" recover --early
	[[ $status == 0 && $(modprobe_says kvm_amd | tail -n 1) == "install "*"insmod /lib/modules/$REL/kernel/arch/x86/kvm/kvm-amd.ko "* ]]
	rm "$HOST/etc/modprobe.d/00-site.conf"
	# Chosen for good, they need no help.
	mkdir -p "$HOST/etc/depmod.d" && : >"$HOST/etc/depmod.d/kvm-fixes-stock.conf"
	"$CLI" recover --early
	[[ ! -e $file ]]
	rm "$HOST/etc/depmod.d/kvm-fixes-stock.conf"
	"$CLI" recover --early
	[[ -e $file ]]
	echo N >"$HOST/sys/module/module/parameters/sig_enforce"
	"$CLI" recover --early
	[[ ! -e $file ]]
}

@test "selftest: passes, fails, and does not begin where KVM is not loaded" {
	run --separate-stderr "$CLI" selftest --json
	[[ $status == 0 ]]
	valid selftest "$output"
	printf '#!/bin/sh\necho "guest-check: FAIL (1 of 8 checks)"; exit 1\n' >"$HOST/usr/lib/kvm-fixes/kvm-guest-check"
	run "$CLI" selftest
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"1 of 8"* ]]
	printf '#!/bin/sh\necho done\n' >"$HOST/usr/lib/kvm-fixes/kvm-guest-check"
	run "$CLI" selftest
	[[ $status == 1 ]]
	rm -r "$HOST"/sys/module/kvm*
	run "$CLI" selftest
	[[ $status == 3 && $output == *"not loaded"* ]]
}

@test "usage of swap and rollback" {
	local arguments
	for arguments in "swap" "swap --to" "swap --to other" "swap --to fixed --wait" "swap --to fixed --wait 1x" \
		"swap --to fixed more" "rollback --to fixed" "rollback --wait -1" "recover --late" "selftest x"; do
		# shellcheck disable=SC2086 # words are meant
		run "$CLI" $arguments
		echo "$arguments: $output"
		[[ $status == 2 && ${#lines[@]} == 1 ]]
	done
}
