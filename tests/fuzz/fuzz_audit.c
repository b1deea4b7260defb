// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two modules, held against each other: the first 4 bytes say how long the first is.
 * Then what is declared, behind both.
 */
#include <stdio.h>
#include <string.h>

#include "audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void report(struct audit *audit)
{
	struct cli cli = { .command = "audit", .out = fopen("/dev/null", "w"), .err = stderr };

	if (!cli.out)
		return;
	audit_print(&cli, audit);
	json_object_put(audit_json(&cli, audit));
	fclose(cli.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct audit audit;
	uint32_t sizes[2];
	char why[WHY_MAX];

	if (size < sizeof(sizes))
		return 0;
	memcpy(sizes, data, sizeof(sizes));
	data += sizeof(sizes);
	size -= sizeof(sizes);
	if (sizes[0] > size || sizes[1] > size - sizes[0])
		return 0;
	memset(&audit, 0, sizeof(audit));
	if (declared_parse((const char *)data + sizes[0] + sizes[1], size - sizes[0] - sizes[1], "report",
			   &audit.declared, why) == 0) {
		audit.n = 1;
		if (audit_bytes(data, sizes[0], data + sizes[0], sizes[1], "/fuzz/kvm.ko",
				&audit.declared, &audit.modules[0], why) == 0)
			report(&audit);
	}
	audited_free(&audit.modules[0]);
	declared_free(&audit.declared);
	return 0;
}
