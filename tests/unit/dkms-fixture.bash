# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# On top of fixture.bash: a kernel with three tiny modules, and a DKMS that does
# what the real one does with them, or what a test wants it to do wrong. depmod,
# modprobe and modinfo are the real ones.

# dkms_setup - call from setup(), after wrap_setup.
dkms_setup() {
	BIN=$BATS_TEST_TMPDIR/bin
	MODDIR=$HOST/lib/modules/$REL
	INTREE=$MODDIR/kernel/arch/x86/kvm
	DEST=$MODDIR/updates/dkms
	KEPT=$HOST/var/lib/kvm-fixes
	TREE=$HOST/var/lib/dkms/kvm-fixes
	KO=.ko
	VERSION=$(cat "$REPO/VERSION")
	DKMS=$PROJECT/scripts/dkms-kernel
	mkdir -p "$BIN" "$INTREE"
	cp "$REPO"/{dkms.conf,COPYING} "$PROJECT/"
	printf 'CONFIG_KVM=m\nCONFIG_KVM_INTEL=m\nCONFIG_KVM_AMD=m\n' >>"$MODDIR/build/include/config/auto.conf"
	make_objects
	make_stock one
	: >"$MODDIR/modules.builtin"
	: >"$MODDIR/modules.builtin.modinfo"
	printf 'kernel/arch/x86/kvm/%s\n' kvm.ko kvm-intel.ko kvm-amd.ko >"$MODDIR/modules.order"
	depmod -b "$HOST" "$REL"
	install -m 755 "$BATS_TEST_DIRNAME/fake-dkms" "$BIN/dkms"
	: >"$BIN/mode"
	PATH=$BIN:$PATH
}

# make_objects - kvm exports a symbol that the other two use.
make_objects() {
	printf '.section __ksymtab_strings,"a"\n.asciz "kvm_x"\n' | as -o "$BIN/kvm.o" -
	printf '.text\n.quad kvm_x\n' | as -o "$BIN/kvm-intel.o" -
	cp "$BIN/kvm-intel.o" "$BIN/kvm-amd.o"
}

# make_module FILE FIELD=VALUE... - FILE is named as the module.
make_module() {
	local file=$1 name
	shift
	name=${file##*/}
	printf '%s\0' "vermagic=$REL SMP" "$@" >"$BIN/modinfo"
	objcopy --add-section .modinfo="$BIN/modinfo" "$BIN/${name%.ko}.o" "$file"
}

# make_stock TEXT - the distribution's modules; another text, other modules.
make_stock() {
	local name
	for name in kvm kvm-intel kvm-amd; do
		make_module "$INTREE/$name.ko" license=GPL "note=$1"
	done
}

# compress_stock xz|zst - as the kernel's own modules are from here on; so will ours be.
compress_stock() {
	case $1 in
	xz) xz "$INTREE"/*.ko ;;
	zst) zstd -q --rm "$INTREE"/*.ko ;;
	esac
	KO=.ko.$1
	depmod -b "$HOST" "$REL"
}

dkms_mode() { printf '%s\n' "$@" >"$BIN/mode"; }

dkms_calls() { cut -d' ' -f1 "$BIN/calls" 2>/dev/null | paste -sd' '; }

install_it() {
	run "$DKMS" install "$REL"
	printf 'status %s, output: %s\n' "$status" "$output"
}

state() { jq -r ".$1" "$KEPT/kernels/$REL/state.json"; }

resolved() { modinfo -b "$HOST" -k "$REL" -n "$1"; }

# all_in DIR - modprobe and modinfo take all three from there, and they are whole.
all_in() {
	local name
	for name in kvm kvm-intel kvm-amd; do
		[[ $(resolved "$name") == "$1/$name$KO" ]] && [[ $(modinfo -F vermagic "$1/$name$KO") == "$REL SMP" ]] || return
	done
	[[ $(modprobe -d "$HOST" -S "$REL" -D kvm_intel | awk '{ print $2 }' | paste -sd' ') == "$1/kvm$KO $1/kvm-intel$KO" ]]
}

# only_stock - as if nothing had happened, but for what is kept below /var.
only_stock() {
	all_in "$INTREE"
	[[ ! -e $MODDIR/updates && -z $(find "$MODDIR" "$INTREE" -name '.*' -print) ]]
	[[ -z $(find "$TREE" -name '*.ko*' 2>/dev/null) && ! -L $TREE/kernel-$REL-$(uname -m) ]]
}

# ours_installed - and the distribution's own are in place and kept.
ours_installed() {
	local name
	all_in "$DEST"
	for name in kvm kvm-intel kvm-amd; do
		cmp "$INTREE/$name$KO" "$KEPT/stock/$REL/$name$KO"
		[[ -z $(modinfo -F kvm_fixes_build "$INTREE/$name$KO") ]]
	done
	[[ $(state state) == installed && $(state build) == "$(modinfo -F kvm_fixes_build "$DEST/kvm$KO")" ]]
}

# ended CODE TEXT - the last run, in one line that has TEXT.
ended() {
	printf 'status %s, output: %s\n' "$status" "$output"
	[[ $status == "$1" && ${#lines[@]} == 1 && $output == *"$2"* ]]
}

# failed_with TEXT - one line, a record that says the same, and stock modules.
failed_with() {
	ended 1 "$1"
	[[ $(state state) == failed && $(state reason) == *"$1"* ]]
	only_stock
}

# watch_modules - after every command that changes a file, there must be three
# whole modules to load, all stock or all of one build.
watch_modules() {
	local name real
	mkdir "$BIN/watch"
	for name in cp mv rm ln rmdir depmod dkms sync objcopy truncate; do
		real=$(command -v "$name")
		printf '#!/bin/bash\n. "%s"\n"%s" "$@"\ncode=$?\ncheck "$0 $*"\nexit $code\n' \
			"$BIN/watch/check" "$real" >"$BIN/watch/$name"
		chmod 755 "$BIN/watch/$name"
	done
	cat >"$BIN/watch/check" <<-EOF
		check() {
			local name said builds=()
			for name in kvm kvm-intel kvm-amd; do
				said=\$(modinfo -b "$HOST" -k "$REL" "\$name" 2>&1)
				[[ \$said =~ vermagic:\ +"$REL SMP" ]] || echo "\$1: \$name: \$said" >>"$BIN/watch/bad"
				[[ \$said =~ kvm_fixes_build:\ *([^[:space:]]*) ]]
				builds+=("x\${BASH_REMATCH[1]:-}")
			done
			[[ \${builds[0]} == "\${builds[1]}" && \${builds[0]} == "\${builds[2]}" ]] || echo "\$1: mixed \${builds[*]}" >>"$BIN/watch/bad"
			echo . >>"$BIN/watch/checks"
		}
	EOF
	PATH=$BIN/watch:$PATH
}

watched() {
	cat "$BIN/watch/bad" 2>/dev/null || true
	[[ ! -e $BIN/watch/bad && $(wc -l <"$BIN/watch/checks") -gt 20 ]]
	PATH=${PATH#*:}
}
