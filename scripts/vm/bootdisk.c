// SPDX-License-Identifier: GPL-2.0-only
/*
 * bootdisk - lay out a raw disk from which bootsector.S starts an uncompressed
 * kernel, so that Bochs need not decompress one.
 *
 * Sector 0 is the boot sector, sector 1 the table of chunks, then the chunks:
 * boot_params, the command line, the kernel's segments and the initramfs.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bootdisk.h"

#define MAX_INPUT	(1u << 30)
#define CYLINDER	((size_t)16 * 63 * SECTOR_SIZE)	/* Bochs counts whole ones */
#define EX_BAD_USAGE	2

struct options {
	const char *sector, *vmlinux, *bzimage, *initrd, *append, *out;
	unsigned long memory_mb;
};

struct disk {
	struct chunk table[MAX_CHUNKS];
	struct blob data[MAX_CHUNKS];
	unsigned int nr;
	uint32_t next_lba;
};

static struct blob read_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	size_t size;
	FILE *file;

	file = fopen(path, "rbe");
	if (!file)
		err(1, "%s", path);
	if (fstat(fileno(file), &st))
		err(1, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > MAX_INPUT)
		errx(1, "%s: not a regular file of 1 byte to 1 GiB", path);
	size = (size_t)st.st_size;
	data = malloc(size);
	if (!data)
		err(1, "%s", path);
	if (fread(data, 1, size, file) != size)
		errx(1, "%s: cannot be read, or became shorter", path);
	(void)fclose(file);
	return (struct blob){ data, size };
}

static void add_chunk(struct disk *disk, uint32_t addr, struct blob data)
{
	uint32_t sectors = (uint32_t)((data.size + SECTOR_SIZE - 1) / SECTOR_SIZE);

	if (!sectors)
		return;
	disk->table[disk->nr] = (struct chunk){ disk->next_lba, sectors, addr };
	disk->data[disk->nr++] = data;
	disk->next_lba += sectors;
}

static bool put(FILE *out, const void *data, size_t size, size_t round_to)
{
	static const uint8_t zeros[CYLINDER];
	size_t pad = (round_to - size % round_to) % round_to;

	return fwrite(data, 1, size, out) == size &&
	       fwrite(zeros, 1, pad, out) == pad;
}

static void write_disk(const char *path, struct blob sector,
		       const struct disk *disk)
{
	size_t used = (size_t)disk->next_lba * SECTOR_SIZE;
	size_t rest = (CYLINDER - used % CYLINDER) % CYLINDER;
	struct stat st;
	FILE *out;
	bool ok;

	/* Never a device: the disk is a file, and an unfinished one is removed. */
	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		errx(1, "%s: is there and is not a regular file", path);
	out = fopen(path, "wbe");
	if (!out)
		err(1, "%s", path);
	ok = put(out, sector.data, sector.size, SECTOR_SIZE) &&
	     put(out, disk->table, sizeof(disk->table), SECTOR_SIZE);
	for (unsigned int i = 0; ok && i < disk->nr; i++)
		ok = put(out, disk->data[i].data, disk->data[i].size,
			 SECTOR_SIZE);
	if (ok && rest)
		ok = put(out, "", 1, rest);
	if (fclose(out) || !ok) {
		warn("%s: not written", path);
		(void)remove(path);
		exit(1);
	}
}

static void make_disk(const struct options *opt)
{
	uint64_t memory = (uint64_t)opt->memory_mb << 20;
	static struct blob sector, elf, bzimage;
	static struct initrd initrd;
	static uint8_t params[PARAMS_SIZE];
	struct disk disk = { .next_lba = 2 };
	struct kernel kernel;
	const char *error;

	sector = read_file(opt->sector);
	elf = read_file(opt->vmlinux);
	bzimage = read_file(opt->bzimage);
	initrd.file = read_file(opt->initrd);
	if (sector.size != SECTOR_SIZE || sector.data[SECTOR_SIZE - 2] != 0x55 ||
	    sector.data[SECTOR_SIZE - 1] != 0xaa)
		errx(1, "%s: not a boot sector", opt->sector);
	error = parse_vmlinux(elf, &kernel);
	if (error)
		errx(1, "%s: %s", opt->vmlinux, error);
	error = place_initrd(&kernel, memory, &initrd);
	if (error)
		errx(1, "%s: %s (%lu MB)", opt->initrd, error, opt->memory_mb);
	error = make_params(bzimage, opt->append, &initrd, memory, params);
	if (error)
		errx(1, "%s: %s", opt->bzimage, error);

	add_chunk(&disk, ADDR_PARAMS, (struct blob){ params, sizeof(params) });
	add_chunk(&disk, ADDR_CMDLINE,
		  (struct blob){ (const uint8_t *)opt->append,
				 strlen(opt->append) + 1 });
	for (unsigned int i = 0; i < kernel.nr_segments; i++)
		add_chunk(&disk, (uint32_t)kernel.segments[i].addr,
			  kernel.segments[i].file);
	add_chunk(&disk, initrd.addr, initrd.file);
	disk.table[disk.nr].addr = kernel.entry;
	write_disk(opt->out, sector, &disk);
}

static unsigned long memory_arg(const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < MIN_MEMORY_MB ||
	    value > MAX_MEMORY_MB)
		errx(EX_BAD_USAGE, "--memory %s: give %d to %d megabytes", text,
		     MIN_MEMORY_MB, MAX_MEMORY_MB);
	return value;
}

static const struct option long_options[] = {
	{ "sector",  required_argument, NULL, 's' },
	{ "vmlinux", required_argument, NULL, 'v' },
	{ "bzimage", required_argument, NULL, 'b' },
	{ "initrd",  required_argument, NULL, 'i' },
	{ "append",  required_argument, NULL, 'a' },
	{ "memory",  required_argument, NULL, 'm' },
	{ "out",     required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 }
};

int main(int argc, char *argv[])
{
	struct options opt = { .append = "", .memory_mb = 512 };
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 's': opt.sector = optarg; break;
		case 'v': opt.vmlinux = optarg; break;
		case 'b': opt.bzimage = optarg; break;
		case 'i': opt.initrd = optarg; break;
		case 'a': opt.append = optarg; break;
		case 'm': opt.memory_mb = memory_arg(optarg); break;
		case 'o': opt.out = optarg; break;
		default: return EX_BAD_USAGE;
		}
	}
	if (optind != argc || !opt.sector || !opt.vmlinux || !opt.bzimage ||
	    !opt.initrd || !opt.out)
		errx(EX_BAD_USAGE,
		     "usage: bootdisk --sector FILE --vmlinux FILE --bzimage FILE --initrd FILE --out FILE [--append ARGS] [--memory MB]");
	make_disk(&opt);
	return 0;
}
