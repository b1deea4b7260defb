/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/kvm out of everybody's reach for the time of a swap, and back as it was;
 * and modprobe kept from loading KVM meanwhile.
 */
#ifndef DEVNODE_H
#define DEVNODE_H

#include "host.h"

#define NODE		"/dev/kvm"
#define NODE_DIR	"/dev/.kvm-fixes"
#define NODE_HIDDEN	NODE_DIR "/kvm"
#define BLOCK_FILE	"/run/modprobe.d/+kvm-fixes-swap.conf"

bool node_exists(const struct host *host);	/* a character device at /dev/kvm */
bool node_is_hidden(const struct host *host);	/* our placeholder is at /dev/kvm */
bool node_is_lost(const struct host *host);	/* neither there nor where node_hide() puts it */

/* Is it KVM's, and may we open it? 0 or -errno. */
int node_answers(const char *path);

/*
 * The node moves into a folder that only root may enter, so owner, mode, ACL and what the
 * kernel knows of it stay; a link to nowhere takes its place, so opening it says ENOENT, and the
 * kernel makes no new node there. Without a node there is only the link. 0 or -errno.
 */
int node_hide(const struct host *host);

/*
 * Back to its place. Where there was none and @wanted, one is made, for root alone until
 * node_announce(). Without @wanted only the link goes. 0 or -errno.
 */
int node_show(const struct host *host, bool wanted);

/* Takes away all that node_hide() and node_private() made, where there was no node before. */
int node_forget(const struct host *host);

/* Has udev set owner and mode of a node that we made. */
void node_announce(const struct host *host);

/* The node for our own use while it is hidden; made if there is none yet. 0 or -errno. */
int node_private(const struct host *host, char *path);

int autoload_block(const struct host *host);
int autoload_unblock(const struct host *host);

#endif
