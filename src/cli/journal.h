/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal of a swap: written ahead of every step, so that whoever comes after
 * a crash knows what was there, what was to be, and how far it came.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "choice.h"
#include "loaded.h"
#include "modfile.h"

#define SWAP_DIR	"/var/lib/kvm-fixes/swap"
#define SWAP_FILES	SWAP_DIR "/files"
#define SWAP_JOURNAL	SWAP_DIR "/journal.json"
#define SWAP_LAST	SWAP_DIR "/last.json"
#define OPTIONS_MAX	4096

/* In the order in which a swap goes through them. */
enum swap_step {
	SWAP_NONE,
	SWAP_PREPARED,		/* copies are kept, nothing is touched */
	SWAP_HIDING,		/* /dev/kvm goes out of reach, autoloading is blocked */
	SWAP_UNLOADING,
	SWAP_LOADING,
	SWAP_TESTING,
	SWAP_UNDOING,		/* back to the former modules */
	SWAP_COMMITTING,	/* the new ones passed: only forward from here */
	SWAP_DONE,
};

const char *swap_step_name(enum swap_step step);

/**
 * struct image - a module of a set
 * @file: copy that it is loaded from, as a path of the host; "" if the module is no
 *	part of the set
 * @build_id: hex
 * @options: handed over when it is loaded
 */
struct image {
	char file[PATH_MAX];
	char build_id[BUILD_ID_MAX];
	char options[OPTIONS_MAX];
};

/* kvm.file is "" in a set of nothing: no module was loaded. */
struct image_set {
	struct image kvm;
	struct image vendor;
};

/**
 * struct journal - a swap
 * @step: how far it came
 * @boot: /proc/sys/kernel/random/boot_id
 * @release: running kernel
 * @vendor: "kvm_intel" or "kvm_amd"
 * @to @from: which modules a boot loads after it, and after it is rolled back
 * @had_node: /dev/kvm was there
 * @former: what was loaded
 * @next: what is to be
 * @kvm_before @vendor_before: parameters of what was loaded, as far as they could be read
 */
struct journal {
	enum swap_step step;
	char boot[64];
	char release[RELEASE_MAX];
	char vendor[16];
	enum choice to, from;
	bool had_node;
	struct image_set former, next;
	struct params kvm_before, vendor_before;
};

/* 0, -ENOENT if there is none, other -errno with @why set. */
int journal_read(const struct host *host, const char *path, struct journal *journal, char *why);
/* On the disk when it returns 0. -errno with @why set. */
int journal_write(const struct host *host, const char *path, const struct journal *journal,
		  char *why);
int journal_remove(const struct host *host);

void boot_id_read(const struct host *host, char *boot, size_t size);

#endif
