// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes swap and rollback: their options.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "swap.h"

#define WAIT_MAX	86400ul

static const struct option long_options[] = {
	{ "to", required_argument, NULL, 't' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "wait", required_argument, NULL, 'w' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int help(const struct cli *cli, bool rollback)
{
	fprintf(cli->out, "Usage: kvm-fixes %s [--dry-run] [--wait SECONDS] [--json]\n\n",
		rollback ? "rollback" : "swap --to fixed|stock");
	fputs(rollback ?
	      "Goes back to the modules that were loaded before the last swap.\n\n" :
	      "Unloads the KVM modules, loads the replaced ones (fixed) or the kernel's own (stock),\n"
	      "runs a guest on them, and makes them what later boots load. On any failure the former\n"
	      "modules come back.\n\n", cli->out);
	fputs("  --dry-run       only say what would be done, and what stands against it\n"
	      "  --wait SECONDS  wait until nobody uses KVM\n"
	      "  --json          print JSON\n\n"
	      "Exit status: 0 done, 2 usage, 3 refused and nothing touched, 4 failed and the former\n"
	      "modules are back, 5 failed and /dev/kvm is missing, 6 new modules did not pass and are in\n"
	      "use, 1 any other failure.\n", cli->out);
	return EX_DONE;
}

int swap_parse_wait(const char *text, unsigned int *seconds)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value;

	if (!digits || text[digits] || digits > 6)
		return -EINVAL;
	value = strtoul(text, NULL, 10);
	if (value > WAIT_MAX)
		return -EINVAL;
	*seconds = (unsigned int)value;
	return 0;
}

static int parse_target(const char *text, enum target *target)
{
	*target = TARGET_FIXED;
	if (strcmp(text, "fixed") == 0)
		return 0;
	*target = TARGET_STOCK;
	return strcmp(text, "stock") == 0 ? 0 : -EINVAL;
}

static int run(struct cli *cli, int argc, char *argv[], bool rollback)
{
	struct swap_options options = { .target = TARGET_LAST };
	bool has_target = rollback;
	int option;

	while ((option = getopt_long(argc, argv, ":nw:jh", long_options, NULL)) != -1) {
		if (option == 't' && !rollback) {
			if (parse_target(optarg, &options.target))
				return cli_usage(cli, "--to wants fixed or stock, not '%s'", optarg);
			has_target = true;
		} else if (option == 'n') {
			options.dry_run = true;
		} else if (option == 'w') {
			if (swap_parse_wait(optarg, &options.wait))
				return cli_usage(cli, "--wait wants seconds from 0 to %lu, not '%s'",
						 WAIT_MAX, optarg);
		} else if (option == 'j') {
			cli->json = true;
		} else if (option == 'h') {
			return help(cli, rollback);
		} else {
			return cli_bad_option(cli, option, argv);
		}
	}
	if (optind < argc)
		return cli_usage(cli, "'%s' is too much", argv[optind]);
	if (!has_target)
		return cli_usage(cli, "--to fixed or --to stock is missing");
	return swap_run(cli, &options);
}

int cmd_swap(struct cli *cli, int argc, char *argv[])
{
	return run(cli, argc, argv, false);
}

int cmd_rollback(struct cli *cli, int argc, char *argv[])
{
	return run(cli, argc, argv, true);
}
