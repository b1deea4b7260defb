/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor, for SVM, with a guest that does a round of what touch.S does. Its control
 * block was filled in by nested.c.
 */
#include "guests/entry.h"
#include "nested.h"

#define MSR_EFER	0xc0000080
#define EFER_SVME	0x1000
#define MSR_VM_HSAVE_PA	0xc0010117

GUEST_BEGIN(nested)
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_SVME, %eax
	wrmsr
	mov	$MSR_VM_HSAVE_PA, %ecx
	mov	MAIL_NESTED_HSAVE(%ebx), %eax
	xor	%edx, %edx
	wrmsr
1:	mov	MAIL_NESTED_VMCB(%ebx), %eax
	movl	$(GUEST_CODE + inner - GUEST_SYM(nested)), VMCB_RIP(%eax)
	vmrun
	stgi
	cmpl	$VMEXIT_VMMCALL, VMCB_EXITCODE(%eax)
	jne	3f
	incl	MAIL_TOUCH_ROUNDS(%ebx)
	cmpl	$0, MAIL_TOUCH_STOP(%ebx)
	je	1b
	mov	$PORT_DONE, %edx
	out	%eax, %dx
	jmp	1b
3:	mov	VMCB_EXITCODE(%eax), %eax
	mov	$PORT_BAD, %edx
	out	%eax, %dx
	jmp	3b

inner:
	mov	MAIL_TOUCH_STRIDE(%ebx), %edi
	mov	MAIL_TOUCH_FIRST(%ebx), %esi
	mov	MAIL_TOUCH_COUNT(%ebx), %ebp
2:	lock incl (%esi)
	add	%edi, %esi
	dec	%ebp
	jnz	2b
	vmmcall
	jmp	inner
GUEST_END(nested)
