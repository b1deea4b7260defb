/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What bootdisk lays out and bootsector.S finds: addresses below 1 MiB, and the
 * table of chunks in the disk's second sector. Read by C and by the assembler.
 */
#ifndef BOOTDISK_H
#define BOOTDISK_H

#define SECTOR_SIZE	512

#define ADDR_SECTOR	0x7c00	/* where the BIOS puts the boot sector */
#define ADDR_TABLE	0x8000	/* one sector of struct chunk */
#define ADDR_CMDLINE	0x8400
#define CMDLINE_SPACE	0x0c00
#define ADDR_PGTABLES	0x9000	/* PML4, PDPT and 4 page directories */
#define ADDR_PARAMS	0x14000	/* struct boot_params, 4096 bytes */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_SIZE	4096
#define MAX_SEGMENTS	16
#define MAX_CHUNKS	(SECTOR_SIZE / sizeof(struct chunk))

/* On disk, little-endian. The last one has no sectors; its addr is the entry. */
struct chunk {
	uint32_t lba;
	uint32_t sectors;
	uint32_t addr;
};

struct blob {
	const uint8_t *data;
	size_t size;
};

struct segment {
	uint64_t addr;		/* physical */
	uint64_t mem_size;
	struct blob file;	/* without the zeros at its end */
};

struct kernel {
	uint32_t entry;
	unsigned int nr_segments;
	struct segment segments[MAX_SEGMENTS];
};

struct initrd {
	uint32_t addr;
	struct blob file;
};

/* kernel.c; each returns NULL or a static text that says what is wrong */
const char *parse_vmlinux(struct blob elf, struct kernel *kernel);
const char *make_params(struct blob bzimage, const char *cmdline,
			const struct initrd *initrd, uint64_t memory,
			uint8_t params[static PARAMS_SIZE]);
const char *place_initrd(const struct kernel *kernel, uint64_t memory,
			 struct initrd *initrd);

/* Top of memory that the BIOS keeps for its ACPI tables. */
#define ACPI_RESERVED	0x10000u
#define MIN_MEMORY_MB	64
#define MAX_MEMORY_MB	2048
#endif
#endif
