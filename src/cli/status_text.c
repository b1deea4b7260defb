// SPDX-License-Identifier: GPL-2.0-only
/*
 * status for a person.
 */
#include <stdarg.h>
#include <string.h>

#include "status.h"

#define SHORT_ID	12	/* digits of a build-id that tell enough */

/* "LABEL   text", or under the last label if @label is "". */
__attribute__((format(printf, 3, 4)))
static void line(const struct cli *cli, const char *label, const char *fmt, ...)
{
	char text[2 * PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_printable(text);
	fprintf(cli->out, "%-12s%s\n", label, text);
}

static void print_part(const struct cli *cli, const struct part *part)
{
	const struct loaded *loaded = &part->loaded;

	if (loaded->builtin) {
		line(cli, part->name, "part of the kernel itself, which no module can replace");
		return;
	}
	if (!loaded->present) {
		line(cli, part->name, "not loaded");
	} else {
		line(cli, part->name, "%s%s, build-id %.*s", origin_name(part->origin),
		     strcmp(loaded->state, "live") ? " (not live)" : "", SHORT_ID,
		     *loaded->build_id ? loaded->build_id : "unknown");
		if (loaded->stamp.present)
			line(cli, "", "%s", loaded->stamp.states);
		line(cli, "", "from %s", *part->file ? part->file : "a file that is gone");
	}
	if (!*part->next)
		line(cli, "", "modprobe would find no file for it");
	else if (!loaded->present)
		line(cli, "", "modprobe would load %s (%s)", part->next,
		     origin_name(part->next_origin));
	else if (strcmp(part->next_id, loaded->build_id) != 0)
		line(cli, "", "modprobe would load another: %s (%s)", part->next,
		     origin_name(part->next_origin));
}

static void print_guard(const struct cli *cli, const struct guard *guard)
{
	if (*guard->mode)
		line(cli, "guard", "%s", guard->mode);
	for (unsigned int i = 0; i < guard->n_lines; i++)
		line(cli, i || *guard->mode ? "" : "guard", "%s", guard->lines[i]);
}

static void print_next(const struct cli *cli, const struct status *status)
{
	static const char * const boot_text[] = {
		[BOOT_AS_CHOSEN] = "",
		[BOOT_STOCK_TOLD] = "; for this boot stock, by " CHOICE_BOOT_ARGUMENT,
		[BOOT_STOCK_REFUSED] = "; for this boot stock, since the kernel would refuse ours",
	};
	const char *boot = next_boot(status->host, &status->kernels[status->running],
				     &status->initrds[status->running]);

	line(cli, "choice", "%s%s", choice_name(status->choice), boot_text[status->boot_stock]);
	line(cli, "next boot", "%s%s", boot, strcmp(boot, "initrd") ? "" :
	     " (it carries other modules than modprobe would load)");
	if (*status->reboot)
		line(cli, "reboot", "%s", status->reboot);
	if (status->swap.present)
		line(cli, "swap", "unfinished: %s", status->swap.step);
}

static const char *yes_no(enum tristate state)
{
	return state == STATE_YES ? "on" : state == STATE_NO ? "off" : "unknown";
}

static void print_policy(const struct cli *cli, const struct status *status)
{
	static const char * const verdicts[] = { "refused: ", "accepted", "accepted or not: " };
	const struct policy *policy = &status->policy;

	line(cli, "signatures", "Secure Boot %s, lockdown %s, sig_enforce %s",
	     yes_no(policy->secure_boot), *policy->lockdown ? policy->lockdown : "unknown",
	     yes_no(policy->sig_enforce));
	for (int i = 0; i < PARTS; i++) {
		const struct part *part = &status->parts[i];
		const struct acceptance *verdict = &part->verdict;

		if (*part->installed)
			line(cli, "", "installed %s: %s%s", part->name, verdicts[verdict->accepted],
			     verdict->accepted != STATE_YES ? verdict->why :
			     *verdict->why ? ", though not signed" : "");
	}
}

static void print_taint(const struct cli *cli, const struct status *status)
{
	if (status->taint < 0 || !(status->taint & (TAINT_OUT_OF_TREE | TAINT_UNSIGNED)))
		return;
	line(cli, "taint", "%s%s%s", status->taint & TAINT_OUT_OF_TREE ? "O (out-of-tree module) " : "",
	     status->taint & TAINT_UNSIGNED ? "E (unsigned module) " : "",
	     taint_remains(status) ? "from a module that was loaded; stays until reboot" :
	     "until reboot");
}

static void print_holder(const struct cli *cli, const char *label, const struct holder *holder)
{
	char inner[32] = "";

	if (holder->inner_pid != holder->pid)
		snprintf(inner, sizeof(inner), " (%d in its namespace)", (int)holder->inner_pid);
	line(cli, label, "%s pid %d%s%s%s: VMs %u, vCPUs %u, /dev/kvm %u, other %u",
	     holder->command, (int)holder->pid, inner, *holder->vm ? ", VM " : "", holder->vm,
	     holder->vms, holder->vcpus, holder->devices, holder->others);
}

static void print_holders(const struct cli *cli, const struct status *status)
{
	const struct holders *holders = &status->holders;

	if (!status->with_holders)
		return;
	for (size_t i = 0; i < holders->n; i++)
		print_holder(cli, i ? "" : "used by", &holders->list[i]);
	if (!holders->n)
		line(cli, "used by", "no process%s", holders->unreadable ? " that may be looked into" : "");
	if (holders->unreadable)
		line(cli, "", "%u processes can be looked into by root only", holders->unreadable);
	if (*holders->unexplained)
		line(cli, "", "%s", holders->unexplained);
}

static void print_kernels(const struct cli *cli, const struct status *status)
{
	fprintf(cli->out, "\n  %-30s %-10s %-8s %-10s %-8s %s\n", "KERNEL", "STATE", "HEADERS",
		"NEXT BOOT", "INITRD", "STOCK COPY");
	for (size_t i = 0; i < status->n_kernels; i++) {
		const struct kernel *kernel = &status->kernels[i];
		const struct initrd *initrd = &status->initrds[i];

		fprintf(cli->out, "%c %-30s %-10s %-8s %-10s %-8s %s\n",
			i == status->running ? '*' : ' ', kernel->release, kernel->state,
			kernel->has_headers ? "yes" : "no", next_boot(status->host, kernel, initrd),
			carried_name(initrd_carries(status->host, kernel, initrd)),
			*kernel->stock_copy ? kernel->stock_copy : "-");
		if (*kernel->audit)
			fprintf(cli->out, "    audit: %s\n", kernel->audit);
		if (kernel->stale)
			fputs("    stale: it masks a newer module of the kernel's own\n", cli->out);
		if (*kernel->reason)
			fprintf(cli->out, "    %s\n", kernel->reason);
		if (*initrd->why)
			fprintf(cli->out, "    initrd: %s\n", initrd->why);
	}
}

void status_print(const struct cli *cli, const struct status *status)
{
	line(cli, "kernel", "%s", status->host->release);
	for (int i = 0; i < PARTS; i++) {
		if (*status->parts[i].name)
			print_part(cli, &status->parts[i]);
	}
	if (!*status->host->vendor)
		line(cli, "vendor", "/proc/cpuinfo names neither Intel nor AMD, so there is no module for it");
	if (status->pair != PAIR_NONE)
		line(cli, "pair", "%s", status->pair == PAIR_YES ? "yes, of one build" : "no");
	print_guard(cli, &status->guard);
	print_next(cli, status);
	print_policy(cli, status);
	print_taint(cli, status);
	print_holders(cli, status);
	print_kernels(cli, status);
	if (status->n_problems)
		fputc('\n', cli->out);
	for (unsigned int i = 0; i < status->n_problems; i++)
		fprintf(cli->out, "unhealthy: %s\n", status->problems[i]);
}
