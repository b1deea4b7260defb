#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# An emulated host with UEFI firmware and Secure Boot, kernel $KERNEL: who may sign our
# modules. The firmware is the one of Debian's package ovmf, with keys that all the world
# has and that stand for its owner's here. It gets the kernel from the emulator and starts it
# whoever signed it; what is tried is what the kernel makes of the firmware's state and keys.

bats_require_minimum_version 1.5.0

setup_file() {
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILD=${BUILD:-$REPO/build}
	export REPO BUILD WORK=$BUILD/try/$KERNEL BOOT=$BUILD/secure-boot/$KERNEL
	[[ -d $WORK/trees/after && -d $WORK/records ]] || "$REPO/scripts/make-trees" "$KERNEL" >&2
	make -s -C "$REPO" BUILD="$BUILD" cli vmm >&2
	rm -rf "$BOOT" && mkdir -p "$BOOT"
	keys
	token
	unsigned
	signed other -inkey "$BOOT/other.key"
	signed site -engine pkcs11 -keyform engine -inkey "pkcs11:token=site;object=site;type=private;pin-value=1234"
	pack
}

# keys - the firmware owner's, the site's, DKMS's own, and one that is nobody's; and the
# site's and DKMS's as the owner would add them to the firmware's.
keys() {
	local name guid=8be4df61-0000-4000-8000-000000000001
	openssl rsa -in /usr/share/ovmf/PkKek-1-snakeoil.key -passin pass:snakeoil -out "$BOOT/owner.key"
	cp /usr/share/ovmf/PkKek-1-snakeoil.pem "$BOOT/owner.crt"
	cp /usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd "$BOOT/variables"
	for name in site other; do
		openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=The $name's key" \
			-addext extendedKeyUsage=codeSigning -keyout "$BOOT/$name.key" -out "$BOOT/$name.crt" 2>&1
		openssl x509 -in "$BOOT/$name.crt" -outform DER -out "$BOOT/$name.der"
	done
	openssl x509 -inform DER -in "$WORK/host/var/lib/dkms/mok.pub" -out "$BOOT/dkms.crt"
	for name in site dkms; do
		cert-to-efi-sig-list -g $guid "$BOOT/$name.crt" "$BOOT/$name.esl"
	done
	cat "$BOOT/site.esl" "$BOOT/dkms.esl" >"$BOOT/db.esl"
	sign-efi-sig-list -a -g $guid -k "$BOOT/owner.key" -c "$BOOT/owner.crt" db "$BOOT/db.esl" "$BOOT/db.auth"
}

# token - the site's key is in a hardware module, which a program stands for.
token() {
	export SOFTHSM2_CONF=$BOOT/softhsm2.conf PKCS11_MODULE_PATH=/usr/lib/softhsm/libsofthsm2.so
	mkdir "$BOOT/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$BOOT/tokens" >"$SOFTHSM2_CONF"
	softhsm2-util --init-token --free --label site --pin 1234 --so-pin 1234
	openssl pkcs8 -topk8 -nocrypt -in "$BOOT/site.key" -out "$BOOT/site.p8"
	softhsm2-util --import "$BOOT/site.p8" --token site --label site --id 01 --pin 1234
	rm "$BOOT/site.key" "$BOOT/site.p8"
}

# unsigned - the replaced modules as DKMS has signed them, and as they were built.
unsigned() {
	local name bytes
	mkdir -p "$BOOT/signed/none" "$BOOT/signed/dkms"
	cp "$WORK"/trees/fixed/updates/dkms/*.ko* "$BOOT/signed/dkms/"
	for name in kvm kvm-intel kvm-amd; do
		bytes=$(jq -r --arg name $name '.modules[] | select(.name == $name).bytes' "$WORK/records/kernels/$KERNEL/report.json")
		xz -dcf "$WORK/trees/fixed/updates/dkms/$name".ko* | head -c "$bytes" >"$BOOT/signed/none/$name.ko"
	done
}

# signed NAME OPTION... - the replaced modules, signed by openssl with these options and
# joined by the kernel's own tool. That one would look for OpenSSL's pkcs11-provider, which
# Debian 12 does not have.
signed() {
	local key=$1 name file
	shift
	mkdir -p "$BOOT/signed/$key"
	for name in kvm kvm-intel kvm-amd; do
		file=$BOOT/signed/$key/$name.ko
		cp "$BOOT/signed/none/$name.ko" "$file"
		openssl cms -sign "$@" -signer "$BOOT/$key.crt" -md sha256 -binary -noattr -nocerts -nosmimecap \
			-outform DER -in "$file" -out "$BOOT/signature" 2>&1
		"/lib/modules/$KERNEL/build/scripts/sign-file" -s "$BOOT/signature" sha256 "$BOOT/$key.der" "$file"
	done
}

pack() {
	local file options=()
	while read -r file; do
		options+=(--file "$BOOT/signed/$file=/signed/$file")
	done < <(cd "$BOOT/signed" && find . -type f -printf '%P\n')
	while read -r file; do
		options+=(--file "$WORK/records/$file=/var/lib/kvm-fixes/$file")
	done < <(cd "$WORK/records" && find . -type f -printf '%P\n')
	efivarfs
	"$REPO/scripts/vm/make-initramfs" --out "$BOOT/initramfs" --guest-check "$BUILD/kvm-guest-check" \
		--tree stock="$WORK/trees/stock" --tree fixed="$WORK/trees/fixed" --file "$BOOT/db.auth=/db.auth" \
		--program "$BUILD/kvm-fixes=/sbin/kvm-fixes" --program /usr/bin/chattr=/bin/chattr "${options[@]}"
}

# efivarfs - the module by which a program sees the firmware's variables.
efivarfs() {
	local module
	module=$(compgen -G "$BUILD/image/$KERNEL/*/modules/$KERNEL/kernel/fs/efivarfs/efivarfs.ko*" ||
		compgen -G "$BUILD/image/$KERNEL/usr/lib/modules/$KERNEL/kernel/fs/efivarfs/efivarfs.ko*") || return 0
	xz -dcf "$module" >"$BOOT/efivarfs.ko"
	options+=(--file "$BOOT/efivarfs.ko=/efivarfs.ko")
}

host() {
	"$REPO/scripts/vm/run-host" --vendor amd --vmlinuz "$BUILD/image/$KERNEL/boot/vmlinuz-$KERNEL" --initramfs "$BOOT/initramfs" \
		--secure-boot "$BOOT/variables" --log "$BOOT/$1.log" --work "$BUILD/vm" --timeout 900 --mem 768 --cpus 1 \
		--append "kvmfixes.scenario=cli-secure-boot kvmfixes.enrol=$2"
}

@test "before the site's key is enrolled: only the distribution's modules, and a swap knows it" {
	host before yes
	grep -q '^CLI signatures *Secure Boot on, lockdown integrity' "$BOOT/before.log"
}

@test "when it and DKMS's are: modules signed by it, from a PKCS #11 token, and by DKMS, and by no other" {
	host after no
}
