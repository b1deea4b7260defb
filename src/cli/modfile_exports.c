// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a module exports, with CRCs.
 */
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modfile_private.h"

#define KSYMTAB		"__ksymtab_"
#define CRC		"__crc_"

/**
 * struct symbols - a symbol table that was checked
 * @strings: its names' section
 * @n: symbols
 */
struct symbols {
	Elf *elf;
	Elf_Data *data;
	size_t strings;
	size_t n;
};

/* 0, -ENOENT without a symbol table, or -ENOEXEC. */
static int open_symbols(Elf *elf, struct symbols *symbols)
{
	Elf_Scn *section = NULL;
	Elf_Data *strings;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			return -ENOEXEC;
		if (header.sh_type == SHT_SYMTAB)
			break;
	}
	if (!section)
		return -ENOENT;
	symbols->elf = elf;
	symbols->strings = header.sh_link;
	symbols->data = elf_getdata(section, NULL);
	strings = elf_rawdata(elf_getscn(elf, header.sh_link), NULL);
	if (!symbols->data || header.sh_entsize != sizeof(Elf64_Sym) || !strings ||
	    !strings->d_buf || !strings->d_size ||
	    ((const char *)strings->d_buf)[strings->d_size - 1] != '\0')
		return -ENOEXEC;
	symbols->n = header.sh_size / sizeof(Elf64_Sym);
	return 0;
}

/* The next symbol whose name begins with @prefix: the rest of its name, or NULL. */
static const char *next_symbol(const struct symbols *symbols, size_t *i, const char *prefix,
			       GElf_Sym *symbol)
{
	const size_t length = strlen(prefix);
	const char *name;

	while (*i < symbols->n) {
		if (!gelf_getsym(symbols->data, (int)(*i)++, symbol))
			return NULL;
		if (!symbol->st_name)
			continue;
		name = elf_strptr(symbols->elf, symbols->strings, symbol->st_name);
		if (name && strncmp(name, prefix, length) == 0)
			return name + length;
	}
	return NULL;
}

/* A CRC is a symbol's value, or four bytes in a section. 0 if it cannot be told. */
static uint32_t crc_of(Elf *elf, const GElf_Sym *symbol)
{
	Elf_Data *data;
	uint32_t crc = 0;

	if (symbol->st_shndx == SHN_ABS)
		return (uint32_t)symbol->st_value;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE)
		return 0;
	data = elf_rawdata(elf_getscn(elf, symbol->st_shndx), NULL);
	if (data && data->d_buf && data->d_size >= sizeof(crc) &&
	    symbol->st_value <= data->d_size - sizeof(crc))
		memcpy(&crc, (const char *)data->d_buf + symbol->st_value, sizeof(crc));
	return crc;
}

static int read_export_names(const struct symbols *symbols, struct modfile *file, char *why)
{
	GElf_Sym symbol;
	const char *name;
	size_t i = 0, n = 0;

	while (next_symbol(symbols, &i, KSYMTAB, &symbol))
		n++;
	if (n > SYMBOLS_MAX)
		return modfile_damaged(file->path, "more exports than a module can have", why);
	if (!n)
		return 0;
	file->exports = calloc(n, sizeof(*file->exports));
	if (!file->exports)
		return modfile_no_memory(why);
	for (i = 0; (name = next_symbol(symbols, &i, KSYMTAB, &symbol)); file->n_exports++) {
		if (strlen(name) >= NAME_LEN_MAX)
			return modfile_damaged(file->path, "a symbol's name is too long", why);
		file->exports[file->n_exports].name = strdup(name);
		if (!file->exports[file->n_exports].name)
			return modfile_no_memory(why);
	}
	qsort(file->exports, n, sizeof(*file->exports), symbol_compare);
	return 0;
}

int modfile_read_exports(Elf *elf, struct modfile *file, char *why)
{
	struct symbol_crc *found;
	struct symbols symbols;
	GElf_Sym symbol;
	const char *name;
	size_t i = 0;
	int err = open_symbols(elf, &symbols);

	if (err == -ENOENT)
		return 0;
	if (err)
		return modfile_damaged(file->path, "its symbol table is damaged", why);
	err = read_export_names(&symbols, file, why);
	if (err || !file->n_exports)
		return err;
	while ((name = next_symbol(&symbols, &i, CRC, &symbol))) {
		found = (struct symbol_crc *)symbol_find(file->exports, file->n_exports, name);
		if (found)
			found->crc = crc_of(elf, &symbol);
	}
	return 0;
}
