// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module's file, compressed or not.
 */
#include "modfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct modfile file;
	char why[WHY_MAX];

	if (modfile_parse(data, size, "/fuzz/kvm.ko", &file, why) == 0)
		modfile_free(&file);
	return 0;
}
