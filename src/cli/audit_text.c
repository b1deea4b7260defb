// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report as a page for a change review.
 */
#include <string.h>

#include "audit.h"

static void print_source(FILE *out, const struct declared *declared)
{
	if (!declared->present) {
		fputs("fixes       no report.json: none is declared\n", out);
		return;
	}
	fprintf(out, "source      %s %s\n            sha256 %s\n", declared->origin,
		declared->version, declared->digest);
	fprintf(out, "headers     %s\nbuild       %s\n", declared->headers, declared->build);
	for (size_t i = 0; i < declared->n; i++) {
		const struct declared_fix *fix = &declared->fixes[i];

		fprintf(out, "%-11s %s: %s\n", i ? "" : "fixes", fix->name, fix->state);
		if (*fix->patch)
			fprintf(out, "            %s, sha256 %s\n", fix->patch, fix->digest);
	}
}

static void print_tally(FILE *out, const char *what, const struct tally *tally)
{
	fprintf(out, "  %-9s %zu identical", what, tally->same + tally->moved + tally->padded);
	if (tally->moved)
		fprintf(out, " (%zu of them but for line numbers", tally->moved);
	if (tally->padded)
		fprintf(out, "%s%zu of them but for alignment", tally->moved ? ", " : " (", tally->padded);
	if (tally->moved || tally->padded)
		fputc(')', out);
	fprintf(out, ", %zu changed, %zu added, %zu removed\n", tally->changed, tally->added,
		tally->removed);
}

static void print_finding(FILE *out, const struct finding *finding)
{
	fprintf(out, "  %-14s %-8s %-8s %s", finding->by ? finding->by : "UNDECLARED",
		verdict_name(finding->verdict), subject_name(finding->subject), finding->name);
	if (*finding->detail)
		fprintf(out, ": %s", finding->detail);
	fputc('\n', out);
}

static bool is_stamp(const struct finding *finding)
{
	return finding->by && strcmp(finding->by, AUDIT_BY_STAMP) == 0;
}

/* Told of in one line, or by its number. */
static bool is_plain(const struct finding *finding)
{
	return finding->by && (finding->verdict == VERDICT_MOVED ||
			       finding->verdict == VERDICT_PADDED || is_stamp(finding));
}

static void print_stamp(FILE *out, const struct audited *module)
{
	size_t n = 0;

	for (size_t i = 0; i < module->n; i++)
		n += is_stamp(&module->findings[i]);
	if (n)
		fprintf(out, "  stamp     %zu entries: what the build says of itself\n", n);
}

static void print_module(FILE *out, const struct audited *module)
{
	fprintf(out, "\n%s\n  shipped   build-id %s, %s\n  built     build-id %s, %s\n", module->name,
		module->stock_build_id, module->stock_compiler, module->build_id, module->compiler);
	if (module->compared) {
		print_tally(out, "functions", &module->functions);
		print_tally(out, "data", &module->data);
	} else {
		fputs("  not attestable: another compiler made it; exports, CRCs and .modinfo were compared\n",
		      out);
	}
	print_stamp(out, module);
	for (size_t i = 0; i < module->n; i++) {
		if (!is_plain(&module->findings[i]))
			print_finding(out, &module->findings[i]);
	}
}

static void print_unmet(FILE *out, const struct declared *declared)
{
	bool any = false;

	for (size_t i = 0; i < declared->n; i++) {
		const struct declared_fix *fix = &declared->fixes[i];

		for (size_t j = 0; !strcmp(fix->state, "applied") && j < fix->n; j++) {
			if (fix->met[j])
				continue;
			fprintf(out, "%s  %-14s %s\n", any ? "" : "\ndeclared, and not changed\n",
				fix->name, fix->changes[j]);
			any = true;
		}
	}
}

void audit_print(const struct cli *cli, const struct audit *audit)
{
	fprintf(cli->out, "KVM modules for kernel %s against the shipped ones\nverdict     %s\n",
		audit->kernel, audit_verdict(audit));
	print_source(cli->out, &audit->declared);
	for (size_t i = 0; i < audit->n; i++)
		print_module(cli->out, &audit->modules[i]);
	print_unmet(cli->out, &audit->declared);
}
