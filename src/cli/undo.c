// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back to the former modules, from wherever a swap stands.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* /dev/kvm answers; a whole guest check was passed when these modules came. */
static bool answers(const struct host *host)
{
	char path[PATH_MAX] = "";
	bool good;
	int fd;

	/* It may not have been hidden yet. */
	if (node_exists(host))
		snprintf(path, sizeof(path), "%s", host_path(host, NODE));
	else if (node_private(host, path))
		return false;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	good = ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION;
	close(fd);
	return good;
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
	if (!err && former->vendor.file[0] && !answers(&swap->cli->host)) {
		snprintf(swap->why, WHY_MAX, "/dev/kvm does not answer");
		err = -EIO;
	}
	return err;
}

static bool vendor_loaded(const struct host *host)
{
	return access(host_path(host, "/sys/module/%s/initstate", host->vendor), F_OK) == 0;
}

/* It cannot go back: what is loaded did not pass and is in use, or nothing is. */
static int stranded(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	const struct image_set *former = &swap->journal->former, *next = &swap->journal->next;
	char why[WHY_MAX];

	snprintf(why, sizeof(why), "%s", swap->why);
	/* With the kvm that is there and cannot go, at least its own vendor module. */
	if (!vendor_loaded(host) && is_loaded(host, "kvm", &next->kvm))
		module_load(host, &swap->policy, host->vendor, &next->vendor, "", swap->why);
	else if (!vendor_loaded(host) && former->kvm.file[0] && is_loaded(host, "kvm", &former->kvm))
		module_load(host, &swap->policy, host->vendor, &former->vendor, "", swap->why);
	if (vendor_loaded(host)) {
		snprintf(swap->why, WHY_MAX, "%.400s; end what uses KVM, then run: kvm-fixes recover", why);
		return EX_STUCK;
	}
	node_show(host, false);
	autoload_unblock(host);
	snprintf(swap->why, WHY_MAX, "%.400s; KVM is not loaded now: run: kvm-fixes recover, or reboot", why);
	return EX_GONE;
}

int engine_undo(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	const struct timespec pause = { 0, UNDO_PAUSE_NS };
	char first[WHY_MAX], ignored[WHY_MAX];
	int err = 0;

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
		return stranded(swap);
	}
	snprintf(swap->why, WHY_MAX, "%s", first);
	if (swap->journal->had_node || vendor_loaded(host))
		err = node_show(host, true);
	else
		err = node_forget(host);
	if (!err)
		err = autoload_unblock(host);
	if (!err)
		err = journal_remove(host);
	if (swap->differences.n) {
		differences_text(&swap->differences, ignored, sizeof(ignored));
		add_why(swap, first, ignored);
	}
	if (err) {
		swap->untidy = true;
		snprintf(ignored, sizeof(ignored), "the former modules are back, but not all is tidy (%s); run: kvm-fixes recover",
			 strerror(-err));
		add_why(swap, first, ignored);
	}
	if (swap->blackout_start > 0)
		swap->blackout_ms = now_ms() - swap->blackout_start;
	return swap->journal->had_node && !node_exists(host) ? EX_GONE : EX_BACK;
}
