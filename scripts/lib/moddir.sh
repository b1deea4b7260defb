# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What lies in a kernel's folder below /lib/modules, and what modprobe would
# take of it. Needs common.sh, DKMS_TREE, and from open_kernel: RELEASE, MODDIR,
# DEST, INTREE, WORK.

readonly MODULES=(kvm kvm-intel kvm-amd)
# The exit code when a file cannot be judged, be it whole or not.
UNSURE=$EX_FAILED

# check_writable DIR - before a build, which takes long. Root is told of read-only
# file systems too.
check_writable() {
	[[ -w $1 ]] ||
		die "$EX_FAILED" "kernel $RELEASE: $1: cannot be written (Read-only file system, or not permitted); make it writable and run: $REBUILD $RELEASE"
}

# blame_file FILE CODE SAID - a tool that read FILE failed so. That is no fault of the file if
# the tool is not there, was killed or had no memory, and ends the script.
blame_file() {
	local said
	said=$(last_line "$3")
	[[ $2 -lt 126 && ${said,,} != *memory* ]] ||
		die "$UNSURE" "kernel $RELEASE: $1: cannot be read (${said:-exit status $2}); see that xz, zstd and kmod are installed and memory is not short, and run this again"
}

# unpack FILE TO - what is packed in FILE. Fails where that is damaged.
unpack() {
	local why said code=0
	why=$({ decompress "$1" >"$2"; } 2>&1) || code=$?
	[[ $code != 0 ]] || return 0
	# What is to be said of it needs room too.
	rm -f -- "$2"
	code=0
	said=$(decompress "$1" 2>&1 >/dev/null) || code=$?
	[[ $code != 0 ]] ||
		die "$UNSURE" "kernel $RELEASE: no space in ${2%/*} to unpack $1 and look at it ($(last_line "$why")); free some space there and run this again"
	blame_file "$1" "$code" "$said"
	return 1
}

# read_module FILE - sets PLAIN, the file itself or what is packed in it, and MODINFO, what
# modinfo tells of it. Fails where it is damaged, and ends the script where that cannot be told.
read_module() {
	local code=0
	PLAIN=$1 MODINFO=
	if [[ $1 != *.ko ]]; then
		PLAIN=$WORK/plain.ko
		unpack "$1" "$PLAIN" || return
	fi
	MODINFO=$(modinfo "$PLAIN" 2>&1) || code=$?
	[[ $code != 0 ]] || return 0
	blame_file "$1" "$code" "$MODINFO"
	MODINFO=
	return 1
}

# module_field NAME - first value of that name in what read_module read, or nothing.
module_field() { printf '%s\n' "$MODINFO" | sed -n "s/^$1: *//p" | sed -n 1p; }

# is_stock FILE - the distribution's own, for this kernel?
is_stock() {
	read_module "$1" && [[ -z $(module_field kvm_fixes_build) && $(module_field vermagic) == "$RELEASE "* ]]
}

# module_files DIR - all files there that have the name of one of our modules.
module_files() {
	local name file
	for name in "${MODULES[@]}"; do
		for file in "$1/$name".ko{,.xz,.zst,.gz}; do
			if [[ -e $file || -L $file ]]; then
				printf '%s\n' "$file"
			fi
		done
	done
}

# is_foreign FILE - another package may replace KVM too. What cannot be read as a
# module is no package's, but the rest of a copy that was cut short.
is_foreign() {
	read_module "$1" && [[ -n $(module_field vermagic) && -z $(module_field kvm_fixes_build) ]]
}

# owner FILE - who put it there, in words.
owner() {
	local path=${1#"$ROOT"} package link
	path=${path#/usr}
	package=$(dpkg-query --admindir="$ROOT/var/lib/dpkg" -S {,/usr}"$path" 2>/dev/null | grep -v -m 1 '^diversion ') || true
	if [[ -n $package ]]; then
		printf 'of the package %s' "${package%%:*}"
		return
	fi
	for link in "$DKMS_TREE"/*/kernel-"$RELEASE-$ARCH"; do
		if [[ $path == */updates/dkms/* && -e $link/module/${path##*/} ]]; then
			package=${link#"$DKMS_TREE"/}
			printf 'of the DKMS module %s' "${package%%/*}"
			return
		fi
	done
	printf 'of no package'
}

# refuse_rivals - whoever replaces KVM too, by files that could be loaded in place of ours
# and of the kernel's own, is left alone. Among folders of one rank, depmod takes the file
# that it happens to see last.
refuse_rivals() {
	local file found
	found=$(find "$MODDIR/" -path "$INTREE" -prune -o -regextype posix-extended \
		-regex '.*/kvm([-_](intel|amd))?\.ko(\.(xz|zst|gz))?' -print | sort)
	while IFS= read -r file; do
		if [[ -n $file ]] && { [[ ${file%/*} != "$DEST" || $file == */kvm_* ]] || is_foreign "$file"; }; then
			die "$EX_FAILED" "kernel $RELEASE: $file is not of kvm-fixes but $(owner "$file"), so something else replaces KVM there; remove that first and run: $REBUILD $RELEASE"
		fi
	done <<<"$found"
}

# find_ours - sets OURS, the files of ours in updates/dkms. In the shell itself: what ends it
# must not leave half of the list.
find_ours() {
	local file files
	OURS=()
	mapfile -t files < <(module_files "$DEST")
	for file in "${files[@]}"; do
		is_foreign "$file" || OURS+=("$file")
	done
}

# resolved NAME - the file that modprobe would load for NAME, or nothing.
resolved() { modinfo -b "${ROOT:-/}" -k "$RELEASE" -n "$1" 2>/dev/null || true; }

# resolves_to_ours - does modules.dep name a file of ours, be it there or not?
resolves_to_ours() {
	local name file
	for name in "${MODULES[@]}"; do
		file=$(resolved "$name")
		if [[ $file == */updates/dkms/"$name".ko* ]] && ! is_foreign "$file"; then
			return 0
		fi
	done
	return 1
}

depmod_folders() {
	local dir
	for dir in etc run usr/local/lib usr/lib lib; do
		if [[ -d $ROOT/$dir/depmod.d ]]; then
			printf '%s\n' "$ROOT/$dir/depmod.d"
		fi
	done
}

# link_all FROM TO - the entries of FROM as links in TO, which is made.
link_all() {
	local entry
	mkdir -p -- "$2"
	for entry in "$1"/*; do
		ln -s -- "$entry" "$2/"
	done
}

# make_view DIR all|stock - the kernel's modules as depmod shall see them: what
# it reads, as links; with "stock", without ours.
make_view() {
	local view=$1 file
	link_all "$MODDIR" "$view"
	for file in "$view"/modules.* "$view/build" "$view/source"; do
		case ${file##*/} in
		modules.order | modules.builtin | modules.builtin.modinfo) ;;
		*) rm -f -- "$file" ;;
		esac
	done
	if [[ $2 == stock && -d $DEST ]]; then
		rm -- "$view/updates"
		link_all "$MODDIR/updates" "$view/updates"
		rm -- "$view/updates/dkms"
		link_all "$DEST" "$view/updates/dkms"
		find_ours
		for file in "${OURS[@]}"; do
			rm -- "$view/updates/dkms/${file##*/}"
		done
	fi
}

# run_depmod all|stock - in a view of the folder, because depmod itself replaces
# its files one by one, without fsync, and on a full disk good ones by cut ones.
# "stock" makes the shipped modules win while ours still lie there.
run_depmod() {
	local base=$WORK/depmod dir file options=()
	rm -rf -- "$base"
	mkdir -- "$base" && ln -s . "$base/usr"
	dir=$base/lib/modules/$RELEASE
	make_view "$dir" "$1"
	if [[ -e $ROOT/boot/System.map-$RELEASE ]]; then
		options+=(-F "$ROOT/boot/System.map-$RELEASE")
	fi
	if [[ -n $ROOT ]]; then
		mapfile -t -O "${#options[@]}" options < <(depmod_folders | sed 's/^/--config=/')
		[[ ${options[*]} == *--config=* ]] || options+=(--config=/dev/null)
	fi
	depmod -a -b "$base" "${options[@]}" "$RELEASE" 2>"$WORK/depmod-errors" ||
		die "$EX_FAILED" "kernel $RELEASE: depmod failed: $(tail -n 1 "$WORK/depmod-errors")"
	publish_indexes "$dir"
}

# publish_indexes VIEW - first all of them onto the disk, then each into place.
publish_indexes() {
	local file made=()
	for file in "$1"/modules.*; do
		[[ -L $file ]] || made+=("${file##*/}")
	done
	for file in "${made[@]}"; do
		cp -- "$1/$file" "$MODDIR/.kvm-fixes.$file" && sync -- "$MODDIR/.kvm-fixes.$file" || {
			rm -f -- "$MODDIR"/.kvm-fixes.modules.*
			die "$EX_FAILED" "$MODDIR: cannot be written$(cause); make it writable, or free some space there"
		}
	done
	for file in "${made[@]}"; do
		mv -T -- "$MODDIR/.kvm-fixes.$file" "$MODDIR/$file"
	done
	sync -- "$MODDIR"
}
