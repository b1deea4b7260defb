# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Is what was installed whole, ours, and what modprobe would take? Every check
# ends the script in one line. Needs common.sh, state.sh, moddir.sh.

# check_installed REPORT - three whole files in updates/dkms, of one build, and
# that the one of the report; then they are put onto the disk.
check_installed() {
	local report=$1 name file version build
	version=$(json_field version "$report") build=$(json_field build "$report")
	for name in "${MODULES[@]}"; do
		file=$(module_files "$DEST" | grep -E "/$name\.ko[^/]*$") || file=
		[[ -n $file ]] ||
			die "$EX_FAILED" "kernel $RELEASE: there is no $name.ko in $DEST; DKMS said it was done, see $KEPT/dkms.log"
		[[ $file != *$'\n'* ]] ||
			die "$EX_FAILED" "kernel $RELEASE: there is more than one $name.ko in $DEST; remove them all and run this again"
		check_bytes "$file" "$name" "$report"
		[[ $(module_field version) == "$version" && $(module_field kvm_fixes_build) == "$build" &&
			$(module_field vermagic) == "$RELEASE "* ]] ||
			die "$EX_FAILED" "kernel $RELEASE: $file is not of version $version, build $build"
		sync -- "$file"
	done
	sync -- "$DEST" "${DEST%/*}" "$MODDIR"
}

# check_bytes FILE NAME REPORT - the bytes that were built, and after them at
# most the signature that DKMS appends.
check_bytes() {
	local line bytes sum rest
	line=$(grep -o "{\"name\":\"$2\",\"build_id\":\"[0-9a-f]*\",\"sha256\":\"[0-9a-f]*\",\"bytes\":[0-9]*}" "$3") ||
		die "$EX_FAILED" "$3: says nothing about $2"
	sum=${line#*\"sha256\":\"} bytes=${line##*:}
	sum=${sum%%\"*} bytes=${bytes%\}}
	read_module "$1" && [[ $(stat -c %s "$PLAIN") -ge $bytes ]] &&
		[[ $(head -c "$bytes" "$PLAIN" | sha256sum) == "$sum "* ]] ||
		die "$EX_FAILED" "kernel $RELEASE: $1 is cut short or is not the module that was built"
	rest=$(tail -c +"$((bytes + 1))" "$PLAIN" | tail -c 28 | tr -d '\0')
	[[ -z $rest || $rest == '~Module signature appended~' ]] ||
		die "$EX_FAILED" "kernel $RELEASE: $1 has something behind the module that is no signature"
}

# show_depends NAME - the files that modprobe would insert for NAME. The host's
# modprobe.d is left out: what it adds does not depend on us.
show_depends() {
	modprobe -d "${ROOT:-/}" -C /dev/null -S "$RELEASE" --show-depends "$1" 2>/dev/null |
		awk '$1 == "insmod" { print $2 }'
}

# choice_file - while it is there, boots load the kernel's own modules though ours
# are installed: lines for depmod, by `kvm-fixes swap --to stock` or a rollback.
choice_file() { printf '%s\n' "$ROOT/etc/depmod.d/kvm-fixes-stock.conf"; }

# chosen_dir - where what modprobe is to load lies.
chosen_dir() {
	if [[ -e $(choice_file) ]]; then
		printf '%s\n' "$INTREE"
	else
		printf '%s\n' "$DEST"
	fi
}

# explain NAME FILE - why modprobe would load FILE for NAME.
explain() {
	local folders=() line=
	mapfile -t folders < <(depmod_folders)
	if [[ ${#folders[@]} -gt 0 ]]; then
		line=$(grep -rHE --include='*.conf' --exclude=kvm-fixes-stock.conf "^[[:space:]]*(override[[:space:]]+(${1//[-_]/[-_]}|\*)|search)[[:space:]]" "${folders[@]}" | sed -n 1p) || line=
	fi
	if [[ -n $line ]]; then
		printf "because of '%s' in %s; change that line and run: %s %s" \
			"${line#*:}" "${line%%:*}" "$REBUILD" "$RELEASE"
	elif [[ -e $(choice_file) ]]; then
		printf 'although %s asks for it; run: kvm-fixes swap --to stock' "$(choice_file)"
	else
		printf 'which depmod prefers; remove that file and run: %s %s' "$REBUILD" "$RELEASE"
	fi
}

# check_resolved - modules.dep must name the chosen files and no other.
check_resolved() {
	local name file path dir
	dir=$(chosen_dir)
	for name in "${MODULES[@]}"; do
		path=$(resolved "$name")
		file=$(find_module_file "$dir" "$name")
		[[ $path -ef $file ]] ||
			die "$EX_FAILED" "kernel $RELEASE: for $name modprobe would load ${path:-nothing} and not $file, $(explain "$name" "$path")"
	done
	for name in kvm-intel kvm-amd; do
		path=$(show_depends "$name")
		file=$(find_module_file "$dir" "$name")
		[[ $(tail -n 1 <<<"$path") -ef $file && $path == *"/${dir#"$MODDIR"/}/kvm.ko"* ]] ||
			die "$EX_FAILED" "kernel $RELEASE: modprobe --show-depends $name gives $(paste -sd' ' <<<"${path:-nothing}") and not the modules in $dir; see modules.dep there"
	done
}
