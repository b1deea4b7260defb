/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-unmap-storm: all that unmaps guest memory, done rightly; or one thing done wrong,
 * with the module kvm-violate; or some of it measured.
 */
#ifndef UNMAP_STORM_H
#define UNMAP_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm.h"

/* Below what the guests have mapped, and large enough for a huge page. */
#define AREA_GPA	0x200000U
#define AREA_SIZE	0x200000U
#define AREA_MOVED	0x400000U
#define AREA_SLOT	1
#define AREA_PAGES	(AREA_SIZE / 4096)

/**
 * enum area_kind - what its memory is
 * @AREA_ANONYMOUS: of the process
 * @AREA_GMEM: a guest_memfd that is mapped by the process
 * @AREA_PRIVATE: of the process what is shared, of a guest_memfd what is private
 */
enum area_kind { AREA_ANONYMOUS, AREA_GMEM, AREA_PRIVATE };

/**
 * struct area - the memslot that things are done to
 * @vm: of this VM
 * @kind: what its memory is
 * @memory: AREA_SIZE bytes, aligned to their size
 * @gpa: where the guest has it
 * @other: there is a second address space, with a memslot of the same memory
 * @gmem: its guest_memfd, or -1
 */
struct area {
	struct vm *vm;
	enum area_kind kind;
	uint8_t *memory;
	uint32_t gpa;
	bool other;
	int gmem;
};

/**
 * struct options - of the command line
 * @violate: what to break, NULL for a storm
 * @mode: how the guest starts
 * @rounds: how often each deed is done
 * @slot_zap: KVM_X86_QUIRK_SLOT_ZAP_ALL is to be off
 * @cost: measure calls instead
 * @kind: what the memory is to be
 * @nested: the guest is a hypervisor, and its guest does what it would do
 * @nested_tdp: by second page tables, NPT or EPT
 */
struct options {
	const char *violate;
	enum guest_mode mode;
	unsigned int rounds;
	bool slot_zap;
	bool cost;
	enum area_kind kind;
	bool nested;
	bool nested_tdp;
};

int unmap_options(struct options *options, int argc, char *argv[]);

const struct guest_image *nested_image(void);
void nested_prepare(struct vm *vm, bool tdp);

unsigned long gmem_vm_type(enum area_kind kind);
bool gmem_possible(const struct check_ctx *ctx, enum area_kind kind);
int gmem_create(struct area *area);
uint8_t *gmem_map(struct area *area);
int gmem_set(const struct area *area, const struct kvm_userspace_memory_region *region);
int gmem_punch(struct area *area);
int gmem_convert(struct area *area);

int area_open(struct area *area, struct vm *vm, enum area_kind kind);
void area_close(struct area *area);
int area_set(struct area *area, unsigned int as_id, uint32_t gpa, uint32_t size, uint32_t flags);

int storm_deeds(struct area *area, unsigned int rounds);
int storm_cost(struct area *area, unsigned int rounds);
int storm_violate(struct area *area, const char *what);

#endif
