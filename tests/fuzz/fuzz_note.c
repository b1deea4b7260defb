// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF notes, as /sys/module/NAME/notes shows them.
 */
#include "modfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char build_id[BUILD_ID_MAX];
	struct stamp stamp;

	note_build_id(data, size, build_id);
	note_stamp(data, size, &stamp);
	return 0;
}
