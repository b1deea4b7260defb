// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints results for people and as JSON. Written by hand: the program is static and
 * runs where there is nothing else.
 */
#include "report.h"

static const char *const verdicts_text[] = { "PASS", "FAIL", "NOT RUN" };
static const char *const verdicts_json[] = { "pass", "fail", "not-run" };

static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else if (c < 0x7f)
			fputc(c, out);
		else	/* of an encoding that nobody knows here */
			fputs("\\ufffd", out);
	}
	fputc('"', out);
}

static const struct result *first_bad(const struct report *report)
{
	for (unsigned int i = 0; i < report->n; i++)
		if (report->results[i].verdict != VERDICT_PASS)
			return &report->results[i];
	return NULL;
}

/**
 * report_add() - keep a result, and print its line unless it is to be JSON
 * @report: where to; with room for it
 * @result: what to keep
 */
void report_add(struct report *report, const struct result *result)
{
	report->results[report->n++] = *result;
	if (report->json)
		return;
	fprintf(report->out, "%-18s %-7s %8.3f s  %s\n", result->name,
		verdicts_text[result->verdict], result->seconds, result->detail);
	fflush(report->out);
}

static void end_json(const struct report *report)
{
	fprintf(report->out, "{\"schema\":1,\"result\":\"%s\",\"checks\":[",
		first_bad(report) || !report->n ? "fail" : "pass");
	for (unsigned int i = 0; i < report->n; i++) {
		const struct result *result = &report->results[i];

		fprintf(report->out, "%s{\"name\":", i ? "," : "");
		json_string(report->out, result->name);
		fprintf(report->out, ",\"result\":\"%s\",\"seconds\":%.3f,\"detail\":",
			verdicts_json[result->verdict], result->seconds);
		json_string(report->out, result->detail);
		fputc('}', report->out);
	}
	fputs("]}\n", report->out);
}

/**
 * report_end() - print the verdict
 * @report: all results
 *
 * Return: 0 when every check passed and there was one at least; 1 otherwise, and when
 * it could not be printed.
 */
int report_end(const struct report *report)
{
	const struct result *bad = first_bad(report);

	if (report->json)
		end_json(report);
	else if (bad)
		fprintf(report->out, "guest-check: FAIL (%s: %s)\n", bad->name, bad->detail);
	else if (!report->n)
		fprintf(report->out, "guest-check: FAIL (none: no check was run)\n");
	else
		fprintf(report->out, "guest-check: PASS (%u checks)\n", report->n);
	if (fflush(report->out) || ferror(report->out))
		return 1;
	return bad || !report->n;
}

/**
 * report_error() - print as JSON why nothing was run
 * @out: where to
 * @result: "refused" or "usage"
 * @why: in words
 */
void report_error(FILE *out, const char *result, const char *why)
{
	fprintf(out, "{\"schema\":1,\"result\":\"%s\",\"error\":", result);
	json_string(out, why);
	fputs(",\"checks\":[]}\n", out);
	fflush(out);
}

/**
 * report_list() - print the table of checks
 * @out: where to
 * @json: as JSON
 * @table: the checks
 * @n: how many
 */
void report_list(FILE *out, bool json, const struct check *table, size_t n)
{
	if (json)
		fputs("{\"schema\":1,\"checks\":[", out);
	for (size_t i = 0; i < n; i++) {
		if (!json) {
			fprintf(out, "%-18s %s\n", table[i].name, table[i].about);
			continue;
		}
		fprintf(out, "%s{\"name\":", i ? "," : "");
		json_string(out, table[i].name);
		fputs(",\"about\":", out);
		json_string(out, table[i].about);
		fputc('}', out);
	}
	if (json)
		fputs("]}\n", out);
}
