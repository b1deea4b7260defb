// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes version
 */
#include "cli.h"

static const char help[] = "Usage: kvm-fixes version [--json]\n\nPrints the version.\n";

int cmd_version(struct cli *cli, int argc, char *argv[])
{
	struct json_object *object;
	int code;

	if (cli_options(cli, argc, argv, help, NULL, NULL, &code))
		return code;
	if (!cli->json) {
		fprintf(cli->out, "kvm-fixes %s\n", CLI_VERSION);
		return EX_DONE;
	}
	object = cli_json_begin(cli);
	json_object_object_add(object, "version", json_object_new_string(CLI_VERSION));
	return cli_json_end(cli, object, EX_DONE);
}
