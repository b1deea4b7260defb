# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Emulated hosts on which the power is cut: recorded, and booted again.
# shellcheck source=tests/disk/disk.bash
load ../disk/disk

# power_setup_file - sets POWER, a folder for what is recorded and seen with that disk.
power_setup_file() {
	SEED=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
	disk_setup_file
	POWER=$DISK/power
	export SEED POWER
	mkdir -p "$POWER"
	cc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o "$POWER/disklog" "$REPO/tests/power/disklog.c"
	echo "# seed $SEED" >&3
}

# host LOG SCENARIO MODE [OPTION]... [-- ARGUMENT...] - boots it; MODE is how the file system
# is mounted.
host() {
	local log=$1 scenario=$2 mode=$3 options=()
	shift 3
	while [[ $# -gt 0 && $1 != -- ]]; do options+=("$1") && shift; done
	[[ $# == 0 ]] || shift
	[[ $mode != default ]] || mode=
	"$REPO/scripts/vm/run-host" --vendor amd --cpus 1 --mem 768 --vmlinuz "$DISK/vmlinuz" --initramfs "$DISK/initramfs" \
		--log "$log" --work "$BUILD/vm" --timeout 3000 "${options[@]}" \
		--append "kvmfixes.root=/dev/vda kvmfixes.marks=$(cat "$DISK/marks-at") kvmfixes.rootflags=$mode kvmfixes.scenario=$scenario $*"
}

# record MODE - what the disk is told, from the installation to the purge.
record() {
	local dir=$POWER/$1
	[[ ! -s $dir/log ]] || return 0
	mkdir -p "$dir"
	cp --sparse=always "$DISK/image" "$dir/disk"
	host "$dir/record.log" power-record "$1" --disk "$dir/disk" --record "$dir/log.new" -- ${UPGRADE:+kvmfixes.upgrade=yes}
	rm "$dir/disk"
	"$POWER/disklog" marks "$dir/log.new" $(($(cat "$DISK/marks-at") * 512)) >"$dir/marks"
	swap_steps "$dir" >>"$dir/marks"
	sort -n -o "$dir/marks" "$dir/marks"
	grep -q ' over$' "$dir/marks"
	mv "$dir/log.new" "$dir/log"
}

# swap_steps DIR - where the journal of a swap reached the disk, by what it says.
swap_steps() {
	local step n
	for step in prepared hiding unloading loading testing committing; do
		while read -r n; do
			echo "$n journal:$step"
		done < <("$POWER/disklog" find "$1/log.new" "\"step\":\"$step\"" | awk 'NR == 1 || $1 > last + 50; { last = $1 }')
	done
}

# instants MODE NAMED RANDOM - "N SEED NAME": where to cut, in order: at NAMED of the named
# steps (all: "all") and at RANDOM other instants, each once. With a seed other than 0, a part
# of what was not flushed is lost; by turns.
instants() {
	local dir=$POWER/$1 first last n seed name drawn=0 taken=()
	first=$(awk '$2 == "install:begin" { print $1 }' "$dir/marks")
	last=$(awk '$2 == "over" { print $1 }' "$dir/marks")
	((last - first > 4 * $3)) || return
	{
		while read -r n name; do
			[[ -z ${taken[n]:-} ]] || continue
			taken[n]=1
			echo "$n 0 $name"
		done < <(awk '$2 != name; { name = $2 }' "$dir/marks" | named "$2")
		# Here, since a subshell begins its own row of numbers.
		RANDOM=$((SEED % 32768))
		while ((drawn < $3)); do
			n=$(((RANDOM * 32768 + RANDOM) % (last - first) + first)) seed=$((RANDOM * 32768 + RANDOM + 1))
			[[ -z ${taken[n]:-} ]] || continue
			taken[n]=1
			echo "$n $((drawn % 2 * seed)) random"
			drawn=$((drawn + 1))
		done
	} | sort -n
}

# named all|N - of the lines, all or N, the same ones for the same seed.
named() {
	if [[ $1 == all ]]; then
		cat
	else
		shuf -n "$1" --random-source=<(openssl enc -aes-128-ctr -pass "pass:$SEED" -nosalt -md sha256 </dev/zero 2>/dev/null)
	fi
}

# after MODE N - the last thing that was marked before that entry.
after() { awk -v n="$2" '$1 <= n { name = $2 } END { print name }' "$POWER/$1/marks"; }

# cut_once MODE IMAGE N SEED NAME - the power goes there, and the host boots again. The image is
# afterwards what was sure to be on the disk at that time, and SURE how much that is.
cut_once() {
	local mode=$1 image=$2 n=$3 seed=$4 name=$5 dir=$POWER/$1 result code=0 sure options=()
	result=$dir/results/$n-$seed
	[[ ! -s $result || $(cut -f7 "$result") == FAIL ]] || return 0
	sure=$("$POWER/disklog" flushed "$dir/log" "$n")
	"$POWER/disklog" apply "$dir/log" "$image" "$SURE" "$sure"
	SURE=$sure
	"$POWER/disklog" cut "$dir/log" "$image" "$sure" "$n" "$seed" "$image.undo"
	[[ -z ${FINISH:-} || $((n % FINISH)) != 0 ]] || options+=(kvmfixes.finish=yes)
	host "$result.log" power-check "$mode" --disk "$image" -- "${options[@]}" >"$result.said" 2>&1 || code=1
	"$POWER/disklog" undo "$image" "$image.undo"
	rm -f "$image.undo"
	printf '%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n' "$SUITE" "$mode" "$n" "$seed" "$name" "$(after "$mode" "$n")" \
		"$( ((code == 0)) && sed -n 's/^OUTCOME \([a-z-]*\).*/\1/p' "$result.log" || echo FAIL)" "${options[*]}" >"$result.new"
	mv "$result.new" "$result"
}

# cut_all MODE - at all instants on standard input, two hosts at a time.
cut_all() {
	local mode=$1 worker pids=()
	mkdir -p "$POWER/$mode/results"
	cat >"$POWER/$mode/instants"
	for worker in 0 1; do
		(
			SURE=0
			image=$POWER/$mode/disk-$worker
			cp --sparse=always "$DISK/image" "$image"
			while read -r n seed name; do
				cut_once "$mode" "$image" "$n" "$seed" "$name" </dev/null
			done < <(awk -v worker=$worker 'NR % 2 == worker' "$POWER/$mode/instants")
			rm -f "$image"
		) 3>&- &
		pids+=($!)
	done
	for worker in "${pids[@]}"; do wait "$worker"; done
}

# outcomes MODE - of the instants that were asked for.
outcomes() {
	local n seed name
	while read -r n seed name; do
		cat "$POWER/$1/results/$n-$seed"
	done <"$POWER/$1/instants"
}
