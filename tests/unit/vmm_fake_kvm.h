/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A KVM made of C, behind ioctl(): enough of it to run the guest ops.S, with defects
 * on demand. It never opens the host's device.
 */
#ifndef TESTS_VMM_FAKE_KVM_H
#define TESTS_VMM_FAKE_KVM_H

#include <stdbool.h>

/**
 * enum defect - what is wrong with this KVM
 */
enum defect {
	DEFECT_NONE,
	DEFECT_ADDR,		/* exits tell another address */
	DEFECT_DATA,		/* exits carry other data */
	DEFECT_WIDTH,		/* exits tell another width */
	DEFECT_DIRECTION,	/* writes come out as reads */
	DEFECT_READ,		/* the guest gets other data than userspace gave */
	DEFECT_SKIP,		/* an access neither exits nor is counted */
	DEFECT_TWICE,		/* an access exits twice */
	DEFECT_EVENT_LOST,	/* an event is not counted */
	DEFECT_EVENT_TWICE,	/* an event is counted twice */
	DEFECT_EVENT_AND_EXIT,	/* an event comes out as well */
	DEFECT_MATCH_ALL,	/* datamatch is ignored */
	DEFECT_MATCH_LOW,	/* datamatch looks at the lowest byte only */
	DEFECT_WIDTH_ALL,	/* the width of an ioeventfd is ignored */
	DEFECT_ADDR_ALL,	/* and its address */
	DEFECT_STAYS,		/* deassigning does nothing */
	DEFECT_ANYTHING_GOES,	/* invalid arguments are welcome */
};

/**
 * struct fake_kvm - the state of the fake
 * @defect: what is wrong with it
 * @fail_at: the ioctl that fails with EIO, counted from 1; 0 for none
 * @calls: ioctls so far
 * @api: what KVM_GET_API_VERSION says
 * @missing: the capability that is not there, or -1
 * @vm_error: errno of KVM_CREATE_VM, or 0
 * @hang: guests run until they are kicked
 */
struct fake_kvm {
	enum defect defect;
	unsigned int fail_at;
	unsigned int calls;
	int api;
	int missing;
	int vm_error;
	bool hang;
};

extern struct fake_kvm fake;

void fake_reset(void);

#endif
