# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All calls of DKMS. It is told what to do and believed nothing: neither its exit
# status nor its own idea of what is installed. Needs common.sh, moddir.sh,
# stock.sh, and from open_kernel: RELEASE, MODDIR, DEST, KEPT.

# What DKMS needs of this project, and so what a package puts below /usr/src.
readonly SOURCE_FILES=(
	COPYING Kbuild VERSION dkms.conf include patches src/kernel scripts/lib
	scripts/prepare-source scripts/build-modules scripts/abi-gate scripts/dkms-kernel
)
# In it, so that it can be told from a folder of somebody else's: which version it is of.
# scripts/install.mk knows the name too.
readonly PLACED=PLACED-BY-KVM-FIXES

# framework NAME DEFAULT - a setting of the host's DKMS, read as DKMS reads it.
framework() {
	(
		set +eu
		declare -- "$1=$2"
		for file in /etc/dkms/framework.conf /etc/dkms/framework.conf.d/*.conf; do
			# shellcheck disable=SC1090
			[[ -r $file ]] && . "$file" >/dev/null 2>&1
		done
		printf '%s\n' "${!1}"
	)
}

# find_dkms - sets DKMS_TREE and SOURCE_TREE.
find_dkms() {
	if [[ -n $ROOT ]]; then
		DKMS_TREE=$ROOT/var/lib/dkms SOURCE_TREE=$ROOT/usr/src
	else
		DKMS_TREE=$(framework dkms_tree /var/lib/dkms)
		SOURCE_TREE=$(framework source_tree /usr/src)
	fi
}

# placed DIR [VERSION] - did place_source make it, here or for a package?
placed() {
	[[ -d $1 && ! -L $1 && $(head -n 1 -- "$1/$PLACED" 2>/dev/null) == "kvm-fixes "${2:-*} ]]
}

# refuse_other DIR - what is there is not ours to replace: a checkout, above all this one.
refuse_other() {
	[[ ! $TOP -ef $1 ]] ||
		die "$EX_FAILED" "$1: is where this runs from, and where DKMS's copy of it is to be; move it elsewhere and run this again from there"
	[[ (! -e $1 && ! -L $1) || (-d $1 && -z $(ls -A -- "$1")) ]] || placed "$1" ||
		die "$EX_FAILED" "$1: was not placed there by kvm-fixes (it has no $PLACED), so it is not replaced; move it elsewhere and run this again"
}

# place_source DIR - this project's part in DKMS, in one step where DIR is new.
place_source() {
	local dir=$1 new=${1%/*}/.${1##*/}.new old=${1%/*}/.${1##*/}.old
	refuse_other "$dir"
	rm -rf -- "$new" "$old"
	mkdir -p -- "$new" &&
		(cd -- "$TOP" && cp -r --parents -t "$new" -- "${SOURCE_FILES[@]}") &&
		printf 'kvm-fixes %s\nWhat DKMS builds it from. Keep nothing here: the folder goes with its version.\n' \
			"$VERSION" >"$new/$PLACED" &&
		chmod -R u=rwX,go=rX -- "$new" ||
		die "$EX_FAILED" "$new: cannot be written; check the space and the rights there"
	[[ ! -e $dir ]] || mv -T -- "$dir" "$old"
	mv -T -- "$new" "$dir"
	rm -rf -- "$old"
}

# need_source - DKMS builds from what is installed; a private root gets it now.
need_source() {
	local dir=$SOURCE_TREE/kvm-fixes-$VERSION
	[[ ! $TOP -ef $dir ]] || return 0
	if [[ -n $ROOT ]]; then
		mkdir -p -- "$SOURCE_TREE" "$DKMS_TREE"
		place_source "$dir"
	else
		die "$EX_FAILED" "$TOP is not what DKMS would build from ($dir); reinstall the package kvm-fixes-dkms, or run make install"
	fi
}

# dkms_call ACTION [OPTION]... - for version DKMS_VERSION and this kernel, never
# with a depmod. The environment is ours: DKMS takes several of its inner
# variables from there. In a private root it needs to be told every place, of
# its signing key in the environment; 3.0 looks for headers below / otherwise.
dkms_call() {
	local options=() keep=() name
	for name in KVM_FIXES_ROOT KVM_FIXES_CACHE KVM_FIXES_OFF KVM_FIXES_SOURCE KVM_FIXES_COMMAND KVM_FIXES_AUDIT TMPDIR; do
		[[ -z ${!name:-} ]] || keep+=("$name=${!name}")
	done
	if [[ -n $ROOT ]]; then
		options+=(--dkmstree "$DKMS_TREE" --sourcetree "$SOURCE_TREE" --installtree "$ROOT/lib/modules")
		options+=(--kernelsourcedir "$MODDIR/build")
		# 2.x runs make mrproper in headers that it is shown in this way.
		[[ $(dkms --version) != dkms[-:]*2.* ]] || options+=(--no-prepare-kernel --no-clean-kernel)
		keep+=("mok_signing_key=$DKMS_TREE/mok.key" "mok_certificate=$DKMS_TREE/mok.pub")
	fi
	env -i PATH="$PATH" HOME=/root LC_ALL=C KVM_FIXES_LOCKED=1 "${keep[@]}" \
		dkms "$1" -m kvm-fixes -v "$DKMS_VERSION" -k "$RELEASE" -a "$ARCH" --no-depmod "${@:2}" "${options[@]}" \
		>>"$KEPT/dkms.log" 2>&1 </dev/null
}

# dkms_said - the last line of ours in what DKMS wrote down, or its own last one.
dkms_said() {
	local log=$DKMS_TREE/kvm-fixes/$VERSION/build/make.log said
	said=$(cat -- "$KEPT/dkms.log" "$log" 2>/dev/null | tr -d '\0' |
		grep -E '^(prepare-source|build-modules|abi-gate|dkms-kernel|Error!|.*No space left)' | tail -n 1) || said=
	printf '%s' "${said:-see $KEPT/dkms.log}"
}

# dkms_build - the modules of this version for this kernel, from scratch: what
# DKMS has from before may have been built from something else, and --force means
# something else in each of its versions.
dkms_build() {
	local DKMS_VERSION=$VERSION
	: >"$KEPT/dkms.log"
	if [[ ! -e $DKMS_TREE/kvm-fixes/$VERSION/source/dkms.conf ]]; then
		rm -rf -- "$DKMS_TREE/kvm-fixes/$VERSION"
		dkms_call add ||
			die "$EX_FAILED" "kernel $RELEASE: dkms add failed: $(dkms_said)"
	fi
	rm -rf -- "$DKMS_TREE/kvm-fixes/$VERSION/$RELEASE"
	dkms_call build ||
		die "$EX_FAILED" "kernel $RELEASE: dkms build failed: $(dkms_said); whole log: $KEPT/dkms.log"
	[[ -e $(built_report) ]] ||
		die "$EX_FAILED" "kernel $RELEASE: dkms build said it was done and built nothing; see $KEPT/dkms.log"
}

# built_report - report.json of what DKMS has built for this kernel.
built_report() { printf '%s\n' "$DKMS_TREE/kvm-fixes/$VERSION/$RELEASE/$ARCH/log/report.json"; }

# active_link - by it DKMS knows what is installed for a kernel, and while it is
# there, 3.2 does not move the kernel's own modules away.
active_link() { printf '%s\n' "$DKMS_TREE/kvm-fixes/kernel-$RELEASE-$ARCH"; }

# hold_originals - DKMS makes that link itself, but only after it has moved the
# modules. This one leads nowhere, so should DKMS stop in between, it does not
# take itself for having installed anything.
hold_originals() {
	local link
	link=$(active_link)
	[[ -L $link ]] || ln -s not-installed "$link"
}

dkms_install() {
	local DKMS_VERSION=$VERSION
	dkms_call install ||
		die "$EX_FAILED" "kernel $RELEASE: dkms install failed: $(dkms_said); whole log: $KEPT/dkms.log"
}

# dkms_versions - of ours that DKMS knows.
dkms_versions() {
	local dir
	for dir in "$DKMS_TREE"/kvm-fixes/*/source; do
		dir=${dir%/source}
		printf '%s\n' "${dir##*/}"
	done
}

# dkms_forget [VERSION] - DKMS has nothing of ours for this kernel any more, or
# nothing but VERSION.
dkms_forget() {
	local DKMS_VERSION
	while IFS= read -r DKMS_VERSION; do
		[[ $DKMS_VERSION != "${1:-}" && -d $DKMS_TREE/kvm-fixes/$DKMS_VERSION/$RELEASE ]] || continue
		dkms_call remove || say "dkms remove kvm-fixes/$DKMS_VERSION failed for kernel $RELEASE: $(dkms_said); removed without it"
		rm -rf -- "$DKMS_TREE/kvm-fixes/$DKMS_VERSION/$RELEASE"
	done < <(dkms_versions)
	[[ -n ${1:-} ]] || rm -f -- "$(active_link)"
}

# placed_versions - of which place_source made a folder for DKMS.
placed_versions() {
	local dir version
	for dir in "$SOURCE_TREE"/kvm-fixes-[0-9]*; do
		version=${dir##*/kvm-fixes-}
		if [[ $version =~ ^[0-9A-Za-z.+~]+$ && ! $TOP -ef $dir ]] && placed "$dir" "$version"; then
			printf '%s\n' "$version"
		fi
	done
}

# drop_old_sources - versions of ours that no kernel is built from any more.
drop_old_sources() {
	local version built
	take_lock
	while IFS= read -r version; do
		[[ $version != "$VERSION" ]] || continue
		built=$(find "$DKMS_TREE/kvm-fixes/$version" -mindepth 3 -maxdepth 3 -name log -print -quit 2>/dev/null) || true
		[[ -n $built ]] || rm -rf -- "$DKMS_TREE/kvm-fixes/$version" "$SOURCE_TREE/kvm-fixes-$version" || return
	done < <(placed_versions)
}

# remove_sources - all that place_source made for DKMS; what only has such a name stays.
remove_sources() {
	local version dir
	need_root
	take_lock
	while IFS= read -r version; do
		rm -rf -- "$SOURCE_TREE/kvm-fixes-$version"
	done < <(placed_versions)
	for dir in "$SOURCE_TREE"/kvm-fixes-*; do
		[[ $TOP -ef $dir ]] || say "$dir: was not placed there by kvm-fixes, so it stays; remove it if nobody needs it"
	done
}
