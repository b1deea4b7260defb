/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stamp as data. Included once by each module's stamp-NAME.c, since an
 * object may belong to one module only. Adds no code and no symbol.
 */
#include <linux/elf.h>
#include <linux/module.h>
#include <kvm-fixes/stamp.h>
#include <kvm-fixes/stamp-values.h>
#include <kvm-fixes-compiler.h>

static const char stamp_modinfo[] __used __section(".modinfo") __aligned(1) =
	KVM_FIXES_MODINFO_PREFIX KVM_FIXES_KEY_KERNEL "=" KVM_FIXES_KERNEL "\0"
	KVM_FIXES_MODINFO_PREFIX KVM_FIXES_KEY_STATES "=" KVM_FIXES_STATES "\0"
	KVM_FIXES_MODINFO_PREFIX KVM_FIXES_KEY_SOURCE "=" KVM_FIXES_SOURCE "\0"
	KVM_FIXES_MODINFO_PREFIX KVM_FIXES_KEY_HEADERS "=" KVM_FIXES_HEADERS "\0"
	KVM_FIXES_MODINFO_PREFIX KVM_FIXES_KEY_COMPILER "=" KVM_FIXES_COMPILER "\0"
	KVM_FIXES_MODINFO_PREFIX KVM_FIXES_KEY_BUILD "=" KVM_FIXES_BUILD;

MODULE_VERSION(KVM_FIXES_VERSION);

#define STAMP_TEXT						\
	"version=" KVM_FIXES_VERSION "\n"			\
	KVM_FIXES_KEY_KERNEL "=" KVM_FIXES_KERNEL "\n"		\
	KVM_FIXES_KEY_STATES "=" KVM_FIXES_STATES "\n"		\
	KVM_FIXES_KEY_SOURCE "=" KVM_FIXES_SOURCE "\n"		\
	KVM_FIXES_KEY_HEADERS "=" KVM_FIXES_HEADERS "\n"	\
	KVM_FIXES_KEY_COMPILER "=" KVM_FIXES_COMPILER "\n"	\
	KVM_FIXES_KEY_BUILD "=" KVM_FIXES_BUILD "\n"

/* Allocated notes of a module appear in /sys/module/NAME/notes. */
static const struct {
	struct elf64_note header;
	char name[ALIGN(sizeof(KVM_FIXES_NOTE_NAME), 4)];
	char text[ALIGN(sizeof(STAMP_TEXT), 4)];
} stamp_note __used __section(KVM_FIXES_NOTE_SECTION) __aligned(4) = {
	.header = {
		.n_namesz = sizeof(KVM_FIXES_NOTE_NAME),
		.n_descsz = sizeof(STAMP_TEXT),
		.n_type = KVM_FIXES_NOTE_TYPE,
	},
	.name = KVM_FIXES_NOTE_NAME,
	.text = STAMP_TEXT,
};
