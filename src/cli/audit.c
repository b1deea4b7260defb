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

#define CONF		"/etc/kvm-fixes/kvm-fixes.conf"
#define CONF_MAX	(64u << 10)

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

/* "kvm-intel" out of ".../kvm-intel.ko.xz". */
static void name_of(const char *path, char *name)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	snprintf(name, NAME_MAX, "%.*s", (int)strcspn(base, "."), base);
}

static void stock_dir(const struct cli *cli, const struct request *request, char *dir)
{
	char path[PATH_MAX];

	if (request->stock_dir) {
		snprintf(dir, PATH_MAX, "%s", request->stock_dir);
		return;
	}
	path_stock_copy(&cli->host, request->kernel, dir);
	if (modfile_find(dir, "kvm", path))
		path_stock_dir(&cli->host, request->kernel, dir);
}

static int find_stocks(const struct cli *cli, struct request *request, char *why)
{
	char dir[PATH_MAX], name[NAME_MAX];

	stock_dir(cli, request, dir);
	for (size_t i = 0; i < request->n; i++) {
		name_of(request->paths[i], name);
		if (modfile_find(dir, name, request->stocks[i])) {
			snprintf(why, WHY_MAX,
				 "%.250s: no %.60s.ko of the kernel there, or several; name the folder of the shipped modules by --stock",
				 dir, name);
			return -ENOENT;
		}
	}
	return 0;
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
		snprintf(path, PATH_MAX, "%s", host_path(&cli->host, KERNEL_RECORDS "/%s/report.json",
							 request->kernel));
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

/* Does the configuration say that what cannot be attested is not wanted? */
static bool blocks_other_compiler(const struct cli *cli)
{
	char *text, *line, *rest, value[16];
	bool block = false;
	size_t size;

	if (read_file(host_path(&cli->host, CONF), CONF_MAX, &text, &size))
		return false;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "audit_compiler = %15s", value) == 1)
			block = strcmp(value, "block") == 0;
	}
	free(text);
	return block;
}

static int print(const struct cli *cli, const struct audit *audit)
{
	const char *verdict = audit_verdict(audit);
	int code = EX_DONE;

	if (strcmp(verdict, "failed") == 0 ||
	    (strcmp(verdict, "passed") != 0 && blocks_other_compiler(cli)))
		code = EX_FAILED;
	if (cli->json)
		return cli_json_end(cli, audit_json(cli, audit), code);
	audit_print(cli, audit);
	return code;
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
