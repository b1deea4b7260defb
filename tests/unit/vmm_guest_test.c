// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-guest-check: the memory that its guests start with.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guest.h"

/* Every area of the guest's RAM, in order; none may reach into the next. */
static void layout_areas(void **state)
{
	static const struct { uint32_t at, size; } areas[] = {
		{ 0, 4 * 256 },
		{ GUEST_GDT, GUEST_DS + 8 },
		{ GUEST_IDT, 16 * (GUEST_VECTOR + 1) },
		{ GUEST_CODE, GUEST_CODE_SIZE },
		{ GUEST_TRAPS, GUEST_TRAPS_SIZE },
		{ GUEST_MAIL, 2 * GUEST_MAIL_LINE },
		{ GUEST_OPS, GUEST_OPS_MAX * OP_SIZE },
		{ GUEST_RESULTS, GUEST_OPS_MAX * 8 },
		{ GUEST_STRING, GUEST_STRING_SIZE },
		{ GUEST_PML4, 4096 },
		{ GUEST_PDPT, 4096 },
		{ GUEST_PD, 4096 },
		{ GUEST_STACKS - 2 * GUEST_STACK_SIZE, 2 * GUEST_STACK_SIZE },
		{ GUEST_SLOT, GUEST_SLOT_SIZE },
		{ GUEST_SLOT_MOVED, GUEST_SLOT_SIZE },
		{ GUEST_MMIO, 0x1000 },
		{ 0x10000, 0 },
		{ GUEST_DIRTY, GUEST_DIRTY_PAGES * 4096 },
		{ GUEST_MAPPED_2M * 0x200000, 0 },
	};

	(void)state;
	for (size_t i = 1; i < sizeof(areas) / sizeof(areas[0]); i++)
		assert_in_range(areas[i - 1].at + areas[i - 1].size, 0, areas[i].at);
	assert_int_equal(GUEST_STACKS, GUEST_RAM_SIZE);
	assert_int_equal(GUEST_RAM_SIZE % 4096, 0);
	assert_int_equal(RING_CELLS_AT + 4 * RING_CELLS, RING_AREA);
	assert_int_equal(2 * RING_AREA, GUEST_SLOT_SIZE);
}

static uint64_t get64(const uint8_t *ram, uint32_t at)
{
	uint64_t value;

	memcpy(&value, ram + at, sizeof(value));
	return value;
}

/* The handler that a vector leads to. */
static uint32_t handler(const uint8_t *ram, enum guest_mode mode, unsigned int vector)
{
	uint64_t gate;
	uint32_t entry;

	if (mode != GUEST_LONG) {
		memcpy(&entry, ram + 4 * (size_t)vector, sizeof(entry));
		assert_int_equal(entry >> 16, 0);
		return entry;
	}
	gate = get64(ram, GUEST_IDT + 16 * vector);
	assert_int_equal(gate >> 16 & 0xffff, GUEST_CS);
	assert_int_equal(gate >> 40 & 0xff, 0x8e);
	return (uint32_t)(gate & 0xffff) | (uint32_t)(gate >> 48 << 16);
}

static void layout_images(void **state)
{
	static const struct guest_image *const images[] = { &guest_ops, &guest_irq, &guest_touch,
							    &guest_ring, &guest_hammer };
	static uint8_t ram[GUEST_RAM_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]) * GUEST_MODES; i++) {
		const struct guest_image *image = images[i / GUEST_MODES];
		enum guest_mode mode = (enum guest_mode)(i % GUEST_MODES);
		const struct guest_code *code = guest_code(image, mode);

		memset(ram, 0, sizeof(ram));
		assert_true(code->end > code->start);
		assert_int_equal(guest_load(ram, image, mode), 0);
		assert_memory_equal(ram + GUEST_CODE, code->start, code->end - code->start);
		assert_int_equal(handler(ram, mode, 14), GUEST_TRAPS + 14 * TRAP_STUB_SIZE);
		/* push $vector */
		assert_int_equal(ram[GUEST_TRAPS + 14 * TRAP_STUB_SIZE], 0x6a);
		assert_int_equal(ram[GUEST_TRAPS + 14 * TRAP_STUB_SIZE + 1], 14);
		if (image == &guest_irq)
			assert_int_equal(handler(ram, mode, GUEST_VECTOR),
					 GUEST_CODE + (code->isr - code->start));
		assert_int_equal(get64(ram, GUEST_PML4), mode == GUEST_LONG ? GUEST_PDPT | 3 : 0);
	}
	/* The last one was for long mode: identity, 2 MiB a page, writable. */
	assert_int_equal(get64(ram, GUEST_PDPT), GUEST_PD | 3);
	for (uint64_t i = 0; i < GUEST_MAPPED_2M; i++)
		assert_int_equal(get64(ram, GUEST_PD + 8 * (uint32_t)i), i << 21 | 0x83);
	assert_int_equal(get64(ram, GUEST_PD + 8 * GUEST_MAPPED_2M), 0);
}

static void layout_too_large(void **state)
{
	static uint8_t ram[GUEST_RAM_SIZE], code[GUEST_CODE_SIZE + 1];
	struct guest_image image = { .code64 = { .start = code, .end = code + sizeof(code) } };

	(void)state;
	assert_int_equal(guest_load(ram, &image, GUEST_LONG), -E2BIG);
	image.code64.end--;
	assert_int_equal(guest_load(ram, &image, GUEST_LONG), 0);
	assert_ptr_equal(guest_mail(ram, 1, MAIL_RING_STOP),
			 ram + GUEST_MAIL + GUEST_MAIL_LINE + MAIL_RING_STOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_areas),
		cmocka_unit_test(layout_images),
		cmocka_unit_test(layout_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
