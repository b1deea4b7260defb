/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would the running kernel accept a module's file? Signatures, lockdown,
 * vermagic, CRCs.
 */
#ifndef POLICY_H
#define POLICY_H

#include "modfile.h"

/* The next step where an unsigned module is not taken. */
#define POLICY_SIGN	"have DKMS sign it and enrol DKMS's key: mokutil --import /var/lib/dkms/mok.pub"

enum tristate { STATE_NO, STATE_YES, STATE_UNKNOWN };

/**
 * struct policy - what the kernel enforces
 * @secure_boot: EFI variable SecureBoot (unknown without EFI variables)
 * @lockdown: "none", "integrity", "confidentiality", or "" if unknown or not there
 * @sig_enforce: /sys/module/module/parameters/sig_enforce
 */
struct policy {
	enum tristate secure_boot;
	char lockdown[32];
	enum tristate sig_enforce;
};

/**
 * struct acceptance - the verdict on a file
 * @accepted: yes, no, or unknown (signed by a key that we cannot look up)
 * @why: one line, what and what to do next; empty when accepted without remark
 */
struct acceptance {
	enum tristate accepted;
	char why[WHY_MAX];
};

void policy_read(const struct host *host, struct policy *policy);

/* What keeps unsigned modules out: "module.sig_enforce", "Secure Boot", ...; NULL: nothing. */
const char *policy_enforcer(const struct policy *policy);

/* By signature: the signer is looked for among the kernel's keys (/proc/keys). */
void policy_judge(const struct host *host, const struct policy *policy, const struct modfile *file,
		  struct acceptance *verdict);

/* The same of the file at @path; one that cannot be read is not accepted. */
void policy_judge_path(const struct host *host, const struct policy *policy, const char *path,
		       struct acceptance *verdict);

/*
 * Does @file fit the running kernel: vermagic of this release, and every import
 * with the CRC that @reference, a module known to load here, has for it. What @reference
 * does not import is looked up in @kvm's exports (NULL: none) and then in the Module.symvers
 * of the kernel's headers, if they are there. 0, or -ENOEXEC with @why set.
 */
int policy_fits(const struct host *host, const struct modfile *file,
		const struct modfile *reference, const struct modfile *kvm, char *why);

/*
 * Is a reboot pending: is the headers' or the image's package of the running release of a
 * newer version than the kernel that runs (its version is in /proc/version)? STATE_YES with @why set.
 */
enum tristate policy_reboot_pending(const struct host *host, char *why);

#endif
