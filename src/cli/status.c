// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes status
 */
#include <stdlib.h>

#include "status.h"

static const char help[] =
	"Usage: kvm-fixes status [--json] [--no-holders]\n\n"
	"What is loaded, what is installed, and whether that is as it should be.\n\n"
	"  --no-holders  do not look for the processes that use KVM\n"
	"  --json        as JSON, see docs/schema/status.json\n\n"
	"Exit status: 0 all is as it should be, 1 something is not, 2 usage.\n";

static int show(const struct cli *cli, const struct status *status)
{
	int code = status->n_problems ? EX_FAILED : EX_DONE;

	if (cli->json)
		return cli_json_end(cli, status_json(cli, status), code);
	status_print(cli, status);
	return code;
}

int cmd_status(struct cli *cli, int argc, char *argv[])
{
	bool no_holders = false;
	struct status *status;
	char why[WHY_MAX];
	int code;

	if (cli_options(cli, argc, argv, help, "no-holders", &no_holders, &code))
		return code;
	status = calloc(1, sizeof(*status));
	if (!status)
		return cli_error(cli, EX_FAILED, "no memory is left; try again when there is some");
	if (status_read(&cli->host, !no_holders, status, why)) {
		code = cli_error(cli, EX_FAILED, "%s", why);
	} else {
		status_judge(status);
		code = show(cli, status);
	}
	status_free(status);
	free(status);
	return code;
}
