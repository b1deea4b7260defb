/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes 1, 2, 3... to one port or address until a flag in memory is up, and
 * then a given number more.
 */
#include "entry.h"

	.macro	hammer insn:vararg
1:	cmpl	$0, MAIL_HAMMER_FLAG(%ebx)
	jne	2f
	inc	%eax
	\insn
	mov	%eax, MAIL_HAMMER_COUNT(%ebx)
	jmp	1b
2:	mov	%eax, MAIL_HAMMER_SEEN(%ebx)
3:	inc	%eax
	\insn
	mov	%eax, MAIL_HAMMER_COUNT(%ebx)
	dec	%ecx
	jnz	3b
	jmp	.Ldone
	.endm

GUEST_BEGIN(hammer)
	mov	MAIL_HAMMER_ADDR(%ebx), %edx
	mov	MAIL_HAMMER_TAIL(%ebx), %ecx
	xor	%eax, %eax
	cmpl	$0, MAIL_HAMMER_MMIO(%ebx)
	jne	.Lmmio
	hammer	out %eax, %dx
.Lmmio:
	hammer	mov %eax, (%edx)
.Ldone:
	mov	$PORT_DONE, %edx
	out	%eax, %dx
	jmp	GUEST_SYM(hammer)
GUEST_END(hammer)
