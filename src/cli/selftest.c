// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes selftest: a guest on the modules that are loaded now.
 */
#include <stdio.h>

#include "cli.h"
#include "devnode.h"
#include "guesttest.h"
#include "loaded.h"

static const char help[] =
	"Usage: kvm-fixes selftest [--json]\n\n"
	"Runs small guests on the loaded KVM modules, about a second, beside whatever else\n"
	"runs. Loads nothing, leaves nothing behind.\n\n"
	"Exit status: 0 passed, 1 failed, 2 usage, 3 KVM is not loaded.\n";

static int print(const struct cli *cli, const struct guest_result *result)
{
	struct json_object *object;

	if (!cli->json) {
		fprintf(cli->out, "%s in %.0f ms\n", result->verdict, result->ms);
		return EX_DONE;
	}
	object = cli_json_begin(cli);
	json_object_object_add(object, "verdict", json_object_new_string(result->verdict));
	json_object_object_add(object, "ms", json_object_new_double(result->ms));
	return cli_json_end(cli, object, EX_DONE);
}

int cmd_selftest(struct cli *cli, int argc, char *argv[])
{
	struct guest_result result;
	struct loaded vendor;
	char why[WHY_MAX];
	int code;

	if (cli_options(cli, argc, argv, help, NULL, NULL, &code))
		return code;
	if (!*cli->host.vendor)
		return cli_error(cli, EX_REFUSED, "this CPU is neither Intel's nor AMD's, so there is no KVM to test");
	/* Opening /dev/kvm would have it loaded. */
	if (loaded_read(&cli->host, cli->host.vendor, &vendor, why) || !vendor.present)
		return cli_error(cli, EX_REFUSED, "%s is not loaded; run: modprobe %s",
				 cli->host.vendor, cli->host.vendor);
	if (guest_test(&cli->host, host_path(&cli->host, NODE), &result, why))
		return cli_error(cli, EX_FAILED, "%s; see kvm-fixes status", why);
	return print(cli, &result);
}
