/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stamp: what each of our modules says of itself. The same text twice, so
 * that it can be read without trusting the file behind a loaded module:
 *
 *   modinfo -F kvm_fixes_KEY MODULE.ko          on disk
 *   /sys/module/NAME/notes/.note.kvm-fixes      of the loaded module, an ELF
 *                                               note with lines "KEY=VALUE"
 *
 * and version= beside them, in /sys/module/NAME/version too: DKMS takes a
 * module without one for the same as the kernel's and installs nothing.
 */
#ifndef KVM_FIXES_STAMP_H
#define KVM_FIXES_STAMP_H

/* Keys; the command that reads stamps shares this file. */
#define KVM_FIXES_KEY_KERNEL	"kernel"	/* release it was built for */
#define KVM_FIXES_KEY_STATES	"states"	/* "NAME:STATE, NAME:STATE" */
#define KVM_FIXES_KEY_SOURCE	"source"	/* origin, version, sha256 */
#define KVM_FIXES_KEY_HEADERS	"headers"	/* version of the headers package */
#define KVM_FIXES_KEY_COMPILER	"compiler"	/* its first line of --version */
#define KVM_FIXES_KEY_BUILD	"build"		/* digest of all that went in; a pair shares it */

#define KVM_FIXES_MODINFO_PREFIX	"kvm_fixes_"
#define KVM_FIXES_NOTE_NAME		"kvm-fixes"
#define KVM_FIXES_NOTE_SECTION		".note.kvm-fixes"
#define KVM_FIXES_NOTE_TYPE		1

#endif /* KVM_FIXES_STAMP_H */
