/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the hypervisors and what prepares them have things: behind touch.S's mail, in guest
 * memory that only ops.S uses, and in a VMCB (AMD64 Architecture Programmer's Manual, volume
 * 2, appendix B).
 */
#ifndef UNMAP_NESTED_H
#define UNMAP_NESTED_H

#include "guests/layout.h"

/* 64 bits each: the control block of a vCPU's guest, and a page of the hypervisor's own. */
#define MAIL_NESTED_CONTROL	24
#define MAIL_NESTED_OWN		32

/* Behind the lines of mail: fields that a VMX hypervisor sets, up to one that is 0. */
#define NESTED_FIELDS		(GUEST_MAIL + 0x400)
#define FIELD_NUMBER		0	/* 32 bits */
#define FIELD_MSR		4	/* 32 bits: it says what bits must be and may be 1 */
#define FIELD_VALUE		8	/* 64 bits */
#define FIELD_SIZE		16

#define VMCS_GUEST_RIP		0x681e
#define VMCS_HOST_RSP		0x6c14
#define VMCS_HOST_RIP		0x6c16
#define VMCS_INSTRUCTION_ERROR	0x4400
#define VMCS_EXIT_REASON	0x4402

#define VMCB_INTERCEPTS		0x010
#define VMCB_ASID		0x058
#define VMCB_EXITCODE		0x070
#define VMCB_NP_ENABLE		0x090
#define VMCB_NCR3		0x0b0
#define VMCB_ES			0x400
#define VMCB_CS			0x410
#define VMCB_SS			0x420
#define VMCB_DS			0x430
#define VMCB_EFER		0x4d0
#define VMCB_CR4		0x548
#define VMCB_CR3		0x550
#define VMCB_CR0		0x558
#define VMCB_RFLAGS		0x570
#define VMCB_RIP		0x578
#define VMCB_PAT		0x668

/* Why a guest's guest ends its round, as the two say it. */
#define SVM_EXIT_VMMCALL	0x81
#define VMX_EXIT_VMCALL		18

#ifndef __ASSEMBLER__
#include <string.h>

#include "vm.h"

/* The image of a hypervisor, out of its .S. */
#define NESTED_IMAGE(kind)							\
	extern const uint8_t guest_##kind##_64[];				\
	extern const uint8_t guest_##kind##_end_64[];				\
	static const struct guest_image image = {				\
		.name = #kind,							\
		.code64 = { guest_##kind##_64, guest_##kind##_end_64, NULL },	\
	}

static inline void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

#define NESTED_PAGES		0x6000	/* the second tables' root */

/**
 * struct nested_kind - how a vendor's CPUs have guests of guests
 * @image: the hypervisor
 * @possible: does this CPU have it?
 * @memory_type: bits of an entry of the second tables that maps memory
 * @fill: fill in the control block and what else the hypervisor reads, for a vCPU
 */
struct nested_kind {
	const struct guest_image *image;
	bool (*possible)(void);
	uint64_t memory_type;
	void (*fill)(uint8_t *ram, uint8_t *control, unsigned int vcpu, bool tdp);
};

extern const struct nested_kind nested_svm;
extern const struct nested_kind nested_vmx;
#endif

#endif
