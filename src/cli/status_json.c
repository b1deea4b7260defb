// SPDX-License-Identifier: GPL-2.0-only
/*
 * status as JSON: docs/schema/status.json describes it.
 */
#include <string.h>

#include "status.h"

static void tristate(struct json_object *object, const char *key, enum tristate value)
{
	json_put_text(object, key, value == STATE_YES ? "yes" : value == STATE_NO ? "no" : "unknown");
}

static struct json_object *stamp_json(const struct stamp *stamp)
{
	struct json_object *object;

	if (!stamp->present)
		return NULL;
	object = json_object_new_object();
	json_put_text(object, "kernel", stamp->kernel);
	json_put_text(object, "states", stamp->states);
	json_put_text(object, "source", stamp->source);
	json_put_text(object, "headers", stamp->headers);
	json_put_text(object, "compiler", stamp->compiler);
	json_put_text(object, "build", stamp->build);
	return object;
}

static struct json_object *installed_json(const struct part *part)
{
	struct json_object *object;

	if (!*part->installed)
		return NULL;
	object = json_object_new_object();
	json_put_text(object, "file", part->installed);
	tristate(object, "accepted", part->verdict.accepted);
	json_put_text(object, "why", part->verdict.why);
	return object;
}

static struct json_object *part_json(const struct part *part)
{
	struct json_object *object = json_object_new_object();
	const struct loaded *loaded = &part->loaded;

	json_put_text(object, "name", part->name);
	json_put_flag(object, "loaded", loaded->present);
	json_put_flag(object, "builtin", loaded->builtin);
	json_put_text(object, "state", loaded->state);
	json_put_text(object, "origin", origin_name(part->origin));
	json_put_text(object, "build_id", loaded->build_id);
	json_put_text(object, "version", loaded->version);
	json_object_object_add(object, "stamp", stamp_json(&loaded->stamp));
	json_put_text(object, "file", part->file);
	json_put_text(object, "taint", loaded->taint);
	json_put_number(object, "references", loaded->refcnt);
	json_put_text(object, "used_by_modules", loaded->holders);
	json_object_object_add(object, "next", status_next_json(part->next, part->next_origin,
							 part->next_id));
	json_put_flag(object, "next_is_loaded", loaded->present && *part->next_id &&
	     strcmp(part->next_id, loaded->build_id) == 0);
	json_object_object_add(object, "installed", installed_json(part));
	return object;
}

static struct json_object *modules_json(const struct status *status)
{
	struct json_object *list = json_object_new_array();

	for (int i = 0; i < PARTS; i++) {
		if (*status->parts[i].name)
			json_object_array_add(list, part_json(&status->parts[i]));
	}
	return list;
}

static struct json_object *guard_json(const struct guard *guard)
{
	struct json_object *object, *lines;

	if (!*guard->mode && !guard->n_lines)
		return NULL;
	object = json_object_new_object();
	lines = json_object_new_array();
	json_put_text(object, "mode", guard->mode);
	for (unsigned int i = 0; i < guard->n_lines; i++)
		json_object_array_add(lines, json_new_text(guard->lines[i]));
	json_object_object_add(object, "counts", lines);
	return object;
}

static struct json_object *policy_json(const struct policy *policy)
{
	struct json_object *object = json_object_new_object();

	tristate(object, "secure_boot", policy->secure_boot);
	json_put_text(object, "lockdown", *policy->lockdown ? policy->lockdown : "unknown");
	tristate(object, "sig_enforce", policy->sig_enforce);
	return object;
}

static struct json_object *swap_json(const struct swap_left *swap)
{
	struct json_object *object;

	if (!swap->present)
		return NULL;
	object = json_object_new_object();
	json_put_text(object, "step", swap->step);
	json_put_text(object, "why", swap->why);
	return object;
}

static struct json_object *taint_json(const struct status *status)
{
	struct json_object *object;

	if (status->taint < 0)
		return NULL;
	object = json_object_new_object();
	json_put_number(object, "value", status->taint);
	json_put_flag(object, "out_of_tree", status->taint & TAINT_OUT_OF_TREE);
	json_put_flag(object, "unsigned", status->taint & TAINT_UNSIGNED);
	json_put_flag(object, "remains", taint_remains(status));
	return object;
}

static struct json_object *timing_json(const struct status *status)
{
	struct json_object *object = json_object_new_object();

	json_put_ms(object, "total_ms", status->ms + status->holders.ms);
	json_put_ms(object, "holders_ms", status->holders.ms);
	return object;
}

static struct json_object *problems_json(const struct status *status)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < status->n_problems; i++)
		json_object_array_add(list, json_new_text(status->problems[i]));
	return list;
}

struct json_object *status_json(const struct cli *cli, const struct status *status)
{
	static const char * const pairs[] = { "none", "yes", "no" };
	struct json_object *object = cli_json_begin(cli), *kernels = json_object_new_array();

	json_put_flag(object, "healthy", !status->n_problems);
	json_object_object_add(object, "problems", problems_json(status));
	json_put_text(object, "kernel", status->host->release);
	json_object_object_add(object, "modules", modules_json(status));
	json_put_text(object, "pair", pairs[status->pair]);
	json_object_object_add(object, "guard", guard_json(&status->guard));
	json_put_text(object, "choice", choice_name(status->choice));
	json_put_flag(object, "boot_stock", status->boot_stock != BOOT_AS_CHOSEN);
	json_put_text(object, "reboot_pending", status->reboot);
	json_object_object_add(object, "policy", policy_json(&status->policy));
	json_object_object_add(object, "swap", swap_json(&status->swap));
	json_object_object_add(object, "taint", taint_json(status));
	json_object_object_add(object, "holders", status->with_holders ?
			       holders_json(&status->holders) : NULL);
	for (size_t i = 0; i < status->n_kernels; i++)
		json_object_array_add(kernels, status_kernel_json(status, i));
	json_object_object_add(object, "kernels", kernels);
	json_object_object_add(object, "timing", timing_json(status));
	return object;
}
