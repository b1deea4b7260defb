// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's writes that come out to userspace, or through the ring of the zones.
 */
#include <string.h>

#include "storm.h"

#define PAGE_SIZE	4096UL	/* KVM_COALESCED_MMIO_MAX wants it */

/* The target that a write was to, or NULL for a write that the guest does not do. */
static struct target *find(struct storm *storm, bool mmio, uint64_t addr, unsigned int width,
			   const void *data)
{
	uint32_t value = 0;
	struct target *target;

	if (width > sizeof(value))
		return NULL;
	memcpy(&value, data, width);
	target = &storm->targets[value & 0xff];
	if ((value & 0xff) >= storm->ntargets || target->value != value || target->addr != addr ||
	    target->kind->mmio != mmio || target->kind->width != width)
		return NULL;
	return target;
}

static struct target *find_exit(struct storm *storm, const struct kvm_run *run)
{
	if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write)
		return find(storm, true, run->mmio.phys_addr, run->mmio.len, run->mmio.data);
	if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_OUT &&
	    run->io.count == 1)
		return find(storm, false, run->io.port, run->io.size,
			    (const uint8_t *)run + run->io.data_offset);
	return NULL;
}

/**
 * storm_exit() - count an exit for the target and the flag that the vCPU saw before it
 * @vcpu: the vCPU, stopped
 * @arg: the storm
 *
 * Return: VCPU_*, or -1 after ctx_fail().
 */
int storm_exit(struct vcpu *vcpu, void *arg)
{
	struct storm *storm = arg;
	const struct target *target = find_exit(storm, vcpu->run);
	uint32_t value, flag;

	if (!target)
		return vcpu_wrote_port(vcpu, PORT_DONE, &value) ? VCPU_STOP : vcpu_unexpected(vcpu);
	flag = __atomic_load_n(target_count(storm, target, vcpu->id, FLAG_REST), __ATOMIC_RELAXED);
	if (flag != FLAG_FREE && flag != FLAG_COUNTED)
		return ctx_fail(&storm->ctx, "vCPU %u: a write to %s under flag %u", vcpu->id,
				target->kind->name, flag);
	__atomic_add_fetch(&storm->exits[vcpu->id][target->index][flag], 1, __ATOMIC_RELEASE);
	storm_count(storm, EXITS, 1);
	return VCPU_GO;
}

/**
 * ring_take() - count what the coalesced zones have taken
 * @storm: the storm, with a VM
 */
void ring_take(struct storm *storm)
{
	struct kvm_coalesced_mmio_ring *ring = storm->ring;
	uint32_t last;

	pthread_mutex_lock(&storm->ring_lock);
	last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
	for (uint32_t i = ring->first; i != last; i = (i + 1) % KVM_COALESCED_MMIO_MAX) {
		const struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[i];
		const struct target *target =
			find(storm, !entry->pio, entry->phys_addr, entry->len, entry->data);

		if (target && target->kind->zone)
			storm->entries[target->index]++;
		else
			storm_count(storm, STRAY, 1);
	}
	__atomic_store_n(&ring->first, last, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&storm->ring_lock);
}
