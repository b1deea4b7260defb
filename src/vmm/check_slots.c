// SPDX-License-Identifier: GPL-2.0-only
/*
 * memslot-delete and memslot-move: a slot goes and comes, or changes its address, under
 * two vCPUs that write and read there without a pause. ring.c says what is right.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "ring.h"
#include "vm.h"

#define CHANGES		4	/* deletions, or moves */
#define EXITS		10	/* of each vCPU before the next change */
#define SEEN		10	/* reads of RAM by each vCPU before the next change */
#define COMPARE_EVERY	16	/* exits of a vCPU from one look at its RAM to the next */

struct slots;

/* One vCPU's part. */
struct player {
	struct slots *slots;
	struct ring ring;
	uint32_t begun;		/* as in struct ring_epoch; under ctx->lock */
	uint8_t *area;		/* its part of the slot's RAM */
	uint32_t a;		/* guest addresses of that part */
	uint32_t b;
	unsigned int exits;
	unsigned int compares;
};

struct slots {
	struct vm vm;
	uint8_t *memory;
	struct ring_epoch epoch;	/* under ctx->lock; .begun is each player's */
	struct player players[VM_MAX_VCPUS];
};

static uint32_t mail(const struct vcpu *vcpu, unsigned int offset)
{
	return __atomic_load_n(guest_mail(vcpu->vm->ram, vcpu->id, offset), __ATOMIC_ACQUIRE);
}

/* The slot begins to change, or has just come to rest. */
static void set_epoch(struct slots *slots, enum ring_place place)
{
	pthread_mutex_lock(&slots->vm.ctx->lock);
	slots->epoch.number++;
	slots->epoch.place = place;
	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++)
		slots->players[i].begun = mail(&slots->vm.vcpus[i], MAIL_RING_WRITE);
	pthread_mutex_unlock(&slots->vm.ctx->lock);
}

static struct ring_epoch get_epoch(const struct player *player)
{
	struct slots *slots = player->slots;
	struct ring_epoch epoch;

	pthread_mutex_lock(&slots->vm.ctx->lock);
	epoch = slots->epoch;
	epoch.begun = player->begun;
	pthread_mutex_unlock(&slots->vm.ctx->lock);
	return epoch;
}

static int failed(struct vcpu *vcpu, const struct player *player)
{
	return ctx_fail(vcpu->vm->ctx, "vCPU %u: %s", vcpu->id, player->ring.why);
}

static int compare(struct vcpu *vcpu, struct player *player)
{
	player->compares++;
	return ring_compare(&player->ring, player->area + RING_CELLS_AT) ? failed(vcpu, player) : 0;
}

/* An exit at the only address and with the only data that this write or read may have. */
static int take_mmio(struct vcpu *vcpu, struct player *player, struct ring_epoch now)
{
	struct kvm_run *run = vcpu->run;
	uint32_t number = mail(vcpu, MAIL_RING_WRITE);
	uint32_t base = number % 2 ? player->a : player->b;
	const uint32_t sign = RING_SIGN_DEVICE;
	uint32_t value;

	if (run->mmio.len != sizeof(value))
		return vcpu_unexpected(vcpu);
	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, sizeof(value));
		if (run->mmio.phys_addr != base + RING_CELLS_AT + 4 * (number % RING_CELLS) ||
		    value != number)
			return ctx_fail(vcpu->vm->ctx, "vCPU %u: write %u came out as %u at %#llx",
					vcpu->id, number, value, run->mmio.phys_addr);
		return ring_write_exit(&player->ring, now, number) ? failed(vcpu, player) : 0;
	}
	if (run->mmio.phys_addr != base)
		return vcpu_unexpected(vcpu);
	memcpy(run->mmio.data, &sign, sizeof(sign));
	return ring_read_exit(&player->ring, now, number) ? failed(vcpu, player) : 0;
}

/* The guest has stopped: every write and every read of it must be accounted for. */
static int finish(struct vcpu *vcpu, struct player *player)
{
	uint32_t number = mail(vcpu, MAIL_RING_WRITE);
	uint32_t ram = mail(vcpu, MAIL_RING_SEEN_RAM), device = mail(vcpu, MAIL_RING_SEEN_DEVICE);

	ring_advance(&player->ring, number);
	if (compare(vcpu, player))
		return -1;
	if (device != player->ring.reads || ram + device != number)
		return ctx_fail(
			vcpu->vm->ctx,
			"vCPU %u: %u accesses read RAM %u times and the device %u times, of which %u exited",
			vcpu->id, number, ram, device, player->ring.reads);
	return VCPU_STOP;
}

static int on_exit(struct vcpu *vcpu, void *arg)
{
	struct player *player = arg;
	unsigned int epoch_before = player->ring.seen.number;
	uint32_t value;

	if (vcpu_wrote_port(vcpu, PORT_DONE, &value))
		return mail(vcpu, MAIL_RING_STOP) ? finish(vcpu, player) : vcpu_unexpected(vcpu);
	if (vcpu_wrote_port(vcpu, PORT_BAD, &value))
		return ctx_fail(vcpu->vm->ctx,
				"vCPU %u: access %u read %#x, neither RAM nor device", vcpu->id,
				value, mail(vcpu, MAIL_RING_BAD));
	if (vcpu->run->exit_reason != KVM_EXIT_MMIO)
		return vcpu_unexpected(vcpu);
	if (take_mmio(vcpu, player, get_epoch(player)))
		return -1;
	if ((player->ring.seen.number != epoch_before || player->exits % COMPARE_EVERY == 0) &&
	    compare(vcpu, player))
		return -1;
	ctx_add(vcpu->vm->ctx, &player->exits);
	return VCPU_GO;
}

static int await_exits(struct slots *slots)
{
	struct check_ctx *ctx = slots->vm.ctx;

	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
		unsigned int from;

		pthread_mutex_lock(&ctx->lock);
		from = slots->players[i].exits;
		pthread_mutex_unlock(&ctx->lock);
		if (ctx_wait(ctx, &slots->players[i].exits, from + EXITS,
			     "exits at the address without RAM"))
			return -1;
	}
	return 0;
}

static int await_ram(struct slots *slots)
{
	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
		const uint32_t *seen = guest_mail(slots->vm.ram, i, MAIL_RING_SEEN_RAM);
		uint32_t from = __atomic_load_n(seen, __ATOMIC_ACQUIRE);

		if (ctx_poll(slots->vm.ctx, seen, from, SEEN, "the guest to see RAM"))
			return -1;
	}
	return 0;
}

static int change(struct slots *slots, uint32_t gpa, uint32_t size, enum ring_place place)
{
	set_epoch(slots, RING_CHANGING);
	if (vm_set_slot(&slots->vm, gpa, size, slots->memory, 0))
		return -1;
	set_epoch(slots, place);
	return 0;
}

static int delete_slot(struct slots *slots)
{
	return change(slots, GUEST_SLOT, 0, RING_NOWHERE) ||
	       await_exits(slots) || change(slots, GUEST_SLOT, GUEST_SLOT_SIZE, RING_EVERYWHERE) ||
	       await_ram(slots) ? -1 : 0;
}

static int move_slot(struct slots *slots)
{
	bool at_a = slots->epoch.place == RING_AT_A;

	return change(slots, at_a ? GUEST_SLOT_MOVED : GUEST_SLOT, GUEST_SLOT_SIZE,
		      at_a ? RING_AT_B : RING_AT_A) ||
	       await_ram(slots) || await_exits(slots) ? -1 : 0;
}

static int start(struct slots *slots, uint32_t address_b)
{
	const uint32_t sign = RING_SIGN_RAM;

	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
		struct player *player = &slots->players[i];

		player->slots = slots;
		player->area = slots->memory + (size_t)i * RING_AREA;
		player->a = GUEST_SLOT + i * RING_AREA;
		player->b = address_b + i * RING_AREA;
		memcpy(player->area, &sign, sizeof(sign));
		ring_init(&player->ring);
		*guest_mail(slots->vm.ram, i, MAIL_RING_A) = player->a;
		*guest_mail(slots->vm.ram, i, MAIL_RING_B) = player->b;
	}
	if (change(slots, GUEST_SLOT, GUEST_SLOT_SIZE,
		   address_b == GUEST_SLOT ? RING_EVERYWHERE : RING_AT_A))
		return -1;
	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++)
		if (vcpu_start(&slots->vm.vcpus[i], on_exit, &slots->players[i]))
			return -1;
	return await_ram(slots);
}

static int stop(struct slots *slots)
{
	int ret = 0;

	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
		__atomic_store_n(guest_mail(slots->vm.ram, i, MAIL_RING_STOP), 1, __ATOMIC_RELEASE);
		if (vcpu_join(&slots->vm.vcpus[i]))
			ret = -1;
	}
	return ret;
}

static void note(struct slots *slots, unsigned int changes)
{
	unsigned int exits = 0, compares = 0;

	for (unsigned int i = 0; i < VM_MAX_VCPUS; i++) {
		exits += slots->players[i].exits;
		compares += slots->players[i].compares;
	}
	ctx_note(slots->vm.ctx, "%u changes, %u exits, RAM compared %u times", changes, exits,
		 compares);
}

static int run_slots(struct check_ctx *ctx, uint32_t address_b,
		     int (*once)(struct slots *slots))
{
	struct slots slots = { .memory = NULL };
	int ret;

	slots.memory = mmap(NULL, GUEST_SLOT_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slots.memory == MAP_FAILED)
		return ctx_fail(ctx, "no memory for the guest: %s", strerror(errno));
	ret = vm_open(&slots.vm, ctx, &guest_ring, VM_MAX_VCPUS, false);
	if (ret == 0)
		ret = start(&slots, address_b);
	for (unsigned int i = 0; ret == 0 && i < CHANGES * ctx->loops; i++)
		ret = once(&slots);
	if (ret == 0)
		ret = stop(&slots);
	vm_close(&slots.vm);
	munmap(slots.memory, GUEST_SLOT_SIZE);
	if (ret == 0)
		note(&slots, CHANGES * ctx->loops);
	return ret;
}

/**
 * check_memslot_delete() - delete and re-create a memslot that two vCPUs use
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_memslot_delete(struct check_ctx *ctx)
{
	return run_slots(ctx, GUEST_SLOT, delete_slot);
}

/**
 * check_memslot_move() - move a memslot that two vCPUs use to and fro
 * @ctx: the check
 *
 * Return: 0, or -1 after ctx_fail().
 */
int check_memslot_move(struct check_ctx *ctx)
{
	return run_slots(ctx, GUEST_SLOT_MOVED, move_slot);
}
