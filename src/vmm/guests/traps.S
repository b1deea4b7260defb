/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handlers of all exceptions, which no guest here should ever take: tell the VMM
 * and stay there. What it is told lies on the stack.
 */
#include "entry.h"

GUEST_BEGIN(traps)
	vector = 0
	.rept	TRAP_VECTORS
	.balign	TRAP_STUB_SIZE
	push	$vector
	jmp	.Ltell
	vector = vector + 1
	.endr
.Ltell:
	mov	$PORT_TRAP, %edx
	out	%eax, %dx
1:	hlt
	jmp	1b
GUEST_END(traps)
