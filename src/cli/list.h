/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixes that this host knows of, and who described them.
 */
#ifndef LIST_H
#define LIST_H

#include "host.h"

#define LIST_MAX	64

/**
 * struct fix - one of them
 * @site: from /etc/kvm-fixes/patches.d
 * @described: there is a fix.conf; without one, only records know it
 */
struct fix {
	char name[64];
	char summary[256];
	char why[1024];
	char upstream[256];
	bool site;
	bool described;
};

struct fixes {
	char source[PATH_MAX];	/* folder of the installed source, "" if there is none */
	struct fix list[LIST_MAX];
	size_t n;
};

/* Those of the installed source, in the order of its series, and the site's. */
void fixes_read(const struct host *host, struct fixes *fixes);
/* Finds one by name, or adds one without a description. NULL if there is no room. */
struct fix *fixes_get(struct fixes *fixes, const char *name);
/* One fix.conf as text, which is cut up. */
void fix_conf_parse(char *text, struct fix *fix);

/* State of fix @name in a stamp's "a:applied, b:upstream", "" if it is not in there. */
void states_find(const char *states, const char *name, char *state, size_t size);

#endif
