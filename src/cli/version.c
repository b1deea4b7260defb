// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes version
 */
#include <getopt.h>

#include "cli.h"

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

int cmd_version(struct cli *cli, int argc, char *argv[])
{
	struct json_object *object;
	int option;

	while ((option = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			cli->json = true;
			break;
		case 'h':
			fputs("Usage: kvm-fixes version [--json]\n\nPrints the version.\n", cli->out);
			return EX_DONE;
		default:
			return cli_bad_option(cli, option, argv);
		}
	}
	if (optind < argc)
		return cli_usage(cli, "'%s' is too much", argv[optind]);
	if (!cli->json) {
		fprintf(cli->out, "kvm-fixes %s\n", CLI_VERSION);
		return EX_DONE;
	}
	object = cli_json_begin(cli);
	json_object_object_add(object, "version", json_object_new_string(CLI_VERSION));
	return cli_json_end(cli, object, EX_DONE);
}
