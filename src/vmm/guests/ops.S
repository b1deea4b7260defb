/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the accesses of a table, says so, and begins again.
 */
#include "entry.h"

	.macro	on code, label
	cmp	$\code, %eax
	je	\label
	.endm

GUEST_BEGIN(ops)
	cld
	mov	$GUEST_OPS, %ebx
	mov	$GUEST_RESULTS, %ebp
.Lnext:
	movzwl	OP_CODE(%ebx), %eax
	movzwl	OP_REPEAT(%ebx), %ecx
	mov	OP_ADDR(%ebx), %edx
	mov	$GUEST_STRING, %esi
	mov	$GUEST_STRING, %edi
	on	OP_END, .Lend
	on	OP_OUT + 1, .Lout1
	on	OP_OUT + 2, .Lout2
	on	OP_OUT + 4, .Lout4
	on	OP_IN + 1, .Lin1
	on	OP_IN + 2, .Lin2
	on	OP_IN + 4, .Lin4
	on	OP_WRITE + 1, .Lwrite1
	on	OP_WRITE + 2, .Lwrite2
	on	OP_WRITE + 4, .Lwrite4
	on	OP_READ + 1, .Lread1
	on	OP_READ + 2, .Lread2
	on	OP_READ + 4, .Lread4
	on	OP_OUTS + 1, .Louts1
	on	OP_OUTS + 2, .Louts2
	on	OP_OUTS + 4, .Louts4
	on	OP_INS + 1, .Lins1
	on	OP_INS + 2, .Lins2
	on	OP_INS + 4, .Lins4
#if GUEST_BITS == 64
	on	OP_WRITE + 8, .Lwrite8
	on	OP_READ + 8, .Lread8
#endif
	mov	$PORT_BAD, %edx
	out	%eax, %dx

.Lend:
	mov	$PORT_DONE, %edx
	out	%eax, %dx
	jmp	GUEST_SYM(ops)

	/* Store what was read, and go on with the next op. */
.Lresult:
	mov	%eax, (%ebp)
.Ladvance:
	add	$8, %ebp
	add	$OP_SIZE, %ebx
	jmp	.Lnext

	/* One access as often as the op says. */
	.macro	repeated label, insn:vararg
\label:
	mov	OP_VALUE(%ebx), %eax
1:	\insn
	dec	%ecx
	jnz	1b
	jmp	.Ladvance
	.endm

	repeated .Lout1, out %al, %dx
	repeated .Lout2, out %ax, %dx
	repeated .Lout4, out %eax, %dx
	repeated .Lwrite1, mov %al, (%edx)
	repeated .Lwrite2, mov %ax, (%edx)
	repeated .Lwrite4, mov %eax, (%edx)

	.macro	string label, insn:vararg
\label:
	\insn
	jmp	.Ladvance
	.endm

	string	.Louts1, rep outsb
	string	.Louts2, rep outsw
	string	.Louts4, rep outsl
	string	.Lins1, rep insb
	string	.Lins2, rep insw
	string	.Lins4, rep insl

	/* The same for reads; what a narrow one leaves of %eax is 0. */
	.macro	reading label, insn:vararg
\label:
	xor	%eax, %eax
1:	\insn
	dec	%ecx
	jnz	1b
	jmp	.Lresult
	.endm

	reading	.Lin1, in %dx, %al
	reading	.Lin2, in %dx, %ax
	reading	.Lin4, in %dx, %eax
	reading	.Lread1, mov (%edx), %al
	reading	.Lread2, mov (%edx), %ax
	reading	.Lread4, mov (%edx), %eax

#if GUEST_BITS == 64
.Lwrite8:
	mov	OP_VALUE(%ebx), %rax
1:	mov	%rax, (%edx)
	dec	%ecx
	jnz	1b
	jmp	.Ladvance
.Lread8:
	mov	(%edx), %rax
	dec	%ecx
	jnz	.Lread8
	mov	%rax, (%ebp)
	jmp	.Ladvance
#endif
GUEST_END(ops)
