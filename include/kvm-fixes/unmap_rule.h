/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unmap rule is made of, in the terms of each kernel series.
 */
#ifndef KVM_FIXES_UNMAP_RULE_H
#define KVM_FIXES_UNMAP_RULE_H

#include <linux/kvm_host.h>
#include <linux/mutex.h>
#include <kvm-fixes/probes.h>

/* Does this task hold @lock? Its owner's low bits are flags; no module may ask otherwise. */
static inline bool kvm_guard_holds(const struct mutex *lock)
{
#ifndef CONFIG_PREEMPT_RT
	unsigned long owner = atomic_long_read(&lock->owner);
#elif defined(KVM_FIXES_HAVE_MUTEX_RT_LOCK)
	unsigned long owner = (unsigned long)READ_ONCE(lock->lock.owner);
#else
	unsigned long owner = (unsigned long)READ_ONCE(lock->rtmutex.owner);
#endif

	return (owner & ~7UL) == (unsigned long)current;
}

static inline int kvm_guard_nr_as_ids(struct kvm *kvm)
{
#ifdef KVM_FIXES_HAVE_NR_MEMSLOT_AS_IDS
	return kvm_arch_nr_memslot_as_ids(kvm);
#else
	return KVM_ADDRESS_SPACE_NUM;
#endif
}

/* The caller holds slots_lock. */
static inline bool kvm_guard_invalid_in(struct kvm *kvm, int as_id, int id)
{
	const struct kvm_memory_slot *active = id_to_memslot(__kvm_memslots(kvm, as_id), id);

	return active && (active->flags & KVM_MEMSLOT_INVALID);
}

/*
 * Has an INVALID memslot been published in place of @slot? Before 5.17 memslots were
 * copied as a whole and the INVALID copy is what is zapped; since then it is the one
 * that was replaced. The caller holds slots_lock.
 */
static inline bool kvm_guard_replaced(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	struct kvm_memslots *slots = __kvm_memslots(kvm, slot->as_id);

	if (!kvm_guard_invalid_in(kvm, slot->as_id, slot->id))
		return false;
#ifdef KVM_FIXES_HAVE_MEMSLOT_SETS
	return id_to_memslot(slots, slot->id) != slot && !(slot->flags & KVM_MEMSLOT_INVALID);
#else
	return id_to_memslot(slots, slot->id) == slot;
#endif
}

/* The caller holds mmu_lock, here and below. */
static inline bool kvm_guard_invalidating(const struct kvm *kvm)
{
#if defined(KVM_FIXES_HAVE_INVALIDATED_GFNS) || defined(KVM_FIXES_HAVE_INVALIDATED_HVAS)
	return kvm->mmu_invalidate_in_progress;
#else
	return kvm->mmu_notifier_count;
#endif
}

#if defined(KVM_FIXES_HAVE_INVALIDATED_GFNS) || defined(KVM_FIXES_HAVE_INVALIDATED_HVAS)
#define KVM_GUARD_KNOWS_RANGE	true
#else
#define KVM_GUARD_KNOWS_RANGE	false
#endif

/*
 * Would a fault on any of @start to @end find out that an invalidation is in progress?
 * It compares its address with the same range (mmu_invalidate_retry_*()).
 */
static inline bool kvm_guard_covered(const struct kvm *kvm, const struct kvm_memory_slot *slot,
				     gfn_t start, gfn_t end)
{
	if (!kvm_guard_invalidating(kvm))
		return false;
#if defined(KVM_FIXES_HAVE_INVALIDATED_GFNS)
	return start >= kvm->mmu_invalidate_range_start && end <= kvm->mmu_invalidate_range_end;
#elif defined(KVM_FIXES_HAVE_INVALIDATED_HVAS)
	return __gfn_to_hva_memslot(slot, start) >= kvm->mmu_invalidate_range_start &&
	       __gfn_to_hva_memslot(slot, end - 1) < kvm->mmu_invalidate_range_end;
#else
	return true;
#endif
}

#endif /* KVM_FIXES_UNMAP_RULE_H */
