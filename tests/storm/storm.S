/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Goes round the targets. For each: look at its flag, say that it was seen, write
 * once unless it is to rest, and then count that write under the flag.
 */
#include "guests/entry.h"
#include "storm/layout.h"

	.macro	on code, label
	cmp	$\code, %eax
	je	\label
	.endm

	.macro	does label, insn:vararg
\label:
	mov	TARGET_VALUE(%esi), %eax
	\insn
	jmp	.Lcount
	.endm

GUEST_BEGIN(storm)
	mov	$STORM_TARGETS, %esi
	mov	MAIL_STORM_COUNTS(%ebx), %edi
	mov	MAIL_STORM_TARGETS(%ebx), %ebp
	incl	MAIL_STORM_ROUND(%ebx)
.Lnext:
	mov	TARGET_FLAG(%esi), %ecx
	mov	%ecx, COUNT_SEEN(%edi)
	test	%ecx, %ecx
	jz	.Ladvance
	cmp	$FLAG_FREE, %ecx
	jne	1f
	testl	$(STORM_FREE_EACH - 1), MAIL_STORM_ROUND(%ebx)
	jnz	.Ladvance
1:	mov	TARGET_OP(%esi), %eax
	mov	TARGET_ADDR(%esi), %edx
	on	OP_OUT + 1, .Lout1
	on	OP_OUT + 2, .Lout2
	on	OP_OUT + 4, .Lout4
	on	OP_WRITE + 1, .Lwrite1
	on	OP_WRITE + 2, .Lwrite2
	on	OP_WRITE + 4, .Lwrite4
	mov	$PORT_BAD, %edx
	out	%eax, %dx

	does	.Lout1, out %al, %dx
	does	.Lout2, out %ax, %dx
	does	.Lout4, out %eax, %dx
	does	.Lwrite1, mov %al, (%edx)
	does	.Lwrite2, mov %ax, (%edx)
	does	.Lwrite4, mov %eax, (%edx)

.Lcount:
	incl	COUNT_SEEN(%edi, %ecx, 4)
.Ladvance:
	add	$TARGET_SIZE, %esi
	add	$COUNT_SIZE, %edi
	dec	%ebp
	jnz	.Lnext
	cmpl	$0, MAIL_STORM_STOP(%ebx)
	je	GUEST_SYM(storm)
	mov	$PORT_DONE, %edx
	out	%eax, %dx
	jmp	GUEST_SYM(storm)
GUEST_END(storm)
