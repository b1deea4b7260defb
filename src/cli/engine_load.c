// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a pair: what somebody else loaded in the gap is put out again, and what
 * was set before is set again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine_load.h"

#define INTRUDER_TRIES	5

bool is_loaded(const struct host *host, const char *name, const struct image *image)
{
	struct loaded loaded;
	char why[WHY_MAX];

	if (loaded_read(host, name, &loaded, why))
		return false;
	if (!image->file[0])
		return !loaded.present;
	return loaded.present && strcmp(loaded.state, "live") == 0 &&
	       strcmp(loaded.build_id, image->build_id) == 0;
}

static int put_out(struct swap *swap)
{
	const struct host *host = &swap->cli->host;
	int err = module_unload(host, host->vendor, swap->why);

	return err ? err : module_unload(host, "kvm", swap->why);
}

/*
 * Whoever loaded one of that name meanwhile is put out again, with all that uses it;
 * EBUSY is a loading of theirs that is still under way.
 */
static int load_one(struct swap *swap, const char *name, const struct image *image,
		    const char *extra)
{
	const struct host *host = &swap->cli->host;
	int err = 0;

	for (unsigned int i = 0; i < INTRUDER_TRIES; i++) {
		err = module_load(host, &swap->policy, name, image, extra, swap->why);
		if ((err != -EEXIST && err != -EBUSY) || is_loaded(host, name, image))
			return is_loaded(host, name, image) ? 0 : err;
		if (strcmp(name, "kvm") == 0 ? put_out(swap) :
					       module_unload(host, name, swap->why))
			return -EBUSY;
	}
	return err;
}

static int load_pair(struct swap *swap, const struct image_set *set, const char *kvm_extra,
		     const char *vendor_extra)
{
	const struct host *host = &swap->cli->host;
	int err = 0;

	if (set->kvm.file[0] && !is_loaded(host, "kvm", &set->kvm))
		err = load_one(swap, "kvm", &set->kvm, kvm_extra);
	if (!err && set->vendor.file[0] && !is_loaded(host, host->vendor, &set->vendor))
		err = load_one(swap, host->vendor, &set->vendor, vendor_extra);
	return err;
}

/*
 * What can only be given at load time and differs is given by loading again; if that is
 * not taken, or they cannot be unloaded any more, the pair stays or comes back without.
 */
static int load_again(struct swap *swap, const struct image_set *set, const char *kvm_extra,
		      const char *vendor_extra)
{
	if (put_out(swap) == 0 && load_pair(swap, set, kvm_extra, vendor_extra) == 0)
		return 0;
	put_out(swap);
	return load_pair(swap, set, "", "");
}

int load_set(struct swap *swap, const struct image_set *set)
{
	const struct host *host = &swap->cli->host;
	const struct journal *journal = swap->journal;
	char kvm_extra[OPTIONS_MAX], vendor_extra[OPTIONS_MAX];
	int err = load_pair(swap, set, "", "");

	if (err || !set->kvm.file[0])
		return err;
	params_restore(host, "kvm", &journal->kvm_before, kvm_extra, sizeof(kvm_extra));
	params_restore(host, host->vendor, &journal->vendor_before, vendor_extra,
		       sizeof(vendor_extra));
	if (kvm_extra[0] || vendor_extra[0]) {
		err = load_again(swap, set, kvm_extra, vendor_extra);
		if (err)
			return err;
		params_restore(host, "kvm", &journal->kvm_before, kvm_extra, sizeof(kvm_extra));
		params_restore(host, host->vendor, &journal->vendor_before, vendor_extra,
			       sizeof(vendor_extra));
	}
	swap->differences.n = 0;
	params_compare(host, "kvm", &journal->kvm_before, &swap->differences);
	params_compare(host, host->vendor, &journal->vendor_before, &swap->differences);
	return 0;
}

int check_set(struct swap *swap, const struct image_set *set)
{
	const struct host *host = &swap->cli->host;

	if (is_loaded(host, "kvm", &set->kvm) && is_loaded(host, host->vendor, &set->vendor))
		return 0;
	snprintf(swap->why, WHY_MAX, "what is loaded is not what was loaded just now: somebody else loads KVM modules; stop that and try again");
	return -ESTALE;
}
