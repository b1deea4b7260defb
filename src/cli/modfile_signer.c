// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who signed a module, by libkmod.
 */
#include <libkmod.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "json.h"
#include "modfile_private.h"

static void take_signer(const struct kmod_list *list, struct modfile *file)
{
	const struct kmod_list *entry;

	kmod_list_foreach(entry, list) {
		const char *key = kmod_module_info_get_key(entry);
		const char *value = kmod_module_info_get_value(entry);

		if (strcmp(key, "signer") == 0)
			snprintf(file->signer, sizeof(file->signer), "%s", value);
		else if (strcmp(key, "sig_key") == 0)
			snprintf(file->sig_key, sizeof(file->sig_key), "%s", value);
		else if (strcmp(key, "sig_hashalgo") == 0)
			snprintf(file->sig_hash, sizeof(file->sig_hash), "%s", value);
	}
	text_printable(file->signer);
	text_printable(file->sig_key);
	text_printable(file->sig_hash);
}

void modfile_read_signer(struct modfile *file)
{
	const char *const no_config[] = { NULL };
	struct kmod_ctx *kmod = kmod_new(NULL, no_config);
	struct kmod_module *module = NULL;
	struct kmod_list *list = NULL;

	if (!kmod)
		return;
	kmod_set_log_priority(kmod, LOG_EMERG);
	if (kmod_module_new_from_path(kmod, file->path, &module) == 0 &&
	    kmod_module_get_info(module, &list) >= 0)
		take_signer(list, file);
	kmod_module_info_free_list(list);
	kmod_module_unref(module);
	kmod_unref(kmod);
}

void modfile_signer(struct modfile *file)
{
	if (file->has_signature)
		modfile_read_signer(file);
}
