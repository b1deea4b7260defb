// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text that status and list read: records of kernels, descriptions of fixes, and
 * what processes say of themselves. The first byte chooses.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "holders_parts.h"
#include "kernels.h"
#include "list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is shown is printable and ends within its bounds. */
static void shown(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	if (length == room)
		abort();
	for (size_t i = 0; i < length; i++) {
		if (!isprint((unsigned char)text[i]))
			abort();
	}
}

static void records(const char *text, size_t size)
{
	static struct kernel kernel;
	char why[WHY_MAX] = "";
	struct json_object *object = json_parse(text, size, "input", why);

	if (!object && !*why)
		abort();
	memset(&kernel, 0, sizeof(kernel));
	kernel_records(&kernel, object, object);
	json_object_put(object);
	shown(kernel.state, sizeof(kernel.state));
	shown(kernel.reason, sizeof(kernel.reason));
	if (kernel.n_fixes > FIXES_MAX)
		abort();
	for (unsigned int i = 0; i < kernel.n_fixes; i++) {
		shown(kernel.fixes[i].name, sizeof(kernel.fixes[i].name));
		shown(kernel.fixes[i].reason, sizeof(kernel.fixes[i].reason));
	}
}

static void descriptions(char *text)
{
	static struct fix fix;
	char state[64];

	states_find(text, "bus-barrier", state, sizeof(state));
	shown(state, sizeof(state));
	memset(&fix, 0, sizeof(fix));
	fix_conf_parse(text, &fix);
	shown(fix.summary, sizeof(fix.summary));
	shown(fix.why, sizeof(fix.why));
}

static void names(char *text, size_t size)
{
	char name[32];

	vm_name_by_arguments(text, size, name, sizeof(name));
	if (strnlen(name, sizeof(name)) == sizeof(name))
		abort();
	vm_name_by_cgroup(text, name, sizeof(name));
	text_printable(name);
	shown(name, sizeof(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'c':
		descriptions(text);
		break;
	case 'n':
		names(text, size - 1);
		break;
	default:
		records(text, size - 1);
	}
	free(text);
	return 0;
}
