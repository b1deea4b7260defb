#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Real builds for one real kernel, $KERNEL, whose headers and source package are
# installed. $IMAGE is a folder with its image unpacked (scripts/setup image).

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	# Readable to everyone, unlike what bats makes: the builds are not root's.
	PLACE=$(mktemp -d)
	chmod 755 "$PLACE"
	mkdir -m 777 "$PLACE/a" "$PLACE/b" "$PLACE/cli" "$PLACE/deep" "$PLACE/deep/er"
	mkdir "$PLACE/project"
	cp -r "$REPO"/{scripts,include,patches,src,Kbuild,VERSION,Makefile} "$PLACE/project/"
	HEADERS=/lib/modules/$KERNEL/build
	# The checkout may be where only root may look.
	cp -r "$IMAGE/lib/modules/$KERNEL/kernel/arch/x86/kvm" "$PLACE/shipped"
	STOCK=$PLACE/shipped FIRST=0
	export REPO PLACE HEADERS STOCK FIRST KVM_FIXES_COMMAND=$PLACE/cli/kvm-fixes
	as_nobody make -s -C "$PLACE/project" modules "BUILD=$PLACE/cli" "KERNEL=$KERNEL" "STOCK=$STOCK" "OUT=$PLACE/a" >"$PLACE/log" 2>&1 ||
		FIRST=$?
}

teardown_file() { rm -rf "$PLACE"; }

as_nobody() {
	if [[ $EUID == 0 ]]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	else
		"$@"
	fi
}

# section FILE NAME - its bytes.
section() { objcopy -O binary --only-section="$2" --set-section-flags "$2=alloc" "$1" /dev/stdout; }

stock() {
	if [[ -e $STOCK/$1.ko ]]; then cat "$STOCK/$1.ko"; else xz -dc "$STOCK/$1.ko.xz"; fi
}

# prepared DIR - a fresh tree to try things on.
prepared() { "$REPO/scripts/prepare-source" --kernel "$KERNEL" --out "$1"; }

@test "make modules works without root" {
	cat "$PLACE/log"
	[[ $FIRST == 0 ]]
	[[ $(ls -A "$PLACE/a") == $'audit.json\naudit.txt\nkvm-amd.ko\nkvm-intel.ko\nkvm.ko\nreport.json' ]]
}

@test "the report is JSON and speaks of these files" {
	local name
	[[ $(jq -r .schema,.kernel "$PLACE/a/report.json") == $'1\n'"$KERNEL" ]]
	for name in kvm kvm-intel kvm-amd; do
		[[ $(jq -r ".modules[] | select(.name == \"$name\") | .sha256" "$PLACE/a/report.json") == "$(sha256sum <"$PLACE/a/$name.ko" | cut -d' ' -f1)" ]]
	done
	[[ $(jq -r '.fixes | length' "$PLACE/a/report.json") -ge 2 ]]
	[[ $(jq -r .abi.layout.types "$PLACE/a/report.json") -gt 1000 ]]
}

@test "each fix is in the state that this series needs" {
	local state
	state=$(jq -r '.fixes[] | "\(.name):\(.state)"' "$PLACE/a/report.json" | paste -sd' ')
	case $KERNEL in
	6.1.*) [[ $state == "bus-barrier:applied bus-retire:applied unmap-lockdep:applied mmu-caches:upstream unmap-guard:applied" ]] ;;
	6.12.*) [[ $state == "bus-barrier:applied bus-retire:applied unmap-lockdep:upstream mmu-caches:upstream unmap-guard:applied" ]] ;;
	*) false ;;
	esac
}

# audit DECLARED - of what was built, against the shipped modules.
audit() { "$KVM_FIXES_COMMAND" --json audit --kernel "$KERNEL" --stock "$STOCK" --declared "$1" "$PLACE"/a/kvm{,-intel,-amd}.ko; }

# attestable - by the compiler that the shipped modules were made by?
attestable() {
	[[ $(jq -r .audit.verdict "$PLACE/a/report.json") != "not attestable" ]] || skip "compiled by another compiler than the shipped modules"
}

@test "the audit beside the modules finds what the fixes declare to change, and nothing else" {
	attestable
	[[ $(jq -r .audit.verdict "$PLACE/a/report.json") == passed ]]
	[[ $(jq -r .audit.sha256 "$PLACE/a/report.json") == "$(sha256sum <"$PLACE/a/audit.json" | cut -d' ' -f1)" ]]
	jq -e '[.modules[].findings[] | select(.declared | not)] == [] and any(.modules[].findings[]; .name == "kvm_io_bus_register_dev")' "$PLACE/a/audit.json"
	grep -qx 'verdict     passed' "$PLACE/a/audit.txt"
	run audit "$PLACE/a/report.json"
	[[ $status == 0 && $output == "$(cat "$PLACE/a/audit.json")" ]]
}

@test "what no fix declares is found" {
	attestable
	jq '(.fixes[] | select(.name == "bus-retire") | .changes) -= ["kvm_bus_retire"]' "$PLACE/a/report.json" >"$BATS_TEST_TMPDIR/report.json"
	run audit "$BATS_TEST_TMPDIR/report.json"
	[[ $status == 1 ]]
	# Since 6.3 a function with room for a patch before it has a second name, __pfx_*.
	jq -e '[.modules[].findings[] | select((.declared | not) and .subject == "function") | .name | ltrimstr("__pfx_")] | unique == ["kvm_bus_retire"]' <<<"$output"
}

@test "modules with what no fix declares are not handed out" {
	local tree=$PLACE/b/undeclared
	attestable
	prepared "$tree"
	sed -i 's/ kvm_bus_retire / /' "$tree/.prepared/fixes"
	(cd "$tree" && find . -type f ! -path ./.prepared/complete -print0 | xargs -0 sha256sum >.prepared/complete)
	mkdir "$PLACE/b/refused"
	echo old >"$PLACE/b/refused/report.json"
	run "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/refused" --stock "$STOCK"
	echo "$output"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"the audit found what no fix declares: added function "*kvm_bus_retire* ]]
	[[ $(ls "$PLACE/b/refused" | paste -sd' ') == "audit.json audit.txt make.log report.json" && $(cat "$PLACE/b/refused/report.json") == old ]]
	grep -q UNDECLARED "$PLACE/b/refused/audit.txt"
}

@test "without shipped modules or without the command: said, and refused" {
	local tree=$PLACE/b/undeclared
	attestable
	run env KVM_FIXES_ROOT="$PLACE/b/nohost" "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/refused" --stock "$PLACE/b"
	[[ $status == 1 && $output == *"no kvm.ko of the kernel's own there"* ]]
	run env KVM_FIXES_COMMAND=/nonexistent "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/refused" --stock "$STOCK"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"/nonexistent, whose audit is the last gate, is not there"* ]]
	run env KVM_FIXES_COMMAND=/bin/true "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/refused" --stock "$STOCK"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"the audit by /bin/true came to no verdict"* ]]
	[[ ! -e $PLACE/b/refused/kvm.ko ]]
}

@test "the stamp is in modinfo and in a note, the same, in all three modules" {
	local name note
	for name in kvm kvm-intel kvm-amd; do
		[[ $(modinfo -F version "$PLACE/a/$name.ko") == "$(cat "$REPO/VERSION")" ]]
		note=$(section "$PLACE/a/$name.ko" .note.kvm-fixes | tr -d '\0')
		local key
		for key in kernel states source headers compiler build; do
			[[ -n $(modinfo -F "kvm_fixes_$key" "$PLACE/a/$name.ko") ]]
			grep -qxF "$key=$(modinfo -F "kvm_fixes_$key" "$PLACE/a/$name.ko")" <<<"$note"
		done
		[[ $(modinfo -F kvm_fixes_build "$PLACE/a/$name.ko") == "$(modinfo -F kvm_fixes_build "$PLACE/a/kvm.ko")" ]]
		[[ $(modinfo -F kvm_fixes_kernel "$PLACE/a/$name.ko") == "$KERNEL" ]]
	done
}

@test "exports have the CRCs of the headers, found without our gate" {
	modprobe --dump-modversions "$PLACE/a/kvm-intel.ko" | awk '{ print $2, $1 }' | sort >"$PLACE/needed"
	awk '$3 == "arch/x86/kvm/kvm" { print $2, $1 }' "$HEADERS/Module.symvers" | sort >"$PLACE/kernel"
	[[ $(wc -l <"$PLACE/kernel") -gt 300 ]]
	# What kvm-intel wants of kvm is what the kernel's kvm gives.
	[[ $(comm -12 "$PLACE/needed" "$PLACE/kernel" | wc -l) -gt 100 ]]
	[[ -z $(join "$PLACE/needed" "$PLACE/kernel" | awk '$2 != $3') ]]
	nm "$PLACE/a/kvm.ko" | awk '$3 ~ /^__ksymtab_/ { sub(/^__ksymtab_/, "", $3); print $3 }' | sort >"$PLACE/exported"
	diff "$PLACE/exported" <(cut -d' ' -f1 "$PLACE/kernel")
}

@test "code that no fix touches is byte for byte the shipped code" {
	local name
	if [[ $(jq -r .compiler "$PLACE/a/report.json") != "$(jq -r .kernel_compiler "$PLACE/a/report.json")" ]]; then
		skip "compiled by $(jq -r .compiler "$PLACE/a/report.json"), shipped: $(jq -r .kernel_compiler "$PLACE/a/report.json")"
	fi
	for name in kvm-intel kvm-amd; do
		stock "$name" >"$PLACE/stock.ko"
		cmp <(section "$PLACE/a/$name.ko" .text) <(section "$PLACE/stock.ko" .text)
		cmp <(section "$PLACE/a/$name.ko" .rodata) <(section "$PLACE/stock.ko" .rodata)
	done
	# Ours come behind all of the kernel's.
	stock kvm >"$PLACE/stock.ko"
	section "$PLACE/stock.ko" .rodata.str1.8 >"$PLACE/texts"
	[[ $(stat -c %s "$PLACE/texts") -gt 1000 ]]
	cmp -n "$(stat -c %s "$PLACE/texts")" <(section "$PLACE/a/kvm.ko" .rodata.str1.8) "$PLACE/texts"
}

@test "debug data is stripped, BTF is there where the shipped modules have it and it can be made" {
	run ! grep -q debug_info <(readelf -SW "$PLACE/a/kvm.ko")
	if [[ -e $HEADERS/vmlinux ]]; then
		grep -q ' \.BTF ' <(readelf -SW "$PLACE/a/kvm.ko")
	fi
}

@test "a second build in another folder gives the same bytes, report included" {
	as_nobody make -s -C "$PLACE/project" modules "BUILD=$PLACE/cli" "KERNEL=$KERNEL" "STOCK=$STOCK" "OUT=$PLACE/deep/er" >"$PLACE/log" 2>&1
	diff -r "$PLACE/a" "$PLACE/deep/er"
	run ! grep -qF "$PLACE" "$PLACE/a/kvm.ko"
}

@test "an unfinished, a changed and a wrong tree are not built" {
	local tree=$PLACE/b/tree
	prepared "$tree"
	run "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/out" --kernel 1.2.3-other
	[[ $status == 1 && $output == *"was prepared for $KERNEL, not for 1.2.3-other"* ]]
	echo '/* */' >>"$tree/virt/kvm/kvm_main.c"
	run "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/out"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"changed since prepare-source made it"* ]]
	rm "$tree/.prepared/complete"
	run "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/out"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"prepare-source did not finish it"* ]]
	[[ ! -e $PLACE/b/out ]]
}

@test "two builds in one tree: the second says so and leaves the first alone" {
	local tree=$PLACE/b/busy
	prepared "$tree"
	exec 8<"$tree"
	flock 8
	run "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/out"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"another build is running in it"* ]]
	[[ ! -e $PLACE/b/out ]]
}

@test "a disk that fills up while building: one line, no modules" {
	[[ $EUID == 0 ]] && mkdir "$PLACE/small" && mount -t tmpfs -o size=14m none "$PLACE/small" 2>/dev/null ||
		skip "no right to mount"
	prepared "$PLACE/small/tree"
	run "$REPO/scripts/build-modules" --tree "$PLACE/small/tree" --out "$PLACE/small/out"
	local left
	left=$(find "$PLACE/small/out" -name '*.ko' -o -name report.json)
	umount "$PLACE/small"
	echo "$output; left: $left"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"the build failed"* && -z $left ]]
}

@test "a build that is killed leaves no modules, and the next one makes them" {
	local tree=$PLACE/b/killed object
	prepared "$tree"
	setsid "$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/out" 2>/dev/null &
	local pid=$!
	until compgen -G "$tree/virt/kvm/.*.o.cmd" >/dev/null; do sleep 0.2; done
	kill -KILL -- "-$pid"
	wait "$pid" || true
	# A compiler may take a moment to die, and holds the lock as long.
	(until flock -n 9; do sleep 0.1; done) 9<"$tree"
	[[ -z $(find "$PLACE/b/out" -name '*.ko' -o -name report.json) ]]
	# The worst moment: an object is there, its exports' CRCs are not yet.
	sed -i '/^#SYMVER/d' "$tree"/virt/kvm/.*.o.cmd
	for object in "$tree"/virt/kvm/*.o; do
		[[ -e $tree/virt/kvm/.${object##*/}.cmd ]] || rm -- "$object"
	done
	"$REPO/scripts/build-modules" --tree "$tree" --out "$PLACE/b/out" --stock "$STOCK"
	diff -r "$PLACE/a" "$PLACE/b/out"
}

# A field more in a structure that no exported symbol's CRC covers.
grow_irqfd() {
	local site=$PLACE/root/etc/kvm-fixes/patches.d/grow
	mkdir -p "$site" "$PLACE/root/lib/modules" "$PLACE/root/usr" "$PLACE/root/var/lib"
	ln -s "/lib/modules/$KERNEL" "$PLACE/root/lib/modules/$KERNEL"
	ln -s /usr/src "$PLACE/root/usr/src"
	ln -s /var/lib/dpkg "$PLACE/root/var/lib/dpkg"
	# A mark looks into a function, so the fix brings one.
	printf 'summary = x\nmark = include/linux/kvm_irqfd.h kvm_grown return 1;\n' >"$site/fix.conf"
	{
		printf -- '--- a/include/linux/kvm_irqfd.h\n+++ b/include/linux/kvm_irqfd.h\n@@ -1 +1,6 @@\n'
		printf '+static inline int kvm_grown(void)\n+{\n+\treturn 1;\n+}\n struct kvm_kernel_irqfd {\n+\tint grown;\n'
	} >"$site/x.patch"
	chmod -R go-w "$site"
}

@test "a site's fix that changes a structure is refused, though the CRCs agree" {
	grow_irqfd
	KVM_FIXES_ROOT=$PLACE/root prepared "$PLACE/grown"
	KVM_FIXES_ROOT=$PLACE/root run "$REPO/scripts/build-modules" --tree "$PLACE/grown" --out "$PLACE/grown.out"
	echo "$output"
	[[ $status == 1 && ${#lines[@]} == 1 && $output == *"laid out unlike in the kernel's headers: struct kvm_kernel_irqfd"* ]]
	[[ $(ls -A "$PLACE/grown.out") == make.log ]]
}

@test "another CRC, a missing and an additional export are refused" {
	local symvers=$PLACE/grown/Module.symvers
	cp "$symvers" "$PLACE/symvers"
	gate() { run "$REPO/scripts/abi-gate" --kernel "$KERNEL" --tree "$PLACE/grown" --stock "$STOCK"; echo "$output"; }
	awk -F'\t' -v OFS='\t' '$2 == "kvm_get_kvm" { $1 = "0x00000001" } 1' "$PLACE/symvers" >"$symvers"
	gate
	[[ $status == 1 && $output == *"exports of kvm: 2 differences"*"+kvm_get_kvm 0x00000001"* ]]
	awk -F'\t' '$2 != "kvm_get_kvm"' "$PLACE/symvers" >"$symvers"
	gate
	[[ $status == 1 && $output == *"exports of kvm: 1 differences"*"-kvm_get_kvm"* ]]
	sed 's/kvm_get_kvm\t/kvm_get_kvn\t/p' "$PLACE/symvers" >"$symvers"
	gate
	[[ $status == 1 && $output == *"+kvm_get_kvn"* ]]
	cp "$PLACE/symvers" "$symvers"
}

@test "shipped modules with other module information are refused" {
	mkdir "$PLACE/stock"
	local name
	for name in kvm kvm-intel kvm-amd; do
		stock "$name" >"$PLACE/stock/$name.ko"
	done
	section "$PLACE/stock/kvm-intel.ko" .modinfo | sed 's/parmtype=vpid:/parmtype=vpix:/' >"$PLACE/modinfo"
	objcopy --update-section .modinfo="$PLACE/modinfo" "$PLACE/stock/kvm-intel.ko"
	run "$REPO/scripts/abi-gate" --kernel "$KERNEL" --tree "$PLACE/grown" --stock "$PLACE/stock"
	echo "$output"
	[[ $status == 1 && $output == *"parm of kvm-intel: 2 differences"*vpix* ]]
}

@test "a kernel without headers: one line from us, and 2 from make" {
	run make -s -C "$REPO" modules KERNEL=9.9.9-none "OUT=$PLACE/none"
	echo "$output"
	[[ $status == 2 && ${lines[0]} == *"install the package linux-headers-9.9.9-none"* ]]
	[[ ! -e $PLACE/none/.tree ]]
}
