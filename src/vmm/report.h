/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is printed: a line for each check and a verdict, or one JSON object.
 */
#ifndef VMM_REPORT_H
#define VMM_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "check.h"

#define REPORT_MAX	64

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_NOT_RUN };

/**
 * struct result - how a check went
 * @name: the check's name
 * @verdict: how
 * @seconds: for how long it ran
 * @detail: what it did, or why it failed
 */
struct result {
	const char *name;
	enum verdict verdict;
	double seconds;
	char detail[REASON_SIZE + 32];
};

/**
 * struct report - all of them
 * @out: where to print
 * @json: as JSON
 * @results: in the order in which they came
 * @n: how many
 */
struct report {
	FILE *out;
	bool json;
	struct result results[REPORT_MAX];
	unsigned int n;
};

void report_add(struct report *report, const struct result *result);
int report_end(const struct report *report);
void report_error(FILE *out, const char *result, const char *why);
void report_list(FILE *out, bool json, const struct check *table, size_t n);

#endif
