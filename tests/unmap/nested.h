/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where hypervisor.S and nested.c have things: behind touch.S's mail, and in a VMCB
 * (AMD64 Architecture Programmer's Manual, volume 2, appendix B).
 */
#ifndef UNMAP_NESTED_H
#define UNMAP_NESTED_H

#define MAIL_NESTED_VMCB	20
#define MAIL_NESTED_HSAVE	24

#define VMCB_INTERCEPTS		0x010
#define VMCB_ASID		0x058
#define VMCB_EXITCODE		0x070
#define VMCB_NP_ENABLE		0x090
#define VMCB_NCR3		0x0b0
#define VMCB_ES			0x400
#define VMCB_CS			0x410
#define VMCB_SS			0x420
#define VMCB_DS			0x430
#define VMCB_EFER		0x4d0
#define VMCB_CR4		0x548
#define VMCB_CR3		0x550
#define VMCB_CR0		0x558
#define VMCB_RFLAGS		0x570
#define VMCB_RIP		0x578
#define VMCB_PAT		0x668

#define VMEXIT_VMMCALL		0x81

#endif
