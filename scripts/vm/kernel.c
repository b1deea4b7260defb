// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the boot needs to know of an uncompressed kernel (ELF) and of the
 * bzImage it came from. All of it is untrusted input: every offset is checked
 * against the size of the file, and every address against the memory map.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <string.h>

#include "bootdisk.h"

#define LOW_MEMORY	0x100000u	/* kernel and initrd stay above */
#define BOOT_FLAG	0xaa55
#define HEADER_MAGIC	0x53726448	/* "HdrS" */
#define MIN_PROTOCOL	0x0206		/* the first with cmdline_size */
#define LOADER_OTHER	0xff

static struct blob without_tail_zeros(struct blob blob)
{
	while (blob.size && !blob.data[blob.size - 1])
		blob.size--;
	return blob;
}

static const char *check_header(struct blob elf, const Elf64_Ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return "not a 64-bit ELF file";
	if (eh->e_type != ET_EXEC || eh->e_machine != EM_X86_64)
		return "not an x86-64 executable";
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum)
		return "has no program headers";
	if (eh->e_phoff > elf.size ||
	    (elf.size - eh->e_phoff) / sizeof(Elf64_Phdr) < eh->e_phnum)
		return "its program headers lie outside the file";
	return NULL;
}

static const char *add_segment(struct blob elf, const Elf64_Phdr *ph,
			       struct kernel *kernel)
{
	struct segment *seg = &kernel->segments[kernel->nr_segments];

	if (kernel->nr_segments == MAX_SEGMENTS)
		return "has too many segments";
	if (ph->p_filesz > ph->p_memsz)
		return "a segment is larger in the file than in memory";
	if (ph->p_offset > elf.size || ph->p_filesz > elf.size - ph->p_offset)
		return "a segment lies outside the file";
	if (ph->p_paddr < LOW_MEMORY || ph->p_paddr > UINT32_MAX ||
	    ph->p_memsz > UINT32_MAX - ph->p_paddr)
		return "a segment lies outside the first 4 GiB of memory";
	if (kernel->nr_segments &&
	    ph->p_paddr < seg[-1].addr + seg[-1].mem_size)
		return "its segments overlap or are not in order";
	seg->addr = ph->p_paddr;
	seg->mem_size = ph->p_memsz;
	seg->file = without_tail_zeros((struct blob){ elf.data + ph->p_offset,
						      ph->p_filesz });
	kernel->nr_segments++;
	return NULL;
}

const char *parse_vmlinux(struct blob elf, struct kernel *kernel)
{
	const char *error;
	Elf64_Phdr ph;
	Elf64_Ehdr eh;

	*kernel = (struct kernel){ 0 };
	if (elf.size < sizeof(eh))
		return "too short for an ELF file";
	memcpy(&eh, elf.data, sizeof(eh));
	error = check_header(elf, &eh);
	if (error)
		return error;
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, elf.data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		error = add_segment(elf, &ph, kernel);
		if (error)
			return error;
	}
	for (unsigned int i = 0; i < kernel->nr_segments; i++) {
		const struct segment *seg = &kernel->segments[i];

		if (eh.e_entry >= seg->addr &&
		    eh.e_entry - seg->addr < seg->file.size) {
			kernel->entry = (uint32_t)eh.e_entry;
			return NULL;
		}
	}
	return "its entry point is in none of its segments";
}

/* The formats that a kernel takes an initramfs in. */
static bool is_initrd(struct blob file)
{
	static const struct blob magics[] = {
		{ (const uint8_t *)"070701", 6 },
		{ (const uint8_t *)"\x1f\x8b", 2 },
		{ (const uint8_t *)"\xfd" "7zXZ", 5 },
		{ (const uint8_t *)"\x28\xb5\x2f\xfd", 4 },
		{ (const uint8_t *)"\x02\x21\x4c\x18", 4 },
	};

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (file.size >= magics[i].size &&
		    !memcmp(file.data, magics[i].data, magics[i].size))
			return true;
	return false;
}

const char *place_initrd(const struct kernel *kernel, uint64_t memory,
			 struct initrd *initrd)
{
	const struct segment *last = &kernel->segments[kernel->nr_segments - 1];
	uint64_t top = memory - ACPI_RESERVED;
	uint64_t floor = last->addr + last->mem_size;

	if (!is_initrd(initrd->file))
		return "not a newc cpio archive, plain or compressed";
	if (floor > top || initrd->file.size > top - floor ||
	    ((top - initrd->file.size) & ~0xfffffull) < floor)
		return "kernel and initramfs do not fit into the memory";
	initrd->addr = (uint32_t)((top - initrd->file.size) & ~0xfffffull);
	return NULL;
}

static void set_memory_map(struct boot_params *params, uint32_t memory)
{
	const struct boot_e820_entry map[] = {
		{ 0, 0x9f000, 1 },
		{ 0x9f000, 0x1000, 2 },
		{ 0xe8000, 0x18000, 2 },
		{ LOW_MEMORY, memory - ACPI_RESERVED - LOW_MEMORY, 1 },
		{ memory - ACPI_RESERVED, ACPI_RESERVED, 3 },
	};

	memcpy(params->e820_table, map, sizeof(map));
	params->e820_entries = sizeof(map) / sizeof(map[0]);
}

const char *make_params(struct blob bzimage, const char *cmdline,
			const struct initrd *initrd, uint64_t memory,
			uint8_t params[static PARAMS_SIZE])
{
	const size_t start = offsetof(struct boot_params, hdr);
	struct boot_params bp = { 0 };
	struct setup_header *hdr = &bp.hdr;
	size_t end;

	_Static_assert(sizeof(bp) == PARAMS_SIZE, "boot_params is one page");
	if (bzimage.size < sizeof(bp))
		return "too short for a bzImage";
	/* The byte after the jump's opcode is the length of what follows it. */
	end = 0x202u + bzimage.data[0x201];
	if (end > start + sizeof(*hdr))
		end = start + sizeof(*hdr);
	memcpy(hdr, bzimage.data + start, end - start);
	if (hdr->boot_flag != BOOT_FLAG || hdr->header != HEADER_MAGIC)
		return "not a bzImage: it has no boot protocol header";
	if (hdr->version < MIN_PROTOCOL)
		return "its boot protocol is too old";
	if (strlen(cmdline) > hdr->cmdline_size ||
	    strlen(cmdline) >= CMDLINE_SPACE)
		return "the kernel takes no command line of that length";
	if (initrd->addr + (initrd->file.size - 1) > hdr->initrd_addr_max)
		return "the kernel takes no initramfs at that address";
	hdr->type_of_loader = LOADER_OTHER;
	hdr->loadflags |= LOADED_HIGH;
	hdr->ramdisk_image = initrd->addr;
	hdr->ramdisk_size = (uint32_t)initrd->file.size;
	hdr->cmd_line_ptr = ADDR_CMDLINE;
	set_memory_map(&bp, (uint32_t)memory);
	memcpy(params, &bp, sizeof(bp));
	return NULL;
}
