// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes recover: an interrupted swap is finished or undone, and module files that
 * are missing come back. With nothing to do it does nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devnode.h"
#include "engine.h"
#include "lock.h"
#include "recover.h"

#define LOCK_WAIT	60u	/* seconds: at boot a package's hook may be at work */

static const struct option long_options[] = {
	{ "early", no_argument, NULL, 'e' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int help(const struct cli *cli)
{
	fputs("Usage: kvm-fixes recover [--early] [--json]\n\n"
	      "Finishes or undoes a swap that was interrupted, and puts back module files that are\n"
	      "missing. kvm-fixes-recover.service runs it at boot.\n\n"
	      "  --early  only see to it that this boot loads the stock modules, if the kernel's\n"
	      "           command line has " CHOICE_BOOT_ARGUMENT "\n\n"
	      "Exit status: 0 done or nothing to do, 1 failed, 2 usage, 5 /dev/kvm is missing,\n"
	      "6 modules that did not pass are in use.\n", cli->out);
	return EX_DONE;
}

static int report(const struct cli *cli, const char *action, const char *text)
{
	struct json_object *object;

	if (!cli->json) {
		if (*text)
			fprintf(cli->out, "%s\n", text);
		return EX_DONE;
	}
	object = cli_json_begin(cli);
	json_object_object_add(object, "action", json_object_new_string(action));
	json_object_object_add(object, "text", json_object_new_string(text));
	return cli_json_end(cli, object, EX_DONE);
}

/* Another boot loaded its modules anew; only what boots load may be left to settle. */
static int after_reboot(const struct cli *cli, struct journal *journal)
{
	const struct host *host = &cli->host;
	bool passed = journal->step >= SWAP_COMMITTING;
	char why[WHY_MAX];

	if (passed) {
		journal->step = SWAP_DONE;
		if (choice_set(host, journal->to, why) ||
		    journal_write(host, SWAP_LAST, journal, why))
			return cli_error(cli, EX_FAILED, "%s", why);
	}
	if (journal_remove(host))
		return cli_error(cli, EX_FAILED, "%s: cannot be removed; remove it by hand", SWAP_JOURNAL);
	return report(cli, passed ? "finished" : "undone", passed ?
		      "a swap that a reboot interrupted is finished: its modules are what boots load" :
		      "a swap that a reboot interrupted is forgotten: boots load what they did before");
}

static int same_boot(const struct cli *cli, struct journal *journal)
{
	struct swap swap = { .cli = cli, .journal = journal };
	int code;

	policy_read(&cli->host, &swap.policy);
	if (cli->host.root[0])
		return cli_error(cli, EX_FAILED, "KVM_FIXES_ROOT is set, and a folder has no kernel whose modules could be put right");
	if (strcmp(journal->vendor, cli->host.vendor))
		return cli_error(cli, EX_FAILED, "%s: speaks of %s, which is not this CPU's; move it away",
				 SWAP_JOURNAL, journal->vendor);
	if (journal->step >= SWAP_COMMITTING) {
		code = engine_commit(&swap);
		return code ? cli_error(cli, code, "%s", swap.why) :
			report(cli, "finished", "an interrupted swap is finished: its modules had passed");
	}
	code = engine_undo(&swap);
	if (code != EX_BACK)
		return cli_error(cli, code, "%s", swap.why);
	return report(cli, "undone", "an interrupted swap is undone: the former modules are back");
}

/* Nothing was going on; what may lie about after a crash of the host is swept up. */
static int no_journal(const struct cli *cli)
{
	int n;

	engine_tidy(&cli->host);
	n = recover_files(cli);
	if (n < 0)
		return EX_FAILED;
	return report(cli, n ? "repaired" : "none", n ? "missing module files are put right" : "");
}

static int recover(const struct cli *cli)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	char boot[64], why[WHY_MAX];
	int err, code;

	if (!journal)
		return cli_error(cli, EX_FAILED, "out of memory; try again");
	err = journal_read(&cli->host, SWAP_JOURNAL, journal, why);
	boot_id_read(&cli->host, boot, sizeof(boot));
	if (err == -ENOENT)
		code = no_journal(cli);
	else if (err)
		code = cli_error(cli, EX_FAILED, "%s", why);
	else if (strcmp(boot, journal->boot))
		code = after_reboot(cli, journal);
	else
		code = same_boot(cli, journal);
	free(journal);
	return code;
}

int cmd_recover(struct cli *cli, int argc, char *argv[])
{
	bool early = false;
	char why[WHY_MAX];
	int option, lock, code;

	while ((option = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
		if (option == 'e')
			early = true;
		else if (option == 'j')
			cli->json = true;
		else if (option == 'h')
			return help(cli);
		else
			return cli_bad_option(cli, option, argv);
	}
	if (optind < argc)
		return cli_usage(cli, "'%s' is too much", argv[optind]);
	if (!cli->host.root[0] && geteuid() != 0)
		return cli_error(cli, EX_FAILED, "not root; run it as root");
	if (early) {
		if (recover_boot_stock(&cli->host, why))
			return cli_error(cli, EX_FAILED, "%s", why);
		return report(cli, "early", "");
	}
	signals_hold();
	lock = lock_take(&cli->host, LOCK_WAIT, why);
	if (lock < 0)
		return cli_error(cli, EX_FAILED, "%s", why);
	code = recover(cli);
	close(lock);
	return code;
}
