// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs kvm-guest-check and believes only its last line together with its status.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guesttest.h"

static void last_line(const char *text, char *line, size_t size)
{
	const char *start = text, *end;

	while ((end = strchr(start, '\n')) && end[1])
		start = end + 1;
	snprintf(line, size, "%.*s", (int)strcspn(start, "\n"), start);
}

int guest_test(const struct host *host, const char *device, struct guest_result *result,
	       char *why)
{
	char program[PATH_MAX], said[WHY_MAX];
	const char *argv[] = { program, "--device", device, "--timeout", GUEST_CHECK_TIMEOUT, NULL };
	double start = now_ms();
	struct output output;
	int err;

	memset(result, 0, sizeof(*result));
	snprintf(program, sizeof(program), "%s", host_path(host, GUEST_CHECK));
	if (access(program, X_OK)) {
		err = -errno;
		snprintf(why, WHY_MAX, "%s: cannot be run (%s); reinstall kvm-fixes", program,
			 strerror(-err));
		return err;
	}
	err = run_program(argv, GUEST_CHECK_SECONDS, &output, said);
	result->ms = now_ms() - start;
	last_line(output.text, result->verdict, sizeof(result->verdict));
	if (err == -EINTR) {
		snprintf(why, WHY_MAX, "the guest check was interrupted");
		return err;
	}
	if (err == -ETIMEDOUT)
		result->verdict[0] = '\0';
	if (err || strncmp(result->verdict, "guest-check: PASS (", 19) != 0) {
		snprintf(why, WHY_MAX, "the guest check did not pass: %.350s",
			 result->verdict[0] ? result->verdict : said);
		return err ? err : -EIO;
	}
	return 0;
}
