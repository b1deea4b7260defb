/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hypervisors share: a round of their guest's, and what they do after it.
 */
#ifndef UNMAP_INNER_H
#define UNMAP_INNER_H

/* What touch.S does in a round; %ebx has stayed the hypervisor's. */
.macro INNER_ROUND
	mov	MAIL_TOUCH_STRIDE(%ebx), %edi
	mov	MAIL_TOUCH_FIRST(%ebx), %esi
	mov	MAIL_TOUCH_COUNT(%ebx), %ebp
8:	lock incl (%esi)
	add	%edi, %esi
	dec	%ebp
	jnz	8b
.endm

.macro ROUND_DONE
	incl	MAIL_TOUCH_ROUNDS(%ebx)
	cmpl	$0, MAIL_TOUCH_STOP(%ebx)
	je	9f
	mov	$PORT_DONE, %edx
	out	%eax, %dx
9:
.endm

#endif
