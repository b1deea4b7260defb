// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections, symbols and relocations of a module, each within its bounds.
 * modfile_parse() saw before that every section lies within the file.
 */
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"

#define RELOCS_MAX	(4u << 20)	/* more is no module */

static const struct {
	uint32_t type;
	uint8_t bytes;
	bool relative;
} reloc_types[] = {
	{ R_X86_64_64, 8, false },
	{ R_X86_64_PC64, 8, true },
	{ R_X86_64_32, 4, false },
	{ R_X86_64_32S, 4, false },
	{ R_X86_64_PC32, 4, true },
	{ R_X86_64_PLT32, 4, true },
};

#define N_RELOC_TYPES	(sizeof(reloc_types) / sizeof(reloc_types[0]))

static int no_memory(char *why)
{
	snprintf(why, WHY_MAX, "no memory is left to compare modules; free some");
	return -ENOMEM;
}

/* NULL: there is none, or none that ends. */
static const char *string_at(const struct image *image, Elf *elf, size_t section, uint64_t at)
{
	GElf_Shdr header;
	const char *text;

	if (!gelf_getshdr(elf_getscn(elf, section), &header) || header.sh_type != SHT_STRTAB ||
	    at >= header.sh_size)
		return NULL;
	text = image->plain + header.sh_offset + at;
	return memchr(text, '\0', header.sh_size - at) ? text : NULL;
}

static int read_section(struct image *image, Elf *elf, size_t names, Elf_Scn *from, char *why)
{
	struct section *section = &image->sections[elf_ndxscn(from)];
	GElf_Shdr header;

	if (!gelf_getshdr(from, &header))
		return image_damaged(image, why, "its sections cannot be read");
	section->name = string_at(image, elf, names, header.sh_name);
	if (!section->name || (header.sh_flags & SHF_COMPRESSED))
		return image_damaged(image, why, "a section has no name, or is compressed");
	section->type = header.sh_type;
	section->flags = header.sh_flags;
	section->size = header.sh_size;
	section->align = header.sh_addralign;
	section->entsize = header.sh_entsize;
	if (header.sh_size > MODFILE_MAX)
		return image_damaged(image, why, "section %.60s is larger than a module can be",
				     section->name);
	if (header.sh_type != SHT_NOBITS && header.sh_type != SHT_NULL && header.sh_size)
		section->data = (const unsigned char *)image->plain + header.sh_offset;
	section_classify(section);
	section->relocs = calloc(1, sizeof(*section->relocs));	/* none yet */
	return section->relocs ? 0 : no_memory(why);
}

static int read_sections(struct image *image, Elf *elf, char *why)
{
	Elf_Scn *from = NULL;
	size_t n, names;
	int err = 0;

	if (elf_getshdrnum(elf, &n) || elf_getshdrstrndx(elf, &names))
		return image_damaged(image, why, "its sections cannot be read");
	image->sections = calloc(n, sizeof(*image->sections));
	if (!image->sections)
		return no_memory(why);
	image->n_sections = n;
	image->sections[0].name = "";
	while (!err && (from = elf_nextscn(elf, from)))
		err = read_section(image, elf, names, from, why);
	for (size_t i = 1; !err && i < n; i++) {
		if (!image->sections[i].name)
			err = image_damaged(image, why, "its sections cannot be read");
	}
	return err;
}

static int read_symbol(struct image *image, const Elf64_Sym *from, Elf *elf, size_t names,
		       struct symbol *symbol, char *why)
{
	symbol->name = string_at(image, elf, names, from->st_name);
	if (!symbol->name)
		return image_damaged(image, why, "a symbol has no name");
	symbol->value = from->st_value;
	symbol->size = from->st_size;
	symbol->type = ELF64_ST_TYPE(from->st_info);
	symbol->bind = ELF64_ST_BIND(from->st_info);
	symbol->visibility = ELF64_ST_VISIBILITY(from->st_other);
	symbol->section = from->st_shndx == SHN_ABS ? SECTION_ABSOLUTE : from->st_shndx;
	if (symbol->section == SECTION_ABSOLUTE || symbol->section == SECTION_UNDEFINED)
		return 0;
	if (symbol->section >= image->n_sections)
		return image_damaged(image, why, "symbol %.60s lies in no section", symbol->name);
	/* The assembler's own label, mostly left out: a place in the section, and no name. */
	if (symbol->type == STT_NOTYPE && symbol->bind == STB_LOCAL && strncmp(symbol->name, ".L", 2) == 0)
		symbol->type = STT_SECTION;
	if (symbol->type == STT_SECTION)
		symbol->name = image->sections[symbol->section].name;
	if (symbol->value > image->sections[symbol->section].size ||
	    symbol->size > image->sections[symbol->section].size - symbol->value)
		return image_damaged(image, why, "symbol %.60s ends beyond its section",
				     symbol->name);
	return 0;
}

static int read_symbols(struct image *image, Elf *elf, Elf_Scn *from, char *why)
{
	const struct section *section = &image->sections[elf_ndxscn(from)];
	GElf_Shdr header;
	int err = 0;

	if (image->symbols)
		return image_damaged(image, why, "it has two symbol tables");
	if (!gelf_getshdr(from, &header) || section->entsize != sizeof(Elf64_Sym) ||
	    section->size % sizeof(Elf64_Sym) || section->size < sizeof(Elf64_Sym) ||
	    section->size / sizeof(Elf64_Sym) > RELOCS_MAX)
		return image_damaged(image, why, "its symbol table is damaged");
	image->n_symbols = section->size / sizeof(Elf64_Sym);
	image->symbols = calloc(image->n_symbols, sizeof(*image->symbols));
	if (!image->symbols)
		return no_memory(why);
	for (size_t i = 0; !err && i < image->n_symbols; i++) {
		Elf64_Sym symbol;

		memcpy(&symbol, section->data + i * sizeof(symbol), sizeof(symbol));
		err = read_symbol(image, &symbol, elf, header.sh_link, &image->symbols[i], why);
	}
	return err;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct reloc *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

static int read_reloc(struct image *image, const Elf64_Rela *from, const struct section *to,
		      struct reloc *reloc, char *why)
{
	size_t i = 0;

	reloc->offset = from->r_offset;
	reloc->addend = from->r_addend;
	reloc->type = ELF64_R_TYPE(from->r_info);
	reloc->symbol = ELF64_R_SYM(from->r_info);
	while (i < N_RELOC_TYPES && reloc_types[i].type != reloc->type)
		i++;
	if (i == N_RELOC_TYPES)
		return image_damaged(image, why, "section %.60s has a relocation of unknown type %u",
				     to->name, reloc->type);
	reloc->bytes = reloc_types[i].bytes;
	reloc->relative = reloc_types[i].relative;
	if (reloc->symbol >= image->n_symbols || !to->data || reloc->offset > to->size ||
	    reloc->bytes > to->size - reloc->offset)
		return image_damaged(image, why, "a relocation of section %.60s is damaged", to->name);
	return 0;
}

/* Two that lie over each other would hide bytes from the comparison. */
static int check_relocs(struct image *image, const struct section *to, char *why)
{
	for (size_t i = 1; i < to->n_relocs; i++) {
		if (to->relocs[i].offset < to->relocs[i - 1].offset + to->relocs[i - 1].bytes)
			return image_damaged(image, why, "relocations of section %.60s overlap",
					     to->name);
	}
	return 0;
}

/* Elsewhere what is compared is the bytes, and they must be all. */
static bool takes_relocs(const struct section *section)
{
	return section->kind == KIND_CODE || section->kind == KIND_DATA ||
	       section->kind == KIND_TABLE || section->kind == KIND_UNKNOWN;
}

static int read_relocs(struct image *image, Elf_Scn *from, char *why)
{
	const struct section *section = &image->sections[elf_ndxscn(from)];
	struct section *to;
	GElf_Shdr header;
	int err = 0;
	size_t n;

	if (!gelf_getshdr(from, &header) || !header.sh_info ||
	    header.sh_info >= image->n_sections || section->entsize != sizeof(Elf64_Rela) ||
	    section->size % sizeof(Elf64_Rela) || section->size / sizeof(Elf64_Rela) > RELOCS_MAX)
		return image_damaged(image, why, "section %.60s is damaged", section->name);
	to = &image->sections[header.sh_info];
	if (to->n_relocs)
		return image_damaged(image, why, "section %.60s has relocations twice", to->name);
	if (!(to->flags & SHF_ALLOC) || !section->size)
		return 0;
	if (!takes_relocs(to))
		return image_damaged(image, why, "section %.60s has relocations", to->name);
	n = section->size / sizeof(Elf64_Rela);
	free(to->relocs);
	to->relocs = calloc(n, sizeof(*to->relocs));
	if (!to->relocs)
		return no_memory(why);
	for (size_t i = 0; !err && i < n; i++) {
		Elf64_Rela reloc;

		memcpy(&reloc, section->data + i * sizeof(reloc), sizeof(reloc));
		if (ELF64_R_TYPE(reloc.r_info) != R_X86_64_NONE)	/* objtool leaves some */
			err = read_reloc(image, &reloc, to, &to->relocs[to->n_relocs++], why);
	}
	if (err)
		return err;
	qsort(to->relocs, to->n_relocs, sizeof(*to->relocs), compare_relocs);
	return check_relocs(image, to, why);
}

static int check_names(struct image *image, char *why)
{
	for (size_t i = 1; i < image->n_sections; i++) {
		const struct section *section = &image->sections[i];

		if (section->kind != KIND_IGNORED && image_section(image, section->name) != section)
			return image_damaged(image, why, "there are two sections %.60s",
					     section->name);
	}
	return 0;
}

/* @type: symbols come before what names them. */
static int read_all(struct image *image, Elf *elf, uint32_t type, char *why)
{
	Elf_Scn *from = NULL;
	int err = 0;

	while (!err && (from = elf_nextscn(elf, from))) {
		if (image->sections[elf_ndxscn(from)].type != type)
			continue;
		err = type == SHT_SYMTAB ? read_symbols(image, elf, from, why) :
					   read_relocs(image, from, why);
	}
	return err;
}

int image_read_elf(struct image *image, char *why)
{
	Elf *elf = elf_memory(image->plain, image->plain_size);
	int err = elf ? read_sections(image, elf, why) :
			image_damaged(image, why, "it cannot be read as ELF");

	for (size_t i = 1; !err && i < image->n_sections; i++) {
		if (image->sections[i].type == SHT_REL || image->sections[i].type == SHT_GROUP ||
		    image->sections[i].type == SHT_SYMTAB_SHNDX)
			err = image_damaged(image, why, "section %.60s is of a type that modules do not have",
					    image->sections[i].name);
	}
	if (!err)
		err = check_names(image, why);
	if (!err)
		err = read_all(image, elf, SHT_SYMTAB, why);
	if (!err && !image->symbols)
		err = image_damaged(image, why, "it has no symbols, so nothing can be told apart");
	if (!err)
		err = read_all(image, elf, SHT_RELA, why);
	elf_end(elf);
	return err;
}
