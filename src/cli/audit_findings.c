// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was found, in an order that is the same each time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"
#include "json.h"

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		"moved lines", "moved padding", "changed", "added", "removed"
	};

	return names[verdict];
}

const char *subject_name(enum subject subject)
{
	static const char *const names[] = {
		"function", "data", "text", "import", "export", "modinfo", "section", "symbol"
	};

	return names[subject];
}

int finding_add(struct audited *audited, enum subject subject, enum verdict verdict,
		const char *name, const char *detail, const char *by)
{
	struct finding *finding;

	if (audited->n == audited->room) {
		size_t room = audited->room ? 2 * audited->room : 64;

		finding = realloc(audited->findings, room * sizeof(*finding));
		if (!finding)
			return -ENOMEM;
		audited->findings = finding;
		audited->room = room;
	}
	finding = &audited->findings[audited->n];
	finding->subject = subject;
	finding->verdict = verdict;
	finding->name = strdup(name);
	finding->detail = strdup(detail);
	finding->by = by;
	audited->n++;
	if (!finding->name || !finding->detail)
		return -ENOMEM;
	text_printable(finding->name);
	text_printable(finding->detail);
	return 0;
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;
	int order;

	if (left->subject != right->subject)
		return left->subject < right->subject ? -1 : 1;
	order = strcmp(left->name, right->name);
	if (!order && left->verdict != right->verdict)
		order = left->verdict < right->verdict ? -1 : 1;
	return order ? order : strcmp(left->detail, right->detail);
}

static void count(struct tally *tally, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_MOVED:
		tally->moved++;
		break;
	case VERDICT_PADDED:
		tally->padded++;
		break;
	case VERDICT_CHANGED:
		tally->changed++;
		break;
	case VERDICT_ADDED:
		tally->added++;
		break;
	case VERDICT_REMOVED:
		tally->removed++;
		break;
	}
}

void findings_close(struct audited *audited)
{
	if (audited->n)
		qsort(audited->findings, audited->n, sizeof(*audited->findings), compare_findings);
	for (size_t i = 0; i < audited->n; i++) {
		const struct finding *finding = &audited->findings[i];

		if (!finding->by)
			audited->undeclared++;
		if (finding->subject == SUBJECT_FUNCTION)
			count(&audited->functions, finding->verdict);
		else if (finding->subject == SUBJECT_DATA)
			count(&audited->data, finding->verdict);
	}
}

void audited_free(struct audited *audited)
{
	for (size_t i = 0; i < audited->n; i++) {
		free(audited->findings[i].name);
		free(audited->findings[i].detail);
	}
	free(audited->findings);
	memset(audited, 0, sizeof(*audited));
}

const char *audit_verdict(const struct audit *audit)
{
	const char *verdict = "passed";

	for (size_t i = 0; i < audit->n; i++) {
		if (audit->modules[i].undeclared)
			return "failed";
		if (!audit->modules[i].compared)
			verdict = "not attestable";
	}
	return verdict;
}
