// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hypervisor in hypervisor.S is about to run.
 */
#include <cpuid.h>
#include <string.h>

#include "nested.h"
#include "storm.h"

extern const uint8_t guest_nested_64[];
extern const uint8_t guest_nested_end_64[];
const struct guest_image guest_nested = {
	.name = "nested",
	.code64 = { guest_nested_64, guest_nested_end_64, NULL },
};

/*
 * In what only ops.S uses: control blocks, a page for the hypervisor's own state, and
 * nested page tables. The last of these shares its page with the stacks, which are above.
 */
#define VMCB(id)	(GUEST_OPS + (id) * 0x1000U)
#define HSAVE		0x5000U
#define NPT_PML4	0x6000U
#define NPT_PDPT	0x7000U
#define NPT_PD		0xb000U

#define CPUID_SVM	(1U << 2)
#define PTE		7	/* present, writable; whoever walks these is a user to them */
#define PTE_LARGE	0x080
#define PAGE_2M		0x200000ULL
#define SEGMENT_CODE	0xa9b	/* 64-bit, present */
#define SEGMENT_DATA	0xc93
#define INTERCEPTS	3	/* VMRUN, VMMCALL */

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* Selector, attributes and limit; the base is 0. */
static void put_segment(uint8_t *at, uint32_t selector, uint32_t attributes)
{
	put32(at, selector | attributes << 16);
	put32(at + 4, 0xffffffff);
}

static void fill(uint8_t *vmcb, unsigned int id, bool npt)
{
	put32(vmcb + VMCB_INTERCEPTS, INTERCEPTS);
	put32(vmcb + VMCB_ASID, 1 + id);
	put64(vmcb + VMCB_NP_ENABLE, npt);
	put64(vmcb + VMCB_NCR3, NPT_PML4);
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

/**
 * nested_possible() - can this host's guests have guests, by SVM?
 *
 * Return: whether they can.
 */
bool nested_possible(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_SVM);
}

/**
 * nested_prepare() - fill in what guest_nested expects
 * @vm: the VM with that guest in it, its vCPUs not started
 * @npt: the hypervisor in it uses nested paging
 */
void nested_prepare(struct vm *vm, bool npt)
{
	put64(vm->ram + NPT_PML4, NPT_PDPT | PTE);
	put64(vm->ram + NPT_PDPT, NPT_PD | PTE);
	for (unsigned int i = 0; i < GUEST_MAPPED_2M; i++)
		put64(vm->ram + NPT_PD + (size_t)8 * i, i * PAGE_2M | PTE_LARGE | PTE);
	for (unsigned int i = 0; i < vm->nvcpus; i++) {
		*guest_mail(vm->ram, i, MAIL_NESTED_VMCB) = VMCB(i);
		*guest_mail(vm->ram, i, MAIL_NESTED_HSAVE) = HSAVE;
		fill(vm->ram + VMCB(i), i, npt);
	}
}
