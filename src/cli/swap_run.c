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
#include "holders.h"
#include "initrd.h"
#include "lock.h"
#include "modload.h"
#include "resolve.h"
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
	char note[2 * WHY_MAX + 2];

	add_text(object, "kernel", plan->journal.release);
	add_text(object, "vendor", plan->journal.vendor);
	add_text(object, "to", choice_name(plan->journal.to));
	json_object_object_add(object, "already", json_object_new_boolean(plan->already));
	json_object_object_add(object, "former", set_json(&plan->journal.former));
	json_object_object_add(object, "next", set_json(&plan->journal.next));
	for (unsigned int i = 0; i < plan->n_reasons; i++)
		json_object_array_add(reasons, json_object_new_string(plan->reasons[i]));
	json_object_object_add(object, "reasons", reasons);
	snprintf(note, sizeof(note), "%s%s%s", plan->note, plan->note[0] && plan->site[0] ? "; " : "",
		 plan->site);
	add_text(object, "note", note);
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
	if (plan->site[0])
		fprintf(cli->out, "note: %s\n", plan->site);
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
	if (plan->note[0])
		fprintf(cli->out, "%s\n", plan->note);
	if (plan->site[0])
		fprintf(cli->out, "%s\n", plan->site);
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

int swap_settle(const struct cli *cli, const struct plan *plan)
{
	char why[WHY_MAX];

	if (choice_set(&cli->host, plan->journal.to, why))
		return cli_error(cli, EX_FAILED, "what later boots load is not settled: %s; then run: kvm-fixes swap --to %s",
				 why, choice_name(plan->journal.to));
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

/* What a boot would load all the same: "" if it is what was chosen. */
static void later_boot(const struct host *host, const struct image *next, char *text)
{
	char path[PATH_MAX], why[WHY_MAX];
	struct initrd *initrd = calloc(1, sizeof(*initrd));
	struct modfile file;

	text[0] = '\0';
	if (resolve_file(host, host->release, "kvm", path, why) == 0 &&
	    modfile_identify(path, &file, why) == 0 && strcmp(file.build_id, next->build_id))
		snprintf(text, WHY_MAX, "but a boot of this kernel would load %s, which is another build", path);
	if (initrd)
		initrd_read(host, host->release, initrd);
	for (unsigned int i = 0; initrd && i < initrd->n; i++) {
		if (strcmp(initrd->modules[i].name, "kvm") == 0 &&
		    strcmp(initrd->modules[i].build_id, next->build_id))
			snprintf(text, WHY_MAX, "but the initrd has another kvm, which a boot would load; run: update-initramfs -u -k %s",
				 host->release);
	}
	free(initrd);
}

/* Returns an exit code; @busy: it may be tried again. */
static int perform(const struct cli *cli, struct plan *plan, bool *busy)
{
	struct swap swap = { .cli = cli, .journal = &plan->journal, .policy = plan->policy };
	int code;

	if (plan_keep_files(&cli->host, plan, swap.why) ||
	    module_load_depends(&cli->host, &plan->next_kvm, swap.why) ||
	    module_load_depends(&cli->host, &plan->next_vendor, swap.why))
		return cli_error(cli, EX_REFUSED, "%s (nothing was touched)", swap.why);
	cli_step(cli, "changing over to the %s modules", choice_name(plan->journal.to));
	code = engine_swap(&swap);
	if (code == EX_DONE) {
		later_boot(&cli->host, &plan->journal.next.kvm, plan->note);
		return print_done(cli, plan, &swap);
	}
	*busy = swap.busy && code == EX_REFUSED;
	return *busy ? code : cli_error(cli, code, "%s (%s)", swap.why, outcome(code));
}

static bool idle(const struct host *host)
{
	struct loaded kvm, vendor;
	char why[WHY_MAX];

	return loaded_read(host, "kvm", &kvm, why) || loaded_read(host, host->vendor, &vendor, why) ||
	       !kvm_in_use(&kvm, &vendor);
}

/* Without the lock: packages may want it for hours that guests run. */
static void wait_until_idle(const struct cli *cli, double end)
{
	const struct timespec pause = { 0, POLL_NS };

	if (*cli->host.vendor && !idle(&cli->host) && now_ms() < end)
		cli_step(cli, "waiting until nobody uses KVM");
	while (*cli->host.vendor && !run_interrupted && now_ms() < end && !idle(&cli->host))
		nanosleep(&pause, NULL);
}

/* With the lock. @busy: KVM is in use, and it may be tried again. */
static int attempt(const struct cli *cli, const struct swap_options *options, struct plan *plan,
		   bool may_wait, bool *busy)
{
	plan_make(cli, options->target, plan);
	if (run_interrupted)
		return cli_error(cli, EX_REFUSED, "interrupted by a signal (nothing was touched)");
	*busy = may_wait && plan->in_use && plan->n_reasons == 1;
	if (*busy)
		return EX_REFUSED;
	if (plan->n_reasons)
		return refuse(cli, plan);
	return plan->already ? swap_settle(cli, plan) : perform(cli, plan, busy);
}

static int keep_trying(const struct cli *cli, const struct swap_options *options,
		       struct plan *plan)
{
	double end = now_ms() + options->wait * 1e3, left;
	char why[WHY_MAX];
	int code, lock;
	bool busy;

	for (;;) {
		busy = false;
		wait_until_idle(cli, end);
		left = end - now_ms();
		lock = lock_take(&cli->host, left > 0 ? (unsigned int)(left / 1e3) : 0, why);
		if (lock < 0)
			return cli_error(cli, EX_REFUSED, "%s", why);
		code = attempt(cli, options, plan, now_ms() < end, &busy);
		close(lock);
		if (!busy)
			return code;
		if (now_ms() >= end)
			return cli_error(cli, code, "someone began to use KVM just now; stop it, or use --wait SECONDS (%s)",
					 outcome(code));
		plan_free(plan);
	}
}

int swap_run(struct cli *cli, const struct swap_options *options)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	int code;

	if (!plan)
		return cli_error(cli, EX_REFUSED, "out of memory; nothing was touched");
	if (options->dry_run) {
		plan_make(cli, options->target, plan);
		code = print_plan(cli, plan);
	} else if (cli->host.root[0]) {
		code = cli_error(cli, EX_REFUSED, "KVM_FIXES_ROOT is set, and a folder has no kernel to load modules into; use --dry-run there");
	} else if (geteuid() != 0) {
		code = cli_error(cli, EX_REFUSED, "not root; run it as root");
	} else {
		signals_hold();
		code = keep_trying(cli, options, plan);
	}
	plan_free(plan);
	free(plan);
	return code;
}
