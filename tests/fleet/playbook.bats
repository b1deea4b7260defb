#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# deploy/ansible against hosts that are folders of this machine: apt and dpkg are real and work
# in them, on packages with a stand-in for the command in them. So what goes wrong on one
# of them can be chosen, and what becomes of the others seen. Needs no root.

bats_require_minimum_version 1.5.0

HOSTS=(one two three)

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export REPO DEBS=$BATS_FILE_TMPDIR/debs
	export ANSIBLE_RETRY_FILES_ENABLED=False ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_PIPELINING=True
	export ANSIBLE_HOME=$BATS_FILE_TMPDIR/ansible ANSIBLE_REMOTE_TMP=$BATS_FILE_TMPDIR/ansible/remote
	local version
	mkdir "$DEBS"
	for version in 1.0 1.1; do
		make_package kvm-fixes "$version"
		make_package kvm-fixes-dkms "$version" "Depends: kvm-fixes (= $version)"
	done
}

# make_package NAME VERSION [FIELD]
make_package() {
	local tree=$BATS_FILE_TMPDIR/tree
	mkdir -p "$tree/DEBIAN" "$tree/usr/sbin" "$tree/usr/src"
	printf '%s\n' "Package: $1" "Version: $2" 'Architecture: all' 'Maintainer: nobody <nobody@kvm-fixes.example>' ${3:+"$3"} \
		'Description: for tests' >"$tree/DEBIAN/control"
	echo "$2" >"$tree/usr/src/$1"
	[[ $1 != kvm-fixes ]] || install -m 755 "$BATS_TEST_DIRNAME/fake-kvm-fixes" "$tree/usr/sbin/kvm-fixes"
	chmod -R go=rX "$tree"
	dpkg-deb --root-owner-group --build "$tree" "$DEBS/$1_${2}_all.deb" >/dev/null
	rm -r "$tree"
}

setup() {
	export FLEET=$BATS_TEST_TMPDIR/fleet
	mkdir -p "$FLEET/reports"
	: >"$FLEET/hooks"
	local name
	for name in "${HOSTS[@]}"; do
		make_host "$name"
	done
	write_site 1.0
	# shellcheck disable=SC2016 # for the hooks
	{
		echo 'echo "drain $KVM_FIXES_HOST" >>"$FLEET/hooks"; rm -f "$FLEET/$KVM_FIXES_HOST/guest"' >"$FLEET/drain"
		echo 'echo "fill $KVM_FIXES_HOST" >>"$FLEET/hooks"' >"$FLEET/fill"
	}
}

# make_host NAME - a folder with its own dpkg and apt, where all that a task runs is told
# that it is there. While it has a file `lost`, it cannot be reached.
make_host() {
	local host=$FLEET/$1
	mkdir -p "$host"/etc/apt/{apt.conf.d,preferences.d,sources.list.d} "$host"/var/lib/dpkg/{info,updates,triggers} \
		"$host"/var/lib/apt/lists/partial "$host"/var/cache/apt/archives/partial "$host"/var/log/apt
	touch "$host/var/lib/dpkg/status" "$host/etc/apt/sources.list"
	cat >"$host/apt.conf" <<-EOF
		Dir "$host";
		Dir::State::status "$host/var/lib/dpkg/status";
		APT::Sandbox::User "root";
		DPkg::Options { "--root=$host"; "--force-not-root"; "--force-script-chrootless"; "--log=$host/var/log/dpkg.log"; };
	EOF
	echo stock >"$host/origin"
	echo fixed >"$host/choice"
	cat >"$host/python" <<-EOF
		#!/bin/sh
		export HOST=$host APT_CONFIG=$host/apt.conf DPKG_ADMINDIR=$host/var/lib/dpkg PATH=$host/usr/sbin:/usr/bin:/bin
		exec /usr/bin/python3 "\$@"
	EOF
	chmod +x "$host/python"
}

# write_site VERSION - of the packages.
write_site() {
	local name
	{
		echo '[kvm_hosts]'
		for name in "${HOSTS[@]}"; do
			echo "$name ansible_python_interpreter=$FLEET/$name/python"
		done
		# Nobody answers on port 1.
		printf '[kvm_hosts:vars]\nansible_become=false\nansible_host=127.0.0.1\nansible_port=1\n'
		echo "ansible_connection={{ 'ssh' if ('$FLEET/' + inventory_hostname + '/lost') is exists else 'local' }}"
	} >"$FLEET/inventory"
	cat >"$FLEET/site.yml" <<-EOF
		kvm_fixes_kernel_packages: false
		kvm_fixes_debs: ["$DEBS/kvm-fixes_$1_all.deb", "$DEBS/kvm-fixes-dkms_$1_all.deb"]
		kvm_fixes_debs_at: "$FLEET/{{ inventory_hostname }}/var/cache/apt/archives"
		kvm_fixes_drain_command: [bash, "$FLEET/drain"]
		kvm_fixes_fill_command: [bash, "$FLEET/fill"]
		kvm_fixes_waves: [1, "100%"]
		kvm_fixes_reports: "$FLEET/reports"
	EOF
}

playbook() { (cd "$REPO/deploy/ansible" && ansible-playbook -i "$FLEET/inventory" -e "@$FLEET/site.yml" kvm-fixes.yml "$@" </dev/null 3>&-); }

# has HOST - of the packages, each with its version.
has() { dpkg-query --admindir "$FLEET/$1/var/lib/dpkg" -W -f '${Package} ${Version} ${db:Status-Status}\n' | paste -sd,; }

# settled VERSION fixed|stock - the packages are on all hosts, and these modules loaded and chosen.
settled() {
	local name
	for name in "${HOSTS[@]}"; do
		APT_CONFIG=$FLEET/$name/apt.conf apt-get install -qq "$DEBS"/*_"$1"_all.deb >/dev/null
		tee "$FLEET/$name/origin" >"$FLEET/$name/choice" <<<"$2"
	done
}

# is FILE ANSWER... - of that name on each host.
is() {
	local file=$1 name answers=()
	for name in "${HOSTS[@]}"; do
		answers+=("$(cat "$FLEET/$name/$file")")
	done
	echo "$file: ${answers[*]}"
	[[ ${answers[*]} == "${*:2}" ]]
}

hooks() { [[ $(sort "$FLEET/hooks" | paste -sd,) == "${1:-}" ]]; }

reported() { jq -r '.outcome + (.error | if . == "" then "" else ": " + . end)' "$FLEET/reports/$1.json"; }

@test "prepared: where apt fails on some hosts, all that have the modules are held, and none is drained" {
	echo 'DPkg::Pre-Invoke { "false"; };' >>"$FLEET/two/apt.conf"
	echo 'DPkg::Post-Invoke { "false"; };' >>"$FLEET/three/apt.conf"
	run playbook
	echo "$output"
	[[ $status != 0 && $output == *"not prepared: three, two "* && $output != *"Note who is in this wave"* ]]
	[[ $(has one) == "kvm-fixes 1.0 installed,kvm-fixes-dkms 1.0 installed" && -z $(has two) && $(has three) == "$(has one)" ]]
	is choice stock fixed stock
	is origin stock stock stock
	hooks
}

@test "prepared: where one host cannot be reached and one has an obstacle, all others are held, and none is drained" {
	HOSTS+=(four)
	make_host four
	write_site 1.0
	touch "$FLEET/one/obstacle" "$FLEET/two/lost"
	run playbook
	echo "$output"
	[[ $status != 0 && $output == *UNREACHABLE* && $output == *"a reboot is pending"* ]]
	[[ $output == *"not prepared: one, two "* && $output != *"Note who is in this wave"* ]]
	is choice stock fixed stock stock
	hooks
}

@test "a second release is installed in one go, an older one only if asked for, and half of one never" {
	local first="kvm-fixes 1.0 installed,kvm-fixes-dkms 1.0 installed"
	run -0 playbook --tags prepare --limit one
	[[ $(has one) == "$first" ]]
	write_site 1.1
	run -0 playbook --tags prepare --limit one
	echo "$output"
	[[ $(has one) == "${first//1.0/1.1}" ]]
	run -0 playbook --tags prepare --limit one
	[[ $output == *" changed=0 "* ]]
	write_site 1.0
	run playbook --tags prepare --limit one
	echo "$output"
	[[ $status != 0 && $output == *"--allow-downgrades"* && $(has one) == "${first//1.0/1.1}" ]]
	run playbook --tags prepare --limit one -e kvm_fixes_downgrade=true -e "{\"kvm_fixes_debs\": [\"$DEBS/kvm-fixes_1.0_all.deb\"]}"
	echo "$output"
	[[ $status != 0 && $(has one) == "${first//1.0/1.1}" ]]
	run -0 playbook --tags prepare --limit one -e kvm_fixes_downgrade=true
	[[ $(has one) == "$first" ]]
}

@test "--check: nothing is installed, held or drained" {
	settled 1.0 stock
	echo fixed >"$FLEET/two/choice"
	write_site 1.1
	run -0 playbook --check
	echo "$output"
	[[ $(grep -c '"msg": "would be swapped; ' <<<"$output") == 3 && $(has one) == "kvm-fixes 1.0 installed,kvm-fixes-dkms 1.0 installed" ]]
	is choice stock fixed stock
	hooks
}

@test "a swap that fails: its wave ends, all report, and no later wave begins; run again, it goes on" {
	touch "$FLEET/two/broken"
	# A site's default that would let the others go ahead.
	# shellcheck disable=SC2016 # for the hook
	echo '[[ $KVM_FIXES_HOST != two ]] || sleep 10' >>"$FLEET/drain"
	ANSIBLE_STRATEGY=free run playbook -e '{"kvm_fixes_waves": [2, 1]}'
	echo "$output"
	[[ $status != 0 && $(grep -c 'fatal: .*Swap: the guest check did not pass' <<<"$output") == 1 ]]
	hooks "drain one,drain two,fill one"
	is origin fixed stock stock
	is choice fixed stock stock
	[[ $(reported one) == swapped && $(reported two) == "failed: Swap: the guest check did not pass (the former modules are back)" ]]
	[[ ! -e $FLEET/reports/three.json ]]
	rm "$FLEET/two/broken"
	: >"$FLEET/hooks"
	run -0 playbook -e '{"kvm_fixes_waves": [2, 1]}'
	hooks "drain three,drain two,fill three,fill two"
	[[ $(reported one) == "not needed" && $(reported two) == swapped && $(reported three) == swapped ]]
	is origin fixed fixed fixed
}

@test "back: nothing is installed, and whoever cannot be reached or has an obstacle is left out and told of" {
	settled 1.0 fixed
	write_site 1.1
	touch "$FLEET/one/lost" "$FLEET/two/obstacle"
	run playbook -e kvm_fixes_to=stock
	echo "$output"
	[[ $status != 0 && $output == *"left out: one, two "* ]]
	hooks "drain three,fill three"
	is origin fixed fixed stock
	is choice fixed fixed stock
	[[ $(has three) == "kvm-fixes 1.0 installed,kvm-fixes-dkms 1.0 installed" ]]
	[[ $(reported one) == "failed: left out; the playbook said why" && $(reported two) == "failed: a reboot is pending" && $(reported three) == swapped ]]
}

@test "back: a host that is not there when its turn comes is left out; one that gets lost in its turn ends it" {
	settled 1.0 fixed
	touch "$FLEET/one/lost"
	# shellcheck disable=SC2016 # for the hook
	echo '[[ $KVM_FIXES_HOST != two ]] || touch "$FLEET/two/lost"' >>"$FLEET/fill"
	run playbook -e kvm_fixes_to=stock -e '{"kvm_fixes_waves": [2, 1]}' --tags swap
	echo "$output"
	[[ $status != 0 && $output == *"two cannot be reached any more"* ]]
	hooks "drain two,fill two"
	is origin fixed stock fixed
	rm "$FLEET/one/lost"
	run playbook -e kvm_fixes_to=stock -e '{"kvm_fixes_waves": [1]}' --tags swap
	echo "$output"
	[[ $status != 0 && $output == *"left out: two "* ]]
	is origin stock stock stock
}

@test "a host that gets lost in its turn: the others of its wave have theirs, and it ends there" {
	settled 1.0 stock
	# shellcheck disable=SC2016 # for the hook
	echo '[[ $KVM_FIXES_HOST != one ]] || touch "$FLEET/one/lost"' >>"$FLEET/drain"
	run playbook -e '{"kvm_fixes_waves": [2, 1]}' --tags swap
	echo "$output"
	[[ $status != 0 && $output == *UNREACHABLE* && $output == *"fatal: [two]: "*"one cannot be reached any more"* ]]
	hooks "drain one,drain two,fill two"
	is origin stock fixed stock
}

@test "back: a host that was not swapped yet is held at once, with the packages that it has" {
	settled 1.0 stock
	echo fixed >"$FLEET/one/choice"
	write_site 1.1
	run -0 playbook -e kvm_fixes_to=stock --tags prepare
	echo "$output"
	is choice stock stock stock
	[[ $(has one) == "kvm-fixes 1.0 installed,kvm-fixes-dkms 1.0 installed" ]]
	touch "$FLEET/three/lost"
	run playbook -e kvm_fixes_to=stock --tags prepare
	echo "$output"
	[[ $status != 0 && $output == *UNREACHABLE* ]]
}
