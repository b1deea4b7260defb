// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors, usage and JSON, the same for every subcommand.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

struct json_object *cli_json_begin(const struct cli *cli)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "schema", json_object_new_int(CLI_SCHEMA));
	json_object_object_add(object, "command", json_object_new_string(cli->command));
	return object;
}

int cli_json_end(const struct cli *cli, struct json_object *object, int code)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE);
	int bad = !text || fprintf(cli->out, "%s\n", text) < 0 || fflush(cli->out);

	json_object_put(object);
	return bad && code == EX_DONE ? EX_FAILED : code;
}

static void json_error(const struct cli *cli, int code, const char *text)
{
	struct json_object *object = cli_json_begin(cli), *error = json_object_new_object();

	json_object_object_add(error, "code", json_object_new_int(code));
	json_object_object_add(error, "message", json_object_new_string(text));
	json_object_object_add(object, "error", error);
	cli_json_end(cli, object, code);
}

/* One line, whatever a file name or a kernel brought into it. */
static void one_line(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
	}
}

int cli_error(const struct cli *cli, int code, const char *fmt, ...)
{
	char text[2 * WHY_MAX + PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	one_line(text);
	if (cli->json)
		json_error(cli, code, text);
	else
		fprintf(cli->err, "kvm-fixes%s%s: %s\n", *cli->command ? " " : "", cli->command, text);
	return code;
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return cli_error(cli, EX_USAGE, "%s; see kvm-fixes%s%s --help", text,
			 *cli->command ? " " : "", cli->command);
}

int cli_bad_option(const struct cli *cli, int answer, char *const argv[])
{
	if (answer == ':')
		return cli_usage(cli, "%s wants a value", argv[optind - 1]);
	return cli_usage(cli, "unknown option %s", argv[optind - 1]);
}

bool cli_options(struct cli *cli, int argc, char *argv[], const char *help, const char *flag,
		 bool *set, int *code)
{
	const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ flag, no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			cli->json = true;
			break;
		case 'f':
			*set = true;
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
	if (optind == argc)
		return false;
	*code = cli_usage(cli, "'%s' is too much", argv[optind]);
	return true;
}

void cli_step(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (!isatty(fileno(cli->err)) && !getenv("KVM_FIXES_VERBOSE"))
		return;
	fprintf(cli->err, "kvm-fixes %s: ", cli->command);
	va_start(ap, fmt);
	vfprintf(cli->err, fmt, ap);
	va_end(ap);
	fputc('\n', cli->err);
}
