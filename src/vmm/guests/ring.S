/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers its writes, does them in turn to the cells of two areas (which may be
 * the same one), and counts what the first word of the area reads as.
 */
#include "entry.h"

GUEST_BEGIN(ring)
	mov	MAIL_RING_A(%ebx), %esi
	mov	MAIL_RING_B(%ebx), %edi
	xor	%eax, %eax
1:	inc	%eax
	mov	%eax, MAIL_RING_WRITE(%ebx)
	movzbl	%al, %ecx		/* RING_CELLS is 256 */
	mov	%eax, RING_CELLS_AT(%esi, %ecx, 4)
	mov	(%esi), %edx
	cmp	$RING_SIGN_RAM, %edx
	jne	3f
	incl	MAIL_RING_SEEN_RAM(%ebx)
2:	xchg	%esi, %edi
	cmpl	$0, MAIL_RING_STOP(%ebx)
	je	1b
	mov	$PORT_DONE, %edx
	out	%eax, %dx
	jmp	GUEST_SYM(ring)

3:	cmp	$RING_SIGN_DEVICE, %edx
	jne	4f
	incl	MAIL_RING_SEEN_DEVICE(%ebx)
	jmp	2b
4:	mov	%edx, MAIL_RING_BAD(%ebx)
	mov	$PORT_BAD, %edx
	out	%eax, %dx
	jmp	2b
GUEST_END(ring)
