// SPDX-License-Identifier: GPL-2.0-only
/*
 * The targets: where they are, what the guest knows of them, how they are registered.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "storm.h"

#define PORTS		0x600
#define ADDRESSES	GUEST_MMIO
#define STEP		16
#define VALUE_BASE	0x5aa500U

/* One of each for every worker. */
const struct kind storm_kinds[STORM_KINDS] = {
	{ .name = "PIO", .width = 4, .len = 4 },
	{ .name = "PIO with datamatch", .width = 2, .len = 2, .match = true },
	{ .name = "PIO of any width", .width = 1, .len = 0 },
	{ .name = "MMIO", .mmio = true, .width = 4, .len = 4 },
	{ .name = "MMIO with datamatch", .mmio = true, .width = 2, .len = 2, .match = true },
	{ .name = "MMIO of any width", .mmio = true, .width = 4, .len = 0 },
	{ .name = "MMIO of any width, one byte", .mmio = true, .width = 1, .len = 0 },
	{ .name = "coalesced PIO", .zone = true, .width = 4 },
	{ .name = "coalesced MMIO", .mmio = true, .zone = true, .width = 4 },
};

/* Others, which nothing may take: next to a datamatch, and far from everything. */
static const struct kind near_pio = { .name = "PIO beside a datamatch", .width = 2 };
static const struct kind near_mmio = { .name = "MMIO beside a datamatch", .mmio = true, .width = 2 };
static const struct kind far_pio = { .name = "PIO to nothing", .width = 4 };
static const struct kind far_mmio = { .name = "MMIO to nothing", .mmio = true, .width = 4 };
static const struct kind slot = { .name = "memslot", .mmio = true, .width = 4 };

static struct target *add(struct storm *storm, const struct kind *kind)
{
	unsigned int index = storm->ntargets++;
	struct target *target = &storm->targets[index];

	target->kind = kind;
	target->index = index;
	target->addr = (kind->mmio ? ADDRESSES : PORTS) + index * STEP;
	target->value = VALUE_BASE + index;
	target->fd = -1;
	if (kind->width < 4)
		target->value &= (1U << 8 * kind->width) - 1;
	return target;
}

/**
 * targets_make() - lay out all targets and make their eventfds
 * @storm: with its options
 *
 * Return: 0, or -1 after ctx_fail().
 */
int targets_make(struct storm *storm)
{
	storm->nowned = storm->options.workers * STORM_KINDS;
	for (unsigned int i = 0; i < storm->nowned; i++) {
		struct target *target = add(storm, &storm_kinds[i % STORM_KINDS]);

		target->fd = event_open(&storm->ctx);
		if (target->fd < 0)
			return -1;
	}
	for (unsigned int i = 0; i < STORM_KINDS; i++)
		if (storm_kinds[i].match)
			add(storm, storm_kinds[i].mmio ? &near_mmio : &near_pio)->addr =
				storm->targets[i].addr;
	add(storm, &far_pio);
	add(storm, &far_mmio);
	add(storm, &slot)->addr = GUEST_SLOT;
	return 0;
}

/**
 * targets_close() - give back what targets_make() has taken
 * @storm: the storm
 */
void targets_close(struct storm *storm)
{
	for (unsigned int i = 0; i < storm->ntargets; i++)
		if (storm->targets[i].fd >= 0)
			close(storm->targets[i].fd);
}

static uint32_t *word(struct storm *storm, uint32_t at)
{
	return (uint32_t *)(void *)(storm->vm.ram + at);
}

static uint32_t *target_word(struct storm *storm, const struct target *target, unsigned int offset)
{
	return word(storm, STORM_TARGETS + target->index * TARGET_SIZE + offset);
}

/**
 * targets_load() - write the guest's tables
 * @storm: with a VM whose vCPUs do not run yet
 */
void targets_load(struct storm *storm)
{
	for (unsigned int i = 0; i < storm->ntargets; i++) {
		const struct target *target = &storm->targets[i];
		const struct kind *kind = target->kind;

		/* Whom no worker has is written to all the time. */
		*target_flag(storm, target) = target->fd < 0 ? FLAG_FREE : FLAG_REST;
		*target_word(storm, target, TARGET_OP) =
			(kind->mmio ? OP_WRITE : OP_OUT) | kind->width;
		*target_word(storm, target, TARGET_ADDR) = target->addr;
		*target_word(storm, target, TARGET_VALUE) = target->value;
	}
	for (unsigned int i = 0; i < storm->options.vcpus; i++) {
		*guest_mail(storm->vm.ram, i, MAIL_STORM_COUNTS) =
			STORM_COUNTS + i * STORM_COUNTS_VCPU;
		*guest_mail(storm->vm.ram, i, MAIL_STORM_TARGETS) = storm->ntargets;
	}
}

/**
 * target_flag() - what the guest is to do with a target
 * @storm: the storm, with a VM
 * @target: the target
 *
 * Return: a word of the guest's memory, one of FLAG_*.
 */
uint32_t *target_flag(struct storm *storm, const struct target *target)
{
	return target_word(storm, target, TARGET_FLAG);
}

/**
 * target_count() - the guest's writes to a target under a flag
 * @storm: the storm, with a VM
 * @target: the target
 * @vcpu: whose writes
 * @flag: FLAG_FREE or FLAG_COUNTED; FLAG_REST is for the flag that the vCPU saw last
 *
 * Return: a word of the guest's memory.
 */
uint32_t *target_count(struct storm *storm, const struct target *target, unsigned int vcpu,
		       unsigned int flag)
{
	return word(storm, STORM_COUNTS + vcpu * STORM_COUNTS_VCPU + target->index * COUNT_SIZE +
				   COUNT_SEEN + flag * sizeof(uint32_t));
}

static int set_zone(struct vm *vm, const struct target *target, bool on)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = target->addr,
		.size = target->kind->width,
		.pio = !target->kind->mmio,
	};

	return ioctl(vm->fd, on ? KVM_REGISTER_COALESCED_MMIO : KVM_UNREGISTER_COALESCED_MMIO,
		     &zone) < 0 ? -errno : 0;
}

/**
 * target_set() - register or unregister what takes the writes to a target
 * @vm: in this VM
 * @target: the target
 * @on: register
 *
 * Return: 0 or the kernel's negative errno.
 */
int target_set(struct vm *vm, const struct target *target, bool on)
{
	const struct kind *kind = target->kind;
	struct kvm_ioeventfd event = {
		.addr = target->addr,
		.len = kind->len,
		.fd = target->fd,
		.datamatch = kind->match ? target->value : 0,
		.flags = (kind->mmio ? 0 : KVM_IOEVENTFD_FLAG_PIO) |
			 (kind->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) |
			 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};

	return kind->zone ? set_zone(vm, target, on) : vm_ioeventfd(vm, &event);
}
