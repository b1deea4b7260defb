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
#include "run.h"

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

/* One error in the end, whatever there is of them: with --json it is one object. */
static int tell(const struct cli *cli, const struct recovery *recovery, const char *action,
		const char *text)
{
	if (!recovery->failures)
		return report(cli, action, text);
	if (*text)
		cli_step(cli, "%s", text);
	if (recovery->failures == 1)
		return cli_error(cli, EX_FAILED, "%s", recovery->first);
	return cli_error(cli, EX_FAILED, "%s (and %u more: %s)", recovery->first,
			 recovery->failures - 1, recovery->more);
}

/*
 * Another boot loaded its modules anew; only what boots load may be left to settle. If that
 * cannot be, it is told once: a swap that is over must not stand in the way of others.
 */
static void after_reboot(const struct cli *cli, struct journal *journal, struct recovery *recovery,
			 const char **action, const char **text)
{
	const struct host *host = &cli->host;
	bool passed = journal->step >= SWAP_COMMITTING;
	char why[WHY_MAX], last[WHY_MAX];
	int err = 0;

	if (passed) {
		journal->step = SWAP_DONE;
		err = choice_set(host, journal->to, why);
		/* That was no answer: the journal stays, for the next time. */
		if (err && run_interrupted) {
			recovery_failed(recovery, "%.400s; run: kvm-fixes recover", why);
			return;
		}
		/* What rollback returns to does not hang on that. */
		if (journal_write(host, SWAP_LAST, journal, last) && !err) {
			err = -EIO;
			snprintf(why, sizeof(why), "%s", last);
		}
	}
	if (journal_remove(host) && !err) {
		err = -EIO;
		snprintf(why, sizeof(why), "%s: cannot be removed; remove it by hand", SWAP_JOURNAL);
	}
	if (err) {
		recovery_failed(recovery, "%s", why);
		return;
	}
	*action = passed ? "finished" : "undone";
	*text = passed ? "a swap that a reboot interrupted is finished: its modules are what boots load" :
		"a swap that a reboot interrupted is forgotten: boots load what they did before";
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

/* If files were missing that the running kernel loads, udev found nothing to load at boot. */
static void load_vendor(const struct cli *cli, struct recovery *recovery)
{
	const struct host *host = &cli->host;
	struct loaded vendor;
	char why[WHY_MAX];

	if (!*host->vendor || loaded_read(host, host->vendor, &vendor, why) || vendor.present)
		return;
	cli_step(cli, "loading %s, which was not there at boot", host->vendor);
	/* A folder has no kernel. */
	if (!host->root[0] && module_load_by_name(host, host->vendor, why))
		recovery_failed(recovery, "%s", why);
}

/*
 * Nothing of a swap is going on. What may lie about after a crash goes first, since it keeps
 * modprobe from KVM; then files, since without them the rest cannot all be put right; none of it
 * waits for the other to succeed. @err: of reading the journal.
 */
static int between_swaps(const struct cli *cli, struct journal *journal, int err, const char *why)
{
	struct recovery recovery = { 0 };
	const char *action, *text;
	int interrupted;

	if (err && err != -ENOENT)
		recovery_failed(&recovery, "%s", why);
	engine_tidy(&cli->host);
	interrupted = recover_files(cli, RECOVER_REPAIR_SECONDS, &recovery);
	action = recovery.repaired ? "repaired" : "none";
	text = recovery.repaired ? "missing module files are put right" : "";
	if (interrupted)
		recovery_failed(&recovery, "interrupted by a signal; run: kvm-fixes recover");
	else if (!err)
		after_reboot(cli, journal, &recovery, &action, &text);
	if (recovery.running)
		load_vendor(cli, &recovery);
	return tell(cli, &recovery, action, text);
}

/*
 * Is there a swap of this boot to be put right? A journal that cannot be read does not say, but
 * what a swap leaves in /run and /dev no reboot leaves there.
 */
static bool of_this_boot(const struct host *host, const struct journal *journal, int err)
{
	char boot[sizeof(journal->boot)];

	boot_id_read(host, boot, sizeof(boot));
	if (err == -ENOENT)
		return false;
	if (!err || journal->boot[0])
		return strcmp(boot, journal->boot) == 0;
	return node_is_hidden(host) || access(host_path(host, BLOCK_FILE), F_OK) == 0;
}

static int recover(const struct cli *cli)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	char why[WHY_MAX];
	int err, code;

	if (!journal)
		return cli_error(cli, EX_FAILED, "out of memory; try again");
	err = journal_read(&cli->host, SWAP_JOURNAL, journal, why);
	if (!of_this_boot(&cli->host, journal, err))
		code = between_swaps(cli, journal, err, why);
	else if (err)
		code = cli_error(cli, EX_FAILED, "%s", why);
	else
		/* The copies that it kept are all that this takes, and KVM is away meanwhile. */
		code = same_boot(cli, journal);
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
	lock = lock_take(&cli->host, RECOVER_LOCK_SECONDS, why);
	if (lock < 0)
		return cli_error(cli, EX_FAILED, "%s", why);
	code = recover(cli);
	close(lock);
	return code;
}
