#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-fixes on hosts that are folders: status, list, and the command line of all.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	. "$REPO/tests/unit/cli-fixture.bash"
	export REPO CLI=$BATS_FILE_TMPDIR/build/kvm-fixes MODULES=$BATS_FILE_TMPDIR/modules
	if [[ -n ${KVM_FIXES_CLI:-} ]]; then
		CLI=$KVM_FIXES_CLI
	else
		make -s -C "$REPO" BUILD="$BATS_FILE_TMPDIR/build" cli
	fi
	make_modules "$MODULES"
}

setup() {
	. "$REPO/tests/unit/cli-fixture.bash"
	unset KVM_FIXES_VERBOSE
	make_host
}

# --- status: what is loaded

@test "ours are loaded and installed: healthy" {
	load_pair ours
	status_is 0
	json '.healthy and .problems == [] and .pair == "yes" and .choice == "fixed" and (.modules | map(.origin)) == ["ours", "ours"]'
	json '.modules[0].stamp.states == "bus-barrier:applied, unmap-lockdep:applied"'
	json '.modules[0].build_id == "'"$(build_id kvm ours)"'" and .modules[1].build_id == "'"$(build_id kvm-intel ours)"'"'
	json '.modules[0].file | endswith("/updates/dkms/kvm.ko")'
	json '.modules | all(.next_is_loaded)'
	json '.guard == null and .swap == null and .boot_stock == false'
}

@test "nothing is loaded and modprobe would load ours: healthy" {
	status_is 0
	json '(.modules | map(.loaded)) == [false, false] and .pair == "none" and (.modules | map(.next.origin)) == ["ours", "ours"]'
}

@test "stock is loaded and ours is installed: a swap is due" {
	load_pair stock
	unhealthy "kvm is loaded as stock" "kvm_intel is loaded as stock"
	json '.problems | all(endswith("run: kvm-fixes swap --to fixed"))'
	json '.pair == "yes" and (.modules | map(.origin)) == ["stock", "stock"] and (.modules | map(.next_is_loaded)) == [false, false]'
}

@test "stock is loaded and chosen: healthy, whatever taint remains" {
	choose_stock
	load_pair stock
	printf '12288\n' >"$HOST/proc/sys/kernel/tainted"
	status_is 0
	json '.choice == "stock" and .taint == {value: 12288, out_of_tree: true, unsigned: true, remains: true}'
	run "$CLI" status
	[[ $status == 0 && $output == *"stays until reboot"* ]]
}

@test "the taint of what is loaded does not count as left over" {
	load_pair ours
	printf '12288\n' >"$HOST/proc/sys/kernel/tainted"
	status_is 0
	json '.taint.remains == false and .modules[0].taint == "OE"'
}

@test "stock is chosen and ours is loaded: a swap is due" {
	choose_stock
	load_pair ours
	unhealthy "kvm is loaded as ours" "kvm_intel is loaded as ours"
	json '.problems | all(endswith("run: kvm-fixes swap --to stock"))'
}

@test "stock is chosen and depmod does not know" {
	choose_stock
	load_pair stock
	depmod -b "$HOST" -C /dev/null "$REL"
	unhealthy "the stock modules are chosen, and modprobe would load $HOST/lib/modules/$REL/updates/dkms/kvm.ko" \
		"updates/dkms/kvm-intel.ko"
}

@test "a mixed pair" {
	load_pair stock
	load kvm-intel ours
	unhealthy "kvm (stock) and kvm_intel (ours) are not of the same build" "kvm is loaded as stock"
	json '.pair == "no"'
}

@test "two builds of ours are no pair" {
	load_pair ours
	load kvm-intel again
	unhealthy "kvm (ours) and kvm_intel (ours) are not of the same build" "kvm_intel is loaded as ours (its file is gone)"
	json '.pair == "no" and .modules[1].file == ""'
}

@test "a module that is neither ours nor the kernel's" {
	load_pair other
	unhealthy "kvm (other) and kvm_intel (other) are not" "kvm is loaded as other" "kvm_intel is loaded as other"
}

@test "only one of the two is loaded" {
	load kvm ours
	unhealthy "kvm is loaded without kvm_intel"
	rm -r "$HOST/sys/module/kvm"
	load kvm-intel ours
	unhealthy "kvm_intel is loaded and kvm is not"
}

@test "a module that is not live" {
	load_pair ours
	printf 'coming\n' >"$HOST/sys/module/kvm_intel/initstate"
	unhealthy "kvm_intel is coming"
}

@test "a module that shows no build-id" {
	load_pair ours
	rm "$HOST/sys/module/kvm/notes/.note.gnu.build-id"
	unhealthy "kvm shows no build-id"
}

@test "KVM that is part of the kernel" {
	rm -r "$HOST/lib/modules/$REL/updates" "$HOST/lib/modules/$REL/kernel/arch" "$HOST/var/lib/kvm-fixes/kernels/$REL"
	mkdir -p "$HOST/sys/module/kvm/parameters" "$HOST/sys/module/kvm_intel/parameters"
	depmod_for "$REL"
	status_is 0
	json '.modules | all(.builtin and (.loaded | not))'
}

@test "AMD's module where the processor is AMD's" {
	printf 'vendor_id\t: AuthenticAMD\n' >"$HOST/proc/cpuinfo"
	load kvm ours 1
	load kvm-amd ours
	mkdir "$HOST/sys/module/kvm/holders/kvm_amd"
	status_is 0
	json '.modules[1].name == "kvm_amd" and .pair == "yes"'
}

@test "a processor of neither maker" {
	printf 'vendor_id\t: Other\n' >"$HOST/proc/cpuinfo"
	status_is 0
	json '.modules | length == 1'
	run "$CLI" status
	[[ $output == *"neither Intel nor AMD"* ]]
}

# --- status: what would be loaded

@test "modprobe would load something else" {
	load_pair ours
	mkdir -p "$HOST/lib/modules/$REL/updates/aaa"
	rm "$HOST/lib/modules/$REL/updates/dkms"/*
	cp "$MODULES/other"/* "$HOST/lib/modules/$REL/updates/aaa/"
	depmod_for "$REL"
	unhealthy "the replaced kvm is installed and chosen, and modprobe would load $HOST/lib/modules/$REL/updates/aaa/kvm.ko" \
		"the replaced kvm_intel is installed"
	json '.modules[0].next.origin == "other" and .modules[0].file == "" and .modules[0].origin == "ours"'
	json '.kernels[] | select(.running) | .next_boot == "other"'
}

@test "modprobe would load a mixed pair" {
	load_pair ours
	rm "$HOST/lib/modules/$REL/updates/dkms/kvm-intel.ko"
	depmod_for "$REL"
	unhealthy "the replaced kvm_intel is installed and chosen, and modprobe would load $HOST/lib/modules/$REL/kernel/arch"
	json '.kernels[1] | .next_boot == "mixed" and .next_kvm.origin == "ours" and .next_vendor.origin == "stock"'
}

@test "nothing is loaded and modprobe would find nothing" {
	rm -r "$HOST/lib/modules/$REL/updates" "$HOST/lib/modules/$REL/kernel/arch"
	depmod_for "$REL"
	unhealthy "kvm is not loaded and modprobe would find no file for it" \
		"kvm_intel is not loaded and modprobe would find no file for it"
	json '.modules[0].next == null'
}

@test "a newer build of ours is installed than is loaded" {
	load_pair ours
	install_ours again
	depmod_for "$REL"
	unhealthy "kvm is loaded as ours" "kvm_intel is loaded as ours"
}

@test "one boot with the stock modules, by the command line" {
	printf 'root=/dev/sda1 kvm_fixes=stock\n' >"$HOST/proc/cmdline"
	load_pair stock
	status_is 0
	json '.boot_stock and .choice == "fixed" and (.kernels[] | select(.running) | .next_boot == "ours")'
	load_pair ours
	unhealthy "kvm is loaded as ours, and the stock one would be loaded" "kvm_intel is loaded as ours"
}

@test "a replacement that masks a newer module of the kernel's own" {
	load_pair ours
	cp "$MODULES/newer"/* "$HOST/lib/modules/$REL/kernel/arch/x86/kvm/"
	unhealthy "the replacement for kernel $REL masks a newer module"
	json '.kernels[] | select(.running) | .stale'
}

@test "stale by the vendor module alone, compressed" {
	load_pair ours
	xz "$HOST/lib/modules/$REL/kernel/arch/x86/kvm"/*.ko
	cp "$HOST/lib/modules/$REL/kernel/arch/x86/kvm"/* "$HOST/var/lib/kvm-fixes/stock/$REL/"
	rm "$HOST/var/lib/kvm-fixes/stock/$REL"/*.ko
	depmod_for "$REL"
	status_is 0
	xz -c "$MODULES/newer/kvm-intel.ko" >"$HOST/lib/modules/$REL/kernel/arch/x86/kvm/kvm-intel.ko.xz"
	unhealthy "the replacement for kernel $REL masks a newer module"
}

@test "the same modules in another compression are not newer" {
	load_pair ours
	xz "$HOST/lib/modules/$REL/kernel/arch/x86/kvm"/*.ko
	depmod_for "$REL"
	status_is 0
	json '.kernels | all(.stale | not)'
}

# --- status: records

@test "nothing of ours was ever installed: the kernel's own are right" {
	rm -r "$HOST/var/lib/kvm-fixes" "$HOST/lib/modules/$REL/updates"
	depmod_for "$REL"
	status_is 0
	json '.kernels | all(.state == "missing" and .stock_copy == "" and .fixes == [] and .next_boot == "stock")'
	load_pair stock
	status_is 0
	json '.modules[0].installed == null'
}

@test "each kernel: installed, skipped with its reason, missing" {
	load_pair ours
	rm -r "$HOST/lib/modules/$OLD/build"
	status_is 0
	json '[.kernels[].release] == ["'"$OLD"'", "'"$REL"'", "'"$SKIPPED"'"]'
	json '[.kernels[].state] == ["missing", "installed", "skipped"]'
	json '[.kernels[].has_headers] == [false, true, true]'
	json '[.kernels[].running] == [false, true, false]'
	json '.kernels[2].reason | endswith("nothing to fix")'
	json '.kernels[1].stock_copy | endswith("/stock/'"$REL"'")'
	json '.kernels[1].fixes == [{name: "bus-barrier", state: "applied", reason: ""}, {name: "unmap-lockdep", state: "off", reason: "by configuration"}]'
	run "$CLI" status --no-holders
	[[ $output == *"nothing to fix"* && $output == *"* $REL"* ]]
}

@test "the running kernel was skipped: its own modules are right" {
	rm -r "$HOST/lib/modules/$REL/updates" "$HOST/var/lib/kvm-fixes"
	record "$REL" skipped "no headers"
	depmod_for "$REL"
	load_pair stock
	status_is 0
}

@test "the running kernel was skipped and ours would be loaded all the same" {
	record "$REL" skipped "no headers"
	load_pair ours
	unhealthy "kernel $REL is on record as skipped, and modprobe would load $HOST/lib/modules/$REL/updates/dkms/kvm.ko" \
		"updates/dkms/kvm-intel.ko"
}

@test "the build for the running kernel failed" {
	local name
	rm -r "$HOST/lib/modules/$REL/updates" "$HOST/var/lib/kvm-fixes"
	record "$REL" failed "the compiler is missing"
	depmod_for "$REL"
	load_pair stock
	unhealthy "kernel $REL has no replacement: the compiler is missing; mend that and run: /usr/lib/kvm-fixes/dkms-kernel install $REL"
	for name in /usr/lib/kvm-fixes/dkms-kernel dkms-kernel; do
		record "$REL" failed "damaged: kvm.ko is cut short; run: $name install $REL"
		unhealthy "kernel $REL has no replacement: damaged: kvm.ko is cut short; mend that and run: /usr/lib/kvm-fixes/dkms-kernel install $REL"
	done
	record "$REL" failed "the disk is full; run: df"
	unhealthy "kernel $REL has no replacement: the disk is full; run: df; mend that and run: /usr/lib/kvm-fixes/dkms-kernel install $REL"
}

@test "damaged records are reported, whatever is in them" {
	local text state=$HOST/var/lib/kvm-fixes/kernels/$REL/state.json
	load_pair ours
	for text in '' '{' '[]' '"x"' '{"state":3}' '{"state":"odd"}' "$(printf '[%.0s' {1..5000})" \
		'{"state":"installed"} x' $'{"state":"installed","reason":"\xff"}' '{"state":"installed","fixes":'; do
		printf '%s' "$text" >"$state"
		unhealthy "the record of kernel $REL is damaged: "
		json '.kernels[1] | .state == "damaged" and .reason != ""'
	done
	rm "$state" && mkdir "$state"
	unhealthy "the record of kernel $REL is damaged: $state: cannot be read"
	rmdir "$state" && head -c 2000000 /dev/zero >"$state"
	unhealthy "the record of kernel $REL is damaged: $state: cannot be read (File too large)"
	record "$REL" installed ""
	printf '{"fixes":' >"${state%/*}/report.json"
	unhealthy "the record of kernel $REL is damaged: ${state%/*}/report.json: is no whole JSON"
}

@test "a record with wrong types in it is shown as far as it goes" {
	load_pair ours
	printf '{"state":"installed","reason":[1],"version":{},"build":7,"headers":null,"image":true,"stock":"x"}' \
		>"$HOST/var/lib/kvm-fixes/kernels/$REL/state.json"
	printf '{"fixes":[1,null,{},{"name":"a"},{"name":3,"state":"applied"},{"name":"a","state":"odd"},{"name":"\\u001b[2J","state":"off","reason":"\\u001b[31m"}]}' \
		>"$HOST/var/lib/kvm-fixes/kernels/$REL/report.json"
	status_is 0
	json '.kernels[1].fixes == [{name: "?[2J", state: "off", reason: "?[31m"}]'
	printf '{"fixes":{"a":1}}' >"$HOST/var/lib/kvm-fixes/kernels/$REL/report.json"
	status_is 0
}

@test "a record of a kernel that is gone, and folders that are no kernels" {
	load_pair ours
	record 5.10.0-1-gone removed ""
	mkdir -p "$HOST/lib/modules/.hidden/kernel" "$HOST/lib/modules/a b/kernel" "$HOST/lib/modules/rest"
	status_is 0
	json '[.kernels[].release] == ["5.10.0-1-gone", "'"$OLD"'", "'"$REL"'", "'"$SKIPPED"'"]'
	json '.kernels[0] | .next_kvm == null and .next_boot == "none"'
}

@test "the running kernel's modules are gone from the disk" {
	rm -r "$HOST/lib/modules/$REL" "$HOST/var/lib/kvm-fixes"
	load_pair stock
	unhealthy "kvm is loaded (other) and modprobe would find no readable file" "kvm_intel is loaded (other)" \
		"kvm (other) and kvm_intel (other) are not"
	json '.kernels[] | select(.running) | .release == "'"$REL"'" and .state == "missing"'
}

@test "a reboot is pending" {
	load_pair ours
	sed -i 's/6.1.50-1/6.1.51-1/g' "$HOST/var/lib/kvm-fixes/kernels/$REL/state.json"
	status_is 0
	json '.reboot_pending | contains("6.1.51-1")'
}

@test "a swap that did not end" {
	local journal=$HOST/var/lib/kvm-fixes/swap/journal.json set
	load_pair ours
	mkdir -p "${journal%/*}"
	set='{"kvm":{"file":"/var/lib/kvm-fixes/swap/files/'$(build_id kvm ours)'/kvm.ko","build_id":"'$(build_id kvm ours)'","options":""},"vendor":{"file":"/var/lib/kvm-fixes/swap/files/'$(build_id kvm-intel ours)'/kvm-intel.ko","build_id":"'$(build_id kvm-intel ours)'","options":""}}'
	printf '{"schema":1,"step":"unloading","boot":"x","kernel":"%s","vendor":"kvm_intel","to":"stock","from":"fixed","had_node":true,"former":%s,"next":%s}' \
		"$REL" "$set" "$set" >"$journal"
	unhealthy "a swap has not ended (unloading)"
	json '.swap.step == "unloading" and .swap.why == "" and (.problems[0] | endswith("run: kvm-fixes recover"))'
	printf '{' >"$journal"
	unhealthy "a swap has not ended (damaged)"
	json '.swap.step == "damaged" and .swap.why != ""'
}

@test "the guard of a later version is shown" {
	load_pair ours
	mkdir -p "$HOST/sys/module/kvm/parameters" "$HOST/sys/kernel/debug/kvm/fixes"
	printf 'count\n' >"$HOST/sys/module/kvm/parameters/unmap_guard"
	printf 'checked 12\nunprotected 0\n' >"$HOST/sys/kernel/debug/kvm/fixes/unmap_guard"
	status_is 0
	json '.guard == {mode: "count", counts: ["checked 12", "unprotected 0"]}'
}

@test "what the guard has counted against a rule is no healthy host's" {
	load_pair ours
	mkdir -p "$HOST/sys/module/kvm/parameters" "$HOST/sys/kernel/debug/kvm/fixes"
	printf 'count\n' >"$HOST/sys/module/kvm/parameters/unmap_guard"
	printf '%s\n' 'mode count' 'checked_unmaps 12' 'unprotected 0' 'not_covered not_checkable' 'unknown 7' 'last_rule none' \
		>"$HOST/sys/kernel/debug/kvm/fixes/unmap_guard"
	status_is 0
	printf '%s\n' 'mode count' 'unprotected 0' 'not_waited 5' 'slots_lock 18446744073709551615' 'last_rule not_waited' \
		>"$HOST/sys/kernel/debug/kvm/fixes/unmap_guard"
	status_is 1
	json '.healthy == false and (.problems | length) == 2 and (.problems[0] | contains("(not_waited: 5)"))'
	json '.problems[1] | contains("(slots_lock: 18446744073709551615)")'
}

# --- status: what the kernel would accept

@test "an unsigned replacement under each policy" {
	local mode
	load_pair ours
	status_is 0
	json '.policy == {secure_boot: "unknown", lockdown: "none", sig_enforce: "no"}'
	json '.modules | all(.installed.accepted == "yes")'
	for mode in integrity confidentiality; do
		printf 'none [%s]\n' "$mode" >"$HOST/sys/kernel/security/lockdown"
		status_is 0
		json '.policy.lockdown == "'"$mode"'" and (.modules | all(.installed.accepted == "no" and (.installed.why | contains("not signed"))))'
	done
	printf '[none]\n' >"$HOST/sys/kernel/security/lockdown"
	mkdir -p "$HOST/sys/module/module/parameters"
	printf 'Y\n' >"$HOST/sys/module/module/parameters/sig_enforce"
	status_is 0
	json '.policy.sig_enforce == "yes" and (.modules | all(.installed.accepted == "no"))'
}

@test "nothing is loaded and the kernel would refuse ours" {
	printf 'none [integrity]\n' >"$HOST/sys/kernel/security/lockdown"
	unhealthy "kvm is not loaded and the kernel would refuse ours" "kvm_intel is not loaded and the kernel would refuse ours"
}

@test "Secure Boot as the firmware tells it" {
	local vars=$HOST/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	load_pair ours
	mkdir -p "${vars%/*}"
	printf '\6\0\0\0\1' >"$vars"
	status_is 0
	json '.policy.secure_boot == "yes"'
	printf '\6\0\0\0\0' >"$vars"
	status_is 0
	json '.policy.secure_boot == "no"'
}

# --- status: initrds

@test "initrds that carry the modules that modprobe would load" {
	local packer
	load_pair ours
	for packer in gzip xz 'zstd -q' 'lz4 -lq' bzip2 cat; do
		# shellcheck disable=SC2086 # options of the packer
		make_initrd "$REL" ours $packer
		status_is 0
		json '.kernels[1].initrd | .carries_kvm == "same" and (.modules | length) == 3'
	done
	json '.kernels[0].initrd == null'
}

@test "an initrd with older modules" {
	load_pair ours
	make_initrd "$REL" stock gzip
	unhealthy "carries other KVM modules than modprobe would load"
	json '.kernels[1] | .initrd.carries_kvm == "old" and .next_boot == "initrd"'
	json '.kernels[1].initrd.modules | map(.name) | sort == ["kvm", "kvm_amd", "kvm_intel"]'
}

@test "an initrd with one older module, and with one that cannot be read" {
	load_pair ours
	mkdir "$BATS_TEST_TMPDIR/some"
	cp "$MODULES/ours/kvm.ko" "$MODULES/stock/kvm-intel.ko" "$BATS_TEST_TMPDIR/some/"
	MODULES=$BATS_TEST_TMPDIR make_initrd "$REL" some gzip
	unhealthy "carries other KVM modules"
	truncate -s 100 "$BATS_TEST_TMPDIR/some/kvm.ko"
	MODULES=$BATS_TEST_TMPDIR make_initrd "$REL" some gzip
	unhealthy "carries other KVM modules"
	cp "$MODULES/ours/kvm-intel.ko" "$BATS_TEST_TMPDIR/some/"
	MODULES=$BATS_TEST_TMPDIR make_initrd "$REL" some gzip
	status_is 0
	json '.kernels[1].initrd.carries_kvm == "unknown"'
}

@test "compressed modules in an initrd" {
	load_pair ours
	mkdir "$BATS_TEST_TMPDIR/packed"
	xz -kc "$MODULES/ours/kvm.ko" >"$BATS_TEST_TMPDIR/packed/kvm.ko.xz"
	zstd -qc "$MODULES/ours/kvm-intel.ko" >"$BATS_TEST_TMPDIR/packed/kvm-intel.ko.zst"
	gzip -c "$MODULES/stock/kvm-amd.ko" >"$BATS_TEST_TMPDIR/packed/kvm-amd.ko.gz"
	MODULES=$BATS_TEST_TMPDIR make_initrd "$REL" packed cat
	status_is 0
	json '.kernels[1].initrd | .carries_kvm == "same" and (.modules | length) == 3'
}

@test "an old initrd of another kernel is shown and not held against this one" {
	load_pair ours
	make_initrd "$OLD" newer gzip
	status_is 0
	json '.kernels[0] | .initrd.carries_kvm == "old" and .next_boot == "initrd"'
}

@test "an initrd without KVM, and dracut's name for one" {
	load_pair ours
	make_initrd "$REL" none gzip
	mv "$HOST/boot/initrd.img-$REL" "$HOST/boot/initramfs-$REL.img"
	status_is 0
	json '.kernels[1].initrd | .carries_kvm == "no" and .modules == [] and (.path | endswith("/boot/initramfs-'"$REL"'.img"))'
}

@test "damaged initrds are unknown, not fatal" {
	local file=$HOST/boot/initrd.img-$REL
	load_pair ours
	make_initrd "$REL" stock gzip
	truncate -s -200 "$file"
	status_is 0
	json '.kernels[1].initrd | .carries_kvm == "unknown" and .why != ""'
	head -c 200 /dev/urandom >"$file"
	status_is 0
	json '.kernels[1].initrd.carries_kvm == "unknown"'
	printf '070701%0104d' 0 >"$file"
	status_is 0
	json '.kernels[1].initrd.carries_kvm == "unknown"'
	: >"$file"
	status_is 0
	json '.kernels[1].initrd.carries_kvm == "no"'
}

@test "what an initrd holds is remembered until the initrd changes" {
	local cache=$HOST/var/cache/kvm-fixes/initrd.json
	load_pair ours
	make_initrd "$REL" ours gzip
	status_is 0
	[[ -e $cache ]]
	# What the cache says is believed only for the very same file.
	sed -i "s/$(build_id kvm ours)/$(build_id kvm stock)/" "$cache"
	unhealthy "carries other KVM modules"
	touch "$HOST/boot/initrd.img-$REL"
	status_is 0
}

@test "a cache with anything in it does no harm" {
	local text cache=$HOST/var/cache/kvm-fixes/initrd.json file=$HOST/boot/initrd.img-$REL identity
	load_pair ours
	make_initrd "$REL" stock gzip
	status_is 1
	identity=$(jq -r '.files[].identity' "$cache")
	for text in '' '[]' '{"schema":2}' '{"schema":1,"files":[]}' '{"schema":1,"files":{"'"$file"'":7}}' \
		'{"schema":1,"files":{"'"$file"'":{"identity":"'"$identity"'"}}}' \
		'{"schema":1,"files":{"../x":{},"'"$file"'":{"identity":"'"$identity"'","modules":"x"}}}'; do
		printf '%s' "$text" >"$cache"
		unhealthy "carries other KVM modules"
	done
	printf '{"schema":1,"files":{"%s":{"identity":"%s","modules":[1,null,{"name":7,"path":"\\u001b"}]}}}' \
		"$file" "$identity" >"$cache"
	status_is 0
	[[ $(jq -c '.files | keys' "$cache") == "[\"$file\"]" ]]
}

@test "a cache that cannot be written is done without" {
	load_pair ours
	make_initrd "$REL" stock gzip
	rmdir "$HOST/var/cache" && : >"$HOST/var/cache"
	unhealthy "carries other KVM modules"
}

@test "compressed modules are remembered until they change" {
	local cache=$HOST/var/cache/kvm-fixes/modules.json dir=$HOST/lib/modules/$REL/updates/dkms file text identity
	load_pair ours
	xz "$dir"/*.ko
	depmod_for "$REL"
	status_is 0
	file=$dir/kvm.ko.xz
	jq -e --arg file "$file" '.files[$file] | .stamped and .build_id == "'"$(build_id kvm ours)"'"' "$cache"
	# Believed for the very same file only.
	sed -i "s/$(build_id kvm ours)/$(build_id kvm other)/" "$cache"
	unhealthy "kvm is loaded as ours"
	touch "$file"
	status_is 0
	identity=$(jq -r --arg file "$file" '.files[$file].identity' "$cache")
	for text in '{}' '{"build_id":7}' '{"build_id":"xyz"}' '[]' '"x"'; do
		jq -n --arg file "$file" --arg identity "$identity" --argjson entry "$text" \
			'{schema: 1, files: {($file): (try ($entry + {$identity}) catch $entry)}}' >"$cache"
		status_is 0
	done
	[[ $(jq -c '.files | keys | length' "$cache") == 2 ]]
	cp "$MODULES/other/kvm.ko" "$BATS_TEST_TMPDIR/kvm.ko"
	xz -c "$BATS_TEST_TMPDIR/kvm.ko" >"$file"
	status_is 1
}

# --- status: who uses KVM

@test "processes that use KVM, with the names of their VMs" {
	load_pair ours 9
	process 812 qemu-system-x86 /usr/bin/qemu-system-x86_64 -name guest=web1,debug-threads=on -m 512
	descriptor 812 3 /dev/kvm
	descriptor 812 4 anon_inode:kvm-vm
	descriptor 812 5 anon_inode:kvm-vcpu:0
	descriptor 812 6 anon_inode:kvm-vcpu:1
	descriptor 812 7 anon_inode:kvm-vcpu-stats:0
	descriptor 812 8 anon_inode:kvm-vm-stats
	process 90 firecracker /usr/bin/firecracker --id fc-7
	descriptor 90 3 anon_inode:kvm-vm
	process 5 init /sbin/init
	descriptor 5 1 /dev/null
	descriptor 5 2 anon_inode:bpf-map
	status_is 0
	json '.holders.processes == [
		{pid: 90, inner_pid: 90, command: "firecracker", vm: "fc-7", devices: 0, vms: 1, vcpus: 0, others: 0},
		{pid: 812, inner_pid: 812, command: "qemu-system-x86", vm: "web1", devices: 1, vms: 1, vcpus: 2, others: 2}]'
	json '.holders.unexplained == "" and .modules[1].references == 9'
	run "$CLI" status
	[[ $output == *"qemu-system-x86 pid 812, VM web1"* ]]
}

@test "forms in which the name of a VM comes" {
	local args name words
	load_pair ours 1
	while read -r args name; do
		IFS='|' read -ra words <<<"$args"
		process 7 vmm "${words[@]}"
		descriptor 7 3 anon_inode:kvm-vm
		status_is 0
		json '.holders.processes[0].vm == "'"$name"'"'
		rm -r "$HOST/proc/7"
	done <<-'EOF'
		qemu-system-x86_64|-name|plain plain
		qemu-system-x86_64|-name|plain,process=x plain
		qemu-system-x86_64|--name|debug-threads=on,guest=last last
		qemu-system-x86_64|-name=eq eq
		/usr/libexec/qemu-kvm|-name|guest=a,,b,x=y a,b
		/usr/bin/kvm|-m|1|-name|k k
		cloud-hypervisor|--id|ch ch
		/firecracker|--id=fc fc
		qemu-system-x86_64|-name
		qemu-system-x86_64
		bash|-name|no
		qemu-system-x86_64|-names|no
	EOF
}

@test "a libvirt domain by its cgroup, and names that would harm a terminal" {
	load_pair ours 1
	process 7 $'evil\e[2J' unknown
	descriptor 7 3 anon_inode:kvm-vm
	printf '0::/machine.slice/machine-qemu\\x2d13\\x2dweb\\x2d1\\x1b.scope/libvirt/emulator\n' >"$HOST/proc/7/cgroup"
	status_is 0
	json '.holders.processes[0] | .vm == "web-1?" and .command == "evil?[2J"'
	run "$CLI" status
	[[ $output != *$'\e'* ]]
}

@test "a process in another pid namespace" {
	load_pair ours 1
	process 4000 qemu-system-x86 qemu-system-x86_64
	printf 'Name:\tx\nNSpid:\t4000\t41\t7\nThreads:\t3\n' >"$HOST/proc/4000/status"
	descriptor 4000 3 /dev/kvm
	status_is 0
	json '.holders.processes[0].inner_pid == 7'
}

@test "a process whose main thread has ended" {
	load_pair ours 1
	process 60 vmm vmm
	mkdir -p "$HOST/proc/60/task/60/fd" "$HOST/proc/60/task/61/fd" "$HOST/proc/60/task/62/fd"
	ln -s anon_inode:kvm-vm "$HOST/proc/60/task/61/fd/9"
	ln -s anon_inode:kvm-vm "$HOST/proc/60/task/62/fd/9"
	status_is 0
	json '.holders.processes[0] | .pid == 60 and .vms == 1'
}

@test "processes that vanish, and things in /proc that are none" {
	load_pair ours
	mkdir -p "$HOST/proc/100" "$HOST/proc/0" "$HOST/proc/99999999999999999999/fd"
	: >"$HOST/proc/101"
	status_is 0
	json '.holders.processes == [] and .holders.unreadable == 0'
}

@test "references that no process explains" {
	load_pair ours 2
	status_is 0
	json '.holders.unexplained | contains("the vendor module has 2 references and no process") and contains("bpftool")'
	process 7 tracer tracer
	descriptor 7 3 'anon_inode:[perf_event]'
	descriptor 7 4 anon_inode:bpf_link
	status_is 0
	json '.holders.unexplained | contains("BPF, of which pid 7 has links, or perf, of which pid 7 has events")'
	printf '2\n' >"$HOST/sys/module/kvm/refcnt"
	mkdir -p "$HOST/sys/module/vfio" "$HOST/sys/kernel/livepatch/klp_fix/kvm_intel"
	status_is 0
	json '.holders.unexplained | contains("kvm has 1 reference beyond") and contains("vfio, which is loaded") and contains("livepatch klp_fix patches it")'
}

@test "another module that uses kvm" {
	load_pair ours
	printf '2\n' >"$HOST/sys/module/kvm/refcnt"
	mkdir "$HOST/sys/module/kvm/holders/kvmgt"
	status_is 0
	json '.holders.unexplained | startswith("module kvmgt uses kvm")'
}

@test "without the scan for holders" {
	load_pair ours
	process 7 vmm vmm
	descriptor 7 3 /dev/kvm
	status_is 0 --no-holders
	json '.holders == null and .timing.holders_ms == 0'
}

# --- status: text

@test "status says in words what is wrong, and what to do, at its end" {
	load_pair stock
	run --separate-stderr "$CLI" status
	[[ $status == 1 && -z $stderr ]]
	[[ ${lines[-1]} == "unhealthy: kvm_intel is loaded as stock"*"run: kvm-fixes swap --to fixed" ]]
	[[ ${lines[-2]} == "unhealthy: kvm is loaded as stock"* ]]
	load_pair ours
	run --separate-stderr "$CLI" status
	[[ $status == 0 && $output != *unhealthy* && $output == *"bus-barrier:applied"* ]]
}

# --- list

install_source() {
	local dir
	dir=$HOST/usr/src/kvm-fixes-$(cat "$REPO/VERSION")
	mkdir -p "$dir"
	cp -r "$REPO/patches" "$dir/"
}

list_json() {
	run --separate-stderr "$CLI" list --json
	printf '%s\n' "$output" "$stderr"
	[[ $status == 0 && -z $stderr ]]
	valid list "$output"
}

@test "list shows what each fix is and its state everywhere" {
	install_source
	load_pair ours
	list_json
	json '[.fixes[].name] == ["bus-barrier", "bus-retire", "unmap-lockdep", "mmu-caches", "unmap-guard"]'
	json '.fixes[0] | .origin == "kvm-fixes" and .loaded == "applied" and (.upstream | startswith("7788255aba65")) and .summary != "" and .why != ""'
	json '.fixes[0].kernels | map(.state) == ["", "applied", ""]'
	json '.fixes[0].kernels[2] | .kernel_state == "skipped" and (.reason | endswith("nothing to fix"))'
	json '.fixes[2].kernels[1] | .state == "off" and .reason == "by configuration"'
	json '.fixes[1].kernels[1].state == ""'
	run "$CLI" list
	[[ $status == 0 && $output == *"upstream  7788255aba65"* && $output == *"* $REL"* && $output == *"kernel skipped"* ]]
}

@test "list without the installed source knows the records still" {
	load_pair stock
	list_json
	json '.source == "" and (.fixes | map([.name, .origin, .summary, .loaded])) == [["bus-barrier", "record", "", ""], ["unmap-lockdep", "record", "", ""]]'
	run "$CLI" list
	[[ $status == 0 && $output == *"descriptions are missing"* ]]
}

@test "list shows the site's own fixes, and is not upset by what lies there" {
	local site=$HOST/etc/kvm-fixes/patches.d
	install_source
	mkdir -p "$site/ours-too" "$site/bus-barrier" "$site/Bad Name" "$site/empty" "$site/long"
	printf 'summary = The site\nwhy = \033[2J\nnonsense\nupstream=none\n' >"$site/ours-too/fix.conf"
	printf 'summary = not this\n' >"$site/bus-barrier/fix.conf"
	head -c 100000 /dev/zero >"$site/long/fix.conf"
	: >"$site/readme"
	list_json
	json '[.fixes[] | select(.origin != "kvm-fixes") | .name] == ["empty", "long", "ours-too"]'
	json '.fixes[] | select(.name == "ours-too") | .origin == "site" and .summary == "The site" and .why == "?[2J" and .upstream == ""'
	json '.fixes[0].summary != "not this"'
}

@test "list with nothing anywhere" {
	rm -r "$HOST/var/lib/kvm-fixes"
	list_json
	json '.fixes == []'
	run "$CLI" list
	[[ $status == 0 && $output == *"No fix is installed"* ]]
}

# --- the command line

# usage_error TEXT ARGUMENT... - exit status 2, one line with TEXT, nothing else.
usage_error() {
	local text=$1
	shift
	run --separate-stderr "$CLI" "$@"
	printf '%s: %s %s\n' "$status" "$output" "$stderr"
	[[ $status == 2 && -z $output && $stderr == "kvm-fixes"*"$text"* && $stderr != *$'\n'* ]]
	run --separate-stderr "$CLI" --json "$@"
	printf '%s: %s %s\n' "$status" "$output" "$stderr"
	[[ $status == 2 && -z $stderr ]]
	valid error "$output"
	jq -e --arg text "$text" '.error.code == 2 and (.error.message | contains($text))' <<<"$output"
}

@test "usage errors, in words and as JSON" {
	usage_error "no command given"
	usage_error "there is no command 'frobnicate'" frobnicate
	usage_error "there is no command ''" ''
	usage_error "unknown option --frobnicate" --frobnicate
	usage_error "unknown option" -x
	usage_error "unknown option --frobnicate" status --frobnicate
	usage_error "unknown option --frobnicate" list --frobnicate
	usage_error "'x' is too much" status x
	usage_error "'x' is too much" list x
	usage_error "'x' is too much" version x
	usage_error "wants a value" swap --to
	usage_error "wants a value" swap --wait
	for command in swap rollback selftest recover; do
		usage_error "unknown option --frobnicate" "$command" --frobnicate
	done
}

@test "an error's command and place are in it" {
	run --separate-stderr "$CLI" status --json x
	[[ $status == 2 ]]
	valid error "$output"
	json '.command == "status"'
}

@test "a control character in an argument stays out of the terminal" {
	run --separate-stderr "$CLI" $'a\e[2J\nb'
	[[ $status == 2 && $stderr != *$'\e'* && ${#stderr_lines[@]} == 1 ]]
}

@test "help, of all and of each" {
	local command
	run --separate-stderr "$CLI" --help
	[[ $status == 0 && -z $stderr && $output == "Usage: kvm-fixes "* ]]
	for command in status list swap rollback selftest recover version; do
		[[ $output == *"  $command "* ]]
	done
	for command in status list swap rollback selftest recover version; do
		run --separate-stderr "$CLI" "$command" --help
		printf '%s: %s %s %s\n' "$command" "$status" "$output" "$stderr"
		[[ $status == 0 && -z $stderr && $output == "Usage: kvm-fixes $command"* ]]
	done
}

@test "version" {
	local form
	run --separate-stderr "$CLI" version
	[[ $status == 0 && $output == "kvm-fixes $(cat "$REPO/VERSION")" ]]
	run --separate-stderr "$CLI" --version
	[[ $status == 0 && $output == "kvm-fixes $(cat "$REPO/VERSION")" ]]
	for form in '--json version' '--json --version' 'version --json'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr "$CLI" $form
		printf '%s: %s %s\n' "$form" "$output" "$stderr"
		[[ $status == 0 ]]
		valid version "$output"
	done
}

@test "options before and behind the command mean the same" {
	run "$CLI" --json status --no-holders
	[[ $status == 0 ]]
	valid status "$output"
	run "$CLI" status --no-holders --json
	valid status "$output"
}

@test "a host that cannot be read" {
	local command
	rm "$HOST/proc/sys/kernel/osrelease"
	"$CLI" version
	for command in status list audit; do
		run --separate-stderr "$CLI" "$command"
		[[ $status == 1 && -z $output && ${#stderr_lines[@]} == 1 && $stderr == *"osrelease"*"is /proc mounted?"* ]]
		run --separate-stderr "$CLI" --json "$command"
		[[ $status == 1 && -z $stderr ]]
		valid error "$output"
	done
	printf '../../x\n' >"$HOST/proc/sys/kernel/osrelease"
	run --separate-stderr "$CLI" status
	[[ $status == 1 ]]
	KVM_FIXES_ROOT=relative run --separate-stderr "$CLI" status
	[[ $status == 1 && $stderr == *"KVM_FIXES_ROOT"* ]]
}

@test "/sys that is not there" {
	rm -r "$HOST/sys"
	run --separate-stderr "$CLI" --json status
	[[ $status == 1 ]]
	valid error "$output"
	json '.error.message | contains("is /sys mounted?")'
}

@test "output that cannot be written is an error" {
	run --separate-stderr bash -c '"$1" status >/dev/full' - "$CLI"
	[[ $status == 1 && $stderr == *"standard output"* ]]
	run --separate-stderr bash -c '"$1" status --json >/dev/full' - "$CLI"
	[[ $status == 1 ]]
}
