#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by the packages of a kernel and of its headers, after DKMS's own hook and
# before the initramfs is made. It never fails: a kernel is installed with the
# distribution's own KVM or with ours, but it is installed.
program=@LIBDIR@/dkms-kernel

if [ -x "$program" ] && [ -n "$1" ]; then
	"$program" hook "$1" </dev/null
fi
exit 0
