/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every subcommand shares: exit codes, the table of commands, and errors
 * as one line or, with --json, as one object.
 */
#ifndef CLI_H
#define CLI_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "host.h"

#define CLI_SCHEMA	1

/* Exit codes. Others rely on them: docs/kvm-fixes.8.scd has them too. */
enum {
	EX_DONE = 0,	/* done, healthy */
	EX_FAILED = 1,	/* failed, unhealthy */
	EX_USAGE = 2,
	EX_REFUSED = 3,	/* nothing was touched */
	EX_BACK = 4,	/* failed, and the former modules are back */
	EX_GONE = 5,	/* failed, and /dev/kvm is missing */
	EX_STUCK = 6,	/* new modules loaded, did not pass, and are in use */
};

/**
 * struct cli - one run of the command
 * @host: the host it works on
 * @command: name of the subcommand, for errors; "" before it is known
 * @json: print JSON, errors included
 * @out: where results go
 * @err: where errors and progress go
 */
struct cli {
	struct host host;
	const char *command;
	bool json;
	FILE *out;
	FILE *err;
};

/**
 * struct command - a subcommand
 * @name: what is typed
 * @summary: one line for --help
 * @run: its entry; argv[0] is the subcommand's name; returns an exit code
 */
/**
 * struct command - a subcommand
 * @needs_release: it is about the kernel that runs
 */
struct command {
	const char *name;
	const char *summary;
	int (*run)(struct cli *cli, int argc, char *argv[]);
	bool needs_release;
};

int cmd_status(struct cli *cli, int argc, char *argv[]);
int cmd_list(struct cli *cli, int argc, char *argv[]);
int cmd_audit(struct cli *cli, int argc, char *argv[]);
int cmd_swap(struct cli *cli, int argc, char *argv[]);
int cmd_rollback(struct cli *cli, int argc, char *argv[]);
int cmd_selftest(struct cli *cli, int argc, char *argv[]);
int cmd_recover(struct cli *cli, int argc, char *argv[]);
int cmd_version(struct cli *cli, int argc, char *argv[]);

/* Prints "kvm-fixes COMMAND: TEXT" or the JSON error; returns @code. */
int cli_error(const struct cli *cli, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A usage error that ends in where to read on; returns EX_USAGE. */
int cli_usage(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The usage error for what getopt_long() answered with '?' or ':' (opterr 0 and
 * a ':' in front of the short options are expected); returns EX_USAGE.
 */
int cli_bad_option(const struct cli *cli, int answer, char *const argv[]);

/*
 * The options of a command that has --json, --help and perhaps one flag more: @flag is its
 * name and @set where it is noted, both NULL if there is none. True when the command is
 * over, with @code.
 */
bool cli_options(struct cli *cli, int argc, char *argv[], const char *help, const char *flag,
		 bool *set, int *code);

/* Progress for a person: printed on a terminal, or if KVM_FIXES_VERBOSE is set. */
void cli_step(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A new object with "schema" and "command" in it, and its printing, which also
 * puts it. Returns EX_FAILED when it could not be written, else @code.
 */
struct json_object *cli_json_begin(const struct cli *cli);
int cli_json_end(const struct cli *cli, struct json_object *object, int code);

#endif
