// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes recover: an interrupted swap is finished or undone, and module files that
 * are missing come back. With nothing to do it does nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devnode.h"
#include "engine.h"
#include "engine_load.h"
#include "lock.h"
#include "recover.h"

#define LOCK_WAIT	60u	/* seconds: at boot a package's hook may be at work */

static const char help[] =
	"Usage: kvm-fixes recover [--early] [--json]\n\n"
	"Finishes or undoes a swap that was interrupted, and puts back module files that are\n"
	"missing. kvm-fixes-recover.service runs it at boot.\n\n"
	"  --early  only see to it that this boot loads the stock modules, if the kernel's\n"
	"           command line has " CHOICE_BOOT_ARGUMENT " or the kernel would refuse ours\n\n"
	"Exit status: 0 done or nothing to do, 1 failed, 2 usage, 5 /dev/kvm is missing,\n"
	"6 modules that did not pass are in use.\n";

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

/*
 * Another boot loaded its modules anew; only what boots load may be left to settle. If that
 * cannot be, it is told once: a swap that is over must not stand in the way of others.
 */
static int after_reboot(const struct cli *cli, struct journal *journal)
{
	const struct host *host = &cli->host;
	bool passed = journal->step >= SWAP_COMMITTING;
	char why[WHY_MAX], removing[WHY_MAX];
	int err = 0;

	if (passed) {
		journal->step = SWAP_DONE;
		err = choice_set(host, journal->to, why);
		if (!err)
			err = journal_write(host, SWAP_LAST, journal, why);
	}
	if (journal_remove(host)) {
		snprintf(removing, sizeof(removing), "%s: cannot be removed; remove it by hand",
			 SWAP_JOURNAL);
		return cli_error(cli, EX_FAILED, "%s", err ? why : removing);
	}
	if (err)
		return cli_error(cli, EX_FAILED, "%s", why);
	return report(cli, passed ? "finished" : "undone", passed ?
		      "a swap that a reboot interrupted is finished: its modules are what boots load" :
		      "a swap that a reboot interrupted is forgotten: boots load what they did before");
}

/* The journal says how far it came; what is loaded says whether that still holds. */
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
	if (journal->step >= SWAP_COMMITTING && check_set(&swap, &journal->next) == 0) {
		swap.why[0] = '\0';
		code = engine_commit(&swap);
		return code ? cli_error(cli, code, "%s", swap.why) :
			report(cli, "finished", "an interrupted swap is finished: its modules had passed");
	}
	swap.why[0] = '\0';
	code = engine_undo(&swap);
	if (code != EX_BACK || swap.untidy)
		return cli_error(cli, code != EX_BACK ? code : EX_FAILED, "%s", swap.why);
	if (swap.why[0])
		cli_step(cli, "%s", swap.why);
	return report(cli, "undone", "an interrupted swap is undone: the former modules are back");
}

/*
 * Files first: what is missing on the disk keeps the rest from being put right. If they were the
 * running kernel's, udev found nothing to load at boot.
 */
static int files(const struct cli *cli, bool *repaired)
{
	struct loaded vendor;
	char why[WHY_MAX];
	int n = recover_files(cli);

	if (n < 0)
		return EX_FAILED;
	*repaired = n > 0;
	if (n && !cli->host.root[0] && *cli->host.vendor &&
	    loaded_read(&cli->host, cli->host.vendor, &vendor, why) == 0 && !vendor.present &&
	    module_load_by_name(&cli->host, cli->host.vendor, why))
		return cli_error(cli, EX_FAILED, "%s", why);
	return EX_DONE;
}

/* Nothing was going on; what may lie about after a crash of the host is swept up. */
static int no_journal(const struct cli *cli, bool repaired)
{
	engine_tidy(&cli->host);
	return report(cli, repaired ? "repaired" : "none",
		      repaired ? "missing module files are put right" : "");
}

static int recover(const struct cli *cli)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	char boot[64], why[WHY_MAX];
	bool repaired = false;
	int err, code;

	if (!journal)
		return cli_error(cli, EX_FAILED, "out of memory; try again");
	err = journal_read(&cli->host, SWAP_JOURNAL, journal, why);
	boot_id_read(&cli->host, boot, sizeof(boot));
	if (err && err != -ENOENT)
		code = cli_error(cli, EX_FAILED, "%s", why);
	else if (!err && strcmp(boot, journal->boot) == 0)
		/* The copies that it kept are all that this takes, and KVM is away meanwhile. */
		code = same_boot(cli, journal);
	else if ((code = files(cli, &repaired)) != EX_DONE)
		goto out;
	else if (err)
		code = no_journal(cli, repaired);
	else
		code = after_reboot(cli, journal);
out:
	free(journal);
	return code;
}

int cmd_recover(struct cli *cli, int argc, char *argv[])
{
	bool early = false;
	char why[WHY_MAX];
	int lock, code;

	if (cli_options(cli, argc, argv, help, "early", &early, &code))
		return code;
	if (!cli->host.root[0] && geteuid() != 0)
		return cli_error(cli, EX_FAILED, "not root; run it as root");
	if (early) {
		if (recover_boot_stock(&cli->host, why))
			return cli_error(cli, EX_FAILED, "%s", why);
		return report(cli, "early", why);
	}
	signals_hold();
	lock = lock_take(&cli->host, LOCK_WAIT, why);
	if (lock < 0)
		return cli_error(cli, EX_FAILED, "%s", why);
	code = recover(cli);
	close(lock);
	return code;
}
