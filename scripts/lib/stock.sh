# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The distribution's own three modules: a copy of them that survives whatever
# happens in /lib/modules, and their way back. Needs common.sh, moddir.sh, and
# from open_kernel and begin: RELEASE, INTREE, STOCK, DKMS_TREE, IMAGE.

# original_dir - where DKMS 3.2 moves the modules that it replaces.
original_dir() { printf '%s\n' "$DKMS_TREE/kvm-fixes/original_module/$RELEASE/$ARCH"; }

# stock_kept - is there a whole copy?
stock_kept() {
	local name
	[[ -e $STOCK/SHA256SUMS ]] &&
		(cd -- "$STOCK" && sha256sum --quiet --check --strict SHA256SUMS >/dev/null 2>&1) || return 1
	for name in "${MODULES[@]}"; do
		[[ -n $(find_module_file "$STOCK" "$name") ]] || return 1
	done
}

# put_back FILE - into the kernel's folder, whole or not at all.
put_back() {
	mkdir -p -- "$INTREE"
	publish_file "$1" "$INTREE/${1##*/}" ||
		die "$EX_FAILED" "$INTREE/${1##*/}: the kernel's own module cannot be put back there$(cause); make it writable, free some space or reinstall ${IMAGE_PACKAGE:-the image package}"
}

# find_intact - sets INTACT, by name: the files in the kernel's folder that are its own.
find_intact() {
	local name file
	declare -gA INTACT=()
	for name in "${MODULES[@]}"; do
		file=$(find_module_file "$INTREE" "$name")
		if [[ -n $file ]] && is_stock "$file"; then
			INTACT[$name]=$file
		fi
	done
}

# outdated - is our copy of another version of the image package than dpkg knows now?
outdated() {
	local image
	image=$(cat -- "$STOCK/image" 2>/dev/null) || image=
	[[ -n $image && -n $IMAGE && $image != "$IMAGE" ]]
}

# fits DIR - are the modules there of one set with those of INTACT? A mixed set loads.
fits() {
	local name file
	for name in "${!INTACT[@]}"; do
		file=$(find_module_file "$1" "$name")
		[[ -z $file ]] || cmp -s -- "$file" "${INTACT[$name]}" || return
	done
}

# find_lost NAME - sets LOST, what may take the place of a module that is not intact. What DKMS
# moved away is of no known version, unless it is what we have a copy of.
find_lost() {
	local where="neither in $INTREE nor kept in $STOCK" copy
	copy=$(find_module_file "$STOCK" "$1")
	LOST=$(find_module_file "$(original_dir)" "$1")
	if [[ -z $LOST ]] || ! fits "$(original_dir)" || ! is_stock "$LOST" || { outdated && cmp -s -- "$LOST" "$copy"; }; then
		LOST=
		if stock_kept; then
			where="not in $INTREE, and the copy in $STOCK is of another version of the modules"
			outdated || ! fits "$STOCK" || LOST=$copy
		fi
	fi
	[[ -n $LOST ]] ||
		die "$EX_FAILED" "kernel $RELEASE: its own $1 is $where; reinstall ${IMAGE_PACKAGE:-the image package}"
}

# restore_stock - the shipped modules lie where the kernel's package put them: they do
# already, or they come back from DKMS's folder or from our copy. INTACT has them all.
restore_stock() {
	local name wrong
	find_intact
	for name in "${MODULES[@]}"; do
		[[ -z ${INTACT[$name]:-} ]] || continue
		find_lost "$name"
		wrong=$(find_module_file "$INTREE" "$name")
		put_back "$LOST"
		INTACT[$name]=$INTREE/${LOST##*/}
		[[ ${wrong##*/} == "${LOST##*/}" ]] || rm -f -- "$wrong"
	done
	# DKMS would move what it has there over these, and not in one step.
	rm -rf -- "$(original_dir)"
}

# drop_old_copy - after restore_stock: a copy of another set is nobody's way back.
drop_old_copy() {
	[[ ! -d $STOCK ]] || { ! outdated && fits "$STOCK"; } || rm -rf -- "$STOCK"
}

# stock_digest - of the shipped modules as they lie in the kernel's folder.
stock_digest() {
	local sum
	sum=$(module_files "$INTREE" | xargs -r -d '\n' sha256sum | cut -d' ' -f1 | sha256sum)
	printf '%s\n' "${sum%% *}"
}

# keep_stock - the copy is there, whole, on the disk, and of the modules that the
# kernel has now. It is replaced by a newer one only, and never by ours.
keep_stock() {
	local name file new
	restore_stock
	if stock_kept && [[ $(cat "$STOCK/digest") == "$(stock_digest)" && $(cat "$STOCK/image") == "$IMAGE" ]]; then
		return
	fi
	new=${STOCK%/*}/.$RELEASE.new
	rm -rf -- "$new"
	mkdir -p -- "$new" || die "$EX_FAILED" "$new: cannot be made; free some space"
	for name in "${MODULES[@]}"; do
		file=$(find_module_file "$INTREE" "$name")
		cp --preserve=mode,timestamps -- "$file" "$new/" && is_stock "$new/${file##*/}" ||
			die "$EX_FAILED" "$file: cannot be copied to $STOCK; free some space"
	done
	stock_digest >"$new/digest"
	printf '%s\n' "$IMAGE" >"$new/image"
	(cd -- "$new" && sha256sum -- * >"$WORK/sums" && mv -- "$WORK/sums" SHA256SUMS) &&
		sync -- "$new"/* "$new" ||
		die "$EX_FAILED" "$new: cannot be written; free some space"
	# What it replaces was made of modules that the package replaced; for the
	# moment in between, the new ones lie in the kernel's folder.
	rm -rf -- "$STOCK"
	mv -T -- "$new" "$STOCK"
	sync -- "${STOCK%/*}"
}
