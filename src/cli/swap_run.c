// SPDX-License-Identifier: GPL-2.0-only
/*
 * A swap from preflight to report.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "lock.h"
#include "modload.h"
#include "swap.h"

#define POLL_NS		200000000L

static void describe(const struct image *image, char *text, size_t size)
{
	if (image->file[0])
		snprintf(text, size, "%s (%.12s)", image->file, image->build_id);
	else
		snprintf(text, size, "not loaded");
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static struct json_object *image_json(const struct image *image)
{
	struct json_object *object;

	if (!image->file[0])
		return NULL;
	object = json_object_new_object();
	add_text(object, "file", image->file);
	add_text(object, "build_id", image->build_id);
	add_text(object, "options", image->options);
	return object;
}

static struct json_object *set_json(const struct image_set *set)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "kvm", image_json(&set->kvm));
	json_object_object_add(object, "vendor", image_json(&set->vendor));
	return object;
}

/* What every report of a swap has: who, from what, to what. */
static struct json_object *plan_json(const struct cli *cli, const struct plan *plan)
{
	struct json_object *object = cli_json_begin(cli), *reasons = json_object_new_array();

	add_text(object, "kernel", plan->journal.release);
	add_text(object, "vendor", plan->journal.vendor);
	add_text(object, "to", choice_name(plan->journal.to));
	json_object_object_add(object, "already", json_object_new_boolean(plan->already));
	json_object_object_add(object, "former", set_json(&plan->journal.former));
	json_object_object_add(object, "next", set_json(&plan->journal.next));
	for (unsigned int i = 0; i < plan->n_reasons; i++)
		json_object_array_add(reasons, json_object_new_string(plan->reasons[i]));
	json_object_object_add(object, "reasons", reasons);
	add_text(object, "note", plan->note);
	return object;
}

static int print_plan(const struct cli *cli, const struct plan *plan)
{
	int code = plan->n_reasons ? EX_REFUSED : EX_DONE;
	char text[PATH_MAX + 64];

	if (cli->json) {
		struct json_object *object = plan_json(cli, plan);

		add_text(object, "result", plan->n_reasons ? "would be refused" : "would be done");
		return cli_json_end(cli, object, code);
	}
	describe(&plan->journal.former.kvm, text, sizeof(text));
	fprintf(cli->out, "kvm:        %s\n", text);
	describe(&plan->journal.next.kvm, text, sizeof(text));
	fprintf(cli->out, "         -> %s\n", text);
	describe(&plan->journal.former.vendor, text, sizeof(text));
	fprintf(cli->out, "%-11s %s\n", plan->journal.vendor, text);
	describe(&plan->journal.next.vendor, text, sizeof(text));
	fprintf(cli->out, "         -> %s\n", text);
	if (plan->note[0])
		fprintf(cli->out, "note: %s\n", plan->note);
	for (unsigned int i = 0; i < plan->n_reasons; i++)
		fprintf(cli->out, "against it: %s\n", plan->reasons[i]);
	fprintf(cli->out, "%s\n", plan->n_reasons ? "it would be refused" :
		plan->already ? "they are loaded already; only the choice for later boots would be made" :
				"it would be done");
	return code;
}

static int refuse(const struct cli *cli, const struct plan *plan)
{
	unsigned int more = plan->n_reasons - 1;

	if (more)
		return cli_error(cli, EX_REFUSED, "%s (and %u more: see --dry-run)", plan->reasons[0],
				 more);
	return cli_error(cli, EX_REFUSED, "%s", plan->reasons[0]);
}

static int print_done_json(const struct cli *cli, const struct plan *plan, const struct swap *swap)
{
	struct json_object *object = plan_json(cli, plan), *steps = json_object_new_array();

	add_text(object, "result", "done");
	add_text(object, "guest_check", swap->guest.verdict);
	json_object_object_add(object, "blackout_ms", json_object_new_double(swap->blackout_ms));
	json_object_object_add(object, "modules_ms", json_object_new_double(swap->modules_ms));
	for (unsigned int i = 0; i < swap->n_times; i++) {
		struct json_object *step = json_object_new_object();

		add_text(step, "name", swap->times[i].name);
		json_object_object_add(step, "ms", json_object_new_double(swap->times[i].ms));
		json_object_array_add(steps, step);
	}
	json_object_object_add(object, "steps", steps);
	json_object_object_add(object, "parameters", differences_json(&swap->differences));
	return cli_json_end(cli, object, EX_DONE);
}

static int print_done(const struct cli *cli, const struct plan *plan, const struct swap *swap)
{
	const struct differences *differences = &swap->differences;

	if (cli->json)
		return print_done_json(cli, plan, swap);
	fprintf(cli->out, "the %s modules are loaded, and are what later boots load\n",
		choice_name(plan->journal.to));
	fprintf(cli->out, "%s\n", swap->guest.verdict);
	for (size_t i = 0; i < differences->n; i++) {
		const struct difference *difference = &differences->list[i];

		fprintf(cli->out, "parameter %s.%s was %s and is %s\n", difference->module,
			difference->name, difference->before,
			difference->gone ? "not there any more" : difference->after);
	}
	fprintf(cli->out, "without /dev/kvm for %.0f ms: modules %.0f ms, guest check %.0f ms\n",
		swap->blackout_ms, swap->modules_ms, swap->guest.ms);
	for (unsigned int i = 0; i < swap->n_times; i++)
		fprintf(cli->out, "%s%s %.0f ms", i ? ", " : "steps: ", swap->times[i].name,
			swap->times[i].ms);
	fputc('\n', cli->out);
	return EX_DONE;
}

static int print_already(const struct cli *cli, const struct plan *plan)
{
	if (cli->json) {
		struct json_object *object = plan_json(cli, plan);

		add_text(object, "result", "already");
		return cli_json_end(cli, object, EX_DONE);
	}
	fprintf(cli->out, "the %s modules are loaded already, and are what later boots load\n",
		choice_name(plan->journal.to));
	return EX_DONE;
}

/* Only what later boots load is to be settled. */
static int settle(const struct cli *cli, const struct plan *plan)
{
	char why[WHY_MAX];

	if (choice_set(&cli->host, plan->journal.to, why))
		return cli_error(cli, EX_FAILED, "%s", why);
	return print_already(cli, plan);
}

static const char *outcome(int code)
{
	switch (code) {
	case EX_REFUSED:
		return "nothing was touched";
	case EX_BACK:
		return "the former modules are back";
	case EX_GONE:
		return "/dev/kvm is missing";
	case EX_STUCK:
		return "the new modules are loaded and in use";
	default:
		return "see kvm-fixes status";
	}
}

/* Returns an exit code; @busy: it may be tried again. */
static int perform(const struct cli *cli, struct plan *plan, bool *busy)
{
	struct swap swap = { .cli = cli, .journal = &plan->journal, .plan = plan,
			     .policy = plan->policy };
	int code;

	*busy = false;
	if (plan_keep_files(&cli->host, plan, swap.why) ||
	    module_load_depends(&cli->host, &plan->next_kvm, swap.why) ||
	    module_load_depends(&cli->host, &plan->next_vendor, swap.why))
		return cli_error(cli, EX_REFUSED, "%s (nothing was touched)", swap.why);
	cli_step(cli, "changing over to the %s modules", choice_name(plan->journal.to));
	code = engine_swap(&swap);
	if (code == EX_DONE)
		return print_done(cli, plan, &swap);
	*busy = swap.busy;
	if (swap.busy)
		return code;
	return cli_error(cli, code, "%s (%s)", swap.why, outcome(code));
}

/* Until nobody uses KVM, a signal comes or time is up. */
static void wait_for_end_of_use(const struct cli *cli, enum target target, struct plan *plan,
				double end)
{
	const struct timespec pause = { 0, POLL_NS };
	bool told = false;

	while (plan->in_use && plan->n_reasons == 1 && !run_interrupted && now_ms() < end) {
		if (!told)
			cli_step(cli, "waiting: %s", plan->reasons[0]);
		told = true;
		nanosleep(&pause, NULL);
		plan_free(plan);
		plan_make(cli, target, plan);
	}
}

static int attempt(const struct cli *cli, const struct swap_options *options, struct plan *plan)
{
	double end = now_ms() + options->wait * 1e3;
	bool busy = true;
	int code = EX_REFUSED;

	while (busy) {
		plan_make(cli, options->target, plan);
		wait_for_end_of_use(cli, options->target, plan, end);
		if (run_interrupted)
			plan_refuse(plan, "interrupted by a signal");
		if (plan->n_reasons)
			return refuse(cli, plan);
		if (plan->already)
			return settle(cli, plan);
		code = perform(cli, plan, &busy);
		if (busy && now_ms() >= end)
			return cli_error(cli, code, "someone began to use KVM just now; stop it, or use --wait SECONDS (%s)",
					 outcome(code));
		if (busy)
			plan_free(plan);
	}
	return code;
}

int swap_run(struct cli *cli, const struct swap_options *options)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	char why[WHY_MAX];
	int code, lock;

	if (!plan)
		return cli_error(cli, EX_REFUSED, "out of memory; nothing was touched");
	if (options->dry_run) {
		plan_make(cli, options->target, plan);
		code = print_plan(cli, plan);
		goto out;
	}
	if (cli->host.root[0]) {
		code = cli_error(cli, EX_REFUSED, "KVM_FIXES_ROOT is set, and a folder has no kernel to load modules into; use --dry-run there");
		goto out;
	}
	if (geteuid() != 0) {
		code = cli_error(cli, EX_REFUSED, "not root; run it as root");
		goto out;
	}
	signals_hold();
	lock = lock_take(&cli->host, options->wait, why);
	if (lock < 0) {
		code = cli_error(cli, EX_REFUSED, "%s", why);
		goto out;
	}
	code = attempt(cli, options, plan);
	close(lock);
out:
	plan_free(plan);
	free(plan);
	return code;
}
