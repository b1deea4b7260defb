/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a kernel's initrd carry KVM modules, and whose? An old initrd loads old
 * modules, whatever lies in /lib/modules.
 */
#ifndef INITRD_H
#define INITRD_H

#include "modfile.h"

/**
 * struct initrd_module - a KVM module in an initrd
 * @name: "kvm", "kvm_intel", "kvm_amd"
 * @path: in the initrd
 * @build_id: hex, "" if it could not be told
 */
struct initrd_module {
	char name[64];
	char path[256];
	char build_id[BUILD_ID_MAX];
};

#define INITRD_MODULES_MAX	8

/**
 * struct initrd - what an initrd holds
 * @path: the file, "" if the kernel has none
 * @known: it could be read; if not, @why says why
 * @modules: @n of them
 */
struct initrd {
	char path[PATH_MAX];
	bool known;
	char why[WHY_MAX];
	struct initrd_module modules[INITRD_MODULES_MAX];
	unsigned int n;
};

/*
 * Looks at /boot/initrd.img-RELEASE (or initramfs-RELEASE.img). What is found is
 * remembered by inode, size and mtime in /var/cache/kvm-fixes/initrd.json; the cache is
 * neither needed nor trusted to be well formed.
 */
void initrd_read(const struct host *host, const char *release, struct initrd *initrd);

/* Its modules as an array of objects. */
struct json_object;
struct json_object *initrd_modules_json(const struct initrd *initrd);

/* The same of bytes in memory, without the cache; for fuzzing. 0 or -errno. */
int initrd_parse(const void *data, size_t size, struct initrd *initrd);

#endif
