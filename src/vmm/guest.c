// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lays a guest program and the tables that its mode needs into guest memory.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "guest.h"

#define PTE_PRESENT_WRITABLE	0x003ULL
#define PTE_LARGE		0x080ULL
#define PAGE_2M			0x200000ULL
#define GATE_INTERRUPT		0x8e00ULL	/* present, ring 0 */
#define DESC_CODE64		0x00af9b000000ffffULL
#define DESC_DATA		0x00cf93000000ffffULL

static_assert(sizeof(struct guest_op) == OP_SIZE, "ops.S steps by OP_SIZE");
static_assert(offsetof(struct guest_op, repeat) == OP_REPEAT, "ops.S");
static_assert(offsetof(struct guest_op, addr) == OP_ADDR, "ops.S");
static_assert(offsetof(struct guest_op, value) == OP_VALUE, "ops.S");

const char *const guest_mode_names[GUEST_MODES] = { "real", "big-real", "long" };

#define DECLARE(name)					\
	extern const uint8_t guest_##name##_16[];	\
	extern const uint8_t guest_##name##_end_16[];	\
	extern const uint8_t guest_##name##_64[];	\
	extern const uint8_t guest_##name##_end_64[]

#define CODE(name, bits, isr)	{ guest_##name##_##bits, guest_##name##_end_##bits, isr }

#define IMAGE(name, isr16, isr64)					\
	DECLARE(name);							\
	const struct guest_image guest_##name = {			\
		#name, CODE(name, 16, isr16), CODE(name, 64, isr64)	\
	}

extern const uint8_t guest_irq_isr_16[];
extern const uint8_t guest_irq_isr_64[];

IMAGE(ops, NULL, NULL);
IMAGE(irq, guest_irq_isr_16, guest_irq_isr_64);
IMAGE(touch, NULL, NULL);
IMAGE(ring, NULL, NULL);
IMAGE(hammer, NULL, NULL);
IMAGE(traps, NULL, NULL);

static void put64(uint8_t *ram, uint32_t at, uint64_t value)
{
	memcpy(ram + at, &value, sizeof(value));
}

static void load_page_tables(uint8_t *ram)
{
	put64(ram, GUEST_PML4, GUEST_PDPT | PTE_PRESENT_WRITABLE);
	put64(ram, GUEST_PDPT, GUEST_PD | PTE_PRESENT_WRITABLE);
	for (unsigned int i = 0; i < GUEST_MAPPED_2M; i++)
		put64(ram, GUEST_PD + 8 * i, i * PAGE_2M | PTE_LARGE | PTE_PRESENT_WRITABLE);
}

static void load_vector(uint8_t *ram, enum guest_mode mode, unsigned int vector, uint32_t handler)
{
	/* Real mode: segment 0 and offset. All code lies below 64 KiB. */
	if (mode != GUEST_LONG) {
		memcpy(ram + (size_t)4 * vector, &handler, sizeof(handler));
		return;
	}
	put64(ram, GUEST_IDT + 16 * vector,
	      handler | (uint64_t)GUEST_CS << 16 | GATE_INTERRUPT << 32);
	put64(ram, GUEST_IDT + 16 * vector + 8, 0);
}

static int load_code(uint8_t *ram, const struct guest_code *code, uint32_t at, size_t room)
{
	size_t size = (size_t)(code->end - code->start);

	if (size > room)
		return -E2BIG;
	memcpy(ram + at, code->start, size);
	return 0;
}

/**
 * guest_code() - the program in the width that a mode wants
 * @image: the program
 * @mode: the mode it is to run in
 *
 * Return: the code; never NULL.
 */
const struct guest_code *guest_code(const struct guest_image *image, enum guest_mode mode)
{
	return mode == GUEST_LONG ? &image->code64 : &image->code16;
}

/**
 * guest_load() - fill the RAM of a guest that is about to start
 * @ram: GUEST_RAM_SIZE bytes, all zero
 * @image: the program, which goes to GUEST_CODE
 * @mode: the mode it starts in: decides about the code's width and the tables
 *
 * Return: 0, or -E2BIG when a program does not fit where it belongs.
 */
int guest_load(uint8_t *ram, const struct guest_image *image, enum guest_mode mode)
{
	const struct guest_code *code = guest_code(image, mode);

	if (load_code(ram, code, GUEST_CODE, GUEST_CODE_SIZE) ||
	    load_code(ram, guest_code(&guest_traps, mode), GUEST_TRAPS, GUEST_TRAPS_SIZE))
		return -E2BIG;
	for (unsigned int i = 0; i < TRAP_VECTORS; i++)
		load_vector(ram, mode, i, GUEST_TRAPS + i * TRAP_STUB_SIZE);
	if (code->isr)
		load_vector(ram, mode, GUEST_VECTOR,
			    GUEST_CODE + (uint32_t)(code->isr - code->start));
	if (mode == GUEST_LONG) {
		load_page_tables(ram);
		put64(ram, GUEST_GDT + GUEST_CS, DESC_CODE64);
		put64(ram, GUEST_GDT + GUEST_DS, DESC_DATA);
	}
	return 0;
}

/**
 * guest_mail() - a word that guest and VMM share
 * @ram: the guest's RAM
 * @vcpu: number of the vCPU whose line it is in
 * @offset: bytes into that line: one of MAIL_*
 *
 * While the vCPU runs the word is to be accessed atomically only.
 *
 * Return: its address; it is aligned.
 */
uint32_t *guest_mail(uint8_t *ram, unsigned int vcpu, unsigned int offset)
{
	return (uint32_t *)(void *)(ram + GUEST_MAIL + (size_t)vcpu * GUEST_MAIL_LINE + offset);
}
