/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unmap rule, checked at run time: see src/kernel/unmap-guard.c.
 */
#ifndef KVM_FIXES_UNMAP_GUARD_H
#define KVM_FIXES_UNMAP_GUARD_H

#include <linux/jump_label.h>
#include <linux/kvm_host.h>

#include <kvm-fixes/debugfs.h>

DECLARE_STATIC_KEY_TRUE(kvm_unmap_guard_key);

void __kvm_guard_published(struct kvm *kvm);
void __kvm_guard_flush(struct kvm *kvm, const struct kvm_memory_slot *slot);
void __kvm_guard_unmap(struct kvm *kvm, const struct kvm_memory_slot *slot, u64 start, u64 end);

/**
 * kvm_guard_published - memslots have just been published
 * @kvm: the VM
 *
 * Context: slots_lock is held; after rcu_assign_pointer() and before the wait. May
 * allocate.
 */
static inline void kvm_guard_published(struct kvm *kvm)
{
	if (static_branch_unlikely(&kvm_unmap_guard_key))
		__kvm_guard_published(kvm);
}

/**
 * kvm_guard_flush - all of a memslot is about to be zapped
 * @kvm: the VM
 * @slot: the memslot, which must have been retired
 *
 * Where that goes by kvm_unmap_gfn_range(), the other hook is the one to use, so that
 * nothing is counted twice.
 */
static inline void kvm_guard_flush(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	if (static_branch_unlikely(&kvm_unmap_guard_key))
		__kvm_guard_flush(kvm, slot);
}

/**
 * kvm_guard_unmap - a range is about to be unmapped
 * @kvm: the VM
 * @slot: the memslot that it is of, which may have been retired; NULL where @start and
 *	  @end are host addresses
 * @start: first guest frame
 * @end: the one after the last
 *
 * Context: mmu_lock is held for writing.
 */
static inline void kvm_guard_unmap(struct kvm *kvm, const struct kvm_memory_slot *slot,
				   u64 start, u64 end)
{
	if (static_branch_unlikely(&kvm_unmap_guard_key))
		__kvm_guard_unmap(kvm, slot, start, end);
}

/**
 * kvm_guard_forget - a VM goes away
 * @kvm: the VM; none of its memslots will be published or zapped any more
 */
void kvm_guard_forget(struct kvm *kvm);

/**
 * kvm_unmap_guard_debugfs - the file fixes/unmap_guard
 * @parent: KVM's folder in debugfs, which takes it along when it is removed
 */
void kvm_unmap_guard_debugfs(struct dentry *parent);

#endif /* KVM_FIXES_UNMAP_GUARD_H */
