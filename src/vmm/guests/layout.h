/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things lie in a guest, for the guests (assembler) and the VMM (C).
 *
 * All but the dirty-log area lies below 64 KiB, so that one guest program runs
 * unchanged in real mode, in real mode with 4 GiB segments and in long mode.
 */
#ifndef VMM_GUESTS_LAYOUT_H
#define VMM_GUESTS_LAYOUT_H

/* Slot 0: RAM of every guest. The real-mode vectors are at 0. */
#define GUEST_GDT		0x0600
#define GUEST_IDT		0x0800
#define GUEST_CODE		0x1000
#define GUEST_CODE_SIZE		0x0e00
#define GUEST_TRAPS		0x1e00
#define GUEST_TRAPS_SIZE	0x0200
#define GUEST_MAIL		0x2000	/* one line of mail for each vCPU */
#define GUEST_MAIL_LINE		64
#define GUEST_OPS		0x3000
#define GUEST_OPS_MAX		256
#define GUEST_RESULTS		0x4000	/* 8 bytes an op */
#define GUEST_STRING		0x5000
#define GUEST_STRING_SIZE	0x1000
#define GUEST_PML4		0x8000
#define GUEST_PDPT		0x9000
#define GUEST_PD		0xa000
#define GUEST_STACKS		0xc000	/* down from here */
#define GUEST_STACK_SIZE	0x400
#define GUEST_RAM_SIZE		0xc000

/* What lies above it: slots of single checks, and addresses that are never RAM. */
#define GUEST_SLOT		0xc000
#define GUEST_SLOT_MOVED	0xd000
#define GUEST_SLOT_SIZE		0x1000
#define GUEST_MMIO		0xe000
#define GUEST_DIRTY		0x200000
#define GUEST_DIRTY_PAGES	256
#define GUEST_MAPPED_2M		4

/* Ports by which a guest talks to the VMM. */
#define PORT_DONE		0x510
#define PORT_REPORT		0x514
#define PORT_BAD		0x518
#define PORT_TRAP		0x51c

/* traps.S: one stub for each exception. */
#define TRAP_VECTORS		32
#define TRAP_STUB_SIZE		4

/* Interrupt line and its vector. */
#define GUEST_IRQ		5
#define GUEST_VECTOR_BASE	0x20
#define GUEST_VECTOR		(GUEST_VECTOR_BASE + GUEST_IRQ)

/* Selectors in the GDT. */
#define GUEST_CS		8
#define GUEST_DS		16

/* ops.S: what an op does, or'ed with the width of the access in bytes. */
#define OP_END			0x00
#define OP_OUT			0x10
#define OP_IN			0x20
#define OP_WRITE		0x30
#define OP_READ			0x40
#define OP_OUTS			0x50
#define OP_INS			0x60
#define OP_CODE			0
#define OP_REPEAT		2
#define OP_ADDR			4
#define OP_VALUE		8
#define OP_SIZE			16

/* irq.S: mail */
#define MAIL_IRQS		0	/* interrupts taken */

/* touch.S: mail */
#define MAIL_TOUCH_FIRST	0
#define MAIL_TOUCH_STRIDE	4
#define MAIL_TOUCH_COUNT	8
#define MAIL_TOUCH_STOP		12
#define MAIL_TOUCH_ROUNDS	16	/* done */

/* ring.S: mail, and the area of one vCPU in the slot */
#define MAIL_RING_A		0
#define MAIL_RING_B		4
#define MAIL_RING_STOP		8
#define MAIL_RING_WRITE		12	/* number of the write being done */
#define MAIL_RING_SEEN_RAM	16
#define MAIL_RING_SEEN_DEVICE	20
#define MAIL_RING_BAD		24
#define RING_AREA		2048
#define RING_CELLS_AT		1024	/* in the area; its first word is the sign */
#define RING_CELLS		256
#define RING_SIGN_RAM		0x600d600d
#define RING_SIGN_DEVICE	0x0dec1ced

/* hammer.S: mail */
#define MAIL_HAMMER_FLAG	0	/* not 0: the change is made */
#define MAIL_HAMMER_MMIO	4
#define MAIL_HAMMER_ADDR	8
#define MAIL_HAMMER_TAIL	12	/* writes after the flag was seen */
#define MAIL_HAMMER_COUNT	16	/* writes done */
#define MAIL_HAMMER_SEEN	20	/* writes done when the flag was seen */

#endif
