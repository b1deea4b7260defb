/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Begin and end of a guest program. Each is assembled twice, with GUEST_BITS 16
 * and 64, from the same lines: they use 32-bit registers and addresses only.
 * At entry %ebx is the vCPU's line of mail and %esp its stack.
 */
#ifndef VMM_GUESTS_ENTRY_H
#define VMM_GUESTS_ENTRY_H

#include "layout.h"

#define CAT3_(a, b, c)	a##b##c
#define CAT3(a, b, c)	CAT3_(a, b, c)
#define GUEST_SYM(name)	CAT3(guest_##name, _, GUEST_BITS)

#if GUEST_BITS == 64
#define GUEST_CODE_BITS	.code64
#define GUEST_IRET	iretq
#else
#define GUEST_CODE_BITS	.code16
#define GUEST_IRET	iret
#endif

#define GUEST_LABEL(sym)				\
	.globl sym;					\
sym:

#define GUEST_BEGIN(name)				\
	.section .rodata.guest, "a", @progbits;		\
	GUEST_CODE_BITS;				\
	GUEST_LABEL(GUEST_SYM(name))

#define GUEST_END(name)					\
	GUEST_LABEL(CAT3(guest_##name##_end, _, GUEST_BITS))	\
	.section .note.GNU-stack, "", @progbits

#endif
