#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# deploy/ansible against two emulated AMD hosts of suite $SUITE, real ones but for the
# compiler (see tests/disk): systemd, sshd, the packages, KVM's modules, a process that holds
# /dev/kvm as a guest would. The tests follow one another on them.

bats_require_minimum_version 1.5.0
load ../disk/disk

HOSTS=(one two)

# port HOST - of this machine, which leads to its ssh.
port() {
	case $1 in
	one) echo 22211 ;;
	two) echo 22212 ;;
	esac
}

setup_file() {
	disk_setup_file
	FLEET=$DISK/fleet
	export FLEET ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_RETRY_FILES_ENABLED=False ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False
	rm -rf "$FLEET" && mkdir -p "$FLEET/reports" "$FLEET/debs"
	cp "$DISK"/debs/*.deb "$FLEET/debs/"
	write_site
	local name
	for name in "${HOSTS[@]}"; do
		cp --sparse=always "$DISK/image" "$FLEET/$name.disk"
		power_on "$name"
	done
	for name in "${HOSTS[@]}"; do
		await "$name"
	done
}

teardown_file() {
	local name
	for name in "${HOSTS[@]}"; do
		[[ ! -s $FLEET/$name.pid ]] || kill "$(cat "$FLEET/$name.pid")" || true
	done
	rm -f "$FLEET"/*.disk
}

teardown() { [[ -n ${BATS_TEST_COMPLETED:-} ]] || tail -n 30 "$FLEET"/*.log; }

# write_site - inventory, variables and hooks, as a site would have them.
write_site() {
	local name
	{
		echo '[kvm_hosts]'
		for name in "${HOSTS[@]}"; do
			echo "$name ansible_host=127.0.0.1 ansible_port=$(port "$name")"
		done
		printf '[kvm_hosts:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\nansible_python_interpreter=/usr/bin/python3\n' "$DISK/login"
		echo "ansible_ssh_common_args=-o UserKnownHostsFile=/dev/null -o ConnectTimeout=60"
	} >"$FLEET/inventory"
	cat >"$FLEET/site.yml" <<-EOF
		kvm_fixes_kernel_packages: false
		kvm_fixes_debs: $(jq -nc '$ARGS.positional' --args "$FLEET"/debs/kvm-fixes_*.deb "$FLEET"/debs/kvm-fixes-dkms_*.deb)
		kvm_fixes_drain_command: ["$FLEET/drain"]
		kvm_fixes_fill_command: ["$FLEET/fill"]
		kvm_fixes_waves: [1, "100%"]
		kvm_fixes_reports: "$FLEET/reports"
	EOF
	: >"$FLEET/hooks"
	cat >"$FLEET/fill" <<-EOF
		#!/bin/bash
		echo "fill \$KVM_FIXES_HOST" >>"$FLEET/hooks"
	EOF
	cat >"$FLEET/drain" <<-EOF
		#!/bin/bash
		echo "drain \$KVM_FIXES_HOST" >>"$FLEET/hooks"
		port=$(port one)
		[[ \$KVM_FIXES_HOST == one ]] || port=$(port two)
		[[ -e $FLEET/stubborn ]] || $(ssh_command) -p \$port root@127.0.0.1 'systemctl stop guest || true'
	EOF
	chmod +x "$FLEET/fill" "$FLEET/drain"
}

ssh_command() { echo "ssh -q -i $DISK/login -o BatchMode=yes -o ConnectTimeout=60 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"; }

# on HOST COMMAND...
on() {
	local port
	port=$(port "$1")
	shift
	# shellcheck disable=SC2046 # a command of words
	$(ssh_command) -p "$port" root@127.0.0.1 "$@" </dev/null
}

# power_on HOST - in the background; it ends when it powers off.
power_on() {
	"$REPO/scripts/vm/run-host" --vendor amd --cpus 1 --mem 1024 --vmlinuz "$DISK/vmlinuz" --initramfs "$DISK/initramfs" \
		--log "$FLEET/$1.log" --work "$BUILD/vm" --timeout 7200 --disk "$FLEET/$1.disk" --keep --forward "$(port "$1")" \
		--append "kvmfixes.root=/dev/vda kvmfixes.init=/lib/systemd/systemd systemd.hostname=$1" >"$FLEET/$1.said" 2>&1 3>&- </dev/null &
	echo $! >"$FLEET/$1.pid"
}

await() {
	local tries=60
	until on "$1" true; do
		tries=$((tries - 1))
		((tries > 0)) || return 1
		sleep 5
	done
}

# guest_on HOST - something that holds /dev/kvm.
guest_on() { on "$1" "systemd-run -q --unit guest sh -c 'exec 9</dev/kvm && sleep infinity'"; }

playbook() { (cd "$REPO/deploy/ansible" && ansible-playbook -i "$FLEET/inventory" -e "@$FLEET/site.yml" kvm-fixes.yml "$@" </dev/null 3>&-); }

# loaded HOST stock|ours - both modules are, a guest runs on them, and the host is as it should be.
loaded() {
	local status
	status=$(on "$1" kvm-fixes --json status --no-holders) || true
	echo "$status"
	jq -e --arg origin "$2" '.healthy and ([.modules[].origin] | unique == [$origin])' <<<"$status"
}

reported() { jq -r '[.outcome, .status.healthy] | join(" ")' "$FLEET/reports/$1.json"; }

# prepared - both hosts have the packages and their own modules, now and at boots; none was drained.
prepared() {
	local name
	for name in "${HOSTS[@]}"; do
		[[ $(on "$name" dpkg-query -W -f '\${db:Status-Status}' kvm-fixes-dkms) == installed ]]
		run on "$name" kvm-fixes --json status --no-holders
		jq -e '.choice == "stock" and ([.modules[].origin] | unique == ["stock"])' <<<"$output"
	done
	[[ ! -s $FLEET/hooks ]]
}

no_warnings() {
	local name
	for name in "${HOSTS[@]}"; do
		[[ -z $(on "$name" "dmesg | grep -E 'WARNING|BUG|Oops|Call Trace'") ]] || return
	done
}

@test "prepared: the packages are installed while a guest runs; where one host's apt fails, both are held, and none is drained" {
	guest_on one
	on two "echo 'DPkg::Post-Invoke { \"false\"; };' >/etc/apt/apt.conf.d/99fails"
	run playbook
	on two 'rm /etc/apt/apt.conf.d/99fails'
	echo "$output"
	[[ $status != 0 && $output == *"not prepared: two "* && $output != *"Note who is in this wave"* ]]
	prepared
}

@test "prepared again: it goes on from there, and boots load what they did before" {
	run -0 playbook --tags prepare
	echo "$output"
	prepared
}

@test "a host that does not get empty is refused by its swap, not filled, and no later wave begins" {
	: >"$FLEET/stubborn"
	run playbook --tags swap
	echo "$output"
	[[ $status != 0 && $output == *"KVM is in use"* ]]
	[[ $(cat "$FLEET/hooks") == "drain one" ]]
	[[ $(reported one) == failed* ]]
	on one '! test -e /sys/module/kvm/version'
	[[ ! -e $FLEET/reports/two.json ]]
	rm "$FLEET/stubborn"
}

@test "what would be swapped, by --check, touches nothing" {
	: >"$FLEET/hooks"
	run playbook --tags swap --check
	echo "$output"
	[[ $status == 0 && $(grep -c '"msg": "would be swapped; .*choice stock, kvm stock' <<<"$output") == 2 && ! -s $FLEET/hooks ]]
	on one '! test -e /sys/module/kvm/version'
}

@test "a swap that fails: the former modules are back, it is told of, and no later wave begins" {
	local check=/usr/lib/kvm-fixes/kvm-guest-check
	: >"$FLEET/hooks"
	rm -f "$FLEET"/reports/*
	on one "mv $check $check.real && printf '%s\n' '#!/bin/sh' 'echo guest-check: FAIL' 'exit 1' >$check && chmod 755 $check"
	run playbook --tags swap
	on one "mv $check.real $check"
	echo "$output"
	[[ $status != 0 && $output == *'"rc": 4'* && $(cat "$FLEET/hooks") == "drain one" ]]
	[[ $(reported one) == failed* ]]
	jq -re .error "$FLEET/reports/one.json" | grep 'the guest check did not pass.*the former modules are back'
	loaded one stock
	[[ ! -e $FLEET/reports/two.json ]]
	on two '! test -e /sys/module/kvm/version'
	no_warnings
}

@test "run again, it drains, swaps and fills one host after the other" {
	: >"$FLEET/hooks"
	run -0 playbook
	echo "$output"
	[[ $(paste -sd, "$FLEET/hooks") == "drain one,fill one,drain two,fill two" ]]
	for name in "${HOSTS[@]}"; do
		[[ $(reported "$name") == "swapped true" ]]
		loaded "$name" ours
	done
	no_warnings
}

@test "once more, nothing is done" {
	: >"$FLEET/hooks"
	run -0 playbook
	echo "$output"
	[[ ! -s $FLEET/hooks && $(reported one) == "not needed true" && $(reported two) == "not needed true" ]]
	[[ $(grep -cE 'changed=0 ' <<<"$output") == 2 ]]
}

@test "a reboot by systemd and udev loads the replaced modules again" {
	on one 'systemctl reboot' || true
	while kill -0 "$(cat "$FLEET/one.pid")" 2>/dev/null; do sleep 1; done
	power_on one
	await one
	run -0 on one 'systemctl show -p Result,ActiveState kvm-fixes-early kvm-fixes-recover; systemctl --failed --no-legend'
	echo "$output"
	[[ $(grep -c '^Result=success' <<<"$output") == 2 && $(grep -c '^ActiveState=active' <<<"$output") == 2 && $(wc -l <<<"$output") -le 5 ]]
	loaded one ours
}

@test "back: a host that cannot be reached is left out and told of, and the other one goes back" {
	kill "$(cat "$FLEET/two.pid")"
	while kill -0 "$(cat "$FLEET/two.pid")" 2>/dev/null; do sleep 1; done
	: >"$FLEET/hooks"
	run playbook -e kvm_fixes_to=stock -T 15
	echo "$output"
	[[ $status != 0 && $output == *UNREACHABLE* && $output == *"left out: two "* ]]
	[[ $(paste -sd, "$FLEET/hooks") == "drain one,fill one" && $(reported one) == "swapped true" && $(reported two) == failed* ]]
	loaded one stock
}

@test "a host that cannot be reached ends it before any is drained" {
	: >"$FLEET/hooks"
	run playbook -T 15
	echo "$output"
	[[ $status != 0 && $output == *UNREACHABLE* && $output == *"not prepared: two "* && $output != *"Note who is in this wave"* && ! -s $FLEET/hooks ]]
	loaded one stock
}

@test "a host that gets lost in its wave: the other one has its turn, and it ends there" {
	run playbook -e '{"kvm_fixes_waves": ["100%"]}' --tags swap -T 15
	echo "$output"
	[[ $status != 0 && $output == *UNREACHABLE* && $output == *"two cannot be reached any more"* ]]
	[[ $(paste -sd, "$FLEET/hooks") == "drain one,fill one" && $(reported one) == "swapped true" ]]
	loaded one ours
	power_on two
	await two
	loaded two ours
}

@test "back, both in one wave" {
	: >"$FLEET/hooks"
	run -0 playbook -e kvm_fixes_to=stock -e '{"kvm_fixes_waves": ["100%"]}'
	echo "$output"
	[[ $(sort "$FLEET/hooks" | paste -sd,) == "drain one,drain two,fill one,fill two" ]]
	[[ $(reported one) == "swapped true" && $(reported two) == "swapped true" ]]
	loaded one stock
	loaded two stock
	no_warnings
}
