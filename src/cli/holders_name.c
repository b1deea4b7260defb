// SPDX-License-Identifier: GPL-2.0-only
/*
 * The name of the VM that a process runs: from its arguments, which are exact, or
 * from the cgroup that libvirt made for it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "holders_parts.h"
#include "json.h"

#define SCOPE	"machine-qemu\\x2d"

/* The argument after @arg, NULL behind the last. */
static const char *next(const char *arg, const char *end)
{
	arg += strnlen(arg, (size_t)(end - arg)) + 1;
	return arg < end ? arg : NULL;
}

/* If @arg is --OPTION (or -OPTION), its value, from there or from the next argument. */
static const char *option_value(const char *arg, const char *option, const char *end)
{
	size_t length = strlen(option);

	if (*arg++ != '-')
		return NULL;
	arg += *arg == '-';
	if (strncmp(arg, option, length) != 0)
		return NULL;
	if (arg[length] == '=')
		return arg + length + 1;
	return arg[length] ? NULL : next(arg, end);
}

/* QEMU's "guest=NAME,debug-threads=on" or "NAME,...", where ",," is a comma. */
static void qemu_name(const char *value, char *name, size_t size)
{
	const char *guest = value;
	size_t n = 0;

	if (strncmp(value, "guest=", 6) != 0)
		guest = strstr(value, ",guest=");
	if (guest)
		value = guest + (*guest == ',') + 6;
	for (; *value && n + 1 < size; value++) {
		if (*value == ',' && *++value != ',')
			break;
		name[n++] = *value;
	}
	name[n] = '\0';
}

void vm_name_by_arguments(const char *args, size_t n, char *name, size_t size)
{
	const char *end = args + n, *slash = strrchr(args, '/'), *value = NULL, *arg;
	const char *program = slash ? slash + 1 : args;
	bool qemu = strncmp(program, "qemu", 4) == 0 || strcmp(program, "kvm") == 0;

	name[0] = '\0';
	if (!qemu && strcmp(program, "firecracker") && strncmp(program, "cloud-hyp", 9))
		return;
	for (arg = next(args, end); arg && !value; arg = next(arg, end))
		value = option_value(arg, qemu ? "name" : "id", end);
	if (!value)
		return;
	if (qemu)
		qemu_name(value, name, size);
	else
		snprintf(name, size, "%s", value);
}

/* systemd writes what may not stand in a unit's name as \xHH. */
static char unescape(const char **text)
{
	unsigned int byte;

	if ((*text)[0] == '\\' && (*text)[1] == 'x' && isxdigit((unsigned char)(*text)[2]) &&
	    isxdigit((unsigned char)(*text)[3]) && sscanf(*text + 2, "%2x", &byte) == 1) {
		*text += 4;
		return (char)byte;
	}
	return *(*text)++;
}

/* Out of ".../machine-qemu\x2d3\x2dweb1.scope/...": id 3, domain web1. */
void vm_name_by_cgroup(const char *text, char *name, size_t size)
{
	const char *at = strstr(text, SCOPE), *end;
	size_t n = 0;

	name[0] = '\0';
	if (!at)
		return;
	at += strlen(SCOPE);
	at += strspn(at, "0123456789");
	if (strncmp(at, "\\x2d", 4) != 0)
		return;
	at += 4;
	end = strstr(at, ".scope");
	while (end && at < end && *at != '\n' && n + 1 < size)
		name[n++] = unescape(&at);
	name[n] = '\0';
}

void vm_name(const struct host *host, pid_t pid, char *name, size_t size)
{
	char text[16384];
	int n = read_text(host_path(host, "/proc/%d/cmdline", (int)pid), text, sizeof(text));

	name[0] = '\0';
	if (n > 0)
		vm_name_by_arguments(text, (size_t)n, name, size);
	if (!*name) {
		read_text(host_path(host, "/proc/%d/cgroup", (int)pid), text, sizeof(text));
		vm_name_by_cgroup(text, name, size);
	}
	text_printable(name);
}
