/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernels of this host, and what dkms-kernel recorded of each
 * (/var/lib/kvm-fixes/kernels/RELEASE/{state,report}.json).
 */
#ifndef KERNELS_H
#define KERNELS_H

#include "json.h"
#include "loaded.h"

#define FIXES_MAX	32

/**
 * struct fix_state - of one fix for one kernel, out of its report.json
 */
struct fix_state {
	char name[64];
	char state[32];		/* applied, upstream, not applicable, off */
	char reason[256];
};

/**
 * struct kernel - one of /lib/modules or of the records
 * @state: installed, skipped, failed, removed; "missing" if there is no record,
 *	"damaged" if the record cannot be read
 * @reason: of the record
 * @version @build @headers @image @stock: of the record
 * @audit: verdict of the audit when ours were built, "" if there is none
 * @has_headers: /lib/modules/RELEASE/build is there
 * @stale: installed, but one of the kernel's own modules is no longer the one that was kept
 *	when ours was made (build-ids differ), so ours masks a newer one
 * @stock_copy: the folder with the copy of the kernel's own modules, "" if none
 * @next: file that modprobe would load for kvm; @next_vendor for this CPU's vendor module
 * @next_origin @next_vendor_origin: whose those are: by stamp and place
 * @next_build_id @next_vendor_build_id: hex, "" if there is none
 */
struct kernel {
	char release[RELEASE_MAX];
	char state[16];
	char reason[WHY_MAX];
	char version[64];
	char build[BUILD_ID_MAX];
	char headers[128];
	char image[128];
	char stock[BUILD_ID_MAX + 8];
	char audit[32];
	bool has_headers;
	bool stale;
	char stock_copy[PATH_MAX];
	char next[PATH_MAX];
	char next_vendor[PATH_MAX];
	enum origin next_origin;
	enum origin next_vendor_origin;
	char next_build_id[BUILD_ID_MAX];
	char next_vendor_build_id[BUILD_ID_MAX];
	struct fix_state fixes[FIXES_MAX];
	unsigned int n_fixes;
};

/* All kernels, by version. free() the list. 0 or -errno with @why set. */
int kernels_read(const struct host *host, struct kernel **list, size_t *n, char *why);
/* One of them. */
void kernel_read(const struct host *host, const char *release, struct kernel *kernel);

/* One of those that struct fix_state names? */
bool fix_state_known(const char *state);

#define KERNEL_RECORDS	"/var/lib/kvm-fixes/kernels"

/* The part of kernel_read() that is in the records, and of that what they say as JSON. */
void kernel_read_records(const struct host *host, struct kernel *kernel);
/* Either may be NULL. */
void kernel_records(struct kernel *kernel, struct json_object *state, struct json_object *report);

#endif
