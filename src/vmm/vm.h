/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM with its memory and vCPUs. Only vm.c, vcpu.c, run.c, exits.c and
 * kvm.c talk to KVM.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "check.h"

#define VM_MAX_VCPUS	2

/* Comes with an error, EFAULT; not in the headers of every suite that builds this. */
#ifndef KVM_EXIT_MEMORY_FAULT
#define KVM_EXIT_MEMORY_FAULT	39
#endif

/* The slot of the guest's RAM, and the one that a check may add. */
#define SLOT_RAM	0
#define SLOT_EXTRA	1

/* What a vcpu_exit_fn may return besides -1. */
#define VCPU_GO		0
#define VCPU_STOP	1

struct vcpu;

/**
 * typedef vcpu_exit_fn - handles an exit to userspace
 * @vcpu: the vCPU, stopped; vcpu->run says why
 * @arg: the caller's
 *
 * Return: VCPU_GO to run on, VCPU_STOP to end vcpu_run(), -1 after ctx_fail().
 */
typedef int (*vcpu_exit_fn)(struct vcpu *vcpu, void *arg);

/**
 * struct vcpu - a vCPU
 * @vm: its VM
 * @id: its number, from 0
 * @fd: its file descriptor, -1 when there is none
 * @run: the area it shares with the kernel
 * @thread: made by vcpu_start(), waits for vcpu_join()
 * @started: there is such a thread
 * @runner: who is in vcpu_run(), while @running
 * @running: somebody is in vcpu_run(); changes under ctx->lock
 * @stop: vcpu_run() is to end; changes under ctx->lock
 * @kicks: kicks that have been taken, counted by ctx_add()
 * @halted: it sat in hlt at the last kick; only known when the VM has an irqchip;
 *	changes under ctx->lock
 * @on_exit: handler of the thread
 * @arg: for the handler
 * @result: what vcpu_run() gave in the thread
 */
struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
	pthread_t runner;
	bool running;
	bool stop;
	unsigned int kicks;
	bool halted;
	vcpu_exit_fn on_exit;
	void *arg;
	int result;
};

/**
 * struct vm - a VM
 * @ctx: the check it is for
 * @fd: its file descriptor, -1 when there is none
 * @irqchip: it has the kernel's interrupt controllers
 * @ram: GUEST_RAM_SIZE bytes at guest address 0
 * @vcpus: its vCPUs
 * @nvcpus: how many of them
 */
struct vm {
	struct check_ctx *ctx;
	int fd;
	bool irqchip;
	uint8_t *ram;
	struct vcpu vcpus[VM_MAX_VCPUS];
	unsigned int nvcpus;
};

int kvm_open(const char *path, size_t *run_size, char *why, size_t size);

int vm_open(struct vm *vm, struct check_ctx *ctx, const struct guest_image *image,
	    unsigned int nvcpus, bool irqchip);
void vm_close(struct vm *vm);
void vm_kick_locked(struct vm *vm);
int vm_set_slot(struct vm *vm, uint64_t gpa, uint64_t size, void *memory, uint32_t flags);
int vm_dirty_log(struct vm *vm, void *bitmap);
int vm_ioeventfd(struct vm *vm, const struct kvm_ioeventfd *event);
int vm_irqfd(struct vm *vm, int fd, uint32_t flags);

int kicks_init(void);

int vcpu_open(struct vcpu *vcpu, struct vm *vm, unsigned int id);
void vcpu_close(struct vcpu *vcpu);
int vcpu_run(struct vcpu *vcpu, vcpu_exit_fn on_exit, void *arg);
int vcpu_start(struct vcpu *vcpu, vcpu_exit_fn on_exit, void *arg);
int vcpu_join(struct vcpu *vcpu);
void vcpu_stop(struct vcpu *vcpu);
int vcpu_await_halted(struct vcpu *vcpu);
int vcpu_unexpected(struct vcpu *vcpu);
bool vcpu_wrote_port(const struct vcpu *vcpu, uint16_t port, uint32_t *value);

int event_open(struct check_ctx *ctx);
uint64_t event_take(int fd);

#endif
