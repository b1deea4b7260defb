// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module's file, as a whole or just enough of it to tell which one it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modfile_private.h"

static void begin(const char *path, struct modfile *file, char *why)
{
	memset(file, 0, sizeof(*file));
	snprintf(file->path, sizeof(file->path), "%s", path);
	why[0] = '\0';
	elf_version(EV_CURRENT);
}

static int cannot_read(const char *path, int err, char *why)
{
	snprintf(why, WHY_MAX, "%.250s: cannot be read: %s; see that the file is there and run it as root",
		 path, strerror(-err));
	return err;
}

/* Bytes that are not compressed. */
static int parse_plain(const void *data, size_t size, bool whole, struct modfile *file, char *why)
{
	const unsigned char *tail = data;
	size_t elf_size;
	Elf *elf = NULL;
	int err;

	if (size > SIGNATURE_TAIL)
		tail += size - SIGNATURE_TAIL;
	err = modfile_signature(tail, size, file, &elf_size, why);
	if (err)
		return err;
	if (elf_size >= EI_NIDENT)
		elf = elf_memory((char *)data, elf_size);	/* only ever read */
	err = modfile_check_elf(elf, elf_size, file->path, why);
	if (!err)
		err = modfile_read_identity(elf, file, why);
	if (!err && whole)
		err = modfile_read_info(elf, file, why);
	if (!err && whole)
		err = modfile_read_imports(elf, file, why);
	if (!err && whole)
		err = modfile_read_exports(elf, file, why);
	if (whole)
		file->size = size;
	elf_end(elf);
	return err;
}

static int parse(const void *data, size_t size, bool whole, struct modfile *file, char *why)
{
	char *plain = NULL;
	int err = 0;

	if (modfile_packed(data, size)) {
		err = modfile_unpack(data, size, file->path, &plain, &size, why);
		data = plain;
	}
	if (!err)
		err = parse_plain(data, size, whole, file, why);
	free(plain);
	if (err)
		modfile_free(file);
	return err;
}

int modfile_parse(const void *data, size_t size, const char *path, struct modfile *file, char *why)
{
	begin(path, file, why);
	return parse(data, size, true, file, why);
}

int modfile_read(const char *path, struct modfile *file, char *why)
{
	size_t size;
	char *data;
	int err;

	begin(path, file, why);
	err = read_file(path, MODFILE_MAX, &data, &size);
	if (err)
		return cannot_read(path, err, why);
	err = parse(data, size, true, file, why);
	free(data);
	if (!err && file->has_signature)
		modfile_read_signer(file);
	return err;
}

/* Straight from the file; it is not mapped, as someone may cut it short meanwhile. */
static int identify_plain(int fd, size_t size, struct modfile *file, char *why)
{
	size_t tail_size = size < SIGNATURE_TAIL ? size : SIGNATURE_TAIL, elf_size;
	unsigned char tail[SIGNATURE_TAIL] = { 0 };
	Elf *elf;
	int err;

	if (pread(fd, tail, tail_size, (off_t)(size - tail_size)) != (ssize_t)tail_size)
		return modfile_damaged(file->path, "cannot be read to its end", why);
	err = modfile_signature(tail, size, file, &elf_size, why);
	if (err)
		return err;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	err = modfile_check_elf(elf, elf_size, file->path, why);
	if (!err)
		err = modfile_read_identity(elf, file, why);
	elf_end(elf);
	return err;
}

static int identify_packed(const char *path, struct modfile *file, char *why)
{
	size_t size;
	char *data;
	int err;

	err = read_file(path, MODFILE_MAX, &data, &size);
	if (err)
		return cannot_read(path, err, why);
	err = parse(data, size, false, file, why);
	free(data);
	return err;
}

static int check_file(int fd, struct stat *st)
{
	if (fstat(fd, st))
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	return st->st_size > MODFILE_MAX ? -EFBIG : 0;
}

int modfile_identify(const char *path, struct modfile *file, char *why)
{
	unsigned char magic[8] = { 0 };
	struct stat st;
	int err, fd;

	begin(path, file, why);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return cannot_read(path, -errno, why);
	err = check_file(fd, &st);
	if (!err && pread(fd, magic, sizeof(magic), 0) < 0)
		err = -errno;
	if (err)
		cannot_read(path, err, why);
	else if (modfile_packed(magic, sizeof(magic)))
		err = identify_packed(path, file, why);
	else
		err = identify_plain(fd, (size_t)st.st_size, file, why);
	close(fd);
	if (err)
		modfile_free(file);
	return err;
}

void modfile_free(struct modfile *file)
{
	for (char **parm = file->parms; parm && *parm; parm++)
		free(*parm);
	free(file->parms);
	for (size_t i = 0; i < file->n_imports; i++)
		free(file->imports[i].name);
	free(file->imports);
	for (size_t i = 0; i < file->n_exports; i++)
		free(file->exports[i].name);
	free(file->exports);
	memset(file, 0, sizeof(*file));
}
