// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the threads of a check share. No wait in here has a time limit of its own:
 * the watchdog fails the check when time is up, and a failure ends every wait.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "vm.h"

#define POLL_US	200

/**
 * ctx_init() - prepare for a first check
 * @ctx: what to prepare
 * @kvm: file descriptor of the KVM device, which stays the caller's
 * @run_size: bytes of a vCPU's shared area
 * @loops: amount of work, 1 or more
 */
void ctx_init(struct check_ctx *ctx, int kvm, size_t run_size, unsigned int loops)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->kvm = kvm;
	ctx->run_size = run_size;
	ctx->loops = loops;
	pthread_mutex_init(&ctx->lock, NULL);
	pthread_cond_init(&ctx->cond, NULL);
}

/**
 * ctx_destroy() - the counterpart of ctx_init()
 * @ctx: what no thread uses any more
 */
void ctx_destroy(struct check_ctx *ctx)
{
	pthread_cond_destroy(&ctx->cond);
	pthread_mutex_destroy(&ctx->lock);
}

/**
 * ctx_retry() - take a failure back, for another try at the same thing
 * @ctx: what no thread of the failed try uses any more
 *
 * Once time is up the failure stays.
 *
 * Return: 0, or -1 when time is up.
 */
int ctx_retry(struct check_ctx *ctx)
{
	bool failed;

	pthread_mutex_lock(&ctx->lock);
	failed = ctx->expired;
	ctx->failed = failed;
	if (!failed)
		ctx->reason[0] = '\0';
	pthread_mutex_unlock(&ctx->lock);
	return failed ? -1 : 0;
}

/**
 * ctx_reset() - get ready for the next check
 * @ctx: what no check uses now
 *
 * Once time is up the failure stays.
 */
void ctx_reset(struct check_ctx *ctx)
{
	ctx_retry(ctx);
	ctx->detail[0] = '\0';
}

/* Keep the reason if it is the first, end all waits, stop the vCPUs. */
static void __attribute__((format(printf, 2, 0)))
fail_locked(struct check_ctx *ctx, const char *fmt, va_list ap)
{
	if (!ctx->failed)
		vsnprintf(ctx->reason, sizeof(ctx->reason), fmt, ap);
	ctx->failed = true;
	if (ctx->vm)
		vm_kick_locked(ctx->vm);
	pthread_cond_broadcast(&ctx->cond);
}

/**
 * ctx_fail() - the check has failed: keep the first reason, end all waits, stop the vCPUs
 * @ctx: the check
 * @fmt: the reason, with the numbers expected and seen
 *
 * Return: -1, always, so that it can be returned.
 */
int ctx_fail(struct check_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pthread_mutex_lock(&ctx->lock);
	fail_locked(ctx, fmt, ap);
	pthread_mutex_unlock(&ctx->lock);
	va_end(ap);
	return -1;
}

/**
 * ctx_expire() - time is up: fail the check that runs and all that would follow
 * @ctx: the check
 * @seconds: the time there was, for the reason
 */
void ctx_expire(struct check_ctx *ctx, unsigned int seconds)
{
	const char *waits_for;

	pthread_mutex_lock(&ctx->lock);
	ctx->expired = true;
	waits_for = ctx->waits_for ? ctx->waits_for : "the guest to go on";
	pthread_mutex_unlock(&ctx->lock);
	ctx_fail(ctx, "still waits for %s after the %u s that the whole run may take", waits_for,
		 seconds);
}

/**
 * ctx_expired() - is time up?
 * @ctx: the check
 *
 * Return: true from ctx_expire() on.
 */
bool ctx_expired(struct check_ctx *ctx)
{
	bool expired;

	pthread_mutex_lock(&ctx->lock);
	expired = ctx->expired;
	pthread_mutex_unlock(&ctx->lock);
	return expired;
}

/**
 * ctx_failed() - has the check failed?
 * @ctx: the check
 *
 * Return: true from the first ctx_fail() on.
 */
bool ctx_failed(struct check_ctx *ctx)
{
	bool failed;

	pthread_mutex_lock(&ctx->lock);
	failed = ctx->failed;
	pthread_mutex_unlock(&ctx->lock);
	return failed;
}

/**
 * ctx_note() - add to what the check says when it passes, with the guest's mode in front
 * @ctx: the check
 * @fmt: a few words; what does not fit is cut off
 */
void ctx_note(struct check_ctx *ctx, const char *fmt, ...)
{
	size_t used = strlen(ctx->detail);
	char words[DETAIL_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	snprintf(ctx->detail + used, sizeof(ctx->detail) - used, "%s%s: %s", used ? "; " : "",
		 guest_mode_names[ctx->mode], words);
}

/**
 * ctx_add() - count one up, for ctx_wait()
 * @ctx: the check
 * @counter: what to count
 */
void ctx_add(struct check_ctx *ctx, unsigned int *counter)
{
	pthread_mutex_lock(&ctx->lock);
	(*counter)++;
	pthread_cond_broadcast(&ctx->cond);
	pthread_mutex_unlock(&ctx->lock);
}

static void set_waits_for(struct check_ctx *ctx, const char *what)
{
	pthread_mutex_lock(&ctx->lock);
	ctx->waits_for = what;
	pthread_mutex_unlock(&ctx->lock);
}

/**
 * ctx_wait() - sleep until a counter is high enough
 * @ctx: the check
 * @counter: something that ctx_add() counts
 * @at_least: the value to wait for
 * @what: what that is, in words
 *
 * Return: 0, or -1 when the check has failed meanwhile.
 */
int ctx_wait(struct check_ctx *ctx, const unsigned int *counter, unsigned int at_least,
	     const char *what)
{
	bool failed;

	pthread_mutex_lock(&ctx->lock);
	ctx->waits_for = what;
	while (!ctx->failed && *counter < at_least)
		pthread_cond_wait(&ctx->cond, &ctx->lock);
	ctx->waits_for = NULL;
	failed = ctx->failed;
	pthread_mutex_unlock(&ctx->lock);
	return failed ? -1 : 0;
}

/**
 * ctx_poll() - wait until the guest has advanced a word of its memory
 * @ctx: the check
 * @word: the word; it may wrap around
 * @from: the value that the advance counts from
 * @by: how far it has to be from there
 * @what: what that is, in words
 *
 * Sleeps between the looks: the guest may share its only CPU with this thread.
 *
 * Return: 0, or -1 when the check has failed meanwhile.
 */
int ctx_poll(struct check_ctx *ctx, const uint32_t *word, uint32_t from, uint32_t by,
	     const char *what)
{
	int ret = 0;

	set_waits_for(ctx, what);
	while (ret == 0 && __atomic_load_n(word, __ATOMIC_ACQUIRE) - from < by) {
		if (ctx_failed(ctx))
			ret = -1;
		else
			ctx_pause(POLL_US);
	}
	set_waits_for(ctx, NULL);
	return ret;
}

/**
 * ctx_pause() - let others run
 * @microseconds: for how long, less than a second
 */
void ctx_pause(unsigned int microseconds)
{
	struct timespec ts = { .tv_nsec = microseconds * 1000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}
