# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A host below $HOST for the command: its /proc, /sys and /lib/modules, with
# modules that hold what modules say of themselves and no code.
#
# Three kernels: $REL runs and has our modules installed, $SKIPPED was skipped with
# a reason, $OLD was never looked at. The processor is Intel's unless changed.

REL=6.1.0-9-test
OLD=6.1.0-8-test
SKIPPED=6.12.1-test
BUILD_OURS=0123456789abcdef0123456789abcdef
STATES='bus-barrier:applied, unmap-lockdep:applied'

# build_id NAME WHOSE - 40 digits that tell whose module it is.
build_id() { printf '%s %s' "$1" "$2" | sha1sum | cut -c 1-40; }

# directives TEXT... - each as a NUL-terminated string.
directives() { printf '\t.asciz "%s"\n' "$@"; }

# stamp_lines BUILD - key=value, as src/kernel/stamp-module.h has them.
stamp_lines() {
	printf '%s\n' "kernel=$REL" "states=$STATES" "source=linux 6.1.50-1 sha256:00" \
		"headers=6.1.50-1" "compiler=gcc-12 12.2.0" "build=$1"
}

# module_source NAME WHOSE [BUILD] - assembler; with BUILD it carries our stamp.
module_source() {
	local name=$1 whose=$2 build=${3:-} digits lines
	digits=$(build_id "$name" "$whose")
	printf '.section .modinfo,"a"\n'
	directives "license=GPL" "name=${name//-/_}" "vermagic=$REL SMP mod_unload modversions "
	[[ $name == kvm ]] && directives "depends=" || directives "depends=kvm"
	if [[ -n $build ]]; then
		mapfile -t lines < <(stamp_lines "$build")
		directives "version=0.1.0" "${lines[@]/#/kvm_fixes_}"
	fi
	printf '.section .note.gnu.build-id,"a",@note\n.long 4, 20, 3\n.asciz "GNU"\n'
	sed 's/../, 0x&/g; s/^, /.byte /' <<<"$digits"
	if [[ -n $build ]]; then
		printf '.section .note.kvm-fixes,"a",@note\n.balign 4\n.long 10, 2f-1f, 1\n.asciz "kvm-fixes"\n.balign 4\n1:\n'
		printf '.ascii "%s\\n"\n' "version=0.1.0" "${lines[@]}"
		printf '2: .balign 4\n'
	fi
	symbols "$name"
}

# symbols NAME - a function, which an audit has to find; the vendor modules need one
# of kvm's, so depmod sees a dependency.
symbols() {
	printf '.text\n.type demo, @function\ndemo: ret\n'
	if [[ $1 == kvm ]]; then
		printf '.size demo, . - demo\n.section __ksymtab_strings,"a"\n.asciz "kvm_demo"\n'
	else
		printf '.quad kvm_demo\n.size demo, . - demo\n'
	fi
}

# make_modules DIR - stock, ours, newer stock, a newer build of ours, and foreign ones.
make_modules() {
	local name whose
	for name in kvm kvm-intel kvm-amd; do
		for whose in stock newer other; do
			mkdir -p "$1/$whose"
			module_source "$name" "$whose" | gcc -c -x assembler -o "$1/$whose/$name.ko" -
		done
		mkdir -p "$1/ours" "$1/again"
		module_source "$name" ours "$BUILD_OURS" | gcc -c -x assembler -o "$1/ours/$name.ko" -
		module_source "$name" again "${BUILD_OURS//0/f}" | gcc -c -x assembler -o "$1/again/$name.ko" -
	done
}

# make_host - healthy: ours installed and nothing loaded. $MODULES has the modules.
make_host() {
	HOST=$BATS_TEST_TMPDIR/host
	export KVM_FIXES_ROOT=$HOST
	mkdir -p "$HOST"/{boot,etc,usr/src,var/cache,dev} "$HOST"/proc/sys/kernel "$HOST"/sys/{module,kernel/security}
	ln -s . "$HOST/usr/lib" 2>/dev/null || true
	printf '%s\n' "$REL" >"$HOST/proc/sys/kernel/osrelease"
	printf 'Linux version %s (x@example.org) (gcc-12) #1 SMP Debian 6.1.50-1 (2026-01-02)\n' "$REL" >"$HOST/proc/version"
	printf 'processor\t: 0\nvendor_id\t: GenuineIntel\n' >"$HOST/proc/cpuinfo"
	printf 'root=/dev/sda1 ro\n' >"$HOST/proc/cmdline"
	printf '0\n' >"$HOST/proc/sys/kernel/tainted"
	printf '[none] integrity confidentiality\n' >"$HOST/sys/kernel/security/lockdown"
	make_kernel "$REL" stock
	make_kernel "$OLD" stock
	make_kernel "$SKIPPED" stock
	install_ours ours
	record "$SKIPPED" skipped "kernel $SKIPPED: nothing to fix"
	depmod_all
}

# make_kernel RELEASE WHOSE - with its own modules, and headers.
make_kernel() {
	local dir=$HOST/lib/modules/$1
	mkdir -p "$dir/kernel/arch/x86/kvm" "$dir/build"
	cp "$MODULES/$2"/* "$dir/kernel/arch/x86/kvm/"
	: >"$dir/build/Makefile"
	: >"$dir/modules.order"
	: >"$dir/modules.builtin"
	: >"$dir/modules.builtin.modinfo"
}

# install_ours WHOSE - as dkms-kernel leaves it: files, copy of the stock ones, records.
install_ours() {
	mkdir -p "$HOST/lib/modules/$REL/updates/dkms" "$HOST/var/lib/kvm-fixes/stock/$REL"
	cp "$MODULES/$1"/* "$HOST/lib/modules/$REL/updates/dkms/"
	cp -p "$HOST/lib/modules/$REL/kernel/arch/x86/kvm"/* "$HOST/var/lib/kvm-fixes/stock/$REL/"
	record "$REL" installed ""
	printf '{"schema":1,"kernel":"%s","build":"%s","fixes":[{"name":"bus-barrier","state":"applied","patch":"6.1.patch","sha256":"00","changes":["kvm_x"],"reason":""},{"name":"unmap-lockdep","state":"off","patch":"","sha256":"","changes":[],"reason":"by configuration"}],"audit":{"verdict":"passed","sha256":"00"}}\n' \
		"$REL" "$BUILD_OURS" >"$HOST/var/lib/kvm-fixes/kernels/$REL/report.json"
}

# record RELEASE STATE REASON
record() {
	local dir=$HOST/var/lib/kvm-fixes/kernels/$1
	mkdir -p "$dir"
	printf '{"schema":1,"kernel":"%s","state":"%s","reason":"%s","version":"0.1.0","build":"%s","headers":"6.1.50-1","image":"6.1.50-1","stock":"00"}\n' \
		"$1" "$2" "$3" "$BUILD_OURS" >"$dir/state.json"
}

# depmod_for RELEASE - the real depmod, with the host's own configuration.
depmod_for() {
	local config=/dev/null
	[[ ! -d $HOST/etc/depmod.d ]] || config=$HOST/etc/depmod.d
	depmod -b "$HOST" -C "$config" "$1"
}

depmod_all() {
	local release
	for release in "$REL" "$OLD" "$SKIPPED"; do
		depmod_for "$release"
	done
}

# choose_stock - as a swap to the stock modules leaves it.
choose_stock() {
	local name
	mkdir -p "$HOST/etc/depmod.d"
	for name in kvm kvm-intel kvm-amd; do
		printf 'override %s * kernel/arch/x86/kvm\n' "$name"
	done >"$HOST/etc/depmod.d/kvm-fixes-stock.conf"
	depmod_for "$REL"
}

# load NAME WHOSE [REFERENCES] - what sysfs shows of a loaded module.
load() {
	local name=${1//-/_} file=$MODULES/$2/$1.ko
	local dir=$HOST/sys/module/$name
	mkdir -p "$dir/notes" "$dir/holders"
	printf 'live\n' >"$dir/initstate"
	printf '%s\n' "${3:-0}" >"$dir/refcnt"
	printf '\n' >"$dir/taint"
	note "$file" .note.gnu.build-id >"$dir/notes/.note.gnu.build-id"
	rm -f "$dir/notes/.note.kvm-fixes"
	if [[ $2 == ours || $2 == again ]]; then
		note "$file" .note.kvm-fixes >"$dir/notes/.note.kvm-fixes"
		printf '0.1.0\n' >"$dir/version"
		printf 'OE\n' >"$dir/taint"
	fi
}

note() {
	objcopy -O binary --only-section="$2" "$1" "$BATS_TEST_TMPDIR/note"
	cat "$BATS_TEST_TMPDIR/note"
}

# load_pair WHOSE [REFERENCES] - kvm and kvm-intel, one using the other.
load_pair() {
	load kvm "$1" 1
	load kvm-intel "$1" "${2:-0}"
	mkdir -p "$HOST/sys/module/kvm/holders/kvm_intel"
}

# process PID COMMAND [ARGUMENT...] - without descriptors.
process() {
	local pid=$1 command=$2
	mkdir -p "$HOST/proc/$pid/fd"
	printf '%s\n' "$command" >"$HOST/proc/$pid/comm"
	printf 'Name:\t%s\nNSpid:\t%s\n' "$command" "$pid" >"$HOST/proc/$pid/status"
	shift 2
	printf '%s\0' "$@" >"$HOST/proc/$pid/cmdline"
}

# descriptor PID NUMBER TARGET
descriptor() { ln -s "$3" "$HOST/proc/$1/fd/$2"; }

# make_initrd RELEASE WHOSE PACKER... - with microcode in front, as on a real host.
make_initrd() {
	local release=$1 whose=$2 work=$BATS_TEST_TMPDIR/initrd
	shift 2
	rm -rf "$work"
	mkdir -p "$work/early/kernel/x86/microcode" "$work/main/usr/lib/modules/$release/kernel"
	printf 'microcode' >"$work/early/kernel/x86/microcode/GenuineIntel.bin"
	printf 'init' >"$work/main/init"
	[[ $whose == none ]] || cp "$MODULES/$whose"/* "$work/main/usr/lib/modules/$release/kernel/"
	(cd "$work/early" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) >"$HOST/boot/initrd.img-$release"
	head -c 512 /dev/zero >>"$HOST/boot/initrd.img-$release"
	(cd "$work/main" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) | "$@" >>"$HOST/boot/initrd.img-$release"
}

# valid SCHEMA TEXT - does TEXT keep to docs/schema/SCHEMA.json?
valid() {
	/usr/bin/python3 - "$REPO/docs/schema/$1.json" "$2" <<-'EOF'
		import json, jsonschema, sys
		schema = json.load(open(sys.argv[1]))
		jsonschema.Draft7Validator.check_schema(schema)
		jsonschema.validate(json.loads(sys.argv[2]), schema)
	EOF
}

# status_is CODE [OPTION...] - runs status --json, which must end in CODE and be
# valid. The JSON is in $output.
status_is() {
	local code=$1
	shift
	run --separate-stderr "$CLI" status --json "$@"
	printf 'status %s: %s %s\n' "$status" "$output" "$stderr"
	[[ $status == "$code" && -z $stderr ]]
	valid status "$output"
}

# unhealthy TEXT... - exit status 1, each TEXT stands in a problem of its own, and
# there are no others.
unhealthy() {
	local text
	status_is 1
	for text; do
		jq -e --arg text "$text" '[.problems[] | select(contains($text))] | length == 1' <<<"$output"
	done
	jq -e --argjson n "$#" '.problems | length == $n' <<<"$output"
}

# json FILTER - holds for $output?
json() { jq -e "$1" <<<"$output"; }
