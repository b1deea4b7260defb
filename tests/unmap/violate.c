// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thing done wrong, with the help of the module kvm-violate.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storm.h"

#define VIOLATE	"/sys/kernel/debug/kvm-violate"

/**
 * storm_violate() - break the unmap rule, once
 * @area: where
 * @what: how; a course that an update is to take is taken by the deletion that follows
 *
 * Return: 0, or -1 after ctx_fail().
 */
int storm_violate(struct area *area, const char *what)
{
	struct check_ctx *ctx = area->vm->ctx;
	int fd = open(VIOLATE, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return ctx_fail(ctx, VIOLATE ": %s; load kvm-violate", strerror(errno));
	if (dprintf(fd, "%s %d", what, area->vm->fd) < 0) {
		close(fd);
		return ctx_fail(ctx, VIOLATE ": '%s': %s", what, strerror(errno));
	}
	close(fd);
	return area_set(area, 0, area->gpa, 0, 0);
}
