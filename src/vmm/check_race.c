// SPDX-License-Identifier: GPL-2.0-only
/*
 * io-register-race: an ioeventfd comes to, or goes from, an address that a vCPU writes
 * to without a pause. When the ioctl is back the guest is told by a flag in its memory;
 * from the write after that on, none may go the old way.
 */
#include <string.h>
#include <unistd.h>

#include "tally.h"
#include "vm.h"

#define ROUNDS		2
#define TAIL		50	/* writes after the flag */
#define BEFORE		10	/* writes before the change */
#define DECOYS		1
#define DECOY_STEP	8
#define PORT		0x640
#define ADDR		(GUEST_MMIO + 0x80)

/* A kind of address to hammer on. */
struct target {
	const char *name;
	bool mmio;
	uint32_t width;
};

struct race {
	struct vm vm;
	const struct target *target;
	int fd;
	int decoy_fd;
	unsigned int exits;	/* of this round; counted by ctx_add() */
	struct tally tally;
	unsigned int all_exits;
	uint64_t all_events;
};

static uint32_t *mail(struct race *race, unsigned int offset)
{
	return guest_mail(race->vm.ram, 0, offset);
}

static bool is_target(const struct vcpu *vcpu, const struct target *target, uint32_t *number)
{
	const struct kvm_run *run = vcpu->run;

	if (!target->mmio)
		return vcpu_wrote_port(vcpu, PORT, number);
	if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write ||
	    run->mmio.len != sizeof(*number) || run->mmio.phys_addr != ADDR)
		return false;
	memcpy(number, run->mmio.data, sizeof(*number));
	return true;
}

static int on_exit(struct vcpu *vcpu, void *arg)
{
	struct race *race = arg;
	uint32_t number;

	if (vcpu_wrote_port(vcpu, PORT_DONE, &number) &&
	    __atomic_load_n(mail(race, MAIL_HAMMER_FLAG), __ATOMIC_ACQUIRE))
		return VCPU_STOP;
	if (!is_target(vcpu, race->target, &number))
		return vcpu_unexpected(vcpu);
	if (tally_exit(&race->tally, number))
		return ctx_fail(vcpu->vm->ctx, "%s: %s", race->target->name, race->tally.why);
	ctx_add(vcpu->vm->ctx, &race->exits);
	return VCPU_GO;
}

static int set_event(struct race *race, uint32_t offset, int fd, uint32_t flags)
{
	const struct kvm_ioeventfd event = {
		.addr = (race->target->mmio ? ADDR : PORT) + offset,
		.len = race->target->width,
		.fd = fd,
		.flags = flags | (race->target->mmio ? 0 : KVM_IOEVENTFD_FLAG_PIO),
	};
	int ret = vm_ioeventfd(&race->vm, &event);

	return ret ? ctx_fail(race->vm.ctx, "%s: KVM_IOEVENTFD flags %#x: %s", race->target->name,
			      event.flags, strerror(-ret)) : 0;
}

/* Neighbours on both sides, so that the target's place on the bus changes too. */
static int set_decoys(struct race *race, uint32_t flags)
{
	for (unsigned int i = 1; i <= DECOYS; i++)
		if (set_event(race, i * DECOY_STEP, race->decoy_fd, flags) ||
		    set_event(race, -i * DECOY_STEP, race->decoy_fd, flags))
			return -1;
	return 0;
}

static int put_on(struct race *race)
{
	if (ctx_wait(race->vm.ctx, &race->exits, BEFORE, "exits before the change"))
		return -1;
	return set_decoys(race, 0) || set_event(race, 0, race->fd, 0) ? -1 : 0;
}

/* Taking the neighbours off first must not lose one event of the target. */
static int take_off(struct race *race)
{
	struct check_ctx *ctx = race->vm.ctx;
	unsigned int exits;

	if (ctx_poll(ctx, mail(race, MAIL_HAMMER_COUNT), 0, BEFORE, "writes before the change") ||
	    set_decoys(race, KVM_IOEVENTFD_FLAG_DEASSIGN))
		return -1;
	pthread_mutex_lock(&ctx->lock);
	exits = race->exits;
	pthread_mutex_unlock(&ctx->lock);
	if (exits)
		return ctx_fail(ctx, "%s: %u writes missed an eventfd whose neighbours went",
				race->target->name, exits);
	return set_event(race, 0, race->fd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static int account(struct race *race, bool assigned)
{
	const struct tally_end end = {
		.assigned = assigned,
		.seen = *mail(race, MAIL_HAMMER_SEEN),
		.total = *mail(race, MAIL_HAMMER_COUNT),
		.events = event_take(race->fd),
	};

	if (tally_check(&race->tally, &end))
		return ctx_fail(race->vm.ctx, "%s: %s", race->target->name, race->tally.why);
	if (event_take(race->decoy_fd))
		return ctx_fail(race->vm.ctx, "%s: a neighbour was hit", race->target->name);
	race->all_exits += race->tally.exits;
	race->all_events += end.events;
	return 0;
}

static int change_while_running(struct race *race, bool assign)
{
	struct vcpu *vcpu = &race->vm.vcpus[0];

	memset(&race->tally, 0, sizeof(race->tally));
	race->exits = 0;
	*mail(race, MAIL_HAMMER_FLAG) = 0;
	*mail(race, MAIL_HAMMER_COUNT) = 0;
	*mail(race, MAIL_HAMMER_SEEN) = 0;
	if (vcpu_start(vcpu, on_exit, race))
		return -1;
	if (assign ? put_on(race) : take_off(race))
		return -1;
	__atomic_store_n(mail(race, MAIL_HAMMER_FLAG), 1, __ATOMIC_RELEASE);
	return vcpu_join(vcpu) ? -1 : account(race, assign);
}

static int rounds(struct race *race, const struct target *target)
{
	race->target = target;
	*mail(race, MAIL_HAMMER_MMIO) = target->mmio;
	*mail(race, MAIL_HAMMER_ADDR) = target->mmio ? ADDR : PORT;
	*mail(race, MAIL_HAMMER_TAIL) = TAIL;
	for (unsigned int i = 0; i < ROUNDS * race->vm.ctx->loops; i++)
		if (change_while_running(race, true) || change_while_running(race, false))
			return -1;
	return 0;
}

static int all_targets(struct race *race)
{
	static const struct target targets[] = {
		{ "pio", false, 4 }, { "mmio", true, 4 }, { "any-width mmio", true, 0 },
	};

	for (unsigned int i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (rounds(race, &targets[i]))
			return -1;
	return 0;
}

/**
 * check_io_register_race() - ioeventfds come and go under a vCPU that hits them
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_io_register_race(struct check_ctx *ctx)
{
	struct race race = { .fd = event_open(ctx), .decoy_fd = event_open(ctx) };
	int ret = -1;

	if (race.fd >= 0 && race.decoy_fd >= 0) {
		ret = vm_open(&race.vm, ctx, &guest_hammer, 1, false);
		if (ret == 0)
			ret = all_targets(&race);
		vm_close(&race.vm);
	}
	if (race.fd >= 0)
		close(race.fd);
	if (race.decoy_fd >= 0)
		close(race.decoy_fd);
	if (ret == 0)
		ctx_note(ctx, "%u exits and %llu events", race.all_exits,
			 (unsigned long long)race.all_events);
	return ret;
}
