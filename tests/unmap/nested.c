// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that is a hypervisor, with a guest that does what touch.S does.
 */
#include "nested.h"
#include "storm.h"

/*
 * In what only ops.S uses. The last of the second tables shares its page with the stacks,
 * which are above. The page of its own is one for both vCPUs: KVM puts nothing there.
 */
#define CONTROL(id)	(GUEST_OPS + (id) * 0x1000U)
#define OWN		0x5000U
#define PAGES_PDPT	0x7000U
#define PAGES_PD	0xb000U

#define ENTRY		7	/* may be read, written, and executed or used by user code */
#define ENTRY_LARGE	0x080
#define PAGE_2M		0x200000ULL

static const struct nested_kind *const kinds[] = { &nested_svm, &nested_vmx };

static const struct nested_kind *kind(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->possible())
			return kinds[i];
	return NULL;
}

/**
 * nested_image() - the guest that has a guest
 *
 * Return: what vm_open() takes, or NULL when this host's guests can have none.
 */
const struct guest_image *nested_image(void)
{
	return kind() ? kind()->image : NULL;
}

/**
 * nested_prepare() - fill in what nested_image() expects
 * @vm: the VM with that guest in it, its vCPUs not started
 * @tdp: the hypervisor in it uses second page tables
 */
void nested_prepare(struct vm *vm, bool tdp)
{
	const struct nested_kind *with = kind();

	put64(vm->ram + NESTED_PAGES, PAGES_PDPT | ENTRY);
	put64(vm->ram + PAGES_PDPT, PAGES_PD | ENTRY);
	for (unsigned int i = 0; i < GUEST_MAPPED_2M; i++)
		put64(vm->ram + PAGES_PD + (size_t)8 * i,
		      i * PAGE_2M | with->memory_type | ENTRY_LARGE | ENTRY);
	for (unsigned int i = 0; i < vm->nvcpus; i++) {
		*guest_mail(vm->ram, i, MAIL_NESTED_CONTROL) = CONTROL(i);
		*guest_mail(vm->ram, i, MAIL_NESTED_OWN) = OWN;
		with->fill(vm->ram, vm->ram + CONTROL(i), i, tdp);
	}
}
