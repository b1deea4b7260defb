// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the kernel that runs the one that is installed? A rebuilt kernel has the same
 * release, and modules made for it do not fit the one that still runs.
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "policy.h"

/* The version in "Linux version ... #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-01-02)". */
static bool running_version(const struct host *host, char *version, size_t size)
{
	char text[1024];
	const char *at;

	read_text(host_path(host, "/proc/version"), text, sizeof(text));
	/* In front of the build's number the compiler tells its own. */
	at = strstr(text, " #");
	at = at ? strstr(at, " Debian ") : NULL;
	if (!at)
		return false;
	at += strlen(" Debian ");
	snprintf(version, size, "%.*s", (int)strcspn(at, " "), at);
	return version[0] != '\0';
}

/* dkms-kernel noted the packages' versions; dpkg's own list is megabytes. */
static bool installed_version(const struct host *host, const char *of, char *version, size_t size)
{
	char why[WHY_MAX];
	struct json_object *state;

	state = json_read(host_path(host, "/var/lib/kvm-fixes/kernels/%s/state.json",
				    host->release), why);
	version[0] = '\0';
	if (state)
		json_text(state, of, version, size);
	json_object_put(state);
	/* Headers without a package have a digest. */
	return version[0] && strncmp(version, "sha256:", 7) != 0;
}

enum tristate policy_reboot_pending(const struct host *host, char *why)
{
	static const char *const packages[] = { "headers", "image" };
	enum tristate answer = STATE_UNKNOWN;
	char running[128], installed[128];

	why[0] = '\0';
	if (!running_version(host, running, sizeof(running)))
		return STATE_UNKNOWN;
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
		if (!installed_version(host, packages[i], installed, sizeof(installed)))
			continue;
		answer = STATE_NO;
		if (strcmp(installed, running) == 0)
			continue;
		snprintf(why, WHY_MAX, "build %s of kernel %s runs, and linux-%s-%s is of build %s; reboot into the installed build first",
			 running, host->release, packages[i], host->release, installed);
		return STATE_YES;
	}
	return answer;
}
