// SPDX-License-Identifier: GPL-2.0-only
/*
 * Initrds: our own walk through cpio, the modules in it, and what libarchive makes
 * of the rest.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "initrd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct initrd initrd;
	int err = initrd_parse(data, size, &initrd);

	if (initrd.known != !err || initrd.n > INITRD_MODULES_MAX || (err && !*initrd.why))
		abort();
	for (unsigned int i = 0; i < initrd.n; i++) {
		const char *id = initrd.modules[i].build_id;

		if (id[strspn(id, "0123456789abcdef")])
			abort();
	}
	return 0;
}
