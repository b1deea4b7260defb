#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by the package of a kernel that is being removed: what we keep for it goes
# with it.
program=@LIBDIR@/dkms-kernel

if [ -x "$program" ] && [ -n "$1" ]; then
	"$program" forget "$1" </dev/null
fi
exit 0
