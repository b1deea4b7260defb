// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "options.h"

#define ROUND_MAX	1000U
#define SAMPLES_MAX	64U
#define TIMEOUT_MAX	86400U

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "set", required_argument, NULL, 's' },
	{ "round", required_argument, NULL, 'r' },
	{ "sizes", required_argument, NULL, 'n' },
	{ "vcpus", required_argument, NULL, 'v' },
	{ "repeat", required_argument, NULL, 'R' },
	{ "calls", required_argument, NULL, 'c' },
	{ "exits", required_argument, NULL, 'e' },
	{ "budget", required_argument, NULL, 'b' },
	{ "timeout", required_argument, NULL, 't' },
	{ "count", no_argument, NULL, 'C' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

/* The first complaint is the one that helps. */
static int __attribute__((format(printf, 2, 3)))
complain(struct bench_options *options, const char *fmt, ...)
{
	if (!options->why[0]) {
		va_list ap;

		va_start(ap, fmt);
		vsnprintf(options->why, sizeof(options->why), fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

/* One number at @text, which ends at @end. */
static int number(const char *text, const char *end, unsigned int min, unsigned int max,
		  unsigned int *value)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long parsed;

	if (!digits || digits > 9 || text + digits != end)
		return -EINVAL;
	parsed = strtoul(text, NULL, 10);
	if (parsed < min || parsed > max)
		return -EINVAL;
	*value = (unsigned int)parsed;
	return 0;
}

static int one(struct bench_options *options, const char *name, unsigned int min,
	       unsigned int max, unsigned int *value)
{
	if (number(optarg, optarg + strlen(optarg), min, max, value))
		return complain(options, "--%s wants a number from %u to %u, not '%s'", name, min,
				max, optarg);
	return 0;
}

static int many(struct bench_options *options, const char *name, unsigned int min,
		unsigned int max, struct list *list)
{
	const char *text = optarg;

	list->n = 0;
	for (;;) {
		const char *end = text + strcspn(text, ",");

		if (list->n == LIST_MAX || number(text, end, min, max, &list->at[list->n]))
			return complain(options,
					"--%s wants up to %u numbers from %u to %u, not '%s'",
					name, LIST_MAX, min, max, optarg);
		list->n++;
		if (!*end)
			return 0;
		text = end + 1;
	}
}

static int set_name(struct bench_options *options)
{
	if (!*optarg || optarg[strspn(optarg, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return complain(options, "--set wants a name of a-z, 0-9 and -, not '%s'", optarg);
	options->set = optarg;
	return 0;
}

static void one_option(struct bench_options *options, int option, char *const argv[])
{
	switch (option) {
	case 'd':
		options->device = optarg;
		break;
	case 's':
		set_name(options);
		break;
	case 'r':
		one(options, "round", 1, ROUND_MAX, &options->round);
		break;
	case 'n':
		many(options, "sizes", 1, BENCH_MAX_DEVICES, &options->sizes);
		break;
	case 'v':
		many(options, "vcpus", 0, BENCH_MAX_VCPUS, &options->vcpus);
		break;
	case 'R':
		one(options, "repeat", 0, ROUND_MAX, &options->repeat);
		break;
	case 'c':
		one(options, "calls", 0, SAMPLES_MAX, &options->calls);
		break;
	case 'e':
		one(options, "exits", 0, SAMPLES_MAX, &options->exits);
		break;
	case 'b':
		one(options, "budget", 1, TIMEOUT_MAX, &options->budget);
		break;
	case 't':
		one(options, "timeout", 1, TIMEOUT_MAX, &options->timeout);
		break;
	case 'C':
		options->count = true;
		break;
	case 'h':
		options->help = true;
		break;
	case ':':
		complain(options, "%s wants a value; see --help", argv[optind - 1]);
		break;
	default:
		complain(options, "unknown option %s; see --help", argv[optind - 1]);
	}
}

/**
 * bench_options_parse() - read the command line
 * @options: what to fill in
 * @argc: as in main()
 * @argv: as in main()
 *
 * Return: 0, or -EINVAL with options->why set.
 */
int bench_options_parse(struct bench_options *options, int argc, char *const argv[])
{
	int option;

	*options = (struct bench_options){
		.set = "unnamed",
		.round = 1,
		.sizes = { 3, { 10, 100, 1000 } },
		.vcpus = { 3, { 0, 1, 4 } },
		.repeat = 1,
		.budget = TIMEOUT_MAX,
		.timeout = 600,
	};
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		one_option(options, option, argv);
	if (optind < argc)
		complain(options, "'%s' is not an option; see --help", argv[optind]);
	if (!options->device && !options->help)
		complain(options, "no --device; name that of a throwaway host, see --help");
	return options->why[0] ? -EINVAL : 0;
}
