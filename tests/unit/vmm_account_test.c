// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-guest-check: the accounts that the checks keep, and what must upset them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pages.h"
#include "ring.h"
#include "script.h"
#include "tally.h"

static const struct step steps[] = {
	{ { OP_OUT | 2, 2, 0x500, 0x1234 }, true },
	{ { OP_WRITE | 4, 9, 0xe000, 7 }, false },
	{ { OP_READ | 4, 1, 0xe004, 0xcafe1234 }, true },
	{ { OP_INS | 2, 3, 0x600, 0 }, true },
};
static const uint8_t string[] = { 1, 2, 3, 4, 5, 6 };

static void script_start(struct script *script)
{
	script_begin(script, steps, sizeof(steps) / sizeof(steps[0]), string);
}

static int out2(struct script *script, uint16_t value)
{
	struct access access = { false, true, 0x500, 2, 1, (uint8_t *)&value };

	return script_exit(script, &access);
}

static void script_right(void **state)
{
	uint8_t data[8] = { 0 };
	struct access read = { true, false, 0xe004, 4, 1, data };
	struct access ins = { false, false, 0x600, 2, 2, data };
	uint8_t results[4 * 8] = { 0 };
	struct script script;

	(void)state;
	script_start(&script);
	assert_int_equal(out2(&script, 0x1234), 0);
	assert_int_equal(script_end(&script), -EPROTO);
	assert_int_equal(out2(&script, 0x1234), 0);
	assert_int_equal(script_exit(&script, &read), 0);
	assert_memory_equal(data, "\x34\x12\xfe\xca", 4);
	/* A string may come out in pieces of any size. */
	assert_int_equal(script_exit(&script, &ins), 0);
	assert_memory_equal(data, string, 4);
	ins.count = 1;
	assert_int_equal(script_exit(&script, &ins), 0);
	assert_memory_equal(data, string + 4, 2);
	assert_int_equal(script_end(&script), 0);
	assert_int_equal(script.exits, 6);
	/* What the guest stored. */
	assert_int_equal(script_results(&script, results, string), -EPROTO);
	memcpy(results + 16, &steps[2].op.value, 4);
	assert_int_equal(script_results(&script, results, string), 0);
	assert_int_equal(script_results(&script, results, (const uint8_t *)"\1\2\3\4\5\7"),
			 -EPROTO);
	results[20] = 1;
	assert_int_equal(script_results(&script, results, string), -EPROTO);
	/* Nothing may come after the end. */
	assert_int_equal(script_exit(&script, &ins), -EPROTO);
}

static void script_wrong(void **state)
{
	uint8_t data[8] = { 0x34, 0x12 };
	static const struct access right = { false, true, 0x500, 2, 1, NULL };
	struct access wrong[7];
	struct script script;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		wrong[i] = right;
		wrong[i].data = data;
	}
	wrong[0].mmio = true;
	wrong[1].write = false;
	wrong[2].addr++;
	wrong[3].width = 1;
	wrong[4].width = 4;
	wrong[5].count = 3;	/* one too many */
	for (size_t i = 0; i < 6; i++) {
		script_start(&script);
		assert_int_equal(script_exit(&script, &wrong[i]), -EPROTO);
		assert_true(strlen(script.why) > 0);
	}
	script_start(&script);
	assert_int_equal(script_exit(&script, &wrong[6]), 0);
	assert_int_equal(out2(&script, 0x1235), -EPROTO);
	assert_non_null(strstr(script.why, "0x1234"));
	/* An exit for what should have been an event. */
	script_start(&script);
	assert_int_equal(out2(&script, 0x1234), 0);
	assert_int_equal(out2(&script, 0x1234), 0);
	wrong[0] = (struct access){ true, true, 0xe000, 4, 1, data };
	assert_int_equal(script_exit(&script, &wrong[0]), -EPROTO);
}

static void script_only_events(void **state)
{
	struct script script;

	(void)state;
	script_begin(&script, &steps[1], 1, NULL);
	assert_int_equal(script_end(&script), 0);
}

static const struct ring_epoch gone = { 1, RING_NOWHERE, 100 };
static const struct ring_epoch changing = { 2, RING_CHANGING, 0 };
static const struct ring_epoch there = { 3, RING_EVERYWHERE, 120 };
static const struct ring_epoch at_a = { 4, RING_AT_A, 7 };
static const struct ring_epoch at_b = { 5, RING_AT_B, 10 };

/* The write and the read of one access come out. */
static int both(struct ring *ring, struct ring_epoch now, uint32_t number)
{
	return ring_write_exit(ring, now, number) || ring_read_exit(ring, now, number);
}

static void ring_gone(void **state)
{
	struct ring ring, copy;

	(void)state;
	ring_init(&ring);
	assert_int_equal(both(&ring, gone, 100), 0);
	assert_int_equal(both(&ring, gone, 101), 0);
	copy = ring;
	assert_int_equal(ring_write_exit(&copy, gone, 103), -EPROTO);	/* 102 went astray */
	copy = ring;
	assert_int_equal(ring_write_exit(&copy, gone, 101), -EPROTO);	/* came out twice */
	copy = ring;
	assert_int_equal(ring_read_exit(&copy, gone, 102), -EPROTO);	/* its write did not */
	copy = ring;
	assert_int_equal(ring_write_exit(&copy, gone, 102), 0);
	assert_int_equal(ring_write_exit(&copy, gone, 103), -EPROTO);	/* the read did not */
	/* While the slot comes or goes both is right. */
	assert_int_equal(ring_write_exit(&ring, changing, 110), 0);
	assert_int_equal(ring_read_exit(&ring, changing, 112), 0);
	assert_int_equal(ring.writes, 3);
	assert_int_equal(ring.reads, 3);
}

/* The first exit after the slot came to rest. */
static void ring_first(void **state)
{
	struct ring ring;

	(void)state;
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, gone, 101), 0);
	ring_init(&ring);
	assert_int_equal(ring_read_exit(&ring, gone, 100), 0);
	assert_int_equal(ring_write_exit(&ring, gone, 101), 0);
	ring_init(&ring);
	assert_int_equal(ring_read_exit(&ring, gone, 101), -EPROTO); /* 101 hit RAM that was gone */
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, gone, 102), -EPROTO);	/* so it did */
	/* One exit may still be under way when the slot is there; no second, and no new one. */
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, there, 120), 0);
	assert_int_equal(ring_read_exit(&ring, there, 120), -EPROTO);
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, there, 121), -EPROTO);
	/* Moved to A: even writes exit from 8 on. */
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, at_a, 8), 0);
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, at_a, 9), -EPROTO);
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, at_a, 10), -EPROTO);
}

static void ring_moved(void **state)
{
	struct ring ring, copy;

	(void)state;
	/* An odd one left over from before the move, then even ones. */
	ring_init(&ring);
	assert_int_equal(ring_write_exit(&ring, at_a, 7), 0);
	copy = ring;
	assert_int_equal(ring_read_exit(&copy, at_a, 7), -EPROTO);
	assert_int_equal(both(&ring, at_a, 8), 0);
	assert_int_equal(both(&ring, at_a, 10), 0);
	copy = ring;
	assert_int_equal(ring_write_exit(&copy, at_a, 11), -EPROTO);
	copy = ring;
	assert_int_equal(ring_write_exit(&copy, at_a, 14), -EPROTO);
	/* And back. */
	assert_int_equal(ring_write_exit(&ring, at_b, 11), 0);
	assert_int_equal(ring_read_exit(&ring, at_b, 11), 0);
	assert_int_equal(both(&ring, at_b, 13), 0);
}

static void ring_memory(void **state)
{
	uint32_t ram[RING_CELLS] = { 0 };
	struct ring ring;

	(void)state;
	ring_init(&ring);
	ring.last = UINT32_MAX - 9;	/* numbers wrap */
	ring.last_was_read = true;
	for (uint32_t n = UINT32_MAX - 8; n != 1000; n++)
		if (n != 998)
			ram[n % RING_CELLS] = n;
	assert_int_equal(ring_write_exit(&ring, changing, 998), 0);
	ring_advance(&ring, 999);
	assert_int_equal(ring_compare(&ring, (uint8_t *)ram), 0);
	ram[998 % RING_CELLS] = 998;	/* came out and is there as well */
	assert_int_equal(ring_compare(&ring, (uint8_t *)ram), -EPROTO);
	ram[998 % RING_CELLS] = 998 - RING_CELLS;
	ram[999 % RING_CELLS] = 999 - RING_CELLS;	/* lost */
	assert_int_equal(ring_compare(&ring, (uint8_t *)ram), -EPROTO);
	assert_non_null(strstr(ring.why, "expected 999"));
}

static struct tally exits(uint32_t first, uint32_t last)
{
	struct tally tally = { 0 };

	for (uint32_t n = first; n <= last; n++)
		assert_int_equal(tally_exit(&tally, n), 0);
	return tally;
}

static int check_tally(struct tally tally, bool assigned, uint32_t seen, uint32_t total,
		       uint64_t events)
{
	const struct tally_end end = { assigned, seen, total, events };

	return tally_check(&tally, &end);
}

static void tally_assigned(void **state)
{
	struct tally gap = exits(1, 10);

	(void)state;
	assert_int_equal(check_tally(exits(1, 10), true, 12, 50, 40), 0);
	assert_int_equal(check_tally(exits(1, 12), true, 12, 50, 38), 0);
	assert_int_equal(check_tally(exits(1, 0), true, 12, 50, 50), 0);
	assert_int_equal(check_tally(exits(1, 13), true, 12, 50, 37), -EPROTO);
	assert_int_equal(check_tally(exits(2, 10), true, 12, 50, 41), -EPROTO);
	assert_int_equal(check_tally(exits(1, 10), true, 12, 50, 39), -EPROTO);
	assert_int_equal(check_tally(exits(1, 10), true, 12, 50, 41), -EPROTO);
	assert_int_equal(check_tally(exits(1, 10), true, 50, 50, 40), -EPROTO);
	assert_int_equal(tally_exit(&gap, 12), -EPROTO);
	assert_int_equal(tally_exit(&gap, 10), -EPROTO);
}

static void tally_deassigned(void **state)
{
	(void)state;
	assert_int_equal(check_tally(exits(11, 50), false, 12, 50, 10), 0);
	assert_int_equal(check_tally(exits(13, 50), false, 12, 50, 12), 0);
	assert_int_equal(check_tally(exits(14, 50), false, 12, 50, 13), -EPROTO);
	assert_int_equal(check_tally(exits(11, 49), false, 12, 50, 11), -EPROTO);
	assert_int_equal(check_tally(exits(1, 0), false, 12, 50, 50), -EPROTO);
	assert_int_equal(check_tally(exits(11, 50), false, 12, 50, 9), -EPROTO);
}

static void pages_sets(void **state)
{
	static const struct touching touching = { 62, 3, 4 };	/* 62 65 68 71 */
	struct pages want = { { 0 } }, got = { { 0 } };
	uint32_t sums[GUEST_DIRTY_PAGES] = { 0 };
	unsigned int page;

	(void)state;
	pages_touch(&want, sums, &touching, 9);
	pages_touch(&want, sums, &touching, 1);
	assert_int_equal(pages_count(&want), 4);
	assert_int_equal(sums[65], 10);
	assert_int_equal(sums[66], 0);
	assert_int_equal(pages_differ(&got, &want, &page), -1);
	assert_int_equal(page, 62);
	pages_add(&got, &want);
	assert_int_equal(pages_differ(&got, &want, &page), 0);
	got.bits[3] = 1ULL << 63;
	assert_int_equal(pages_differ(&got, &want, &page), 1);
	assert_int_equal(page, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_right),
		cmocka_unit_test(script_wrong),
		cmocka_unit_test(script_only_events),
		cmocka_unit_test(ring_gone),
		cmocka_unit_test(ring_first),
		cmocka_unit_test(ring_moved),
		cmocka_unit_test(ring_memory),
		cmocka_unit_test(tally_assigned),
		cmocka_unit_test(tally_deassigned),
		cmocka_unit_test(pages_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
