// SPDX-License-Identifier: GPL-2.0-only
/*
 * The journal as JSON. What is read back is checked like any other input: it names
 * files that will be loaded into the kernel.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "kernels.h"

static const char * const step_names[] = {
	[SWAP_NONE] = "none",
	[SWAP_PREPARED] = "prepared",
	[SWAP_HIDING] = "hiding",
	[SWAP_UNLOADING] = "unloading",
	[SWAP_LOADING] = "loading",
	[SWAP_TESTING] = "testing",
	[SWAP_UNDOING] = "undoing",
	[SWAP_COMMITTING] = "committing",
	[SWAP_DONE] = "done",
};

#define N_STEPS		(sizeof(step_names) / sizeof(step_names[0]))

const char *swap_step_name(enum swap_step step)
{
	return step_names[step];
}

static int parse_step(const char *name, enum swap_step *step)
{
	for (size_t i = 0; i < N_STEPS; i++) {
		if (strcmp(step_names[i], name) == 0) {
			*step = (enum swap_step)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_choice(const char *name, enum choice *choice)
{
	*choice = CHOICE_FIXED;
	if (strcmp(name, choice_name(CHOICE_FIXED)) == 0)
		return 0;
	*choice = CHOICE_STOCK;
	return strcmp(name, choice_name(CHOICE_STOCK)) == 0 ? 0 : -EINVAL;
}

static bool hex(const char *text)
{
	return *text && !text[strspn(text, "0123456789abcdef")];
}

/* Only files that a swap kept are ever loaded on the word of a journal. */
static bool kept_path(const char *path)
{
	return strncmp(path, SWAP_FILES "/", sizeof(SWAP_FILES)) == 0 && !strstr(path, "/../");
}

static int parse_image(struct json_object *set, const char *key, struct image *image)
{
	struct json_object *object;

	memset(image, 0, sizeof(*image));
	if (!json_object_object_get_ex(set, key, &object))
		return 0;
	json_text(object, "file", image->file, sizeof(image->file));
	json_text(object, "build_id", image->build_id, sizeof(image->build_id));
	json_text(object, "options", image->options, sizeof(image->options));
	return kept_path(image->file) && hex(image->build_id) ? 0 : -EINVAL;
}

static int parse_set(struct json_object *object, const char *key, struct image_set *set)
{
	struct json_object *member;
	int err;

	if (!json_object_object_get_ex(object, key, &member))
		return -EINVAL;
	err = parse_image(member, "kvm", &set->kvm);
	if (!err)
		err = parse_image(member, "vendor", &set->vendor);
	return err;
}

/* They become names of files and words of options. */
static bool parameter_valid(const char *name, struct json_object *value)
{
	const char *text = json_object_get_string(value);

	if (!*name || strlen(name) >= PARAM_NAME_MAX || strpbrk(name, "/. \t\n=") ||
	    !json_object_is_type(value, json_type_string) || strlen(text) >= PARAM_VALUE_MAX)
		return false;
	for (; *text; text++) {
		if ((unsigned char)*text < ' ')
			return false;
	}
	return true;
}

static int parse_params(struct json_object *object, const char *key, struct params *params)
{
	struct json_object *member;

	params->n = 0;
	if (!json_object_object_get_ex(object, key, &member))
		return 0;
	if (!json_object_is_type(member, json_type_object))
		return -EINVAL;
	json_object_object_foreach(member, name, value) {
		struct param *param = &params->list[params->n];

		if (params->n == PARAMS_MAX || !parameter_valid(name, value))
			return -EINVAL;
		snprintf(param->name, sizeof(param->name), "%s", name);
		snprintf(param->value, sizeof(param->value), "%s", json_object_get_string(value));
		param->known = true;
		params->n++;
	}
	return 0;
}

static int parse(struct json_object *object, struct journal *journal)
{
	struct json_object *member;
	char text[64];
	int err;

	json_text(object, "boot", journal->boot, sizeof(journal->boot));
	json_text(object, "kernel", journal->release, sizeof(journal->release));
	json_text(object, "vendor", journal->vendor, sizeof(journal->vendor));
	journal->had_node = json_object_object_get_ex(object, "had_node", &member) &&
			    json_object_get_boolean(member);
	json_text(object, "step", text, sizeof(text));
	err = parse_step(text, &journal->step);
	json_text(object, "to", text, sizeof(text));
	if (!err)
		err = parse_choice(text, &journal->to);
	json_text(object, "from", text, sizeof(text));
	if (!err)
		err = parse_choice(text, &journal->from);
	if (!err)
		err = parse_set(object, "former", &journal->former);
	if (!err)
		err = parse_set(object, "next", &journal->next);
	if (!err)
		err = parse_params(object, "kvm_parameters", &journal->kvm_before);
	if (!err)
		err = parse_params(object, "vendor_parameters", &journal->vendor_before);
	if (!err && (!release_valid(journal->release) ||
		     (strcmp(journal->vendor, "kvm_intel") && strcmp(journal->vendor, "kvm_amd"))))
		err = -EINVAL;
	return err;
}

/* For a record that is damaged: only the journal of a swap stands in anybody's way. */
static const char *way_out(const char *path)
{
	return strcmp(path, SWAP_LAST) == 0 ? "use: kvm-fixes swap --to fixed or stock" :
	       "look at it, move it away, then run: kvm-fixes recover, and load KVM by modprobe";
}

int journal_read(const struct host *host, const char *path, struct journal *journal, char *why)
{
	const char *file = host_path(host, "%s", path);
	struct json_object *object;
	char said[WHY_MAX];
	int err;

	memset(journal, 0, sizeof(*journal));
	if (access(file, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return -ENOENT;
	object = json_read(file, said);
	if (!object) {
		snprintf(why, WHY_MAX, "%.400s; %s", said, way_out(path));
		return -EIO;
	}
	err = parse(object, journal);
	json_object_put(object);
	if (err)
		snprintf(why, WHY_MAX, "%s: is not what kvm-fixes wrote; %s", file, way_out(path));
	return err;
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_image(struct json_object *set, const char *key, const struct image *image)
{
	struct json_object *object;

	if (!image->file[0])
		return;
	object = json_object_new_object();
	add_text(object, "file", image->file);
	add_text(object, "build_id", image->build_id);
	add_text(object, "options", image->options);
	json_object_object_add(set, key, object);
}

static void add_set(struct json_object *object, const char *key, const struct image_set *set)
{
	struct json_object *member = json_object_new_object();

	add_image(member, "kvm", &set->kvm);
	add_image(member, "vendor", &set->vendor);
	json_object_object_add(object, key, member);
}

static void add_params(struct json_object *object, const char *key, const struct params *params)
{
	struct json_object *member = json_object_new_object();

	for (size_t i = 0; i < params->n; i++) {
		if (params->list[i].known)
			add_text(member, params->list[i].name, params->list[i].value);
	}
	json_object_object_add(object, key, member);
}

int journal_write(const struct host *host, const char *path, const struct journal *journal,
		  char *why)
{
	const char *file = host_path(host, "%s", path), *text;
	struct json_object *object = json_object_new_object();
	int err;

	json_object_object_add(object, "schema", json_object_new_int(1));
	add_text(object, "step", step_names[journal->step]);
	add_text(object, "boot", journal->boot);
	add_text(object, "kernel", journal->release);
	add_text(object, "vendor", journal->vendor);
	add_text(object, "to", choice_name(journal->to));
	add_text(object, "from", choice_name(journal->from));
	json_object_object_add(object, "had_node", json_object_new_boolean(journal->had_node));
	add_set(object, "former", &journal->former);
	add_set(object, "next", &journal->next);
	add_params(object, "kvm_parameters", &journal->kvm_before);
	add_params(object, "vendor_parameters", &journal->vendor_before);
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	err = text ? publish(file, text, strlen(text), 0644) : -ENOMEM;
	json_object_put(object);
	if (err)
		snprintf(why, WHY_MAX, "%s: cannot be written (%s); make it writable, or free some space there", file,
			 strerror(-err));
	return err;
}

int journal_remove(const struct host *host)
{
	const char *file = host_path(host, SWAP_JOURNAL);

	/* On a read-only file system unlink() says so even where there is nothing to remove. */
	if (access(file, F_OK) && errno == ENOENT)
		return 0;
	if (unlink(file) && errno != ENOENT)
		return -errno;
	return folder_sync(host_path(host, SWAP_DIR));
}

void boot_id_read(const struct host *host, char *boot, size_t size)
{
	read_text(host_path(host, "/proc/sys/kernel/random/boot_id"), boot, size);
}
