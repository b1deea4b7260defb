// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-fixes list
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "kernels.h"
#include "list.h"

/**
 * struct listing - all that is shown
 * @loaded: states in the stamp of the kvm that is loaded, "" if that is not ours
 */
struct listing {
	struct fixes fixes;
	struct kernel *kernels;
	size_t n_kernels;
	char loaded[512];
};

static const char help[] =
	"Usage: kvm-fixes list [--json]\n\n"
	"The fixes: what each does, why, its upstream commit, and its state in the module\n"
	"that is loaded and for each kernel of this host.\n\n"
	"  --json  as JSON, see docs/schema/list.json\n";

/* The fix as @kernel has it, or NULL: nothing was built for it. */
static const struct fix_state *state_for(const struct kernel *kernel, const char *name)
{
	for (unsigned int i = 0; i < kernel->n_fixes; i++) {
		if (strcmp(kernel->fixes[i].name, name) == 0)
			return &kernel->fixes[i];
	}
	return NULL;
}

/* Fixes of an older version, or whose source is gone, are on record still. */
static void add_recorded(struct listing *listing)
{
	for (size_t i = 0; i < listing->n_kernels; i++) {
		for (unsigned int j = 0; j < listing->kernels[i].n_fixes; j++)
			fixes_get(&listing->fixes, listing->kernels[i].fixes[j].name);
	}
}

static int read_listing(const struct host *host, struct listing *listing, char *why)
{
	struct loaded kvm;
	int err;

	fixes_read(host, &listing->fixes);
	err = kernels_read(host, &listing->kernels, &listing->n_kernels, why);
	if (!err)
		err = loaded_read(host, "kvm", &kvm, why);
	if (err)
		return err;
	if (kvm.present && kvm.stamp.present)
		snprintf(listing->loaded, sizeof(listing->loaded), "%s", kvm.stamp.states);
	add_recorded(listing);
	return 0;
}

static const char *origin_of(const struct fix *fix)
{
	if (!fix->described)
		return "record";
	return fix->site ? "site" : "kvm-fixes";
}

static struct json_object *kernels_json(const struct cli *cli, const struct listing *listing,
					const struct fix *fix)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < listing->n_kernels; i++) {
		const struct kernel *kernel = &listing->kernels[i];
		const struct fix_state *state = state_for(kernel, fix->name);
		struct json_object *entry = json_object_new_object();

		json_put_text(entry, "release", kernel->release);
		json_put_flag(entry, "running", strcmp(kernel->release, cli->host.release) == 0);
		json_put_text(entry, "kernel_state", kernel->state);
		json_put_text(entry, "state", state ? state->state : "");
		json_put_text(entry, "reason", state ? state->reason : kernel->reason);
		json_object_array_add(list, entry);
	}
	return list;
}

static struct json_object *fix_json(const struct cli *cli, const struct listing *listing,
				    const struct fix *fix)
{
	struct json_object *object = json_object_new_object();
	char state[64];

	states_find(listing->loaded, fix->name, state, sizeof(state));
	json_put_text(object, "name", fix->name);
	json_put_text(object, "origin", origin_of(fix));
	json_put_text(object, "summary", fix->summary);
	json_put_text(object, "why", fix->why);
	json_put_text(object, "upstream", fix->upstream);
	json_put_text(object, "loaded", state);
	json_object_object_add(object, "kernels", kernels_json(cli, listing, fix));
	return object;
}

static int show_json(const struct cli *cli, const struct listing *listing)
{
	struct json_object *object = cli_json_begin(cli), *list = json_object_new_array();

	json_put_text(object, "kernel", cli->host.release);
	json_put_text(object, "source", listing->fixes.source);
	for (size_t i = 0; i < listing->fixes.n; i++)
		json_object_array_add(list, fix_json(cli, listing, &listing->fixes.list[i]));
	json_object_object_add(object, "fixes", list);
	return cli_json_end(cli, object, EX_DONE);
}

static void show_fix(const struct cli *cli, const struct listing *listing, const struct fix *fix)
{
	char state[64];

	states_find(listing->loaded, fix->name, state, sizeof(state));
	fprintf(cli->out, "%s%s\n", fix->name, fix->site ? " (the site's own)" : "");
	fprintf(cli->out, "    what      %s\n", *fix->summary ? fix->summary :
		fix->described ? "-" : "no description: its fix.conf is not installed");
	if (*fix->why)
		fprintf(cli->out, "    why       %s\n", fix->why);
	if (*fix->upstream)
		fprintf(cli->out, "    upstream  %s\n", fix->upstream);
	fprintf(cli->out, "    loaded    %s\n", *state ? state : "no");
	for (size_t i = 0; i < listing->n_kernels; i++) {
		const struct kernel *kernel = &listing->kernels[i];
		const struct fix_state *of = state_for(kernel, fix->name);

		fprintf(cli->out, "  %c %-30s %s%s%s%s\n",
			strcmp(kernel->release, cli->host.release) ? ' ' : '*', kernel->release,
			of ? of->state : "none, kernel ", of ? "" : kernel->state,
			of && *of->reason ? ": " : "", of ? of->reason : "");
	}
	fputc('\n', cli->out);
}

static int show(const struct cli *cli, const struct listing *listing)
{
	for (size_t i = 0; i < listing->fixes.n; i++)
		show_fix(cli, listing, &listing->fixes.list[i]);
	if (!listing->fixes.n)
		fputs("No fix is installed or on record.\n", cli->out);
	if (!*listing->fixes.source)
		fputs("The source /usr/src/kvm-fixes-" CLI_VERSION " is not installed, so descriptions are missing; install the package again.\n",
		      cli->out);
	return EX_DONE;
}

int cmd_list(struct cli *cli, int argc, char *argv[])
{
	struct listing *listing;
	char why[WHY_MAX];
	int code;

	if (cli_options(cli, argc, argv, help, NULL, NULL, &code))
		return code;
	listing = calloc(1, sizeof(*listing));
	if (!listing)
		return cli_error(cli, EX_FAILED, "no memory is left; try again when there is some");
	if (read_listing(&cli->host, listing, why))
		code = cli_error(cli, EX_FAILED, "%s", why);
	else
		code = cli->json ? show_json(cli, listing) : show(cli, listing);
	free(listing->kernels);
	free(listing);
	return code;
}
