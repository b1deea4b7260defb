/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest (storm.S) and the VMM share in the guest's RAM, beside what
 * guests/layout.h has.
 */
#ifndef STORM_LAYOUT_H
#define STORM_LAYOUT_H

#include "guests/layout.h"

/* The targets: 16 bytes each. */
#define STORM_TARGETS		GUEST_OPS
#define STORM_TARGETS_MAX	64
#define TARGET_FLAG		0	/* FLAG_* */
#define TARGET_OP		4	/* OP_OUT or OP_WRITE, and the width */
#define TARGET_ADDR		8
#define TARGET_VALUE		12
#define TARGET_SIZE		16

/* What the VMM wants of a target. The guest looks before each write. */
#define FLAG_REST		0	/* do not write */
#define FLAG_FREE		1	/* write now and then; whether it is an event is not known */
#define FLAG_COUNTED		2	/* write; each write is an event */
#define FLAGS			3

/* For each vCPU and target: the flag that it saw last, and its writes under each flag. */
#define STORM_COUNTS		GUEST_RESULTS
#define STORM_COUNTS_VCPU	0x400
#define COUNT_SEEN		0	/* its place among the counts is that of FLAG_REST */
#define COUNT_SIZE		16

/* Mail */
#define MAIL_STORM_COUNTS	0
#define MAIL_STORM_TARGETS	4	/* how many */
#define MAIL_STORM_STOP		8
#define MAIL_STORM_ROUND	12
#define STORM_FREE_EACH		64	/* rounds: many of these writes go to userspace, slowly */

#endif
