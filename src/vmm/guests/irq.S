/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Halts, and after each wake-up tells how many interrupts it has taken.
 */
#include "entry.h"

	.macro	outb value, port
	mov	$\value, %al
	out	%al, $\port
	.endm

GUEST_BEGIN(irq)
	cli
	outb	0x11, 0x20		/* edge triggered, cascaded, ICW4 follows */
	outb	GUEST_VECTOR_BASE, 0x21
	outb	0x04, 0x21
	outb	0x01, 0x21
	outb	(0xff & ~(1 << GUEST_IRQ)), 0x21
1:	cli
	mov	MAIL_IRQS(%ebx), %eax
	mov	$PORT_REPORT, %edx
	out	%eax, %dx
	sti
	hlt				/* nothing fits between sti and hlt */
	jmp	1b

GUEST_LABEL(GUEST_SYM(irq_isr))
	incl	MAIL_IRQS(%ebx)
	outb	0x20, 0x20		/* end of interrupt */
	GUEST_IRET
GUEST_END(irq)
