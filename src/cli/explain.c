// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors of loading and unloading in words. One number has several causes; what the
 * kernel wrote meanwhile tells which.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"

#define REINSTALL	"install it anew from its package, or run: kvm-fixes recover"
#define REBUILD		"have it built for the kernel that runs: " CLI_LIBDIR "/dkms-kernel install $(uname -r)"
#define FIRMWARE	"enable virtualization (VT-x, SVM) in the firmware, or load it on a host whose CPU has it"
#define PARAMETERS	"correct its options in /etc/modprobe.d and on the kernel's command line"

/**
 * struct cause - why a module did not load
 * @error: what the system call said, 0 if @line is enough
 * @line: is in the kernel's log; NULL if @error is enough
 * @what @next: the cause and the next step
 */
struct cause {
	int error;
	const char *line;
	const char *what;
	const char *next;
};

/* The first that matches is it. */
static const struct cause causes[] = {
	{ EPERM, "Lockdown:", "the kernel is locked down and the module's signature is none that it trusts",
	  POLICY_SIGN },
	{ EPERM, "is blacklisted", "module_blacklist= on the kernel's command line keeps it out",
	  "take it off that list and reboot" },
	{ EKEYREJECTED, "unsigned module", "it is not signed and the kernel takes signed modules only",
	  POLICY_SIGN },
	{ EKEYREJECTED, "unavailable key", "it is signed with a key that the kernel does not have",
	  "enrol that key: mokutil --import CERTIFICATE" },
	{ EKEYREJECTED, NULL, "the kernel rejects its signature, or that it has none", POLICY_SIGN },
	{ ENOKEY, NULL, "it is signed with a key that the kernel does not have",
	  "enrol that key: mokutil --import CERTIFICATE" },
	{ EBADMSG, NULL, "its signature is damaged", REINSTALL },
	{ ENOPKG, NULL, "its signature is of a kind that the kernel cannot check", POLICY_SIGN },
	{ 0, "version magic", "it is for another kernel", REBUILD },
	{ 0, "version of symbol module_layout", "it was built for another layout of the kernel", REBUILD },
	{ 0, "disagrees about version of symbol",
	  "a symbol's CRC is not that of this kernel or of the kvm that is loaded", REBUILD },
	{ 0, "Unknown symbol", "it needs a symbol that neither the kernel nor a loaded module has",
	  "load what it depends on first: modprobe kvm, modprobe irqbypass" },
	{ 0, "] BTF:", "its type data (BTF) do not fit this kernel", REBUILD },
	{ EINVAL, "invalid for parameter", "a parameter has a value that it does not take", PARAMETERS },
	{ ENOEXEC, NULL, "the file is cut short, damaged, or for another kernel", REINSTALL },
	{ EOPNOTSUPP, "disabled", "virtualization is disabled on this CPU", FIRMWARE },
	{ EOPNOTSUPP, "not enabled", "virtualization is disabled on this CPU", FIRMWARE },
	{ EOPNOTSUPP, NULL, "this CPU has no virtualization, or the firmware disabled it", FIRMWARE },
	{ ENODEV, NULL, "this CPU has no virtualization, or the firmware disabled it", FIRMWARE },
	{ EIO, NULL, "the CPU's virtualization is not as the module needs it, on all CPUs alike", FIRMWARE },
	{ EEXIST, "already loaded", "the other vendor's module is loaded",
	  "unload that first: modprobe -r kvm_intel kvm_amd" },
	{ EEXIST, NULL, "a module of that name is loaded already, so someone loaded it meanwhile",
	  "see kvm-fixes status, and try again" },
	{ EBUSY, NULL, "a module of that name is on its way in or out, or another hypervisor holds the CPU",
	  "unload the other hypervisor if there is one, and try again in a moment" },
	{ ENOMEM, NULL, "the kernel is out of memory for it", "free some memory and try again" },
	{ ENOENT, NULL, "it needs a symbol that neither the kernel nor a loaded module has",
	  "load what it depends on first: modprobe kvm, modprobe irqbypass" },
	{ EINVAL, NULL, "a parameter has a value that it does not take, or a symbol's CRC differs; the kernel's log (dmesg) tells which",
	  PARAMETERS },
	{ EFBIG, NULL, "the file is larger than any module", REINSTALL },
	{ EPERM, NULL, "not permitted: no root, or loading modules is switched off",
	  "run it as root; if /proc/sys/kernel/modules_disabled is 1, only a reboot helps" },
};

static const struct cause *find_cause(int error, const char *log)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		const struct cause *cause = &causes[i];

		if ((!cause->error || cause->error == error) &&
		    (!cause->line || strstr(log, cause->line)))
			return cause;
	}
	return NULL;
}

static bool locked_down(const struct policy *policy)
{
	const char *enforcer = policy ? policy_enforcer(policy) : NULL;

	return enforcer && policy->sig_enforce != STATE_YES;
}

/* " (kernel: ...)": the line of the log that has @part, without what /dev/kmsg puts in front. */
static void quote_line(const char *log, const char *part, char *text, size_t size)
{
	const char *at = strstr(log, part), *begin = at, *mark;
	int length;

	while (begin > log && begin[-1] != '\n')
		begin--;
	mark = memchr(begin, ';', (size_t)(at - begin));
	if (mark)
		begin = mark + 1;
	length = (int)strcspn(begin, "\n");
	snprintf(text, size, " (kernel: %.*s)", length < 120 ? length : 120, begin);
}

void explain_load(const char *name, const char *path, int error, const struct policy *policy,
		  const char *log, char *why)
{
	const struct cause *cause = find_cause(error, log);
	char line[160] = "";

	if (error == EPERM && cause && !cause->line && locked_down(policy))
		cause = &causes[0];
	if (!cause) {
		snprintf(why, WHY_MAX, "%s: %.160s was not loaded: %s; the kernel's log (dmesg) may say more",
			 name, path, strerror(error));
		return;
	}
	if (cause->line && strstr(log, cause->line))
		quote_line(log, cause->line, line, sizeof(line));
	snprintf(why, WHY_MAX, "%s: %.120s was not loaded: %s%s; %s", name, path, cause->what, line,
		 cause->next);
}

void explain_unload(const char *name, int error, const struct loaded *loaded, char *why)
{
	if (error == EAGAIN && loaded->n_holders)
		snprintf(why, WHY_MAX, "%s: in use by %u module(s): %.200s (%d references in all); unload those first",
			 name, loaded->n_holders, loaded->holders, loaded->refcnt);
	else if (error == EAGAIN && loaded->refcnt > 0)
		snprintf(why, WHY_MAX, "%s: in use (%d references); stop all guests, kvm-fixes status names them",
			 name, loaded->refcnt);
	else if (error == EAGAIN)
		snprintf(why, WHY_MAX, "%s: in use; stop all guests, kvm-fixes status names them", name);
	else if (error == EBUSY)
		snprintf(why, WHY_MAX, "%s: on its way in or out, or made so that it cannot be unloaded; try again in a moment, and reboot if it stays so",
			 name);
	else if (error == ENOENT)
		snprintf(why, WHY_MAX, "%s: not loaded (any more), so someone unloaded it; see kvm-fixes status, and try again",
			 name);
	else if (error == EPERM)
		snprintf(why, WHY_MAX, "%s: unloading is not permitted: no root, or modules are switched off; run it as root, and if /proc/sys/kernel/modules_disabled is 1, reboot",
			 name);
	else
		snprintf(why, WHY_MAX, "%s: was not unloaded: %s; the kernel's log (dmesg) may say more",
			 name, strerror(error));
}
