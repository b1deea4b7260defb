/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor, for VMX, with a guest that does a round of what touch.S does. It sets the
 * fields that nested_vmx.c lists.
 */
#include "guests/entry.h"
#include "inner.h"
#include "nested.h"

#define MSR_FEAT_CTL		0x3a
#define FEAT_CTL_LOCKED		0x1
#define FEAT_CTL_VMX		0x4
#define MSR_VMX_BASIC		0x480
#define CR4_VMXE		0x2000

GUEST_BEGIN(vmx)
	mov	$MSR_FEAT_CTL, %ecx
	rdmsr
	test	$FEAT_CTL_LOCKED, %eax
	jnz	1f
	or	$(FEAT_CTL_LOCKED | FEAT_CTL_VMX), %eax
	wrmsr
1:	mov	%cr4, %rax
	or	$CR4_VMXE, %eax
	mov	%rax, %cr4
	mov	$MSR_VMX_BASIC, %ecx
	rdmsr				/* the low half is the revision */
	mov	MAIL_NESTED_OWN(%ebx), %esi
	mov	%eax, (%esi)
	mov	MAIL_NESTED_CONTROL(%ebx), %esi
	mov	%eax, (%esi)
	vmxon	MAIL_NESTED_OWN(%ebx)
	jbe	6f
	vmclear	MAIL_NESTED_CONTROL(%ebx)
	jbe	6f
	vmptrld	MAIL_NESTED_CONTROL(%ebx)
	jbe	6f

	mov	$NESTED_FIELDS, %esi
2:	mov	FIELD_NUMBER(%esi), %ebp
	mov	FIELD_MSR(%esi), %ecx
	mov	FIELD_VALUE(%esi), %rdi
	jecxz	3f
	rdmsr
	or	%eax, %edi
	and	%edx, %edi
3:	vmwrite	%rdi, %rbp
	jbe	6f
	add	$FIELD_SIZE, %esi
	cmpl	$0, FIELD_NUMBER(%esi)
	jne	2b

	mov	$VMCS_HOST_RSP, %ebp
	vmwrite	%rsp, %rbp
	mov	$VMCS_HOST_RIP, %ebp
	mov	$(GUEST_CODE + 5f - GUEST_SYM(vmx)), %edi
	vmwrite	%rdi, %rbp
	mov	$VMCS_GUEST_RIP, %ebp
	mov	$(GUEST_CODE + inner - GUEST_SYM(vmx)), %edi
	vmwrite	%rdi, %rbp
	vmlaunch
	jmp	6f
4:	mov	$VMCS_GUEST_RIP, %ebp
	mov	$(GUEST_CODE + inner - GUEST_SYM(vmx)), %edi
	vmwrite	%rdi, %rbp
	vmresume
	jmp	6f

	/* Its registers are the guest's. */
5:	mov	$VMCS_EXIT_REASON, %ebp
	vmread	%rbp, %rax
	cmp	$VMX_EXIT_VMCALL, %eax
	jne	7f
	ROUND_DONE
	jmp	4b

6:	mov	$VMCS_INSTRUCTION_ERROR, %ebp
	vmread	%rbp, %rax
7:	mov	$PORT_BAD, %edx
	out	%eax, %dx
	jmp	7b

inner:
	INNER_ROUND
	vmcall
	jmp	inner
GUEST_END(vmx)
