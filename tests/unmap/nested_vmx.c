// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hypervisor in hypervisor_vmx.S is about to run (Intel 64 and IA-32 Architectures
 * Software Developer's Manual, volume 3, chapters 25 to 27, appendices A and B). What is not
 * set is 0: KVM takes a control block of zeros as it finds it.
 */
#include <assert.h>
#include <cpuid.h>
#include <string.h>

#include "nested.h"

NESTED_IMAGE(vmx);

#define CPUID_VMX		(1U << 5)
#define SEGMENT_CODE		0xa09b	/* 64-bit, present */
#define SEGMENT_DATA		0xc093
#define SEGMENT_TASK		0x8b
#define SEGMENT_NONE		0x10000
#define SELECTOR_TASK		24	/* not in the GDT, and nothing looks there */
#define CR0			0x80050033	/* PG AM WP NE ET MP PE */
#define CR4			0x2020		/* VMXE PAE */
#define MEMORY_WRITE_BACK	6
#define PROC_SECONDARY		(1U << 31)
#define PROC2_EPT		2
#define LONG_MODE		(1U << 9)	/* of the host after an exit, of the guest after an entry */

struct field {
	uint32_t number;
	uint32_t msr;
	uint64_t value;
};

static_assert(sizeof(struct field) == FIELD_SIZE, "hypervisor_vmx.S steps by FIELD_SIZE");
static_assert(offsetof(struct field, msr) == FIELD_MSR, "hypervisor_vmx.S");
static_assert(offsetof(struct field, value) == FIELD_VALUE, "hypervisor_vmx.S");

static const struct field fields[] = {
	/* The controls: pin-based, processor-based, on exit, on entry. */
	{ 0x4000, 0x481, 0 },
	{ 0x4002, 0x482, 0 },
	{ 0x400c, 0x483, LONG_MODE },
	{ 0x4012, 0x484, LONG_MODE },
	/* The guest: ES CS SS DS FS GS LDTR TR, their limits and attributes; GDTR, IDTR. */
	{ 0x0800, 0, GUEST_DS }, { 0x0802, 0, GUEST_CS }, { 0x0804, 0, GUEST_DS }, { 0x0806, 0, GUEST_DS },
	{ 0x0808, 0, GUEST_DS }, { 0x080a, 0, GUEST_DS }, { 0x080e, 0, SELECTOR_TASK },
	{ 0x4800, 0, 0xffffffff }, { 0x4802, 0, 0xffffffff }, { 0x4804, 0, 0xffffffff }, { 0x4806, 0, 0xffffffff },
	{ 0x4808, 0, 0xffffffff }, { 0x480a, 0, 0xffffffff }, { 0x480e, 0, 0x67 },
	{ 0x4814, 0, SEGMENT_DATA }, { 0x4816, 0, SEGMENT_CODE }, { 0x4818, 0, SEGMENT_DATA }, { 0x481a, 0, SEGMENT_DATA },
	{ 0x481c, 0, SEGMENT_DATA }, { 0x481e, 0, SEGMENT_DATA }, { 0x4820, 0, SEGMENT_NONE }, { 0x4822, 0, SEGMENT_TASK },
	{ 0x6816, 0, GUEST_GDT }, { 0x4810, 0, GUEST_DS + 7 },
	{ 0x6818, 0, GUEST_IDT }, { 0x4812, 0, 16 * (GUEST_VECTOR + 1) - 1 },
	/* CR0, CR3, CR4, DR7, RFLAGS; no VMCS is linked to. */
	{ 0x6800, 0, CR0 }, { 0x6802, 0, GUEST_PML4 }, { 0x6804, 0, CR4 }, { 0x681a, 0, 0x400 }, { 0x6820, 0, 0x202 },
	{ 0x2800, 0, ~0ULL },
	/* The hypervisor: ES CS SS DS FS GS TR, CR0, CR3, CR4, GDTR, IDTR. */
	{ 0x0c00, 0, GUEST_DS }, { 0x0c02, 0, GUEST_CS }, { 0x0c04, 0, GUEST_DS }, { 0x0c06, 0, GUEST_DS },
	{ 0x0c08, 0, GUEST_DS }, { 0x0c0a, 0, GUEST_DS }, { 0x0c0c, 0, SELECTOR_TASK },
	{ 0x6c00, 0, CR0 }, { 0x6c02, 0, GUEST_PML4 }, { 0x6c04, 0, CR4 }, { 0x6c0c, 0, GUEST_GDT }, { 0x6c0e, 0, GUEST_IDT },
};

/* After those: the controls once more, and where the second tables are, four levels of them. */
static const struct field ept_fields[] = {
	{ 0x4002, 0x482, PROC_SECONDARY },
	{ 0x401e, 0x48b, PROC2_EPT },
	{ 0x201a, 0, NESTED_PAGES | 3 << 3 | MEMORY_WRITE_BACK },
};

static_assert(NESTED_FIELDS + sizeof(fields) + sizeof(ept_fields) + FIELD_SIZE <= GUEST_OPS, "they fit");

/* The same for each vCPU; what differs, the hypervisor fills in. */
static void fill(uint8_t *ram, uint8_t *vmcs, unsigned int vcpu, bool tdp)
{
	(void)vmcs;
	(void)vcpu;
	memcpy(ram + NESTED_FIELDS, fields, sizeof(fields));
	if (tdp)
		memcpy(ram + NESTED_FIELDS + sizeof(fields), ept_fields, sizeof(ept_fields));
}

static bool possible(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_VMX);
}

const struct nested_kind nested_vmx = {
	.image = &image,
	.possible = possible,
	.memory_type = MEMORY_WRITE_BACK << 3,
	.fill = fill,
};
