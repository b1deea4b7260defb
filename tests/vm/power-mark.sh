# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# power-mark.sh NAME - writes NAME to where it is seen in what is recorded of the disk, and
# by nobody else: behind the file system.
value() { tr ' ' '\n' </proc/cmdline | sed -n "s/^kvmfixes\.$1=//p"; }
printf '%-511s\n' "$1" | /usr/bin/dd of="$(value root)" bs=512 seek="$(value marks)" oflag=direct conv=notrunc 2>/dev/null
