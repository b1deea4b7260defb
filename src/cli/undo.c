// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back to the former modules, from wherever a swap stands.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "devnode.h"
#include "engine.h"
#include "engine_load.h"

#define UNDO_TRIES	3	/* what failed for want of memory or time may work now */
#define UNDO_PAUSE_NS	300000000L

/* The first thing that went wrong is what is told; this is what came on top. */
static void add_why(struct swap *swap, const char *first, const char *then)
{
	char text[WHY_MAX];

	snprintf(text, sizeof(text), "%.200s; then: %.280s", first, then);
	snprintf(swap->why, WHY_MAX, "%s", first[0] ? text : then);
}

/* /dev/kvm answers; a whole guest check was passed when these modules came. 0 or -errno. */
static int answers(const struct host *host)
{
	char path[PATH_MAX];
	int err;

	/* It may not have been hidden yet. */
	if (node_exists(host))
		return node_answers(host_path(host, NODE));
	err = node_private(host, path);
	return err ? err : node_answers(path);
}

/* Unloads whatever of the pair is not the former one. -EBUSY if it cannot go. */
static int clear_way(struct swap *swap, const struct image_set *former)
{
	const struct host *host = &swap->cli->host;
	bool kvm_stays = former->kvm.file[0] && is_loaded(host, "kvm", &former->kvm);
	int err;

	if (kvm_stays && former->vendor.file[0] && is_loaded(host, host->vendor, &former->vendor))
		return 0;
	err = module_unload(host, host->vendor, swap->why);
	if (err || kvm_stays)
		return err;
	return module_unload(host, "kvm", swap->why);
}

static int bring_back(struct swap *swap)
{
	const struct image_set *former = &swap->journal->former;
	int err = load_set(swap, former);

	if (!err)
		err = check_set(swap, former);
	if (err || !former->vendor.file[0])
		return err;
	err = answers(&swap->cli->host);
	if (err)
		snprintf(swap->why, WHY_MAX, NODE " does not answer (%s)", strerror(-err));
	return err;
}

static bool vendor_loaded(const struct host *host)
{
	return access(host_path(host, "/sys/module/%s/initstate", host->vendor), F_OK) == 0;
}

/* The former modules are loaded: what kept others from them goes. 0 or -errno. */
static int let_in(const struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	int err;

	if (swap->journal->had_node || vendor_loaded(host))
		err = node_show(host, true);
	else
		err = node_forget(host);
	return err ? err : autoload_unblock(host);
}

static int back_or_gone(const struct swap *swap)
{
	return swap->journal->had_node && !node_exists(&swap->cli->host) ? EX_GONE : EX_BACK;
}

/*
 * The right ones are loaded, and that they do not answer us is no reason to keep others from
 * them. The journal stays: recover has to see whether they do, where it may open the device.
 */
static int unproven(struct swap *swap, const char *why)
{
	int err = let_in(swap);

	swap->untidy = true;
	if (err)
		snprintf(swap->why, WHY_MAX, "%.300s; the former modules are back, but what kept others from them is not all gone (%s); run: kvm-fixes recover",
			 why, strerror(-err));
	else
		snprintf(swap->why, WHY_MAX, "%.300s; the former modules are back, but nothing proved that they work; see whether " NODE " can be opened here, then run: kvm-fixes recover",
			 why);
	return back_or_gone(swap);
}

/* With the kvm that is there and cannot go, at least its own vendor module. */
static void load_vendor(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	const struct image_set *former = &swap->journal->former, *next = &swap->journal->next;

	if (!vendor_loaded(host) && is_loaded(host, "kvm", &next->kvm))
		module_load(host, &swap->policy, host->vendor, &next->vendor, "", swap->why);
	else if (!vendor_loaded(host) && former->kvm.file[0] && is_loaded(host, "kvm", &former->kvm))
		module_load(host, &swap->policy, host->vendor, &former->vendor, "", swap->why);
}

/* It cannot go back: what is loaded did not pass and is in use, or nothing is. */
static int stranded(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	const struct image_set *former = &swap->journal->former;
	char why[WHY_MAX];

	snprintf(why, sizeof(why), "%s", swap->why);
	if (check_set(swap, former) == 0)
		return unproven(swap, why);
	load_vendor(swap);
	if (check_set(swap, former) == 0)
		return unproven(swap, why);
	if (vendor_loaded(host)) {
		snprintf(swap->why, WHY_MAX, "%.400s; end what uses KVM, then run: kvm-fixes recover", why);
		return EX_STUCK;
	}
	node_show(host, false);
	autoload_unblock(host);
	snprintf(swap->why, WHY_MAX, "%.400s; KVM is not loaded now: run: kvm-fixes recover, or reboot", why);
	return EX_GONE;
}

/* They are back, and answer. */
static int tidy_up(struct swap *swap, const char *first)
{
	char text[WHY_MAX];
	int err = let_in(swap);

	if (!err)
		err = journal_remove(&swap->cli->host);
	snprintf(swap->why, WHY_MAX, "%s", first);
	if (swap->differences.n) {
		differences_text(&swap->differences, text, sizeof(text));
		add_why(swap, first, text);
	}
	if (err) {
		swap->untidy = true;
		snprintf(text, sizeof(text), "the former modules are back, but not all is tidy (%s); run: kvm-fixes recover",
			 strerror(-err));
		add_why(swap, first, text);
	}
	if (swap->blackout_start > 0)
		swap->blackout_ms = now_ms() - swap->blackout_start;
	return back_or_gone(swap);
}

int engine_undo(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	const struct timespec pause = { 0, UNDO_PAUSE_NS };
	bool lost = swap->journal->had_node && node_is_lost(host);
	char first[WHY_MAX], ignored[WHY_MAX];
	int code, err = 0;

	snprintf(first, sizeof(first), "%s", swap->why);
	swap->why[0] = '\0';
	swap->journal->step = SWAP_UNDOING;
	/* A full disk must not keep the former modules away. */
	journal_write(host, SWAP_JOURNAL, swap->journal, ignored);
	for (unsigned int i = 0; i < UNDO_TRIES; i++) {
		err = clear_way(swap, &swap->journal->former);
		if (!err)
			err = bring_back(swap);
		if (!err)
			break;
		nanosleep(&pause, NULL);
	}
	if (err) {
		snprintf(ignored, sizeof(ignored), "%s", swap->why);
		add_why(swap, first, ignored);
		code = stranded(swap);
	} else {
		code = tidy_up(swap, first);
	}
	/* One that was made in place of one that somebody removed: whose it is, udev knows. */
	if (lost && node_exists(host))
		node_announce(host);
	return code;
}
