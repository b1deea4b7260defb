/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs scripts in a guest.
 */
#ifndef VMM_PROGRAM_H
#define VMM_PROGRAM_H

#include "script.h"
#include "vm.h"

int program_open(struct vm *vm, struct check_ctx *ctx);
int program_run(struct vm *vm, const struct step *steps, size_t nsteps, const uint8_t *string,
		unsigned int *exits);

#endif
