// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM modules in an initrd: uncompressed archives first, then at most one
 * compressed one, as the kernel itself goes through them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "initrd_parts.h"
#include "json.h"

int bytes_read(const struct bytes *bytes, uint64_t offset, void *to, size_t n)
{
	size_t done = 0;

	if (offset > bytes->size || n > bytes->size - offset)
		return -EIO;
	if (bytes->fd < 0) {
		memcpy(to, bytes->data + offset, n);
		return 0;
	}
	while (done < n) {
		ssize_t got = pread(bytes->fd, (char *)to + done, n - done,
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		done += (size_t)got;
	}
	return 0;
}

bool initrd_wants(const char *path, char *name)
{
	static const char * const names[] = { "kvm", "kvm-intel", "kvm-amd", "kvm_intel", "kvm_amd" };
	static const char * const ends[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t length = strlen(names[i]);

		if (strncmp(file, names[i], length) != 0)
			continue;
		for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
			if (strcmp(file + length, ends[j]) != 0)
				continue;
			snprintf(name, 64, "%s", names[i]);
			if (strlen(name) > 3)
				name[3] = '_';
			return true;
		}
	}
	return false;
}

/* Of a module as it lay in the initrd, packed or not. */
static void find_build_id(const char *path, const void *data, size_t n, char *build_id)
{
	struct modfile *file = calloc(1, sizeof(*file));
	char why[WHY_MAX];

	if (file && modfile_parse(data, n, path, file, why) == 0) {
		snprintf(build_id, BUILD_ID_MAX, "%s", file->build_id);
		modfile_free(file);
	}
	free(file);
}

void initrd_found(struct initrd *initrd, const char *path, const char *name, const void *data,
		  size_t n)
{
	struct initrd_module *module = &initrd->modules[initrd->n];

	if (initrd->n == INITRD_MODULES_MAX)
		return;
	memset(module, 0, sizeof(*module));
	snprintf(module->name, sizeof(module->name), "%s", name);
	snprintf(module->path, sizeof(module->path), "%s", path);
	text_printable(module->path);
	find_build_id(path, data, n, module->build_id);
	initrd->n++;
}

static int walk(const struct bytes *bytes, struct initrd *initrd)
{
	uint64_t offset;
	int err = cpio_walk(bytes, &offset, initrd);

	if (!err && offset < bytes->size)
		err = packed_walk(bytes, offset, initrd);
	initrd->known = !err;
	return err;
}

int initrd_parse(const void *data, size_t size, struct initrd *initrd)
{
	struct bytes bytes = { .fd = -1, .data = data, .size = size };

	memset(initrd, 0, sizeof(*initrd));
	return walk(&bytes, initrd);
}

static int open_initrd(const struct host *host, const char *release, struct initrd *initrd)
{
	static const char * const forms[] = { "/boot/initrd.img-", "/boot/initramfs-" };
	static const char * const ends[] = { "", ".img" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *path = host_path(host, "%s%s%s", forms[i], release, ends[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0 && errno == ENOENT)
			continue;
		snprintf(initrd->path, sizeof(initrd->path), "%s", path);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

void initrd_read(const struct host *host, const char *release, struct initrd *initrd)
{
	struct bytes bytes = { 0 };
	struct stat st;

	memset(initrd, 0, sizeof(*initrd));
	bytes.fd = open_initrd(host, release, initrd);
	if (bytes.fd == -ENOENT) {
		initrd->known = true;
		return;
	}
	if (bytes.fd < 0 || fstat(bytes.fd, &st) || !S_ISREG(st.st_mode)) {
		snprintf(initrd->why, sizeof(initrd->why), "%.256s: cannot be read (%s)",
			 initrd->path, bytes.fd < 0 ? strerror(-bytes.fd) : "no file");
	} else if (!initrd_recall(host, &st, initrd)) {
		bytes.size = (uint64_t)st.st_size;
		if (walk(&bytes, initrd) == 0)
			initrd_remember(host, &st, initrd);
	}
	if (bytes.fd >= 0)
		close(bytes.fd);
}
