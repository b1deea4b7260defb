# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Finding the source that a kernel was built from, and proving that it is.
# Needs common.sh. Functions set the globals that their comments name.

# What is taken out of a kernel source: KVM itself and every header of it that
# the headers package may carry as well. Shell patterns, relative to its top.
readonly SOURCE_PARTS=(
	arch/x86/kvm
	virt/kvm
	'include/linux/kvm*.h'
	'include/kvm/*.h'
	'include/trace/events/kvm*.h'
	'include/uapi/linux/kvm*.h'
	'arch/x86/include/asm/kvm*.h'
	'arch/x86/include/asm/vmx.h'
	'arch/x86/include/asm/svm.h'
	'arch/x86/include/uapi/asm/kvm*.h'
)
# Without these it is not the source of an x86 kernel with KVM.
readonly SOURCE_MUST_HAVE=(
	arch/x86/kvm/Makefile arch/x86/kvm/x86.c arch/x86/kvm/mmu/mmu.c
	virt/kvm/kvm_main.c include/linux/kvm_host.h
)

# find_headers RELEASE - sets HEADERS_BUILD (what make -C takes), HEADERS_TREE
# (where include/linux lies; Debian keeps it in a package of its own).
find_headers() {
	local release=$1 dir
	HEADERS_BUILD=$ROOT/lib/modules/$release/build
	[[ -e $HEADERS_BUILD/Makefile && -e $HEADERS_BUILD/include/generated/utsrelease.h ]] ||
		die "$EX_SKIP" "kernel $release: no headers at $HEADERS_BUILD; install the package linux-headers-$release"
	for dir in "$HEADERS_BUILD" "$HEADERS_BUILD/source" "$ROOT/lib/modules/$release/source"; do
		if [[ -e $dir/include/linux/kvm_host.h ]]; then
			HEADERS_TREE=$dir
			check_headers_release "$release"
			return
		fi
	done
	die "$EX_SKIP" "kernel $release: its headers lack include/linux/kvm_host.h; reinstall the package linux-headers-$release and what it depends on"
}

# check_headers_release RELEASE - the folder may be a link to another kernel's.
check_headers_release() {
	local said
	said=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$HEADERS_BUILD/include/generated/utsrelease.h")
	[[ $said == "$1" ]] ||
		die "$EX_SKIP" "kernel $1: the headers at $HEADERS_BUILD are those of '$said'; reinstall the package linux-headers-$1"
}

# package_version PACKAGE - its source version when its files are there, else
# nothing. A kernel's hooks run while its packages are being configured.
package_version() {
	local line
	line=$(dpkg-query --admindir="$ROOT/var/lib/dpkg" -W \
		-f='${db:Status-Status} ${source:Version}\n' "$1" 2>/dev/null) || return 0
	case ${line%% *} in
	installed | unpacked | half-configured | triggers-*) printf '%s\n' "${line#* }" ;;
	esac
}

# os_id - the distribution, as it names itself.
os_id() { sed -n 's/^ID="\{0,1\}\([a-z]*\).*/\1/p' "$ROOT/etc/os-release" "$ROOT/usr/lib/os-release" 2>/dev/null | sed -n 1p; }

# find_version RELEASE - sets HEADERS_VERSION, empty for headers of no package;
# SOURCE_PACKAGE, the name of the package with the source of that version; and
# SOURCE_TARBALL, its file. Ubuntu names it by three numbers and gives it a folder.
find_version() {
	local upstream=$1 numbers='[0-9]+\.[0-9]+'
	HEADERS_VERSION=
	if command -v dpkg-query >/dev/null; then
		HEADERS_VERSION=$(package_version "linux-headers-$1")
	fi
	[[ -z $HEADERS_VERSION || $HEADERS_VERSION =~ ^[A-Za-z0-9.+~:-]+$ ]] ||
		die "$EX_FAILED" "package linux-headers-$1 has the strange version '$HEADERS_VERSION'; see dpkg-query -W linux-headers-$1"
	[[ -z $HEADERS_VERSION ]] || upstream=${HEADERS_VERSION#*:}
	[[ $(os_id) != ubuntu ]] || numbers+='\.[0-9]+'
	SOURCE_PACKAGE=linux-source-$(sed -E "s/^($numbers).*/\\1/" <<<"$upstream")
	SOURCE_TARBALL=$SOURCE_PACKAGE.tar.xz
	[[ $(os_id) != ubuntu ]] || SOURCE_TARBALL=$SOURCE_PACKAGE/$SOURCE_PACKAGE.tar.bz2
}

# refuse_source_only RELEASE - kernels whose source no binary package carries.
refuse_source_only() {
	local from
	from=$(dpkg-query --admindir="$ROOT/var/lib/dpkg" -W -f='${source:Package}' "linux-headers-$1" 2>/dev/null) || from=
	[[ $(os_id) != ubuntu || -z $from || $from == linux ]] ||
		die "$EX_SKIP" "kernel $1: its source is in no binary package; run: apt-get source $from=$HEADERS_VERSION, and name the folder that it makes in KVM_FIXES_SOURCE"
}

# no_package RELEASE - headers that no package of ours to read has brought.
no_package() {
	local owner hint="name its tree in KVM_FIXES_SOURCE"
	if command -v rpm >/dev/null && owner=$(rpm ${ROOT:+--root "$ROOT"} -qf --qf '%{SOURCERPM}' "$HEADERS_BUILD/Makefile" 2>/dev/null) && [[ $owner == *.src.rpm ]]; then
		hint="unpack $owner (rpm -i, then rpmbuild -bp) and name the linux folder that it makes in KVM_FIXES_SOURCE"
	fi
	die "$EX_SKIP" "kernel $1: its headers come from no Debian package, so its source is not known; $hint"
}

# find_realtime - sets REALTIME to "-rt" for a kernel whose source is that of its
# package with one more patch, to nothing for others. Newer realtime kernels are
# built from the common source, which their headers show.
find_realtime() {
	REALTIME=
	if grep -q '^CONFIG_PREEMPT_RT=y' "$HEADERS_BUILD/include/config/auto.conf" &&
		[[ $(realpath -- "$HEADERS_TREE") == *-rt ]]; then
		REALTIME=-rt
	fi
}

# apply_realtime DIR - KVM's part of the patch that the source package has beside
# its tarball.
apply_realtime() {
	local dir=$1 file said
	file=$ROOT/usr/src/${SOURCE_PACKAGE/source/patch}-rt.patch.xz
	[[ -e $file ]] ||
		die "$EX_SKIP" "kernel $RELEASE: PREEMPT_RT, and $SOURCE_PACKAGE $HEADERS_VERSION comes without the patch that makes its source of it; name the patched source in KVM_FIXES_SOURCE"
	check_packaged "$SOURCE_PACKAGE" "$file"
	decompress "$file" | awk -f "$LIB/kvm-parts.awk" >"$WORK/realtime.patch" ||
		die "$EX_FAILED" "$file cannot be read$(cause); run: apt-get install --reinstall $SOURCE_PACKAGE"
	said=$(patch -d "$dir" -p1 -F0 --batch --forward --no-backup-if-mismatch <"$WORK/realtime.patch" 2>&1) ||
		die "$EX_FAILED" "$file does not fit the source beside it ($(paste -sd' ' <<<"$said")); run: apt-get install --reinstall $SOURCE_PACKAGE"
}

# copy_tree FROM TO - the parts of an expanded tree, without what a build left.
copy_tree() {
	local from=$1 to=$2 part parts=()
	(
		cd -- "$from" || exit
		shopt -s nullglob
		# shellcheck disable=SC2048 # they are patterns
		for part in ${SOURCE_PARTS[*]}; do
			[[ ! -e $part ]] || parts+=("$part")
		done
		tar -cf - --exclude='*.o' --exclude='*.ko' --exclude='.*.cmd' \
			--exclude='*.mod' --exclude='*.mod.c' -- "${parts[@]}"
	) | tar -xf - --no-same-owner --no-same-permissions -C "$to"
}

# extract_tarball FILE TO - the parts of a packaged tarball. Names that climb
# out of it make tar complain and fail.
extract_tarball() {
	local file=$1 to=$2 said status
	step "extracting ${file##*/} (about 10 s)"
	said=$(
		set +e
		{
			decompress "$file" | LC_ALL=C tar -xf - --wildcards --no-wildcards-match-slash \
				--no-same-owner --no-same-permissions --strip-components=1 \
				-C "$to" -- "${SOURCE_PARTS[@]/#/linux-*/}"
			printf '%s %s' "${PIPESTATUS[@]}"
		} 2>&1
	)
	status=${said##*$'\n'}
	[[ $status != '0 0' ]] || return 0
	# A pattern without a match makes tar fail too, and some rightly have none
	# on some series; check_tree knows what must be there.
	said=$(head -n -1 <<<"$said" | grep -v -e 'Exiting with failure status' -e 'Error is not recoverable') || said=
	if [[ $status == '0 2' && -n $said ]] && ! grep -qv ': Not found in archive$' <<<"$said"; then
		return 0
	fi
	# What is wrong with the file is said by xz: tar only sees where it ends.
	# The last line is the one that cause() tells.
	awk '/: Not found in archive$/ { next } /^tar: / { print; next } { last = last $0 "\n" } END { printf "%s", last }' <<<"$said" >&2
	return 1
}

# check_tree DIR ORIGIN - refuse what is not plain files of an x86 kernel source.
check_tree() {
	local dir=$1 origin=$2 odd file
	odd=$(find "$dir" -mindepth 1 ! -type f ! -type d -printf '%P\n' -quit)
	[[ -z $odd ]] ||
		die "$EX_FAILED" "$origin: $odd is neither a file nor a folder; a kernel source has no links there, get a clean copy"
	for file in "${SOURCE_MUST_HAVE[@]}"; do
		[[ -s $dir/$file ]] ||
			die "$EX_FAILED" "$origin: $file is missing or empty; this is not a whole kernel source, get a clean copy"
	done
}

# write_manifest DIR FILE - digests of all files below DIR, in a fixed order.
write_manifest() {
	(cd -- "$1" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum --) >"$2"
}

cache_file() {
	printf '%s/source/linux_%s%s.tar.gz\n' "${KVM_FIXES_CACHE:-$ROOT/var/cache/kvm-fixes}" "$HEADERS_VERSION" "$REALTIME"
}

# cache_unpack FILE TO - fails where FILE is damaged: it cannot even be read through, by
# programs that are there and were not killed. On a full disk it can.
cache_unpack() {
	local file=$1 to=$2 said code=0
	said=$(LC_ALL=C tar -xzf "$file" --no-same-owner --no-same-permissions -C "$to" manifest tree 2>&1) || code=$?
	[[ $code != 0 ]] || return 0
	code=0
	{ gzip -t -- "$file" && tar -tzf "$file" manifest tree; } >/dev/null 2>&1 || code=$?
	[[ $code != [12] ]] || return 1
	said=$(printf '%s\n' "$said" | grep -v -e 'Exiting with failure status' -e 'Error is not recoverable' | tail -n 1) || said=
	die "$EX_FAILED" "$file: cannot be unpacked (${said:-tar was killed}); free some space in ${WORK%/*}, see that tar and gzip work, and run this again"
}

# cache_load TO - 0 when the cache held this version whole; TO is empty if not. What is
# damaged stays until cache_store has the package's source to put in its place.
cache_load() {
	local to=$1 file dir=$WORK/cached
	file=$(cache_file)
	[[ -r $file ]] || return 1
	mkdir -- "$dir" || die "$EX_FAILED" "$dir: cannot be made$(cause); free some space there"
	if cache_unpack "$file" "$dir" && [[ -d $dir/tree ]]; then
		write_manifest "$dir/tree" "$WORK/manifest" ||
			die "$EX_FAILED" "$WORK: cannot be written$(cause); free some space there"
		if cmp -s "$dir/manifest" "$WORK/manifest"; then
			mv -T -- "$dir/tree" "$to" || die "$EX_FAILED" "$to: cannot be written$(cause); free some space there"
			check_tree "$to" "$file"
			return 0
		fi
	fi
	say "$file: damaged, not used; the source package is read instead"
	rm -rf -- "$dir"
	return 1
}

# cache_store FROM - best effort: a host that cannot keep it builds all the same.
cache_store() {
	local from=$1 file
	file=$(cache_file)
	if mkdir -p -- "${file%/*}" 2>/dev/null && [[ -w ${file%/*} ]] &&
		write_manifest "$from" "$WORK/manifest" &&
		tar -czf "$WORK/cache.tar.gz" --owner=0 --group=0 --mtime=@0 --sort=name \
			-C "$WORK" manifest --transform="s,^${from##*/},tree," "${from##*/}" &&
		publish_file "$WORK/cache.tar.gz" "$file"; then
		return 0
	fi
	say "$file: cannot be written$(cause), the source is not cached; later builds read the source package again"
}

# check_packaged PACKAGE FILE - is it byte for byte the one dpkg unpacked?
check_packaged() {
	local package=$1 file=$2 sums=$ROOT/var/lib/dpkg/info/$1.md5sums want have
	[[ -e $file ]] ||
		die "$EX_FAILED" "$file is missing although $package is installed; run: apt-get install --reinstall $package"
	want=$(awk -v name="${file#"$ROOT"/}" '$2 == name { print $1 }' "$sums" 2>/dev/null) || want=
	if [[ -n $want ]]; then
		have=$(md5sum <"$file")
		[[ ${have%% *} == "$want" ]] ||
			die "$EX_FAILED" "$file is not the file of $package $HEADERS_VERSION (truncated or changed); run: apt-get install --reinstall $package"
	fi
}

# take_package TO - the distribution's package of exactly the headers' version.
take_package() {
	local to=$1 have file
	have=$(package_version "$SOURCE_PACKAGE")
	[[ $have == "$HEADERS_VERSION" ]] ||
		die "$EX_SKIP" "kernel $RELEASE: its source is ${have:+not $SOURCE_PACKAGE $have but }$SOURCE_PACKAGE $HEADERS_VERSION, ${have:+and that }is not installed; run: apt-get install $SOURCE_PACKAGE=$HEADERS_VERSION"
	file=$ROOT/usr/src/$SOURCE_TARBALL
	check_packaged "$SOURCE_PACKAGE" "$file"
	extract_tarball "$file" "$to" ||
		die "$EX_FAILED" "$file cannot be extracted$(cause); run: apt-get install --reinstall $SOURCE_PACKAGE"
	[[ -z $REALTIME ]] || apply_realtime "$to"
	check_tree "$to" "$file"
}

# tree_version DIR - the kernel version that a tree's Makefile gives itself.
tree_version() {
	awk -F' *= *' '$1 ~ /^(VERSION|PATCHLEVEL|SUBLEVEL)$/ { v = v (v == "" ? "" : ".") $2 }
		$1 == "EXTRAVERSION" { print v $2; exit }' "$1/Makefile"
}

# take_tree FROM TO - an expanded tree: the operator's, or the kernel's own.
take_tree() {
	local from=$1 to=$2
	[[ -r $from/Makefile ]] ||
		die "$EX_FAILED" "$from is not a kernel source tree (no Makefile); name its top folder in KVM_FIXES_SOURCE"
	copy_tree "$from" "$to" ||
		die "$EX_FAILED" "$from cannot be copied$(cause); name a whole kernel source in KVM_FIXES_SOURCE"
	check_tree "$to" "$from"
}

# take_source TO - fills TO with the source of kernel RELEASE. Sets SOURCE_ORIGIN
# and SOURCE_VERSION, which end up in the modules.
take_source() {
	local to=$1
	if [[ -n ${KVM_FIXES_SOURCE:-} ]]; then
		take_tree "$KVM_FIXES_SOURCE" "$to"
		SOURCE_ORIGIN=tree SOURCE_VERSION=$(tree_version "$KVM_FIXES_SOURCE")
	elif [[ -e $HEADERS_TREE/virt/kvm/kvm_main.c ]]; then
		take_tree "$HEADERS_TREE" "$to"
		SOURCE_ORIGIN=tree SOURCE_VERSION=$(tree_version "$HEADERS_TREE")
	elif [[ -z $HEADERS_VERSION ]]; then
		no_package "$RELEASE"
	else
		refuse_source_only "$RELEASE"
		find_realtime
		SOURCE_ORIGIN=$SOURCE_PACKAGE$REALTIME SOURCE_VERSION=$HEADERS_VERSION
		cache_load "$to" || { take_package "$to" && cache_store "$to"; }
	fi
}

# prove_match DIR - every KVM file that the source shares with the headers must
# be the same, byte for byte. Sets SHARED_FILES, their number.
prove_match() {
	local dir=$1 file hint
	hint="run: apt-get install $SOURCE_PACKAGE${HEADERS_VERSION:+=$HEADERS_VERSION} linux-headers-$RELEASE${HEADERS_VERSION:+=$HEADERS_VERSION}"
	if [[ $SOURCE_ORIGIN == tree ]]; then
		hint="name the tree that this kernel was built from in KVM_FIXES_SOURCE"
	fi
	SHARED_FILES=0
	while IFS= read -r -d '' file; do
		[[ -e $HEADERS_TREE/$file ]] || continue
		cmp -s -- "$dir/$file" "$HEADERS_TREE/$file" ||
			die "$EX_SKIP" "kernel $RELEASE: $file differs between $SOURCE_ORIGIN $SOURCE_VERSION and the kernel's headers, so this is not its source; $hint"
		SHARED_FILES=$((SHARED_FILES + 1))
	done < <(cd -- "$dir" && find . -type f -printf '%P\0' | LC_ALL=C sort -z)
}
