// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-guest-check: the table of checks. A new check gets its line here.
 */
#include "guest_check.h"

#define FLAT_MODES	(MODE_BIT(GUEST_BIG_REAL) | MODE_BIT(GUEST_LONG))

static const struct check checks[] = {
	{ "pio", "port I/O comes out right, and gets in", ALL_MODES, check_pio },
	{ "mmio", "memory-mapped I/O comes out right, and gets in", ALL_MODES, check_mmio },
	{ "ioeventfd", "eventfds on ports and addresses count exactly what matches", ALL_MODES,
	  check_ioeventfd },
	{ "irqfd", "each event becomes one interrupt that wakes a halted vCPU", ALL_MODES,
	  check_irqfd },
	{ "dirty-log", "the log has exactly the pages that two vCPUs wrote", FLAT_MODES,
	  check_dirty_log },
	{ "memslot-delete", "a memslot goes and comes back under two vCPUs", FLAT_MODES,
	  check_memslot_delete },
	{ "memslot-move", "a memslot moves under two vCPUs", FLAT_MODES, check_memslot_move },
	{ "io-register-race", "eventfds come and go under a vCPU that hits them", ALL_MODES,
	  check_io_register_race },
};

int main(int argc, char *argv[])
{
	return guest_check(argc, argv, checks, sizeof(checks) / sizeof(checks[0]), stdout);
}
