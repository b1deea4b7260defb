/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest programs and the memory image that each of them starts with.
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "guests/layout.h"

/**
 * enum guest_mode - how a vCPU starts
 * @GUEST_REAL: real mode with 64 KiB segments; without unrestricted guest, VMX runs it as
 *	virtual 8086
 * @GUEST_BIG_REAL: real mode with 4 GiB data segments; without unrestricted guest that is a
 *	state which VMX cannot enter, so KVM emulates every instruction
 * @GUEST_LONG: 64-bit with paging
 * @GUEST_MODES: how many there are
 */
enum guest_mode { GUEST_REAL, GUEST_BIG_REAL, GUEST_LONG, GUEST_MODES };

#define MODE_BIT(mode)	(1U << (mode))
#define ALL_MODES	(MODE_BIT(GUEST_MODES) - 1)

extern const char *const guest_mode_names[GUEST_MODES];

/**
 * struct guest_code - a program in one width
 * @start: its first byte, which is its entry as well
 * @end: the byte after its last
 * @isr: handler of GUEST_VECTOR, or NULL
 */
struct guest_code {
	const uint8_t *start;
	const uint8_t *end;
	const uint8_t *isr;
};

/**
 * struct guest_image - a program
 * @name: what to call it
 * @code16: for the real modes
 * @code64: for long mode
 */
struct guest_image {
	const char *name;
	struct guest_code code16;
	struct guest_code code64;
};

extern const struct guest_image guest_ops;
extern const struct guest_image guest_irq;
extern const struct guest_image guest_touch;
extern const struct guest_image guest_ring;
extern const struct guest_image guest_hammer;
extern const struct guest_image guest_traps;	/* beside each of them */

/**
 * struct guest_op - what ops.S does in one step; its offsets are OP_* in layout.h
 * @code: OP_* with the width of the access in bytes
 * @repeat: number of accesses, 1 or more
 * @addr: port or address
 * @value: what to write
 */
struct guest_op {
	uint16_t code;
	uint16_t repeat;
	uint32_t addr;
	uint64_t value;
};

const struct guest_code *guest_code(const struct guest_image *image, enum guest_mode mode);
int guest_load(uint8_t *ram, const struct guest_image *image, enum guest_mode mode);
uint32_t *guest_mail(uint8_t *ram, unsigned int vcpu, unsigned int offset);

#endif
