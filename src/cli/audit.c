// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes audit
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "kernels.h"
#include "resolve.h"

static const char help[] =
	"Usage: kvm-fixes audit [--kernel RELEASE] [--stock DIR] [--declared FILE]\n"
	"                       [--show FUNCTION] [--json] [MODULE.ko...]\n\n"
	"Compares replaced modules with the shipped ones, function by function, and says which\n"
	"fix declares what differs.\n\n"
	"  --kernel RELEASE  of this kernel; the running one if not given\n"
	"  --stock DIR       where the shipped modules are\n"
	"  --declared FILE   the report.json that was made with the modules; if not given, the\n"
	"                    one beside the first MODULE, or the installed modules' own\n"
	"  --show FUNCTION   both disassemblies of it, side by side\n"
	"  --json            as JSON, see docs/schema/audit.json\n"
	"  MODULE.ko         which modules; the installed ones if not given\n\n"
	"Exit status: 0 nothing but declared fixes, 1 something else or not to be told, 2 usage.\n";

/**
 * struct request - what was asked for
 * @paths: modules, @n of them; @stocks beside them
 */
struct request {
	const char *kernel;
	const char *stock_dir;
	const char *declared;
	const char *show;
	char paths[AUDIT_MODULES_MAX][PATH_MAX];
	char stocks[AUDIT_MODULES_MAX][PATH_MAX];
	size_t n;
};

static bool read_options(struct cli *cli, int argc, char *argv[], struct request *request,
			 int *code)
{
	static const struct option options[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "stock", required_argument, NULL, 's' },
		{ "declared", required_argument, NULL, 'd' },
		{ "show", required_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		switch (option) {
		case 'k':
			request->kernel = optarg;
			break;
		case 's':
			request->stock_dir = optarg;
			break;
		case 'd':
			request->declared = optarg;
			break;
		case 'f':
			request->show = optarg;
			break;
		case 'j':
			cli->json = true;
			break;
		case 'h':
			fputs(help, cli->out);
			*code = EX_DONE;
			return true;
		default:
			*code = cli_bad_option(cli, option, argv);
			return true;
		}
	}
	return false;
}

static bool check_request(const struct cli *cli, int argc, struct request *request, int *code)
{
	char why[WHY_MAX];

	if (!request->kernel && host_need_release(&cli->host, why)) {
		*code = cli_error(cli, EX_FAILED, "%s", why);
		return true;
	}
	if (!request->kernel)
		request->kernel = cli->host.release;
	if (!release_valid(request->kernel))
		*code = cli_usage(cli, "'%s' is no kernel release", request->kernel);
	else if (request->show && cli->json)
		*code = cli_usage(cli, "--show prints text, and no JSON");
	else if (argc - optind > AUDIT_MODULES_MAX)
		*code = cli_usage(cli, "more than %d modules", AUDIT_MODULES_MAX);
	else
		return false;
	return true;
}

static int find_stocks(const struct cli *cli, struct request *request, char *why)
{
	char dir[PATH_MAX];
	int err = 0;

	if (request->stock_dir)
		snprintf(dir, sizeof(dir), "%s", request->stock_dir);
	else
		audit_stock_dir(&cli->host, request->kernel, dir);
	for (size_t i = 0; !err && i < request->n; i++)
		err = audit_find_stock(dir, request->paths[i], request->stocks[i], why);
	return err;
}

static int find_installed(const struct cli *cli, struct request *request, char *why)
{
	static const char *const names[] = { "kvm", "kvm-intel", "kvm-amd" };
	char dir[PATH_MAX];

	path_fixed_dir(&cli->host, request->kernel, dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (modfile_find(dir, names[i], request->paths[request->n]) == 0)
			request->n++;
	}
	if (request->n)
		return 0;
	snprintf(why, WHY_MAX, "%.250s: no replaced modules there; name modules, or another kernel by --kernel",
		 dir);
	return -ENOENT;
}

static int find_modules(const struct cli *cli, int argc, char *argv[], struct request *request,
			char *why)
{
	int err = 0;

	for (int i = optind; i < argc; i++)
		snprintf(request->paths[request->n++], PATH_MAX, "%s", argv[i]);
	if (!request->n)
		err = find_installed(cli, request, why);
	return err ? err : find_stocks(cli, request, why);
}

/* The report that belongs to the modules, where nobody named one; "" if there is none. */
static void find_declared(const struct cli *cli, const struct request *request, bool installed,
			  char *path)
{
	const char *slash = strrchr(request->paths[0], '/');
	int length = slash ? (int)(slash - request->paths[0]) : 1;

	if (request->declared)
		snprintf(path, PATH_MAX, "%s", request->declared);
	else if (installed)
		audit_record(&cli->host, request->kernel, path);
	else
		snprintf(path, PATH_MAX, "%.*s/report.json", length, slash ? request->paths[0] : ".");
	if (!request->declared && access(path, F_OK))
		path[0] = '\0';
}

static int run(const struct cli *cli, const struct request *request, const char *declared,
	       struct audit *audit, char *why)
{
	int err = *declared ? declared_read(declared, &audit->declared, why) : 0;

	if (!err && audit->declared.present && strcmp(audit->declared.kernel, request->kernel)) {
		snprintf(why, WHY_MAX, "%.250s: for kernel %s, not for %s; name the kernel by --kernel",
			 declared, audit->declared.kernel, request->kernel);
		return -EINVAL;
	}
	snprintf(audit->kernel, sizeof(audit->kernel), "%s", request->kernel);
	for (size_t i = 0; !err && i < request->n; i++) {
		cli_step(cli, "comparing %s", request->paths[i]);
		audit->n++;
		err = audit_module(request->stocks[i], request->paths[i], &audit->declared,
				   &audit->modules[i], why);
	}
	return err;
}

static int print(const struct cli *cli, const struct audit *audit)
{
	const char *verdict = audit_verdict(audit);
	char unread[WHY_MAX] = "";
	int code = EX_DONE;

	if (strcmp(verdict, "failed") == 0 ||
	    (strcmp(verdict, "passed") != 0 && audit_blocks_other_compiler(&cli->host, unread)))
		code = EX_FAILED;
	if (!cli->json)
		audit_print(cli, audit);
	if (unread[0]) {
		fflush(cli->out);
		return cli_error(cli, code, "%s", unread);
	}
	return cli->json ? cli_json_end(cli, audit_json(cli, audit), code) : code;
}

static int show(const struct cli *cli, const struct request *request)
{
	bool found = false;
	char why[WHY_MAX];

	for (size_t i = 0; i < request->n; i++) {
		int err = audit_show(cli, request->stocks[i], request->paths[i], request->show, why);

		if (err && err != -ENOENT)
			return cli_error(cli, EX_FAILED, "%s", why);
		found = found || !err;
	}
	if (found)
		return EX_DONE;
	return cli_error(cli, EX_FAILED, "no function '%s' in these modules; see the names in what kvm-fixes audit prints",
			 request->show);
}

static int audit_all(const struct cli *cli, const struct request *request, bool installed)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	char declared[PATH_MAX], why[WHY_MAX];
	int code;

	if (!audit)
		return cli_error(cli, EX_FAILED, "no memory is left; try again when there is some");
	find_declared(cli, request, installed, declared);
	if (run(cli, request, declared, audit, why))
		code = cli_error(cli, EX_FAILED, "%s", why);
	else
		code = print(cli, audit);
	for (size_t i = 0; i < audit->n; i++)
		audited_free(&audit->modules[i]);
	declared_free(&audit->declared);
	free(audit);
	return code;
}

int cmd_audit(struct cli *cli, int argc, char *argv[])
{
	struct request *request = calloc(1, sizeof(*request));
	char why[WHY_MAX];
	int code;

	if (!request)
		return cli_error(cli, EX_FAILED, "no memory is left; try again when there is some");
	if (read_options(cli, argc, argv, request, &code) ||
	    check_request(cli, argc, request, &code))
		goto out;
	if (find_modules(cli, argc, argv, request, why))
		code = cli_error(cli, EX_FAILED, "%s", why);
	else if (request->show)
		code = show(cli, request);
	else
		code = audit_all(cli, request, optind == argc);
out:
	free(request);
	return code;
}
