// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dkms-kernel recorded of a kernel, as scripts/lib/state.sh and
 * scripts/build-modules write it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels.h"

static void record_text(struct json_object *object, const char *key, char *text, size_t size)
{
	json_text(object, key, text, size);
	text_printable(text);
}

static bool is_one_of(const char *text, const char *const *known)
{
	while (*known && strcmp(text, *known))
		known++;
	return *known != NULL;
}

bool fix_state_known(const char *state)
{
	static const char * const known[] = {
		"applied", "upstream", "not applicable", "off", NULL
	};

	return is_one_of(state, known);
}

static void read_fixes(struct kernel *kernel, struct json_object *report)
{
	struct json_object *list, *entry;

	if (!json_object_object_get_ex(report, "fixes", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list) && kernel->n_fixes < FIXES_MAX; i++) {
		struct fix_state *fix = &kernel->fixes[kernel->n_fixes];

		entry = json_object_array_get_idx(list, i);
		record_text(entry, "name", fix->name, sizeof(fix->name));
		record_text(entry, "state", fix->state, sizeof(fix->state));
		record_text(entry, "reason", fix->reason, sizeof(fix->reason));
		if (*fix->name && fix_state_known(fix->state))
			kernel->n_fixes++;
	}
}

static void read_audit(struct kernel *kernel, struct json_object *report)
{
	struct json_object *audit;

	if (json_object_object_get_ex(report, "audit", &audit))
		record_text(audit, "verdict", kernel->audit, sizeof(kernel->audit));
}

static bool state_known(const char *state)
{
	static const char * const known[] = { "installed", "skipped", "failed", "removed", NULL };

	return is_one_of(state, known);
}

static void damaged(struct kernel *kernel, const char *why)
{
	snprintf(kernel->state, sizeof(kernel->state), "damaged");
	snprintf(kernel->reason, sizeof(kernel->reason), "%s", why);
	text_printable(kernel->reason);
}

void kernel_records(struct kernel *kernel, struct json_object *state, struct json_object *report)
{
	char text[sizeof(kernel->state)];

	record_text(state, "reason", kernel->reason, sizeof(kernel->reason));
	record_text(state, "version", kernel->version, sizeof(kernel->version));
	record_text(state, "build", kernel->build, sizeof(kernel->build));
	record_text(state, "headers", kernel->headers, sizeof(kernel->headers));
	record_text(state, "image", kernel->image, sizeof(kernel->image));
	record_text(state, "stock", kernel->stock, sizeof(kernel->stock));
	record_text(state, "state", text, sizeof(text));
	if (state && !state_known(text))
		damaged(kernel, "its record names no state that there is");
	else if (state)
		snprintf(kernel->state, sizeof(kernel->state), "%s", text);
	read_fixes(kernel, report);
	read_audit(kernel, report);
}

/* NULL if it is not there, or if it is damaged, which @why then tells. */
static struct json_object *read_record(const char *path, char *why)
{
	return access(path, F_OK) ? NULL : json_read(path, why);
}

void kernel_read_records(const struct host *host, struct kernel *kernel)
{
	struct json_object *state, *report;
	char why[WHY_MAX] = "";

	snprintf(kernel->state, sizeof(kernel->state), "missing");
	state = read_record(host_path(host, KERNEL_RECORDS "/%s/state.json", kernel->release), why);
	report = read_record(host_path(host, KERNEL_RECORDS "/%s/report.json", kernel->release),
			     why);
	kernel_records(kernel, state, report);
	if (*why)
		damaged(kernel, why);
	json_object_put(state);
	json_object_put(report);
}
