# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM selftests, built from its source, for emulated hosts that run them with
# the stock modules and with ours (tests/vm/scenario/unmap-selftests).

# build_selftests SERIES DIR NAME... - in DIR/tests, static, if they are not there already.
build_selftests() {
	local series=$1 dir=$2 test targets=()
	shift 2
	[[ ! -e $dir/built || $(cat "$dir/built") != "$series $*" ]] || return 0
	rm -rf "$dir" && mkdir -p "$dir/source" "$dir/objects" "$dir/tests/x86_64"
	xz -dc "/usr/src/linux-source-$series.tar.xz" | tar -x -C "$dir/source" --strip-components=1 --wildcards \
		'*/Makefile' '*/Kbuild' '*/arch/x86' '*/include' '*/scripts' '*/tools' '*/usr'
	for test; do
		targets+=("$dir/tests/$test")
	done
	make -s -C "$dir/source" O="$dir/objects" ARCH=x86 headers_install INSTALL_HDR_PATH="$dir/headers" >"$dir/log" 2>&1
	make -s -C "$dir/source/tools/testing/selftests/kvm" OUTPUT="$dir/tests" ARCH=x86 \
		LINUX_HDR_PATH="$dir/headers/include/" LDLIBS=-ldl LDFLAGS='-static -pthread -no-pie' "${targets[@]}" >>"$dir/log" 2>&1
	rm -rf "$dir/source" "$dir/objects"
	printf '%s\n' "$series $*" >"$dir/built"
}

# same_results DIR VENDOR TREES VMLINUZ NAME... - each has run with both, to the same end, and
# some have passed; the log is DIR/VENDOR.log.
same_results() {
	local dir=$1 vendor=$2 trees=$3 vmlinuz=$4 test files=()
	local log=$dir/$vendor.log
	shift 4
	for test; do
		files+=(--file "$dir/tests/$test=/selftests/${test##*/}")
	done
	"$REPO/scripts/vm/make-initramfs" --out "$dir/initramfs" --tree stock="$trees/stock" --tree fixed="$trees/fixed" "${files[@]}"
	"$REPO/scripts/vm/run-host" --vendor "$vendor" --vmlinuz "$vmlinuz" --initramfs "$dir/initramfs" --log "$log" \
		--work "$BUILD/vm" --timeout 2400 --mem 2048 --append kvmfixes.scenario=unmap-selftests
	grep -E '^(SELFTEST|SLOW|SAID|GUARD)' "$log"
	for test; do
		grep -q "^SELFTEST fixed ${test##*/}[ :]" "$log"
	done
	[[ $(grep -cE '^SELFTEST fixed .*: 0' "$log") -ge 5 ]]
}
