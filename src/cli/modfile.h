/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a module's file says: read from the ELF file itself, compressed (.xz,
 * .zst, .gz) or not, and trusting nothing in it.
 */
#ifndef MODFILE_H
#define MODFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

#define MODFILE_MAX	(256u << 20)	/* bytes, unpacked */
#define BUILD_ID_MAX	65		/* hex digits and NUL */

/**
 * struct stamp - what kvm-fixes writes into its modules (include/kvm-fixes/stamp.h)
 * @present: there is one, and it is well formed
 * @version: modinfo "version"; empty when read from a loaded module's note
 * @kernel @states @source @headers @compiler @build: its values
 */
struct stamp {
	bool present;
	char version[64];
	char kernel[RELEASE_MAX];
	char states[512];
	char source[512];
	char headers[128];
	char compiler[256];
	char build[BUILD_ID_MAX];
};

struct symbol_crc {
	char *name;
	uint32_t crc;
};

/**
 * struct modfile - one module's file
 * @path: as given
 * @name: of the module, with _ for -: "kvm_intel"
 * @build_id: GNU build-id in hex, "" if none
 * @vermagic @depends: modinfo values ("" if none)
 * @stamp: ours, if it is ours
 * @has_signature: a signature is appended
 * @signer @sig_key @sig_hash: as kmod tells them ("" if unknown)
 * @parms: NULL-terminated names of its parameters
 * @imports: __versions: what it wants of others; @n_imports of them, by name
 * @exports: what it exports, with CRCs where the kernel has them; @n_exports, by name
 * @size: bytes of the ELF file, unpacked, and its signature
 */
struct modfile {
	char path[PATH_MAX];
	char name[64];
	char build_id[BUILD_ID_MAX];
	char vermagic[256];
	char depends[512];
	struct stamp stamp;
	bool has_signature;
	char signer[256];
	char sig_key[256];
	char sig_hash[32];
	char **parms;
	struct symbol_crc *imports;
	size_t n_imports;
	struct symbol_crc *exports;
	size_t n_exports;
	size_t size;
};

/* 0, or -errno (-ENOEXEC: cut short or no module) with @why of WHY_MAX bytes set. */
int modfile_read(const char *path, struct modfile *file, char *why);
/* The same of bytes in memory, as for fuzzing and initrds; @path is only a name. */
int modfile_parse(const void *data, size_t size, const char *path, struct modfile *file,
		  char *why);
/*
 * Only what tells modules apart: build_id, vermagic, stamp and has_signature are
 * set, nothing is allocated. Cheap enough for status: it maps the file and touches
 * few pages where the file is not compressed.
 */
int modfile_identify(const char *path, struct modfile *file, char *why);
/* Who signed a file that was only identified. */
void modfile_signer(struct modfile *file);
void modfile_free(struct modfile *file);

/* In @list, which is in the order of names as both lists are; NULL if it is not there. */
const struct symbol_crc *symbol_find(const struct symbol_crc *list, size_t n, const char *name);

/*
 * Finds NAME.ko, NAME.ko.xz, .zst or .gz in @dir, where - and _ are the same;
 * @path has PATH_MAX bytes. 0, -ENOENT, or -EEXIST when there are several.
 */
int modfile_find(const char *dir, const char *name, char *path);

/* Compressed, by its first bytes? */
bool modfile_packed(const void *data, size_t size);
/* free() @plain. 0 or -errno with @why set. */
int modfile_unpack(const void *data, size_t size, const char *path, char **plain,
		   size_t *plain_size, char *why);

/* One ELF note section's bytes (as /sys/module/NAME/notes/ shows them). 0 or -errno. */
int note_build_id(const void *data, size_t size, char *build_id);
int note_stamp(const void *data, size_t size, struct stamp *stamp);

#endif
