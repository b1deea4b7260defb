/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Increments one word in each of a set of pages, round after round until told to
 * stop, and counts the rounds.
 */
#include "entry.h"

GUEST_BEGIN(touch)
	mov	MAIL_TOUCH_STRIDE(%ebx), %edi
1:	mov	MAIL_TOUCH_FIRST(%ebx), %esi
	mov	MAIL_TOUCH_COUNT(%ebx), %ebp
2:	lock incl (%esi)
	add	%edi, %esi
	dec	%ebp
	jnz	2b
	incl	MAIL_TOUCH_ROUNDS(%ebx)
	cmpl	$0, MAIL_TOUCH_STOP(%ebx)
	je	1b
	mov	$PORT_DONE, %edx
	out	%eax, %dx
	jmp	GUEST_SYM(touch)
GUEST_END(touch)
