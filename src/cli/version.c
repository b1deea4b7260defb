// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes version
 */
#include "cli.h"

int cmd_version(struct cli *cli, int argc, char *argv[])
{
	struct json_object *object;

	if (argc > 1)
		return cli_usage(cli, "'%s' is too much", argv[1]);
	if (!cli->json) {
		fprintf(cli->out, "kvm-fixes %s\n", CLI_VERSION);
		return EX_DONE;
	}
	object = cli_json_begin(cli);
	json_object_object_add(object, "version", json_object_new_string(CLI_VERSION));
	return cli_json_end(cli, object, EX_DONE);
}
