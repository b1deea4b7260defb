// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the running kernel enforces of signatures, and whether a file passes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "remember.h"

#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define KEYS_MAX	(1u << 20)

/* The variable's attributes, four bytes, and its value, one. */
static enum tristate read_secure_boot(const struct host *host)
{
	char text[16];

	if (read_text(host_path(host, SECURE_BOOT), text, sizeof(text)) != 5)
		return STATE_UNKNOWN;
	return text[4] == 1 ? STATE_YES : STATE_NO;
}

/* "none [integrity] confidentiality" */
static void read_lockdown(const struct host *host, char *lockdown, size_t size)
{
	char text[128];
	const char *mode;

	lockdown[0] = '\0';
	read_text(host_path(host, "/sys/kernel/security/lockdown"), text, sizeof(text));
	mode = strchr(text, '[');
	if (mode && strchr(mode, ']'))
		snprintf(lockdown, size, "%.*s", (int)strcspn(mode + 1, "]"), mode + 1);
}

/* A kernel that knows no signatures has no such parameter. */
static enum tristate read_sig_enforce(const struct host *host)
{
	char text[8];
	int n = read_text(host_path(host, "/sys/module/module/parameters/sig_enforce"), text,
			  sizeof(text));

	if (n > 0)
		return text[0] == 'Y' || text[0] == '1' ? STATE_YES : STATE_NO;
	if (n == -ENOENT && access(host_path(host, "/sys/module"), F_OK) == 0)
		return STATE_NO;
	return STATE_UNKNOWN;
}

void policy_read(const struct host *host, struct policy *policy)
{
	policy->secure_boot = read_secure_boot(host);
	read_lockdown(host, policy->lockdown, sizeof(policy->lockdown));
	policy->sig_enforce = read_sig_enforce(host);
}

const char *policy_enforcer(const struct policy *policy)
{
	if (policy->sig_enforce == STATE_YES)
		return "module.sig_enforce";
	if (strcmp(policy->lockdown, "integrity") == 0)
		return "lockdown=integrity";
	if (strcmp(policy->lockdown, "confidentiality") == 0)
		return "lockdown=confidentiality";
	/* Where the kernel says of itself that it is not locked down, that is so. */
	if (policy->secure_boot == STATE_YES && !policy->lockdown[0])
		return "Secure Boot";
	return NULL;
}

/* "SUBJECT: ID: X509.rsa ...", SUBJECT being "NAME" or "ORGANISATION: NAME": is NAME @signer? */
static bool key_is_of(const char *key, size_t length, const char *signer)
{
	const size_t size = strlen(signer);
	const char *end = key + length, *at;

	for (at = key; (at = memmem(at, (size_t)(end - at), signer, size)); at++) {
		bool begins = at == key || (at - key >= 2 && memcmp(at - 2, ": ", 2) == 0);

		if (begins && end - at >= (ptrdiff_t)size + 2 && memcmp(at + size, ": ", 2) == 0)
			return true;
	}
	return false;
}

/* Is there a key of @signer? Unknown where no key can be seen at all. */
static enum tristate has_key(const struct host *host, const char *signer)
{
	static const char type[] = " asymmetri ";
	enum tristate answer = STATE_UNKNOWN;
	char *text = malloc(KEYS_MAX), *line, *next;
	const char *key;

	if (!text)
		return STATE_UNKNOWN;
	/* Its size is not known beforehand. */
	read_text(host_path(host, "/proc/keys"), text, KEYS_MAX);
	for (line = text; answer != STATE_YES && *line; line = next) {
		next = line + strcspn(line, "\n");
		next += *next == '\n';
		key = memmem(line, (size_t)(next - line), type, sizeof(type) - 1);
		if (!key)
			continue;
		key += sizeof(type) - 1;
		answer = key_is_of(key, (size_t)(next - key), signer) ? STATE_YES : STATE_NO;
	}
	free(text);
	return answer;
}

void policy_judge(const struct host *host, const struct policy *policy, const struct modfile *file,
		  struct acceptance *verdict)
{
	const char *enforcer = policy_enforcer(policy);

	verdict->accepted = STATE_YES;
	verdict->why[0] = '\0';
	if (!enforcer) {
		if (!file->has_signature)
			snprintf(verdict->why, WHY_MAX, "%.250s is not signed; nothing here asks for that, and the kernel only marks itself tainted",
				 file->path);
		return;
	}
	if (!file->has_signature) {
		verdict->accepted = STATE_NO;
		snprintf(verdict->why, WHY_MAX, "%.250s is not signed and %s is in force; " POLICY_SIGN,
			 file->path, enforcer);
		return;
	}
	verdict->accepted = file->signer[0] ? has_key(host, file->signer) : STATE_UNKNOWN;
	if (verdict->accepted == STATE_NO)
		snprintf(verdict->why, WHY_MAX, "%.250s is signed by '%.100s', whose key the kernel does not have, and %s is in force; enrol it: mokutil --import CERTIFICATE (DKMS's is /var/lib/dkms/mok.pub)",
			 file->path, file->signer, enforcer);
	else if (verdict->accepted == STATE_UNKNOWN)
		snprintf(verdict->why, WHY_MAX, "%.250s is signed by '%.100s' and %s is in force, but the kernel's keys cannot be read; run it as root and look into /proc/keys",
			 file->path, file->signer[0] ? file->signer : "unknown", enforcer);
}

void policy_judge_path(const struct host *host, const struct policy *policy, const char *path,
		       struct acceptance *verdict)
{
	struct modfile *file = calloc(1, sizeof(*file));
	struct identity identity;
	char why[WHY_MAX];

	if (!file || identity_read(host, path, policy_enforcer(policy) != NULL, &identity, why)) {
		verdict->accepted = file ? STATE_NO : STATE_UNKNOWN;
		snprintf(verdict->why, sizeof(verdict->why), "%s", file ? why : "");
	} else {
		snprintf(file->path, sizeof(file->path), "%s", path);
		snprintf(file->signer, sizeof(file->signer), "%s", identity.signer);
		file->has_signature = identity.has_signature;
		policy_judge(host, policy, file, verdict);
	}
	free(file);
}
