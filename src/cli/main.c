// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes: the table of subcommands. A new one gets its line here.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct command commands[] = {
	{ "status", "what is loaded, what is installed, who uses it", cmd_status, true },
	{ "list", "the fixes, and their state for each kernel", cmd_list, true },
	{ "audit", "what the replaced modules change, function by function", cmd_audit, false },
	{ "swap", "load the replaced modules, or the stock ones, now and from now on", cmd_swap, true },
	{ "rollback", "go back to what was loaded before the last swap", cmd_rollback, true },
	{ "selftest", "run a guest on the loaded modules", cmd_selftest, true },
	{ "recover", "finish or undo a swap that was interrupted", cmd_recover, true },
	{ "version", "print the version", cmd_version, false },
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static int help(const struct cli *cli)
{
	fputs("Usage: kvm-fixes [--json] COMMAND [OPTION...]\n\n", cli->out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(cli->out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\nkvm-fixes COMMAND --help tells the options of one. See kvm-fixes(8).\n", cli->out);
	return EX_DONE;
}

/* depmod and modprobe are there, and a plain su does not look there. */
static void add_sbin(void)
{
	const char *path = getenv("PATH");
	char longer[PATH_MAX];

	if (snprintf(longer, sizeof(longer), "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin") <
	    (int)sizeof(longer))
		setenv("PATH", longer, 1);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* Options before the subcommand. Returns 0, or 1 with @code set: it is over. */
static int global_options(struct cli *cli, int argc, char *argv[], int *code)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:jhV", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			cli->json = true;
			continue;
		case 'h':
			*code = help(cli);
			return 1;
		case 'V':
			optind = 0;	/* it begins anew */
			*code = cmd_version(cli, 1, argv);
			return 1;
		default:
			*code = cli_bad_option(cli, option, argv);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char *argv[])
{
	struct cli cli = { .command = "", .out = stdout, .err = stderr };
	const struct command *command;
	char why[WHY_MAX];
	int code;

	if (global_options(&cli, argc, argv, &code))
		return code;
	if (optind == argc)
		return cli_usage(&cli, "no command given");
	command = find(argv[optind]);
	if (!command)
		return cli_usage(&cli, "there is no command '%s'", argv[optind]);
	cli.command = command->name;
	if (host_open(&cli.host, getenv("KVM_FIXES_ROOT"), why) ||
	    (command->needs_release && host_need_release(&cli.host, why)))
		return cli_error(&cli, EX_FAILED, "%s", why);
	add_sbin();
	argc -= optind;
	argv += optind;
	optind = 0;	/* begin anew */
	code = command->run(&cli, argc, argv);
	if (fflush(cli.out) || ferror(cli.out))
		return code ? code : cli_error(&cli, EX_FAILED,
					       "standard output cannot be written; what it was to say is lost");
	return code;
}
