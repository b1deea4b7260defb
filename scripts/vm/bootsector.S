/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot sector of the disk that bootdisk lays out.
 *
 * It reads the chunks listed in the disk's second sector to where they belong,
 * by PIO from the primary ATA master, and enters the uncompressed kernel at its
 * 64-bit entry point: %rsi = boot_params, memory below 4 GiB mapped one to one.
 * No BIOS call is made: memory above 1 MiB is written from 32-bit mode.
 */
#include "bootdisk.h"

#define SEL_CODE32	0x08
#define SEL_CODE64	0x10
#define SEL_DATA	0x18

#define ATA_DATA	0x1f0
#define ATA_COUNT	0x1f2
#define ATA_STATUS	0x1f7
#define ATA_CONTROL	0x3f6
#define ATA_NO_IRQ	0x02
#define ATA_LBA		0xe0
#define ATA_READ	0x20
#define ATA_BUSY	0x80
#define ATA_FAULT	0x21		/* DF and ERR */
#define ATA_DRQ		0x08

#define COM1		0x3f8
#define COM1_STATUS	0x3fd
#define COM1_THRE	0x20
#define PAGE_RW		0x003
#define PAGE_RW_2M	0x083
#define CR0_PE		0x01
#define CR0_PG_BIT	31
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_LME_BIT	8

	.code16
	.globl	_start
_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	inb	$0x92, %al		/* A20 */
	orb	$0x02, %al
	andb	$0xfe, %al
	outb	%al, $0x92
	lgdtw	gdtr
	movl	%cr0, %eax
	orb	$CR0_PE, %al
	movl	%eax, %cr0
	ljmpw	$SEL_CODE32, $start32

	.code32
start32:
	movw	$SEL_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$ADDR_SECTOR, %esp
	movw	$ATA_CONTROL, %dx
	movb	$ATA_NO_IRQ, %al
	outb	%al, %dx

	movl	$1, %ebx
	movl	$1, %ebp
	movl	$ADDR_TABLE, %edi
	call	read_disk
	movl	$ADDR_TABLE, %esi
next_chunk:
	movl	0(%esi), %ebx
	movl	4(%esi), %ebp
	movl	8(%esi), %edi
	addl	$12, %esi
	testl	%ebp, %ebp
	jz	enter_kernel
	pushl	%esi
	call	read_disk
	popl	%esi
	jmp	next_chunk

/* read_disk - %ebp sectors from LBA %ebx to %edi; spoils %eax %ecx %edx %esi */
read_disk:
	movl	$256, %esi		/* at most, for one command */
	cmpl	%esi, %ebp
	cmovbl	%ebp, %esi
	movw	$ATA_COUNT, %dx
	movl	%esi, %eax
	outb	%al, %dx		/* 256 is written as 0 */
	incl	%edx
	movl	%ebx, %eax
	outb	%al, %dx
	incl	%edx
	movb	%ah, %al
	outb	%al, %dx
	incl	%edx
	shrl	$16, %eax
	outb	%al, %dx
	incl	%edx
	movb	%ah, %al
	orb	$ATA_LBA, %al
	outb	%al, %dx
	incl	%edx
	movb	$ATA_READ, %al
	outb	%al, %dx
	addl	%esi, %ebx
	subl	%esi, %ebp
1:	movw	$ATA_STATUS, %dx
2:	inb	%dx, %al
	testb	$ATA_BUSY, %al
	jnz	2b
	testb	$ATA_FAULT, %al
	jnz	disk_error
	testb	$ATA_DRQ, %al
	jz	2b
	movl	$(SECTOR_SIZE / 2), %ecx
	movw	$ATA_DATA, %dx
	rep insw
	decl	%esi
	jnz	1b
	testl	%ebp, %ebp
	jnz	read_disk
	ret

disk_error:
	movl	$disk_message, %esi
3:	movw	$COM1_STATUS, %dx
	inb	%dx, %al
	testb	$COM1_THRE, %al
	jz	3b
	lodsb
	testb	%al, %al
	jz	halt
	movw	$COM1, %dx
	outb	%al, %dx
	jmp	3b
halt:	hlt
	jmp	halt
disk_message:
	.asciz	"boot sector: disk read error\n"

/* %edi is the address word of the table's last entry: where to go. */
enter_kernel:
	movl	%edi, %ebp
	movl	$ADDR_PGTABLES, %edi
	movl	$(6 * 4096 / 4), %ecx
	xorl	%eax, %eax
	rep stosl
	movl	$(ADDR_PGTABLES + 0x1000 + PAGE_RW), ADDR_PGTABLES
	movl	$(ADDR_PGTABLES + 0x2000 + PAGE_RW), %eax
	movl	$(ADDR_PGTABLES + 0x1000), %edi
	movl	$4, %ecx
4:	movl	%eax, (%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	loop	4b
	movl	$PAGE_RW_2M, %eax
	movl	$(ADDR_PGTABLES + 0x2000), %edi
	movl	$2048, %ecx
5:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	5b

	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$ADDR_PGTABLES, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	btsl	$EFER_LME_BIT, %eax
	wrmsr
	movl	%cr0, %eax
	btsl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE64, $start64

	.code64
start64:
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$ADDR_PARAMS, %esi
	movl	%ebp, %ebp		/* clears the upper half */
	jmp	*%rbp

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 32-bit code */
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data */
gdtr:	.word	gdtr - gdt - 1
	.long	gdt

	.org	SECTOR_SIZE - 2
	.word	0xaa55
