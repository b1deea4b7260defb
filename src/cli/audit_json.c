// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report as JSON: docs/schema/audit.json.
 */
#include <string.h>

#include "audit.h"
#include "json.h"

static struct json_object *fix_json(const struct declared_fix *fix)
{
	struct json_object *object = json_object_new_object(), *changes = json_object_new_array();
	struct json_object *unmet = json_object_new_array();

	for (size_t i = 0; i < fix->n; i++) {
		json_object_array_add(changes, json_new_text(fix->changes[i]));
		if (!fix->met[i] && strcmp(fix->state, "applied") == 0)
			json_object_array_add(unmet, json_new_text(fix->changes[i]));
	}
	json_put_text(object, "name", fix->name);
	json_put_text(object, "state", fix->state);
	json_put_text(object, "patch", fix->patch);
	json_put_text(object, "sha256", fix->digest);
	json_object_object_add(object, "changes", changes);
	json_object_object_add(object, "unchanged", unmet);
	return object;
}

static struct json_object *source_json(const struct declared *declared)
{
	struct json_object *object = json_object_new_object();

	json_put_text(object, "origin", declared->origin);
	json_put_text(object, "version", declared->version);
	json_put_text(object, "sha256", declared->digest);
	return object;
}

static struct json_object *tally_json(const struct tally *tally)
{
	struct json_object *object = json_object_new_object();

	json_put_number(object, "identical", (int64_t)tally->same);
	json_put_number(object, "moved_lines", (int64_t)tally->moved);
	json_put_number(object, "moved_padding", (int64_t)tally->padded);
	json_put_number(object, "changed", (int64_t)tally->changed);
	json_put_number(object, "added", (int64_t)tally->added);
	json_put_number(object, "removed", (int64_t)tally->removed);
	return object;
}

static struct json_object *finding_json(const struct finding *finding)
{
	struct json_object *object = json_object_new_object();

	json_put_text(object, "subject", subject_name(finding->subject));
	json_put_text(object, "name", finding->name);
	json_put_text(object, "verdict", verdict_name(finding->verdict));
	json_put_text(object, "detail", finding->detail);
	json_put_flag(object, "declared", finding->by != NULL);
	json_put_text(object, "by", finding->by ? finding->by : "");
	return object;
}

static struct json_object *side_json(const char *build_id, const char *compiler)
{
	struct json_object *object = json_object_new_object();

	json_put_text(object, "build_id", build_id);
	json_put_text(object, "compiler", compiler);
	return object;
}

static struct json_object *module_json(const struct audited *module)
{
	struct json_object *object = json_object_new_object(), *findings = json_object_new_array();

	for (size_t i = 0; i < module->n; i++)
		json_object_array_add(findings, finding_json(&module->findings[i]));
	json_put_text(object, "name", module->name);
	json_object_object_add(object, "shipped", side_json(module->stock_build_id,
							     module->stock_compiler));
	json_object_object_add(object, "built", side_json(module->build_id, module->compiler));
	json_put_flag(object, "compared", module->compared);
	json_object_object_add(object, "functions", tally_json(&module->functions));
	json_object_object_add(object, "data", tally_json(&module->data));
	json_put_number(object, "undeclared", (int64_t)module->undeclared);
	json_object_object_add(object, "findings", findings);
	return object;
}

struct json_object *audit_json(const struct cli *cli, const struct audit *audit)
{
	struct json_object *object = cli_json_begin(cli), *fixes = json_object_new_array();
	struct json_object *modules = json_object_new_array();

	for (size_t i = 0; i < audit->declared.n; i++)
		json_object_array_add(fixes, fix_json(&audit->declared.fixes[i]));
	for (size_t i = 0; i < audit->n; i++)
		json_object_array_add(modules, module_json(&audit->modules[i]));
	json_put_text(object, "kernel", audit->kernel);
	json_put_text(object, "verdict", audit_verdict(audit));
	json_object_object_add(object, "source", source_json(&audit->declared));
	json_put_text(object, "headers", audit->declared.headers);
	json_put_text(object, "build", audit->declared.build);
	json_object_object_add(object, "fixes", fixes);
	json_object_object_add(object, "modules", modules);
	return object;
}
