/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Modules made on the spot: whole ones, and ones with a part replaced or damaged.
 * Included by one test each.
 */
#ifndef CLI_ELF_H
#define CLI_ELF_H

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
	const char *name;
	uint32_t type;
	const void *data;
	size_t size;
	uint32_t link;
	uint64_t entsize;
};

/* Section numbers are places in this list and one more; .shstrtab comes last. */
enum { PART_INFO, PART_ID, PART_VERSIONS, PART_CRCS, PART_STRINGS, PART_SYMBOLS, N_PARTS };

#define SAMPLE_RELEASE	"6.1.0-1-amd64"
#define SAMPLE_VERMAGIC	SAMPLE_RELEASE " SMP preempt mod_unload modversions "
#define SAMPLE_ID	"000102030405060708090a0b0c0d0e0f10111213"

#define STOCK_INFO	"license=GPL\0parmtype=nested:bool\0parm=ept:Use EPT (bool)\0parmtype=ept:bool\0" \
	"depends=kvm,irqbypass\0name=kvm_intel\0vermagic=" SAMPLE_VERMAGIC
#define STAMP_INFO	STOCK_INFO "\0version=1.2.3\0kvm_fixes_kernel=" SAMPLE_RELEASE "\0" \
	"kvm_fixes_states=bus-barrier:applied, unmap-lockdep:upstream\0" \
	"kvm_fixes_source=linux-source-6.1 6.1.9-1 sha256:00\0kvm_fixes_headers=6.1.9-1\0" \
	"kvm_fixes_compiler=gcc-12 (Debian) 12.2.0\0kvm_fixes_build=1b56"

/* struct modversion_info */
struct sample_version {
	uint64_t crc;
	char name[56];
};

struct sample_id {
	Elf64_Nhdr header;
	char name[4];
	unsigned char id[20];
};

/**
 * struct sample - a module, and what its parts point to
 */
struct sample {
	struct part parts[N_PARTS];
	struct sample_id id;
	struct sample_version versions[3];
	uint32_t crcs[2];
	char strings[80];
	Elf64_Sym symbols[5];
};

static inline void sample_symbol(struct sample *sample, size_t i, size_t name, uint16_t section,
				 uint64_t value)
{
	sample->symbols[i] = (Elf64_Sym){
		.st_name = (uint32_t)name, .st_shndx = section, .st_value = value,
	};
}

static inline void sample_make(struct sample *sample, const char *info, size_t info_size)
{
	static const char strings[] = "\0__ksymtab_beta\0__crc_beta\0__ksymtab_alpha\0__crc_alpha";

	memset(sample, 0, sizeof(*sample));
	sample->id.header = (Elf64_Nhdr){ 4, 20, NT_GNU_BUILD_ID };
	memcpy(sample->id.name, "GNU", 4);
	for (unsigned char i = 0; i < 20; i++)
		sample->id.id[i] = i;
	sample->versions[0] = (struct sample_version){ 0x11111111, "module_layout" };
	sample->versions[1] = (struct sample_version){ 0x22222222, "__fentry__" };
	sample->versions[2] = (struct sample_version){ 0x33333333, "kmalloc" };
	sample->crcs[0] = 0xaaaaaaaa;
	sample->crcs[1] = 0xbbbbbbbb;
	memcpy(sample->strings, strings, sizeof(strings));
	/* One CRC lies in a section, the other is the symbol's value. */
	sample_symbol(sample, 1, 1, PART_INFO + 1, 0);
	sample_symbol(sample, 2, 16, PART_CRCS + 1, 4);
	sample_symbol(sample, 3, 27, PART_INFO + 1, 0);
	sample_symbol(sample, 4, 43, SHN_ABS, 0xcccccccc);
	sample->parts[PART_INFO] = (struct part){ ".modinfo", SHT_PROGBITS, info, info_size, 0, 0 };
	sample->parts[PART_ID] = (struct part){ ".note.gnu.build-id", SHT_NOTE, &sample->id,
						sizeof(sample->id), 0, 0 };
	sample->parts[PART_VERSIONS] = (struct part){ "__versions", SHT_PROGBITS, sample->versions,
						      sizeof(sample->versions), 0, 0 };
	sample->parts[PART_CRCS] = (struct part){ "__kcrctab", SHT_PROGBITS, sample->crcs,
						  sizeof(sample->crcs), 0, 0 };
	sample->parts[PART_STRINGS] = (struct part){ ".strtab", SHT_STRTAB, sample->strings,
						     sizeof(strings), 0, 0 };
	sample->parts[PART_SYMBOLS] = (struct part){ ".symtab", SHT_SYMTAB, sample->symbols,
						     sizeof(sample->symbols), PART_STRINGS + 1,
						     sizeof(Elf64_Sym) };
}

#define SAMPLE(sample, info)	sample_make(sample, info, sizeof(info))

static inline size_t eight(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* The file's bytes: free() them. */
static inline unsigned char *sample_build(const struct sample *sample, size_t *size)
{
	const size_t n = N_PARTS + 2;
	size_t at = sizeof(Elf64_Ehdr), names_at;
	Elf64_Shdr headers[N_PARTS + 2] = { 0 };
	unsigned char *file = calloc(1, 1 << 20);
	char names[256] = "";
	size_t names_size = 1;

	for (size_t i = 0; i < N_PARTS; i++) {
		const struct part *part = &sample->parts[i];

		headers[i + 1] = (Elf64_Shdr){
			.sh_name = (uint32_t)names_size, .sh_type = part->type, .sh_offset = at,
			.sh_size = part->size, .sh_link = part->link, .sh_entsize = part->entsize,
			.sh_addralign = 1,
		};
		strcpy(names + names_size, part->name);
		names_size += strlen(part->name) + 1;
		memcpy(file + at, part->data, part->size);
		at = eight(at + part->size);
	}
	names_at = at;
	strcpy(names + names_size, ".shstrtab");
	headers[n - 1] = (Elf64_Shdr){
		.sh_name = (uint32_t)names_size, .sh_type = SHT_STRTAB, .sh_offset = names_at,
		.sh_size = names_size + 10, .sh_addralign = 1,
	};
	memcpy(file + names_at, names, names_size + 10);
	at = eight(names_at + names_size + 10);
	memcpy(file + at, headers, sizeof(headers));
	*(Elf64_Ehdr *)(void *)file = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_REL, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_shoff = at,
		.e_ehsize = sizeof(Elf64_Ehdr), .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (uint16_t)n, .e_shstrndx = (uint16_t)(n - 1),
	};
	*size = at + sizeof(headers);
	return file;
}

static inline Elf64_Shdr *sample_header(unsigned char *file, size_t part)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)file;

	return (Elf64_Shdr *)(void *)(file + header->e_shoff) + part + 1;
}

/* Appends a signature of @stated bytes that has @real. @file has room. */
static inline size_t sample_sign(unsigned char *file, size_t size, uint32_t stated, size_t real)
{
	static const char magic[] = "~Module signature appended~\n";
	unsigned char info[12] = { 0, 0, 2, 0, 0, 0, 0, 0, (unsigned char)(stated >> 24),
				   (unsigned char)(stated >> 16), (unsigned char)(stated >> 8),
				   (unsigned char)stated };

	memset(file + size, 0x30, real);
	memcpy(file + size + real, info, sizeof(info));
	memcpy(file + size + real + sizeof(info), magic, sizeof(magic) - 1);
	return size + real + sizeof(info) + sizeof(magic) - 1;
}

#endif
