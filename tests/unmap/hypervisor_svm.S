/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor, for SVM, with a guest that does a round of what touch.S does. Its control
 * block was filled in by nested_svm.c.
 */
#include "guests/entry.h"
#include "inner.h"
#include "nested.h"

#define MSR_EFER	0xc0000080
#define EFER_SVME	0x1000
#define MSR_VM_HSAVE_PA	0xc0010117

GUEST_BEGIN(svm)
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_SVME, %eax
	wrmsr
	mov	$MSR_VM_HSAVE_PA, %ecx
	mov	MAIL_NESTED_OWN(%ebx), %eax
	xor	%edx, %edx
	wrmsr
1:	mov	MAIL_NESTED_CONTROL(%ebx), %eax
	movl	$(GUEST_CODE + inner - GUEST_SYM(svm)), VMCB_RIP(%eax)
	vmrun
	stgi
	mov	VMCB_EXITCODE(%eax), %eax
	cmp	$SVM_EXIT_VMMCALL, %eax
	jne	2f
	ROUND_DONE
	jmp	1b
2:	mov	$PORT_BAD, %edx
	out	%eax, %dx
	jmp	2b

inner:
	INNER_ROUND
	vmmcall
	jmp	inner
GUEST_END(svm)
