// SPDX-License-Identifier: GPL-2.0-only
/*
 * The journal: what is written comes back, and nothing else is believed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal.h"
#include "json.h"
#include "run.h"

static struct host host;
static char why[WHY_MAX];

static int setup(void **state)
{
	char dir[] = "/tmp/cli-journal.XXXXXX";

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(host.root, sizeof(host.root), "%s", dir);
	return folder_make(host_path(&host, SWAP_DIR), 0755);
}

static int teardown(void **state)
{
	(void)state;
	remove_tree(host.root);
	return 0;
}

static void image(struct image *to, const char *name, char digit)
{
	memset(to->build_id, digit, 40);
	to->build_id[40] = '\0';
	snprintf(to->file, sizeof(to->file), SWAP_FILES "/%s/%s.ko", to->build_id, name);
	snprintf(to->options, sizeof(to->options), "nested=0 x=\"a b\"");
}

static void fill(struct journal *journal)
{
	memset(journal, 0, sizeof(*journal));
	journal->step = SWAP_LOADING;
	snprintf(journal->boot, sizeof(journal->boot), "0b8c");
	snprintf(journal->release, sizeof(journal->release), "6.1.0-56-amd64");
	snprintf(journal->vendor, sizeof(journal->vendor), "kvm_amd");
	journal->to = CHOICE_STOCK;
	journal->from = CHOICE_FIXED;
	journal->had_node = true;
	image(&journal->former.kvm, "kvm", 'a');
	image(&journal->former.vendor, "kvm-amd", 'b');
	image(&journal->next.kvm, "kvm", 'c');
	journal->kvm_before.n = 2;
	snprintf(journal->kvm_before.list[0].name, PARAM_NAME_MAX, "halt_poll_ns");
	snprintf(journal->kvm_before.list[0].value, PARAM_VALUE_MAX, "200000");
	journal->kvm_before.list[0].known = true;
	snprintf(journal->kvm_before.list[1].name, PARAM_NAME_MAX, "text");
	snprintf(journal->kvm_before.list[1].value, PARAM_VALUE_MAX, "a \"b\"");
	journal->kvm_before.list[1].known = true;
}

static void put(const char *text)
{
	assert_int_equal(publish(host_path(&host, SWAP_JOURNAL), text, strlen(text), 0644), 0);
}

static void comes_back(void **state)
{
	static struct journal in, out;

	(void)state;
	fill(&in);
	for (int step = SWAP_PREPARED; step <= SWAP_DONE; step++) {
		in.step = (enum swap_step)step;
		assert_int_equal(journal_write(&host, SWAP_JOURNAL, &in, why), 0);
		assert_int_equal(journal_read(&host, SWAP_JOURNAL, &out, why), 0);
		assert_memory_equal(&in, &out, sizeof(in));
	}
	assert_int_equal(journal_remove(&host), 0);
	assert_int_equal(journal_read(&host, SWAP_JOURNAL, &out, why), -ENOENT);
	assert_int_equal(journal_remove(&host), 0);
	remove_tree(host_path(&host, SWAP_DIR));
	assert_int_equal(journal_remove(&host), 0);
	assert_int_equal(folder_make(host_path(&host, SWAP_DIR), 0755), 0);
}

/* The text of a good journal, with one value put in place of another. */
static void changed(const char *from, const char *to, int expected)
{
	static struct journal journal;
	char *data, *place, text[16384];
	size_t size;

	fill(&journal);
	assert_int_equal(journal_write(&host, SWAP_JOURNAL, &journal, why), 0);
	assert_int_equal(read_file(host_path(&host, SWAP_JOURNAL), sizeof(text), &data, &size), 0);
	place = strstr(data, from);
	assert_non_null(place);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - data), data, to,
		 place + strlen(from));
	free(data);
	put(text);
	why[0] = '\0';
	if (journal_read(&host, SWAP_JOURNAL, &journal, why) != expected)
		fail_msg("%s in place of %s was taken", to, from);
	assert_true(expected == 0 || why[0]);
}

static void nothing_else_is_believed(void **state)
{
	(void)state;
	changed("\"loading\"", "\"leaping\"", -EINVAL);
	changed("\"loading\"", "7", -EINVAL);
	changed("\"stock\"", "\"other\"", -EINVAL);
	changed("\"kvm_amd\"", "\"kvm_arm\"", -EINVAL);
	changed("6.1.0-56-amd64", "../../etc", -EINVAL);
	changed("\"former\"", "\"farmer\"", -EINVAL);
	changed(SWAP_FILES "/aaaa", "/tmp/aaaa", -EINVAL);
	changed(SWAP_FILES "/aaaa", SWAP_FILES "/../../evil/aaaa", -EINVAL);
	changed("\"aaaaaaaa", "\"Zaaaaaaa", -EINVAL);
	changed("\"had_node\"", "\"more\"", 0);
	changed("\"halt_poll_ns\"", "\"../../x\"", -EINVAL);
	changed("\"halt_poll_ns\"", "\"\"", -EINVAL);
	changed("\"200000\"", "\"1\\n2\"", -EINVAL);
	changed("\"200000\"", "[]", -EINVAL);
	changed("\"kvm_parameters\":{", "\"kvm_parameters\":[],\"x\":{", -EINVAL);
}

static void damaged(void **state)
{
	static const char * const texts[] = {
		"", "{", "[]", "null", "3", "\"x\"", "{\"former\":1,\"next\":[]}", "{}\xff",
	};
	static struct journal journal;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(texts[i]);
		assert_true(journal_read(&host, SWAP_JOURNAL, &journal, why) < 0);
	}
}

/* What is said of a record that cannot be read: why, and what to do about that one. */
static void damage_says_what_to_do(void **state)
{
	static char large[(1u << 20) + 2];
	static struct journal journal;

	(void)state;
	put("{\"step\":\"load");
	assert_int_equal(journal_read(&host, SWAP_JOURNAL, &journal, why), -EIO);
	assert_non_null(strstr(why, "journal.json: is no whole JSON (it is cut short); "));
	assert_non_null(strstr(why, "move it away, then run: kvm-fixes recover"));
	assert_int_equal(publish(host_path(&host, SWAP_LAST), "{", 1, 0644), 0);
	assert_int_equal(journal_read(&host, SWAP_LAST, &journal, why), -EIO);
	assert_non_null(strstr(why, "last.json: is no whole JSON (it is cut short); use: kvm-fixes swap --to "));
	assert_int_equal(publish(host_path(&host, SWAP_LAST), "{}", 2, 0644), 0);
	assert_int_equal(journal_read(&host, SWAP_LAST, &journal, why), -EINVAL);
	assert_non_null(strstr(why, "last.json: is not what kvm-fixes wrote; use: kvm-fixes swap --to "));
	assert_int_equal(unlink(host_path(&host, SWAP_LAST)), 0);
	memset(large, ' ', sizeof(large));
	assert_null(json_parse(large, sizeof(large), "it", why));
	assert_string_equal(why, "it: is no whole JSON (it is larger than 1 MiB)");
	assert_int_equal(publish(host_path(&host, SWAP_JOURNAL), large, sizeof(large), 0644), 0);
	assert_int_equal(journal_read(&host, SWAP_JOURNAL, &journal, why), -EIO);
	assert_non_null(strstr(why, "(File too large); look at it, move it away"));
}

static void a_full_disk_leaves_the_old_one(void **state)
{
	static struct journal in, out;

	(void)state;
	fill(&in);
	assert_int_equal(journal_write(&host, SWAP_JOURNAL, &in, why), 0);
	in.step = SWAP_COMMITTING;
	/* The folder is gone: nothing can be written beside the old one. */
	assert_true(journal_write(&host, "/nowhere/journal.json", &in, why) < 0);
	assert_non_null(strstr(why, "cannot be written"));
	assert_int_equal(journal_read(&host, SWAP_JOURNAL, &out, why), 0);
	assert_int_equal(out.step, SWAP_LOADING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(nothing_else_is_believed),
		cmocka_unit_test(damaged),
		cmocka_unit_test(damage_says_what_to_do),
		cmocka_unit_test(a_full_disk_leaves_the_old_one),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
