// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hypervisor in hypervisor_svm.S is about to run.
 */
#include <cpuid.h>
#include <string.h>

#include "nested.h"

NESTED_IMAGE(svm);

#define CPUID_SVM	(1U << 2)
#define SEGMENT_CODE	0xa9b	/* 64-bit, present */
#define SEGMENT_DATA	0xc93
#define INTERCEPTS	3	/* VMRUN, VMMCALL */

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* Selector, attributes and limit; the base is 0. */
static void put_segment(uint8_t *at, uint32_t selector, uint32_t attributes)
{
	put32(at, selector | attributes << 16);
	put32(at + 4, 0xffffffff);
}

static void fill(uint8_t *ram, uint8_t *vmcb, unsigned int vcpu, bool tdp)
{
	(void)ram;
	put32(vmcb + VMCB_INTERCEPTS, INTERCEPTS);
	put32(vmcb + VMCB_ASID, 1 + vcpu);
	put64(vmcb + VMCB_NP_ENABLE, tdp);
	put64(vmcb + VMCB_NCR3, NESTED_PAGES);
	put_segment(vmcb + VMCB_CS, GUEST_CS, SEGMENT_CODE);
	put_segment(vmcb + VMCB_DS, GUEST_DS, SEGMENT_DATA);
	put_segment(vmcb + VMCB_ES, GUEST_DS, SEGMENT_DATA);
	put_segment(vmcb + VMCB_SS, GUEST_DS, SEGMENT_DATA);
	put64(vmcb + VMCB_EFER, 0x1500);	/* SVME LMA LME */
	put64(vmcb + VMCB_CR4, 0x20);		/* PAE */
	put64(vmcb + VMCB_CR3, GUEST_PML4);
	put64(vmcb + VMCB_CR0, 0x80050033);	/* PG AM WP NE ET MP PE */
	put64(vmcb + VMCB_RFLAGS, 2);
	put64(vmcb + VMCB_PAT, 0x0007040600070406);
}

static bool possible(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_SVM);
}

const struct nested_kind nested_svm = {
	.image = &image,
	.possible = possible,
	.fill = fill,
};
