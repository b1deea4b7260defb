# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is known of a kernel: packages, digests, and the record of what was done
# for it. Needs common.sh, and from open_kernel: RELEASE, MODDIR, KEPT, WORK.

# json_field NAME FILE - the first string of that name in JSON of our own making.
json_field() {
	local text
	text=$(grep -oE "\"$1\":\"([^\"\\\\]|\\\\.)*\"" "$2" 2>/dev/null | sed -n 1p) || return 0
	text=${text#*\":\"} text=${text%\"}
	# json_string lets no control character through, so this one is free.
	text=${text//\\\\/$'\1'} text=${text//\\\"/\"} text=${text//\\[nrt]/ }
	printf '%s\n' "${text//$'\1'/\\}"
}

# digest_of FILE... - of those that are there, when no package says a version.
digest_of() {
	local sum
	sum=$(cat -- "$@" 2>/dev/null | sha256sum) || true
	printf 'sha256:%s\n' "${sum:0:32}"
}

dpkg_field() {
	dpkg-query --admindir="$ROOT/var/lib/dpkg" -W -f="\${$1}" "$2" 2>/dev/null || true
}

# find_packages - sets IMAGE_PACKAGE, IMAGE and HEADERS. Without a package, HEADERS
# is a digest: a kernel that was built again has the same release.
find_packages() {
	IMAGE_PACKAGE=$(dpkg-query --admindir="$ROOT/var/lib/dpkg" -S \
		{,/usr}"/lib/modules/$RELEASE/kernel/arch/x86/kvm/kvm.ko*" 2>/dev/null | grep -v -m 1 '^diversion ') || true
	IMAGE_PACKAGE=${IMAGE_PACKAGE%%:*} IMAGE=
	[[ -z $IMAGE_PACKAGE ]] || IMAGE=$(dpkg_field Version "$IMAGE_PACKAGE")
	HEADERS=$(dpkg_field Version "linux-headers-$RELEASE")
	HEADERS_STATUS=$(dpkg_field db:Status-Status "linux-headers-$RELEASE")
	case $HEADERS_STATUS in
	'' | not-installed | config-files)
		HEADERS=$(digest_of "$MODDIR/build/Module.symvers" "$MODDIR/build/include/config/auto.conf")
		;;
	esac
}

# check_packages - the image and the headers are of one version. While packages
# are being upgraded they may not be, and then the hook runs again.
check_packages() {
	[[ $HEADERS_STATUS != unpacked && $HEADERS_STATUS != half-installed ]] ||
		die "$EX_SKIP" "kernel $RELEASE: the package linux-headers-$RELEASE is not configured yet; its own hook comes back to this kernel"
	[[ -z $IMAGE || $HEADERS == sha256:* || $IMAGE == "$HEADERS" ]] ||
		die "$EX_SKIP" "kernel $RELEASE: its image is $IMAGE and its headers are $HEADERS; run: apt-get install $IMAGE_PACKAGE linux-headers-$RELEASE"
}

# record STATE REASON - of this kernel, in place whole or not at all.
record() {
	write_record "$@" ||
		die "$EX_FAILED" "kernel $RELEASE: $KEPT/state.json cannot be written$(cause); free some space there"
}

write_record() {
	[[ $1 == installed ]] || rm -f -- "$KEPT/report.json" "$KEPT/audit.json" "$KEPT/audit.txt"
	mkdir -p -- "$KEPT" &&
		printf '{"schema":1,"kernel":%s,"state":%s,"reason":%s,"version":%s,"build":%s,"headers":%s,"image":%s,"stock":%s}\n' \
			"$(json_string "$RELEASE")" "$(json_string "$1")" "$(json_string "$2")" \
			"$(json_string "$VERSION")" "$(json_string "$BUILD")" \
			"$(json_string "$HEADERS")" "$(json_string "$IMAGE")" \
			"$(json_string "$STOCK_DIGEST")" >"$WORK/state.json" &&
		publish_file "$WORK/state.json" "$KEPT/state.json"
}

# keep_report REPORT - and the audit beside it, as long as the modules are installed.
keep_report() {
	local file from=${1%/*}
	for file in audit.json audit.txt report.json; do
		if [[ -e $from/$file ]]; then
			publish_file "$from/$file" "$KEPT/$file" ||
				die "$EX_FAILED" "$KEPT/$file: cannot be written; free some space there"
		else
			rm -f -- "$KEPT/$file"
		fi
	done
}

# recorded - is what was recorded as installed what would be installed now?
recorded() {
	local file=$KEPT/state.json
	[[ $(json_field state "$file") == installed && $(json_field version "$file") == "$VERSION" &&
		$(json_field build "$file") == "$BUILD" && $(json_field headers "$file") == "$HEADERS" &&
		$(json_field image "$file") == "$IMAGE" && $(json_field stock "$file") == "$STOCK_DIGEST" ]]
}
