// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the command line and says what is wrong with it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const struct option long_options[] = {
	{ "list", no_argument, NULL, 'l' },
	{ "only", required_argument, NULL, 'o' },
	{ "loops", required_argument, NULL, 'n' },
	{ "timeout", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "device", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

/* The first complaint is the one that helps. */
static int __attribute__((format(printf, 2, 3)))
complain(struct options *options, const char *fmt, ...)
{
	if (!options->why[0]) {
		va_list ap;

		va_start(ap, fmt);
		vsnprintf(options->why, sizeof(options->why), fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

static int number(struct options *options, const char *name, unsigned int max, unsigned int *value)
{
	size_t digits = strspn(optarg, "0123456789");

	if (digits && !optarg[digits] && digits < 10) {
		unsigned long parsed = strtoul(optarg, NULL, 10);

		if (parsed >= 1 && parsed <= max) {
			*value = (unsigned int)parsed;
			return 0;
		}
	}
	return complain(options, "--%s wants a number from 1 to %u, not '%s'", name, max, optarg);
}

static int select_one(struct options *options, const char *name, size_t length,
		      const struct check *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0) {
			options->selected |= 1UL << i;
			return 0;
		}
	}
	return complain(options, "there is no check '%.*s'; --list names them all", (int)length,
			name);
}

/**
 * options_select() - choose checks by name
 * @options: whose selection it is
 * @names: names with commas between them; added to those chosen before
 * @table: the checks
 * @n: how many, at most the bits of an unsigned long
 *
 * Return: 0, or -EINVAL with options->why set when a name is unknown or missing.
 */
int options_select(struct options *options, const char *names, const struct check *table, size_t n)
{
	for (;;) {
		size_t length = strcspn(names, ",");

		if (select_one(options, names, length, table, n))
			return -EINVAL;
		if (!names[length])
			return 0;
		names += length + 1;
	}
}

static void one_option(struct options *options, int option, char *const argv[],
		       const struct check *table, size_t n)
{
	switch (option) {
	case 'l':
		options->action = ACTION_LIST;
		break;
	case 'o':
		options_select(options, optarg, table, n);
		break;
	case 'n':
		number(options, "loops", LOOPS_MAX, &options->loops);
		break;
	case 't':
		number(options, "timeout", TIMEOUT_MAX, &options->timeout);
		break;
	case 'j':
		options->json = true;
		break;
	case 'd':
		options->device = optarg;
		break;
	case 'h':
		options->action = ACTION_HELP;
		break;
	case 'V':
		options->action = ACTION_VERSION;
		break;
	case ':':
		complain(options, "%s wants a value; see --help", argv[optind - 1]);
		break;
	default:
		complain(options, "unknown option %s; see --help", argv[optind - 1]);
	}
}

/**
 * options_parse() - read the command line
 * @options: what to fill in; @options->json is right even after an error
 * @argc: as in main()
 * @argv: as in main()
 * @table: the checks, for --only
 * @n: how many
 *
 * Return: 0, or -EINVAL with options->why set.
 */
int options_parse(struct options *options, int argc, char *const argv[], const struct check *table,
		  size_t n)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->device = "/dev/kvm";
	options->loops = 1;
	options->timeout = 60;
	optind = 0;	/* begin anew, whoever has used getopt before */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		one_option(options, option, argv, table, n);
	if (optind < argc)
		complain(options, "'%s' is not an option; see --help", argv[optind]);
	if (options->why[0])
		return -EINVAL;
	if (!options->selected)
		options->selected = (1UL << n) - 1;
	return 0;
}
