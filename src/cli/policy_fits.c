// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would the running kernel link a module: vermagic, and the CRC of every import.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

#define SYMVERS_MAX	(16u << 20)

static int no_fit(const struct host *host, const struct modfile *file, const char *what, char *why)
{
	if (file->stamp.present)
		snprintf(why, WHY_MAX, "%.160s: %.200s; have it built anew: " CLI_LIBDIR "/dkms-kernel install %s",
			 file->path, what, host->release);
	else
		snprintf(why, WHY_MAX, "%.160s: %.200s; reinstall the package that it is of (linux-image-%s if it is the kernel's own)",
			 file->path, what, host->release);
	return -ENOEXEC;
}

static int check_vermagic(const struct host *host, const struct modfile *file,
			  const struct modfile *reference, char *why)
{
	const size_t length = strlen(host->release);
	char what[WHY_MAX];

	if (strncmp(file->vermagic, host->release, length) != 0 || file->vermagic[length] != ' ') {
		snprintf(what, sizeof(what), "is for kernel '%.*s' and %s runs",
			 (int)strcspn(file->vermagic, " "), file->vermagic, host->release);
		return no_fit(host, file, what, why);
	}
	if (reference && strcmp(file->vermagic, reference->vermagic) != 0) {
		snprintf(what, sizeof(what), "its vermagic is '%.80s' and this kernel's is '%.80s'",
			 file->vermagic, reference->vermagic);
		return no_fit(host, file, what, why);
	}
	return 0;
}

/**
 * struct symvers - Module.symvers, read when it is first needed
 * @text: lines "CRC\tSYMBOL\tMODULE\tTYPE\tNAMESPACE", NULL if there is none
 */
struct symvers {
	bool tried;
	char *text;
	size_t size;
};

static void open_symvers(const struct host *host, struct symvers *symvers)
{
	if (symvers->tried)
		return;
	symvers->tried = true;
	read_file(host_path(host, "/lib/modules/%s/build/Module.symvers", host->release),
		  SYMVERS_MAX, &symvers->text, &symvers->size);
}

/* 0 with @crc set, or -ENOENT. */
static int find_in_symvers(const struct symvers *symvers, const char *name, uint32_t *crc)
{
	const char *at = symvers->text, *end = symvers->text + symvers->size;
	const size_t length = strlen(name);

	/* A symbol stands behind a tab and in front of one. */
	while ((at = memmem(at, (size_t)(end - at), name, length))) {
		const char *line = at;

		while (line > symvers->text && line[-1] != '\n')
			line--;
		if (strncmp(line, "0x", 2) == 0 && at - line == 11 && at[-1] == '\t' &&
		    at[length] == '\t') {
			*crc = (uint32_t)strtoul(line, NULL, 16);
			return 0;
		}
		at++;
	}
	return -ENOENT;
}

static int differs(const struct host *host, const struct modfile *file,
		   const struct symbol_crc *import, uint32_t crc, const char *of, char *why)
{
	char what[WHY_MAX];

	if (import->crc == crc)
		return 0;
	snprintf(what, sizeof(what), "wants %.80s with CRC 0x%08x, and %s has it with 0x%08x",
		 import->name, import->crc, of, crc);
	return no_fit(host, file, what, why);
}

/* All that know the symbol must agree. */
static int check_import(const struct host *host, const struct modfile *file,
			const struct modfile *reference, const struct modfile *kvm,
			const struct symbol_crc *import, struct symvers *symvers, char *why)
{
	const struct symbol_crc *known = NULL, *exported = NULL;
	char what[WHY_MAX];
	uint32_t crc;
	int err = 0;

	if (kvm)
		exported = symbol_find(kvm->exports, kvm->n_exports, import->name);
	if (reference)
		known = symbol_find(reference->imports, reference->n_imports, import->name);
	if (exported && exported->crc)
		err = differs(host, file, import, exported->crc, "the kvm module beside it", why);
	if (!err && known)
		err = differs(host, file, import, known->crc, "a module that loads here", why);
	if (err || known || exported)
		return err;
	open_symvers(host, symvers);
	if (!symvers->text)
		return 0;
	if (!find_in_symvers(symvers, import->name, &crc))
		return differs(host, file, import, crc, "this kernel", why);
	snprintf(what, sizeof(what), "wants %.80s, which nothing of this kernel has", import->name);
	return no_fit(host, file, what, why);
}

int policy_fits(const struct host *host, const struct modfile *file,
		const struct modfile *reference, const struct modfile *kvm, char *why)
{
	struct symvers symvers = { 0 };
	int err = check_vermagic(host, file, reference, why);

	if (!err && reference && reference->n_imports && !file->n_imports)
		err = no_fit(host, file, "has no CRCs, which this kernel asks for", why);
	for (size_t i = 0; !err && i < file->n_imports; i++)
		err = check_import(host, file, reference, kvm, &file->imports[i], &symvers, why);
	free(symvers.text);
	return err;
}
