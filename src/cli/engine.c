// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way forward: hide, unload, load, test, commit. The way back is in undo.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devnode.h"
#include "engine.h"
#include "engine_load.h"
#include "holders.h"
#include "lock.h"

#define UDEV_SECONDS	5u

static void took(struct swap *swap, const char *name, double since)
{
	if (swap->n_times < TIMES_MAX) {
		swap->times[swap->n_times].name = name;
		swap->times[swap->n_times++].ms = now_ms() - since;
	}
}

/* Written down first, and only then done. */
static int enter(struct swap *swap, enum swap_step step)
{
	swap->journal->step = step;
	return journal_write(&swap->cli->host, SWAP_JOURNAL, swap->journal, swap->why);
}

static int interrupted(struct swap *swap)
{
	if (!run_interrupted)
		return 0;
	snprintf(swap->why, WHY_MAX, "interrupted by a signal");
	return -EINTR;
}

/* From here on nobody new comes in. Whoever came before is seen by the counts. */
static int hide(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	struct loaded kvm, vendor;
	double start = now_ms();
	int err = enter(swap, SWAP_HIDING);

	if (err)
		return err;
	swap->blackout_start = now_ms();
	err = autoload_block(host);
	if (!err)
		err = node_hide(host);
	if (err) {
		snprintf(swap->why, WHY_MAX, "/dev/kvm and modprobe cannot be kept apart from others (%s); see whether /dev and /run can be written",
			 strerror(-err));
		return err;
	}
	if (loaded_read(host, "kvm", &kvm, swap->why) ||
	    loaded_read(host, host->vendor, &vendor, swap->why))
		return -EIO;
	if (kvm_in_use(&kvm, &vendor)) {
		swap->busy = true;
		snprintf(swap->why, WHY_MAX, "someone began to use KVM just now; stop it, or use --wait SECONDS");
		return -EBUSY;
	}
	took(swap, "hide", start);
	return interrupted(swap);
}

static int unload(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	double start = now_ms();
	int err = enter(swap, SWAP_UNLOADING);

	if (err)
		return err;
	err = module_unload(host, host->vendor, swap->why);
	swap->busy = err == -EAGAIN;
	if (!err)
		err = module_unload(host, "kvm", swap->why);
	took(swap, "unload", start);
	return err ? err : interrupted(swap);
}

static int load(struct swap *swap)
{
	double start = now_ms();
	int err = enter(swap, SWAP_LOADING);

	if (!err)
		err = load_set(swap, &swap->journal->next);
	took(swap, "load", start);
	return err ? err : interrupted(swap);
}

static int test(struct swap *swap)
{
	char node[PATH_MAX];
	double start = now_ms();
	int err = enter(swap, SWAP_TESTING);

	if (err)
		return err;
	err = check_set(swap, &swap->journal->next);
	if (err)
		return err;
	err = node_private(&swap->cli->host, node);
	if (err) {
		snprintf(swap->why, WHY_MAX, "%s: cannot be made (%s)", node, strerror(-err));
		return err;
	}
	err = guest_test(&swap->cli->host, node, &swap->guest, swap->why);
	/* Whose modules the guest ran on: nobody changed them meanwhile. */
	if (!err)
		err = check_set(swap, &swap->journal->next);
	took(swap, "test", start);
	return err ? err : interrupted(swap);
}

/* Nothing was unloaded yet: all that was done is undone, and it was no swap. */
static bool untouched(const struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	const struct image_set *former = &swap->journal->former;

	return swap->journal->step <= SWAP_UNLOADING && is_loaded(host, "kvm", &former->kvm) &&
	       is_loaded(host, host->vendor, &former->vendor);
}

static int give_up(struct swap *swap)
{
	const struct host *host = &swap->cli->host;

	if (untouched(swap) &&
	    (swap->journal->had_node ? node_show(host, true) : node_forget(host)) == 0 &&
	    autoload_unblock(host) == 0 && journal_remove(host) == 0)
		return EX_REFUSED;
	return engine_undo(swap);
}

static int read_back(struct swap *swap)
{
	struct journal *journal = malloc(sizeof(*journal));
	int err = -ENOMEM;

	if (journal)
		err = journal_read(&swap->cli->host, SWAP_JOURNAL, journal, swap->why);
	free(journal);
	return err;
}

int engine_swap(struct swap *swap)
{
	static int (*const steps[])(struct swap *swap) = { hide, unload, load, test };
	double start = now_ms();
	int err = enter(swap, SWAP_PREPARED);

	/* What could not be read again would be no help. */
	if (!err)
		err = read_back(swap);
	if (err)
		return give_up(swap);
	took(swap, "journal", start);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		start = now_ms();
		err = steps[i](swap);
		if (steps[i] == unload || steps[i] == load)
			swap->modules_ms += now_ms() - start;
		if (err)
			return give_up(swap);
	}
	err = enter(swap, SWAP_COMMITTING);
	if (err)
		return engine_undo(swap);
	return engine_commit(swap);
}

/*
 * udev has events of the modules that came: handled after the node is back, they would give
 * it the rules' owner and mode instead of those that it had. What becomes of it is no error.
 */
static void settle_udev(const struct host *host)
{
	const char *argv[] = { "udevadm", "settle", "--timeout=3", NULL };
	char why[WHY_MAX];

	if (access(host_path(host, "/run/udev/control"), F_OK) == 0)
		run_program(argv, UDEV_SECONDS, NULL, why);
}

static int show(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	int err;

	settle_udev(host);
	err = node_show(host, true);
	if (err) {
		snprintf(swap->why, WHY_MAX, "%s: cannot be put back (%s); run: kvm-fixes recover", NODE,
			 strerror(-err));
		return err;
	}
	if (!swap->journal->had_node)
		node_announce(host);
	err = autoload_unblock(host);
	if (err)
		snprintf(swap->why, WHY_MAX, "%s: cannot be removed (%s); run: kvm-fixes recover",
			 BLOCK_FILE, strerror(-err));
	return err;
}

int engine_commit(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	struct journal last = *swap->journal;
	char why[WHY_MAX];
	double start = now_ms();
	int err;

	signals_ignore();
	err = show(swap);
	if (err)
		return node_exists(host) ? EX_FAILED : EX_GONE;
	took(swap, "show", start);
	if (swap->blackout_start > 0)
		swap->blackout_ms = now_ms() - swap->blackout_start;
	start = now_ms();
	cli_step(swap->cli, "telling depmod; a few seconds");
	err = choice_set(host, swap->journal->to, why);
	took(swap, "choice", start);
	last.step = SWAP_DONE;
	if (journal_write(host, SWAP_LAST, &last, swap->why))
		return EX_FAILED;
	kept_drop_others(host, &last);
	if (err) {
		snprintf(swap->why, WHY_MAX, "the %s modules are loaded and passed, but this choice may not outlast a reboot: %.250s; then run: kvm-fixes swap --to %s",
			 choice_name(last.to), why, choice_name(last.to));
		journal_remove(host);
		return EX_FAILED;
	}
	if (journal_remove(host)) {
		snprintf(swap->why, WHY_MAX, "%s: cannot be removed; run: kvm-fixes recover", SWAP_JOURNAL);
		return EX_FAILED;
	}
	return EX_DONE;
}

void engine_tidy(const struct host *host)
{
	autoload_unblock(host);
	if (node_is_hidden(host) || access(host_path(host, NODE_DIR), F_OK) == 0)
		node_show(host, true);
	choice_tidy(host);
	engine_sweep(host);
}
