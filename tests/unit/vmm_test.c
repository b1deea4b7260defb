// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-guest-check without KVM: the command line, the accounts that the checks keep,
 * the guests' memory, and what is printed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"
#include "pages.h"
#include "report.h"
#include "ring.h"
#include "script.h"
#include "tally.h"
#include "watchdog.h"

static int never_run(struct check_ctx *ctx)
{
	return ctx_fail(ctx, "this check is here for its name only");
}

static const struct check table[] = {
	{ "alpha", "the first", ALL_MODES, never_run },
	{ "beta", "the second", ALL_MODES, never_run },
	{ "alpha-two", "the third", ALL_MODES, never_run },
};

#define NCHECKS	(sizeof(table) / sizeof(table[0]))

/* Up to seven words after the program's name. */
static int parse(struct options *options, ...)
{
	char *argv[9] = { (char *)(uintptr_t)"kvm-guest-check" };
	int argc = 1;
	va_list ap;
	char *word;

	va_start(ap, options);
	while ((word = va_arg(ap, char *)))
		argv[argc++] = word;
	va_end(ap);
	return options_parse(options, argc, argv, table, NCHECKS);
}

static void options_defaults(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, NULL), 0);
	assert_int_equal(options.action, ACTION_RUN);
	assert_string_equal(options.device, "/dev/kvm");
	assert_int_equal(options.loops, 1);
	assert_int_equal(options.timeout, 60);
	assert_int_equal(options.selected, 7);
	assert_false(options.json);
}

static void options_all(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "--loops", "20", "--timeout=86400", "--device", "/x", "--json",
			       NULL), 0);
	assert_int_equal(options.loops, 20);
	assert_int_equal(options.timeout, 86400);
	assert_string_equal(options.device, "/x");
	assert_true(options.json);
	assert_int_equal(parse(&options, "--list", NULL), 0);
	assert_int_equal(options.action, ACTION_LIST);
	assert_int_equal(parse(&options, "--help", NULL), 0);
	assert_int_equal(options.action, ACTION_HELP);
	assert_int_equal(parse(&options, "--version", NULL), 0);
	assert_int_equal(options.action, ACTION_VERSION);
}

static void options_wrong(void **state)
{
	static const char *const numbers[] = { "", "0", "-1", "+1", " 1", "1x", "1e3", "100001",
					       "99999999999999999999" };
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_int_equal(parse(&options, "--loops", numbers[i], NULL), -EINVAL);
	assert_int_equal(parse(&options, "--timeout", "86401", NULL), -EINVAL);
	assert_non_null(strstr(options.why, "--timeout"));
	assert_int_equal(parse(&options, "--bogus", NULL), -EINVAL);
	assert_non_null(strstr(options.why, "--bogus"));
	assert_int_equal(parse(&options, "--only", NULL), -EINVAL);
	assert_non_null(strstr(options.why, "--only"));
	assert_int_equal(parse(&options, "stray", NULL), -EINVAL);
	assert_non_null(strstr(options.why, "stray"));
	/* The first complaint counts, and --json is honoured wherever it stands. */
	assert_int_equal(parse(&options, "--bogus", "--loops", "0", "--json", NULL), -EINVAL);
	assert_non_null(strstr(options.why, "--bogus"));
	assert_true(options.json);
}

static void options_only(void **state)
{
	static const char *const wrong[] = { "", ",", "alpha,", ",alpha", "alpha,,beta", "alph",
					     "alpha-", "gamma", "alpha beta" };
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "--only", "beta", NULL), 0);
	assert_int_equal(options.selected, 2);
	assert_int_equal(parse(&options, "--only", "alpha-two,alpha,alpha", NULL), 0);
	assert_int_equal(options.selected, 5);
	assert_int_equal(parse(&options, "--only", "beta", "--only", "alpha", NULL), 0);
	assert_int_equal(options.selected, 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(&options, "--only", wrong[i], NULL), -EINVAL);
}

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
		memcpy(&entry, ram + 4 * vector, sizeof(entry));
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
	for (size_t i = 0; i < 5 * GUEST_MODES; i++) {
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
	memcpy(results + 16, "\x34\x12\xfe\xca", 4);
	assert_int_equal(script_results(&script, results, string), 0);
	assert_int_equal(script_results(&script, results, (const uint8_t *)"\1\2\3\4\5\7"), -EPROTO);
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

static const struct ring_epoch gone = { 1, RING_NOWHERE };
static const struct ring_epoch changing = { 2, RING_CHANGING };
static const struct ring_epoch there = { 3, RING_EVERYWHERE };
static const struct ring_epoch at_a = { 4, RING_AT_A };
static const struct ring_epoch at_b = { 5, RING_AT_B };

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
	/* One exit may still be under way when the slot is there; a second may not. */
	assert_int_equal(ring_write_exit(&ring, there, 120), 0);
	assert_int_equal(ring_read_exit(&ring, there, 120), -EPROTO);
}

static void ring_moved(void **state)
{
	struct ring ring, copy;

	(void)state;
	ring_init(&ring);
	assert_int_equal(both(&ring, at_a, 2), 0);
	assert_int_equal(both(&ring, at_a, 4), 0);
	copy = ring;
	assert_int_equal(ring_write_exit(&copy, at_a, 5), -EPROTO);
	copy = ring;
	assert_int_equal(ring_write_exit(&copy, at_a, 8), -EPROTO);
	/* An odd one left over from before the move, then even ones. */
	copy = ring;
	copy.seen = at_b;
	assert_int_equal(ring_write_exit(&copy, at_a, 7), 0);
	assert_int_equal(ring_read_exit(&copy, at_a, 7), -EPROTO);
	ring.seen = at_b;
	assert_int_equal(ring_read_exit(&ring, at_a, 7), 0);
	assert_int_equal(both(&ring, at_a, 8), 0);
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
	assert_int_equal(ring_write_exit(&ring, gone, 998), 0);
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

static int check_tally(struct tally tally, bool assigned, uint32_t seen, uint32_t total, uint64_t events)
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

/* What report_end() returned; the text goes to @text. */
static int print(bool json, const struct result *results, size_t n, char **text)
{
	size_t size;
	struct report report = { .out = open_memstream(text, &size), .json = json };
	int ret;

	assert_non_null(report.out);
	for (size_t i = 0; i < n; i++)
		report_add(&report, &results[i]);
	ret = report_end(&report);
	fclose(report.out);
	return ret;
}

static void report_text(void **state)
{
	struct result results[] = {
		{ "alpha", VERDICT_PASS, 0.25, "fine" },
		{ "beta", VERDICT_FAIL, 1.5, "broken" },
		{ "gamma", VERDICT_NOT_RUN, 0, "no time was left" },
	};
	char *text;

	(void)state;
	assert_int_equal(print(false, results, 1, &text), 0);
	assert_string_equal(text, "alpha              PASS       0.250 s  fine\n"
			    "guest-check: PASS (1 checks)\n");
	free(text);
	assert_int_equal(print(false, results, 3, &text), 1);
	assert_non_null(strstr(text, "\nguest-check: FAIL (beta: broken)\n"));
	free(text);
	assert_int_equal(print(false, results + 2, 1, &text), 1);
	assert_non_null(strstr(text, "guest-check: FAIL (gamma: no time was left)\n"));
	free(text);
	assert_int_equal(print(false, results, 0, &text), 1);
	assert_null(strstr(text, "PASS"));
	free(text);
}

static void report_json(void **state)
{
	struct result results[] = {
		{ "alpha", VERDICT_PASS, 0.25, "" },
		{ "beta", VERDICT_FAIL, 1.5, "a \"b\" \\ \n\x01 \xc3" },
	};
	char *text;

	(void)state;
	assert_int_equal(print(true, results, 1, &text), 0);
	assert_string_equal(text, "{\"schema\":1,\"result\":\"pass\",\"checks\":[{\"name\":\"alpha\","
			    "\"result\":\"pass\",\"seconds\":0.250,\"detail\":\"\"}]}\n");
	free(text);
	assert_int_equal(print(true, results, 2, &text), 1);
	assert_non_null(strstr(text, "{\"schema\":1,\"result\":\"fail\""));
	assert_non_null(strstr(text, "},{\"name\":\"beta\",\"result\":\"fail\",\"seconds\":1.500,"
			       "\"detail\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 \\ufffd\"}]}\n"));
	free(text);
	assert_int_equal(print(true, results, 0, &text), 1);
	assert_non_null(strstr(text, "\"result\":\"fail\""));
	free(text);
}

static void ctx_first_reason(void **state)
{
	struct check_ctx ctx;
	unsigned int counter = 0;
	uint32_t word = 0;

	(void)state;
	ctx_init(&ctx, -1, 0, 1);
	ctx_add(&ctx, &counter);
	assert_int_equal(ctx_wait(&ctx, &counter, 1), 0);
	assert_int_equal(ctx_poll(&ctx, &word, UINT32_MAX, 1), 0);
	ctx_note(&ctx, "one");
	ctx.mode = GUEST_LONG;
	ctx_note(&ctx, "%d", 2);
	assert_string_equal(ctx.detail, "real: one; long: 2");
	assert_int_equal(ctx_fail(&ctx, "reason %d", 1), -1);
	assert_int_equal(ctx_fail(&ctx, "reason %d", 2), -1);
	assert_string_equal(ctx.reason, "reason 1");
	/* A failure ends waits that nothing else would end. */
	assert_int_equal(ctx_wait(&ctx, &counter, 2), -1);
	assert_int_equal(ctx_poll(&ctx, &word, 0, 1), -1);
	ctx_reset(&ctx);
	assert_false(ctx_failed(&ctx));
	assert_string_equal(ctx.detail, "");
	ctx_expire(&ctx, 3);
	ctx_reset(&ctx);
	assert_true(ctx_failed(&ctx) && ctx_expired(&ctx));
	ctx_destroy(&ctx);
}

static void note_call(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELEASE);
}

static void watchdog_bites(void **state)
{
	struct check_ctx ctx;
	int calls = 0;
	struct watchdog dog = { .ctx = &ctx, .seconds = 0, .grace = 60, .last_resort = note_call,
				.arg = &calls };
	unsigned int never = 0;

	(void)state;
	ctx_init(&ctx, -1, 0, 1);
	assert_int_equal(watchdog_start(&dog), 0);
	assert_int_equal(ctx_wait(&ctx, &never, 1), -1);
	watchdog_stop(&dog);
	assert_int_equal(calls, 0);
	assert_true(ctx_expired(&ctx));
	/* Nobody says that it is over: the last resort. */
	dog.grace = 0;
	assert_int_equal(watchdog_start(&dog), 0);
	while (!__atomic_load_n(&calls, __ATOMIC_ACQUIRE))
		ctx_pause(1000);
	watchdog_stop(&dog);
	assert_int_equal(calls, 1);
	ctx_destroy(&ctx);
}

static void watchdog_sleeps(void **state)
{
	struct check_ctx ctx;
	struct watchdog dog = { .ctx = &ctx, .seconds = 60, .grace = 60, .last_resort = note_call };

	(void)state;
	ctx_init(&ctx, -1, 0, 1);
	assert_int_equal(watchdog_start(&dog), 0);
	watchdog_stop(&dog);
	assert_false(ctx_failed(&ctx));
	ctx_destroy(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_defaults), cmocka_unit_test(options_all),
		cmocka_unit_test(options_wrong), cmocka_unit_test(options_only),
		cmocka_unit_test(layout_areas), cmocka_unit_test(layout_images),
		cmocka_unit_test(layout_too_large), cmocka_unit_test(script_right),
		cmocka_unit_test(script_wrong), cmocka_unit_test(script_only_events),
		cmocka_unit_test(ring_gone), cmocka_unit_test(ring_moved),
		cmocka_unit_test(ring_memory), cmocka_unit_test(tally_assigned),
		cmocka_unit_test(tally_deassigned), cmocka_unit_test(pages_sets),
		cmocka_unit_test(report_text), cmocka_unit_test(report_json),
		cmocka_unit_test(ctx_first_reason), cmocka_unit_test(watchdog_bites),
		cmocka_unit_test(watchdog_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
