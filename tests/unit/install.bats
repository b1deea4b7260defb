#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What make install places with DESTDIR, and whether those who read it can: systemd,
# man, bash and zsh. On a real host it runs in tests/chroot.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	PLACE=$BATS_FILE_TMPDIR/place
	export REPO BUILD PLACE
	mkdir -p "$BATS_FILE_TMPDIR/bin"
	# None of them is to be run.
	for name in dkms systemctl depmod apt-get; do
		printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n' "$name" "$BATS_FILE_TMPDIR" >"$BATS_FILE_TMPDIR/bin/$name"
		chmod 755 "$BATS_FILE_TMPDIR/bin/$name"
	done
	PATH=$BATS_FILE_TMPDIR/bin:$PATH make -s -C "$REPO" BUILD="$BUILD" install DESTDIR="$PLACE" >&2
}

setup() { VERSION=$(cat "$REPO/VERSION"); }

@test "everything is in its place, and nothing was run" {
	local file
	[[ ! -e $BATS_FILE_TMPDIR/calls ]]
	for file in usr/sbin/kvm-fixes usr/lib/kvm-fixes/kvm-guest-check usr/lib/kvm-fixes/dkms-kernel \
		etc/kernel/{postinst,header_postinst,prerm}.d/dkms-kvm-fixes; do
		[[ -L $PLACE/$file || $(stat -c %a "$PLACE/$file") == 755 ]] || { echo "$file"; return 1; }
	done
	for file in usr/share/man/man{8/kvm-fixes.8,5/kvm-fixes.conf.5} usr/share/bash-completion/completions/kvm-fixes \
		usr/share/zsh/vendor-completions/_kvm-fixes lib/systemd/system/kvm-fixes-{early,recover}.service; do
		[[ $(stat -c %a "$PLACE/$file") == 644 ]] || { echo "$file"; return 1; }
	done
	[[ $(readlink "$PLACE/usr/lib/kvm-fixes/dkms-kernel") == "/usr/src/kvm-fixes-$VERSION/scripts/dkms-kernel" ]]
	[[ -x $PLACE/usr/src/kvm-fixes-$VERSION/scripts/dkms-kernel ]]
	run ! grep -rqE '@(LIB|SBIN)DIR@' "$PLACE"
	[[ -z $(find "$PLACE" -name '*.new*') && ! -e $PLACE/etc/systemd ]]
}

@test "what list reads is among what DKMS builds from" {
	diff -r "$REPO/patches" "$PLACE/usr/src/kvm-fixes-$VERSION/patches"
	[[ -n $(find "$PLACE/usr/src/kvm-fixes-$VERSION/patches" -name fix.conf) ]]
}

@test "the command that was placed runs and knows its version" {
	run -0 "$PLACE/usr/sbin/kvm-fixes" version
	[[ $output == "kvm-fixes $VERSION" ]]
}

@test "placed again, then taken away: nothing is left" {
	cp -a "$PLACE" "$BATS_TEST_TMPDIR/again"
	run -0 make -s -C "$REPO" BUILD="$BUILD" install DESTDIR="$BATS_TEST_TMPDIR/again"
	diff -r --no-dereference "$PLACE" "$BATS_TEST_TMPDIR/again"
	run -0 make -s -C "$REPO" BUILD="$BUILD" uninstall DESTDIR="$BATS_TEST_TMPDIR/again"
	[[ -z $(find "$BATS_TEST_TMPDIR/again" -type f -o -type l) ]]
}

# in_own_places COMMAND... - as root of this machine, but what make uninstall works on is empty.
in_own_places() {
	unshare --mount --propagation private bash -ec '
		for dir in /usr/src /var/lib /var/cache /lib/modules /etc/d{epmod.d,kms} /run/{modprobe.d,systemd}; do
			[[ ! -d $dir ]] || mount -t tmpfs none "$dir"
		done
		"$@"' - "$@"
}

# uninstall_all - without DESTDIR; all but what has no other place is below a folder of the test's.
uninstall_all() {
	make -s -C "$REPO" BUILD="$BUILD" uninstall PREFIX="$BATS_TEST_TMPDIR/prefix" SYSCONFDIR="$BATS_TEST_TMPDIR/etc" UNITDIR="$BATS_TEST_TMPDIR/units"
}

uninstall_beside_others() {
	local src=/usr/src
	mkdir -p /var/lib/kvm-fixes/work.killed "$src/kvm-fixes-git" "$src/kvm-fixes-$VERSION.mine" "$src/kvm-fixes-0.0.1"
	echo precious | tee "$src/kvm-fixes-git/work" "$src/kvm-fixes-$VERSION.mine/work" >"$src/kvm-fixes-0.0.1/work"
	cp -a "$PLACE$src/kvm-fixes-$VERSION" "$src/"
	cp -a "$PLACE$src/kvm-fixes-$VERSION" "$src/kvm-fixes-0.0.2"
	echo "kvm-fixes 0.0.2" >"$src/kvm-fixes-0.0.2/PLACED-BY-KVM-FIXES"
	uninstall_all
	[[ $(cd "$src" && echo kvm-fixes-*) == "kvm-fixes-0.0.1 kvm-fixes-$VERSION.mine kvm-fixes-git" && ! -e /var/lib/kvm-fixes ]]
	# The checkout that it is run from, too, in the place of what is to go.
	mkdir "$src/kvm-fixes-$VERSION"
	mount --bind "$REPO" "$src/kvm-fixes-$VERSION"
	REPO=$src/kvm-fixes-$VERSION
	uninstall_all
	[[ -e $REPO/Makefile ]]
}

@test "uninstall takes the folders that were placed for DKMS, and none that only has such a name" {
	[[ $EUID == 0 ]] || skip "needs root, to mount"
	[[ $(dpkg-query -W -f='${db:Status-Status}' kvm-fixes 2>/dev/null) != installed ]] || skip "the package is installed here"
	export -f uninstall_all uninstall_beside_others
	export BATS_TEST_TMPDIR VERSION
	run in_own_places bash -exc uninstall_beside_others
	printf '%s\n' "$output"
	[[ $status == 0 ]]
}

@test "another PREFIX, and a file that cannot be placed, leave no half" {
	local place=$BATS_TEST_TMPDIR/other
	run -0 make -s -C "$REPO" BUILD="$BUILD" install DESTDIR="$place" PREFIX=/opt/x
	[[ -x $place/opt/x/sbin/kvm-fixes && ! -e $place/usr/sbin ]]
	grep -qx 'ExecStart=/opt/x/sbin/kvm-fixes recover' "$place/lib/systemd/system/kvm-fixes-recover.service"
	mkdir -p "$BATS_TEST_TMPDIR/blocked/usr/sbin/kvm-fixes/x"
	run ! make -s -C "$REPO" BUILD="$BUILD" install DESTDIR="$BATS_TEST_TMPDIR/blocked"
	[[ -d $BATS_TEST_TMPDIR/blocked/usr/sbin/kvm-fixes && -z $(find "$BATS_TEST_TMPDIR/blocked" -name '*.new') ]]
}

@test "systemd takes the units" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
	# It looks for the program of ExecStart in the root that it is given, and wants the units of systemd.
	cp -a "$PLACE" "$BATS_TEST_TMPDIR/root"
	cp -a --no-clobber /lib/systemd/system/. "$BATS_TEST_TMPDIR/root/lib/systemd/system/"
	run systemd-analyze --root="$BATS_TEST_TMPDIR/root" --recursive-errors=no --man=no verify \
		kvm-fixes-early.service kvm-fixes-recover.service
	printf '%s\n' "$output"
	[[ $status == 0 && $output != *kvm-fixes* ]]
}

@test "systemd would not take a unit with an error in it" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
	cp -a "$PLACE" "$BATS_TEST_TMPDIR/root"
	cp -a --no-clobber /lib/systemd/system/. "$BATS_TEST_TMPDIR/root/lib/systemd/system/"
	sed -i 's/^Type=oneshot/Type=twoshot/' "$BATS_TEST_TMPDIR/root/lib/systemd/system/kvm-fixes-recover.service"
	run systemd-analyze --root="$BATS_TEST_TMPDIR/root" --recursive-errors=no --man=no verify kvm-fixes-recover.service
	[[ $output == *kvm-fixes-recover.service*twoshot* ]]
}

@test "the early unit comes before whoever loads modules by name" {
	local unit=$PLACE/lib/systemd/system/kvm-fixes-early.service name
	for name in systemd-modules-load.service systemd-udevd.service systemd-udev-trigger.service; do
		grep -q "^Before=.*$name" "$unit"
	done
	grep -qx 'DefaultDependencies=no' "$unit"
}

@test "the man page has every command, option and exit code that --help has" {
	local page=$PLACE/usr/share/man/man8/kvm-fixes.8 program=$PLACE/usr/sbin/kvm-fixes word commands
	commands=$("$program" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
	[[ $(wc -w <<<"$commands") -ge 7 ]]
	tr -d '\\' <"$page" >"$BATS_TEST_TMPDIR/page"
	for word in $commands; do
		grep -q "^fB$word" "$BATS_TEST_TMPDIR/page" || grep -q "fB${word}fR" "$BATS_TEST_TMPDIR/page" || { echo "$word"; return 1; }
	done
	# What is only --help's own is left out.
	for word in $(for name in $commands; do "$program" "$name" --help 2>/dev/null || true; done | grep -oE -- '--[a-z-]+' | sort -u); do
		grep -q -- "$word" "$BATS_TEST_TMPDIR/page" || { echo "$word"; return 1; }
	done
	for word in 0 1 2 3 4 5 6; do
		grep -q "^fB${word}fR" "$BATS_TEST_TMPDIR/page" || { echo "exit code $word"; return 1; }
	done
}

@test "kvm-fixes.conf(5) has every key of kvm-fixes.conf and fix.conf, and every variable" {
	local words word
	words="off audit_compiler $(sed -n 's/^\t\t\([a-z |]*\)) .*FIX\[$key\].*/\1/p; s/^\t\t\(needs\|mark\)) .*/\1/p' "$REPO/scripts/lib/fixes.sh" | tr -d '|')"
	words+=" $(sed -n 's/^  \(KVM_FIXES_[A-Z_]*\)[ =].*/\1/p' "$REPO"/scripts/{prepare-source,build-modules,dkms-kernel} | grep -v _ROOT)"
	[[ $(wc -w <<<"$words") -ge 15 ]]
	tr -d '\\' <"$PLACE/usr/share/man/man5/kvm-fixes.conf.5" >"$BATS_TEST_TMPDIR/page"
	for word in $words; do
		grep -q "^fB${word}fR\|[, ]fB${word}fR" "$BATS_TEST_TMPDIR/page" || { echo "$word"; return 1; }
	done
}

@test "a purge takes what a killed swap left in depmod.d, and nobody else's" {
	local root=$BATS_TEST_TMPDIR/root script=$BATS_TEST_TMPDIR/postrm
	mkdir -p "$root/etc/depmod.d" "$root"/var/{lib,cache}/kvm-fixes
	touch "$root"/etc/depmod.d/{.kvm-fixes-stock.conf.Ab12Cd,.kvm-fixes-stock.conf.Ab12C,.site.conf.Ab12Cd,site.conf}
	sed -E "s# /(etc|run|var)/# $root/\1/#g" "$REPO/debian/kvm-fixes.postrm" >"$script"
	# It must not reach this host.
	run -1 grep -E '(^|[[:space:]])/' <(sed "s# $root/# #g" "$script")
	sh "$script" purge
	[[ $(ls -A "$root/etc/depmod.d" | paste -sd' ') == ".kvm-fixes-stock.conf.Ab12C .site.conf.Ab12Cd site.conf" ]]
	[[ ! -e $root/var/lib/kvm-fixes ]]
}

# complete WORDS... - what bash would offer for the last of them.
complete_words() {
	bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kvm_fixes; printf "%s\n" "${COMPREPLY[@]}"' \
		"$PLACE/usr/share/bash-completion/completions/kvm-fixes" "$@" | paste -sd' '
}

@test "bash completes commands, options and values" {
	[[ $(complete_words kvm-fixes s) == "status swap selftest" ]]
	[[ $(complete_words kvm-fixes --json ro) == rollback ]]
	[[ $(complete_words kvm-fixes swap --to '') == "fixed stock" ]]
	[[ $(complete_words kvm-fixes --json swap --d) == --dry-run ]]
	[[ $(complete_words kvm-fixes recover --e) == --early ]]
	[[ $(complete_words kvm-fixes status --no) == --no-holders ]]
	[[ $(complete_words kvm-fixes swap --wait 6) == "60 600" ]]
}

@test "the completions know every command and option there is" {
	local program=$PLACE/usr/sbin/kvm-fixes name word
	for name in $("$program" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		[[ " $(complete_words kvm-fixes '') " == *" $name "* ]]
		grep -q "'$name:" "$PLACE/usr/share/zsh/vendor-completions/_kvm-fixes"
		for word in $("$program" "$name" --help 2>/dev/null | grep -oE -- '^  --[a-z-]+'); do
			[[ " $(complete_words kvm-fixes "$name" --) " == *" $word "* ]] || { echo "$name $word"; return 1; }
			grep -q -- "'\(([^)]*)\)\?$word" "$PLACE/usr/share/zsh/vendor-completions/_kvm-fixes" || { echo "zsh: $name $word"; return 1; }
		done
	done
}

@test "zsh can read its completion" {
	command -v zsh >/dev/null || skip "no zsh here"
	zsh -n "$PLACE/usr/share/zsh/vendor-completions/_kvm-fixes"
}

@test "a removal of the package that stopped half-way builds again what it has taken away" {
	local program=$BATS_TEST_TMPDIR/dkms-kernel action
	printf '#!/bin/sh\necho "$*"\nexit 1\n' >"$program"
	chmod 755 "$program"
	sed "s,/usr/lib/kvm-fixes/dkms-kernel,$program," "$REPO/debian/kvm-fixes-dkms.postinst" >"$BATS_TEST_TMPDIR/postinst"
	for action in configure abort-remove; do
		run -0 sh "$BATS_TEST_TMPDIR/postinst" "$action"
		[[ $output == install-all ]]
	done
	run -0 sh "$BATS_TEST_TMPDIR/postinst" triggered /usr/src
	[[ $output == retry ]]
}
