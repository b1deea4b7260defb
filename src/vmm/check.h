/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a check is, and what one run of it shares between its threads: the first
 * failure, counters to wait for, and the VM that must be stopped when time is up.
 */
#ifndef VMM_CHECK_H
#define VMM_CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define REASON_SIZE	256
#define DETAIL_SIZE	256

struct vm;

/**
 * struct check_ctx - a check that runs, and after it the next one
 * @kvm: file descriptor of the KVM device
 * @run_size: bytes of a vCPU's shared area (KVM_GET_VCPU_MMAP_SIZE)
 * @loops: how many times the usual amount of work to do
 * @mode: the mode that the guest starts in
 * @vm_type: of its VM, as KVM_CREATE_VM takes it
 * @lock: protects all that follows
 * @cond: broadcast when a counter or @failed changes
 * @vm: the VM whose vCPUs run now, or NULL
 * @failed: something went wrong; everybody is to come to an end
 * @waits_for: what the check's main thread waits for, in words, or NULL
 * @expired: time is up for the whole run, so @failed stays
 * @reason: what went wrong first
 * @detail: what the check has to say when it passes
 */
struct check_ctx {
	int kvm;
	size_t run_size;
	unsigned int loops;
	enum guest_mode mode;
	unsigned long vm_type;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct vm *vm;
	bool failed;
	bool expired;
	const char *waits_for;
	char reason[REASON_SIZE];
	char detail[DETAIL_SIZE];
};

/**
 * struct check - an entry of the table of checks
 * @name: as --only takes it
 * @about: one line for people
 * @modes: bits of the modes it runs in
 * @run: does it, in ctx->mode; returns 0, or -1 after ctx_fail()
 */
struct check {
	const char *name;
	const char *about;
	unsigned int modes;
	int (*run)(struct check_ctx *ctx);
};

int check_pio(struct check_ctx *ctx);
int check_mmio(struct check_ctx *ctx);
int check_ioeventfd(struct check_ctx *ctx);
int check_irqfd(struct check_ctx *ctx);
int check_dirty_log(struct check_ctx *ctx);
int check_memslot_delete(struct check_ctx *ctx);
int check_memslot_move(struct check_ctx *ctx);
int check_io_register_race(struct check_ctx *ctx);

void ctx_init(struct check_ctx *ctx, int kvm, size_t run_size, unsigned int loops);
void ctx_destroy(struct check_ctx *ctx);
int ctx_retry(struct check_ctx *ctx);
void ctx_reset(struct check_ctx *ctx);
bool ctx_expired(struct check_ctx *ctx);
void ctx_expire(struct check_ctx *ctx, unsigned int seconds);
int ctx_fail(struct check_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool ctx_failed(struct check_ctx *ctx);
void ctx_note(struct check_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ctx_add(struct check_ctx *ctx, unsigned int *counter);
int ctx_wait(struct check_ctx *ctx, const unsigned int *counter, unsigned int at_least,
	     const char *what);
int ctx_poll(struct check_ctx *ctx, const uint32_t *word, uint32_t from, uint32_t by,
	     const char *what);
void ctx_pause(unsigned int microseconds);

#endif
