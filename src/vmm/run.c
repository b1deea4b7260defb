// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a vCPU, here or in a thread, and kicks it out of the guest.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vm.h"

#define KICK_SIGNAL	SIGUSR1
#define HALT_POLL_US	200

static void on_kick(int sig)
{
	(void)sig;
}

/**
 * kicks_init() - make the signal that kicks vCPUs harmless for the process
 *
 * It is there to end KVM_RUN only, so its handler does nothing and system calls are
 * not restarted.
 *
 * Return: 0 or a negative errno.
 */
int kicks_init(void)
{
	struct sigaction action = { .sa_handler = on_kick };

	sigemptyset(&action.sa_mask);
	return sigaction(KICK_SIGNAL, &action, NULL) ? -errno : 0;
}

static void set_running(struct vcpu *vcpu, bool running)
{
	pthread_mutex_lock(&vcpu->vm->ctx->lock);
	vcpu->runner = pthread_self();
	vcpu->running = running;
	pthread_mutex_unlock(&vcpu->vm->ctx->lock);
}

static bool must_stop(struct vcpu *vcpu)
{
	bool stop;

	pthread_mutex_lock(&vcpu->vm->ctx->lock);
	stop = vcpu->stop || vcpu->vm->ctx->failed;
	pthread_mutex_unlock(&vcpu->vm->ctx->lock);
	return stop;
}

static void take_kick(struct vcpu *vcpu)
{
	struct check_ctx *ctx = vcpu->vm->ctx;
	struct kvm_mp_state state = { 0 };

	/* Cleared before must_stop() looks: a later kick sets it again. */
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	if (vcpu->vm->irqchip && ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) < 0)
		ctx_fail(ctx, "KVM_GET_MP_STATE: %s", strerror(errno));
	pthread_mutex_lock(&ctx->lock);
	vcpu->halted = vcpu->vm->irqchip && state.mp_state == KVM_MP_STATE_HALTED;
	pthread_mutex_unlock(&ctx->lock);
	ctx_add(ctx, &vcpu->kicks);
}

static bool is_halted(struct vcpu *vcpu)
{
	bool halted;

	pthread_mutex_lock(&vcpu->vm->ctx->lock);
	halted = vcpu->halted;
	pthread_mutex_unlock(&vcpu->vm->ctx->lock);
	return halted;
}

/**
 * vcpu_run() - run a vCPU in the calling thread until its handler has enough
 * @vcpu: the vCPU
 * @on_exit: called for each exit to userspace
 * @arg: for the handler
 *
 * Return: 0 when the handler or vcpu_stop() ended it, -1 when the check has failed.
 */
int vcpu_run(struct vcpu *vcpu, vcpu_exit_fn on_exit, void *arg)
{
	struct check_ctx *ctx = vcpu->vm->ctx;
	int ret = VCPU_GO;

	set_running(vcpu, true);
	while (ret == VCPU_GO && !must_stop(vcpu)) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) == 0 ||
		    (errno == EFAULT && vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT))
			ret = on_exit(vcpu, arg);
		else if (errno == EINTR)
			take_kick(vcpu);
		else
			ret = ctx_fail(ctx, "vCPU %u: KVM_RUN: %s", vcpu->id, strerror(errno));
	}
	set_running(vcpu, false);
	return ret < 0 || ctx_failed(ctx) ? -1 : 0;
}

static void *run_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	vcpu->result = vcpu_run(vcpu, vcpu->on_exit, vcpu->arg);
	return NULL;
}

/**
 * vcpu_start() - run a vCPU in a thread of its own
 * @vcpu: the vCPU
 * @on_exit: called in that thread for each exit to userspace
 * @arg: for the handler
 *
 * Return: 0, or -1 after ctx_fail().
 */
int vcpu_start(struct vcpu *vcpu, vcpu_exit_fn on_exit, void *arg)
{
	int error;

	vcpu->on_exit = on_exit;
	vcpu->arg = arg;
	error = pthread_create(&vcpu->thread, NULL, run_thread, vcpu);
	if (error)
		return ctx_fail(vcpu->vm->ctx, "pthread_create: %s", strerror(error));
	vcpu->started = true;
	return 0;
}

/**
 * vcpu_join() - wait for the end of a vCPU's thread, if it has one
 * @vcpu: the vCPU
 *
 * Return: what vcpu_run() gave there; 0 when there was no thread.
 */
int vcpu_join(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return 0;
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
	return vcpu->result;
}

/* Whoever is before KVM_RUN meets immediate_exit, whoever is in it the signal. */
static void kick_locked(struct vcpu *vcpu)
{
	if (!vcpu->running)
		return;
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->runner, KICK_SIGNAL);
}

/**
 * vm_kick_locked() - make all vCPUs leave the guest and look whether they must stop
 * @vm: the VM; its ctx->lock is held
 */
void vm_kick_locked(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nvcpus; i++)
		kick_locked(&vm->vcpus[i]);
}

/**
 * vcpu_stop() - end vcpu_run() wherever the guest is; it cannot run again
 * @vcpu: the vCPU
 */
void vcpu_stop(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->vm->ctx->lock);
	vcpu->stop = true;
	kick_locked(vcpu);
	pthread_mutex_unlock(&vcpu->vm->ctx->lock);
}

/**
 * vcpu_await_halted() - wait until a vCPU sits in a hlt instruction
 * @vcpu: a vCPU that a thread runs, of a VM with an irqchip
 *
 * Return: 0, or -1 when the check has failed meanwhile.
 */
int vcpu_await_halted(struct vcpu *vcpu)
{
	struct check_ctx *ctx = vcpu->vm->ctx;

	for (;;) {
		unsigned int seen;

		pthread_mutex_lock(&ctx->lock);
		seen = vcpu->kicks;
		kick_locked(vcpu);
		pthread_mutex_unlock(&ctx->lock);
		if (ctx_wait(ctx, &vcpu->kicks, seen + 1, "the vCPU to leave the guest"))
			return -1;
		if (is_halted(vcpu))
			return 0;
		ctx_pause(HALT_POLL_US);
	}
}
