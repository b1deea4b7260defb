/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to kvm->buses[], one accessor for each kind of user:
 *
 *   kvm_get_bus_srcu()             a vCPU looking up a device, under SRCU
 *   kvm_get_bus()                  an updater, under slots_lock (kvm_host.h)
 *   kvm_get_bus_for_destruction()  teardown, when the VM has no users left
 */
#ifndef KVM_FIXES_IO_BUS_H
#define KVM_FIXES_IO_BUS_H

#include <linux/kvm_host.h>
#include <kvm-fixes/compat.h>

/**
 * kvm_get_bus_srcu - the bus as the current instruction of a vCPU must see it
 * @kvm: the VM
 * @idx: which of its buses
 *
 * A guest may learn of a new device from memory, for example from a flag that
 * another vCPU or the VMM sets once registration returned, and then access it.
 * The load of the bus must not be satisfied from before the load of that flag,
 * so it is ordered after the vCPU's earlier accesses by the barrier in
 * srcu_read_lock(). Pairs with rcu_assign_pointer() in
 * kvm_io_bus_register_dev() and with whatever orders the VMM's announcement
 * after it.
 *
 * The result is valid until srcu_read_unlock() and must not be kept across
 * guest instructions: a bus looked up once would hide later registrations.
 *
 * Context: the caller is in an SRCU read section of kvm->srcu.
 * Return: the bus, or NULL when an earlier update ran out of memory.
 */
static inline struct kvm_io_bus *kvm_get_bus_srcu(struct kvm *kvm,
						  enum kvm_bus idx)
{
	/* Pairs with rcu_assign_pointer() in kvm_io_bus_register_dev(). */
	smp_mb__after_srcu_read_lock();

	return srcu_dereference(kvm->buses[idx], &kvm->srcu);
}

/**
 * kvm_get_bus_for_destruction - the bus of a VM that is going away
 * @kvm: the VM, with no references left
 * @idx: which of its buses
 *
 * Neither lock nor SRCU is held on the way out, nor is it needed: lockdep
 * holds the caller to there being no users.
 *
 * Return: the bus, or NULL.
 */
static inline struct kvm_io_bus *
kvm_get_bus_for_destruction(struct kvm *kvm, enum kvm_bus idx)
{
	return rcu_dereference_protected(kvm->buses[idx],
					 !refcount_read(&kvm->users_count));
}

#endif /* KVM_FIXES_IO_BUS_H */
