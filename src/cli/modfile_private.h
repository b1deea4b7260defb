/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts that read a module's file share. For modfile*.c only.
 */
#ifndef MODFILE_PRIVATE_H
#define MODFILE_PRIVATE_H

#include <libelf.h>
#include <sys/stat.h>

#include "modfile.h"

/* Bytes of a section. */
struct span {
	const unsigned char *data;
	size_t size;
};

/* "PATH: WHAT; what to do": a damaged file. Returns -ENOEXEC. */
int modfile_damaged(const char *path, const char *what, char *why);

/* Returns -ENOMEM. */
int modfile_no_memory(char *why);

#define SIGNATURE_TAIL	40	/* bytes that end a signed module */

/*
 * @tail is the end of a file of @size bytes, SIGNATURE_TAIL of them if it has
 * as many. @elf_size gets what lies before the signature. 0 or -ENOEXEC with @why set.
 */
int modfile_signature(const unsigned char *tail, size_t size, struct modfile *file,
		      size_t *elf_size, char *why);

/* Is it a module, with every section within its @size bytes? 0 or -ENOEXEC with @why set. */
int modfile_check_elf(Elf *elf, size_t size, const char *path, char *why);
/* A section with bytes in it, by name. 0, -ENOENT, or -ENOEXEC. */
int modfile_section(Elf *elf, const char *name, struct span *span);

/* .modinfo, the part that modfile_identify() wants; and the rest of it. */
int modfile_read_identity(Elf *elf, struct modfile *file, char *why);
int modfile_read_info(Elf *elf, struct modfile *file, char *why);

/* By the file that @file names; who cannot be told stays "". */
void modfile_read_signer(struct modfile *file);

#define SYMBOLS_MAX	65536	/* more is no module */
#define NAME_LEN_MAX	512	/* the kernel's KSYM_NAME_LEN */

int symbol_compare(const void *a, const void *b);
int modfile_read_imports(Elf *elf, struct modfile *file, char *why);
int modfile_read_exports(Elf *elf, struct modfile *file, char *why);

/* One KEY=VALUE of a stamp, @key and @value not NUL-terminated. 0 or -EINVAL. */
int stamp_set(struct stamp *stamp, const char *key, size_t key_size, const char *value,
	      size_t value_size);
/* All were set: is it a stamp? If not, it is emptied. 0 or -EINVAL. */
int stamp_close(struct stamp *stamp);

#endif
