// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module's ELF file: is it whole, and where its sections are.
 */
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>

#include "modfile_private.h"

static bool header_fits(const GElf_Ehdr *header, size_t size)
{
	return header->e_shentsize == sizeof(Elf64_Shdr) && header->e_shnum > 1 &&
	       header->e_shoff >= sizeof(Elf64_Ehdr) && header->e_shoff <= size &&
	       header->e_shnum <= (size - header->e_shoff) / sizeof(Elf64_Shdr) &&
	       header->e_shstrndx < header->e_shnum;
}

static bool sections_fit(Elf *elf, size_t size)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			return false;
		if (header.sh_type != SHT_NOBITS && header.sh_type != SHT_NULL &&
		    (header.sh_offset > size || header.sh_size > size - header.sh_offset))
			return false;
	}
	return true;
}

int modfile_check_elf(Elf *elf, size_t size, const char *path, char *why)
{
	struct span info;
	GElf_Ehdr header;

	if (!elf || elf_kind(elf) != ELF_K_ELF || gelf_getclass(elf) != ELFCLASS64 ||
	    !gelf_getehdr(elf, &header) || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_machine != EM_X86_64 || header.e_type != ET_REL)
		return modfile_damaged(path, "no module for x86-64", why);
	if (!header_fits(&header, size) || !sections_fit(elf, size))
		return modfile_damaged(path, "cut short or damaged, its sections end beyond the file",
				       why);
	if (modfile_section(elf, ".modinfo", &info) || info.data[info.size - 1] != '\0')
		return modfile_damaged(path, "no module, or damaged: it has no whole .modinfo", why);
	return 0;
}

int modfile_section(Elf *elf, const char *name, struct span *span)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *data;
	const char *text;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return -ENOEXEC;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			return -ENOEXEC;
		text = elf_strptr(elf, names, header.sh_name);
		if (!text || strcmp(text, name) != 0)
			continue;
		if (header.sh_type == SHT_NOBITS || !header.sh_size)
			return -ENOENT;
		data = elf_rawdata(section, NULL);
		if (!data || !data->d_buf || !data->d_size)
			return -ENOEXEC;
		span->data = data->d_buf;
		span->size = data->d_size;
		return 0;
	}
	return -ENOENT;
}
