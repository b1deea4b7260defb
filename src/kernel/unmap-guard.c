// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unmap rule, checked at run time.
 *
 * A page fault looks up its memslot and its page without mmu_lock, and installs the
 * mapping under it. Whoever zaps mappings must make sure that no fault in flight
 * installs one again from what it looked up before. There are two ways:
 *
 * - An invalidation is in progress and covers what is zapped. A fault that looked up
 *   before sees that under mmu_lock (mmu_invalidate_retry()) and starts over.
 *
 * - The memslot was retired: memslots in which it is INVALID were published under
 *   slots_lock and an SRCU grace period has passed. Faults hold SRCU, so those that
 *   looked up the memslot before have ended, and later ones see it INVALID.
 *
 * Lockdep knows of neither: that slots_lock is held does not tell that a memslot was
 * retired, and a count of invalidations does not tell what they cover. What is looked
 * at here instead: the owner of slots_lock; the active memslots, of which the one in
 * place of the zapped one must be INVALID; their generation, which says that no update
 * is under way; and a cookie taken right after the publication, which polls complete
 * only if somebody waited:
 *
 *	kvm_swap_active_memslots()		a vCPU
 *
 *	rcu_assign_pointer(memslots)		srcu_read_lock(): count, smp_mb()
 *	get_state_synchronize_srcu():		srcu_dereference(memslots)
 *	  smp_mb(), read srcu_gp_seq		...
 *	synchronize_srcu_expedited()		srcu_read_unlock(): smp_mb(), count
 *	kvm_arch_flush_shadow_memslot()
 *	poll_state_synchronize_srcu():
 *	  srcu_gp_seq past the cookie
 *
 * The cookie stands for a grace period that begins after the publication, so that one
 * is enough, whoever asked for it; and the one that the update waits for begins later
 * than the cookie was taken, so a correct update is never blamed.
 *
 * Nothing here is needed for KVM to work: if there is no memory for a cookie, or the
 * memslots were published while the guard was off, a flush is "unknown", not a violation.
 */
#include <linux/hashtable.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <kvm-fixes/unmap_guard.h>
#include <kvm-fixes/unmap_rule.h>
#include "unmap-guard.h"

/*
 * The last publication of one address space. Not in struct kvm, whose layout other
 * modules know.
 */
struct guard_update {
	struct hlist_node node;
	const struct kvm *kvm;
	int as_id;
	u64 generation;		/* as published: with UPDATE_IN_PROGRESS */
	unsigned long cookie;
};

/* The lock is for the chains; what an update holds belongs to slots_lock of its VM. */
static DEFINE_SPINLOCK(updates_lock);
static DEFINE_HASHTABLE(updates, 8);
static unsigned long nr_updates;

static struct guard_update *find_update(const struct kvm *kvm, int as_id)
{
	struct guard_update *update;

	lockdep_assert_held(&updates_lock);

	hash_for_each_possible(updates, update, node, (unsigned long)kvm)
		if (update->kvm == kvm && update->as_id == as_id)
			return update;

	return NULL;
}

static struct guard_update *get_update(const struct kvm *kvm, int as_id)
{
	struct guard_update *update;

	spin_lock(&updates_lock);
	update = find_update(kvm, as_id);
	spin_unlock(&updates_lock);

	return update;
}

static struct guard_update *new_update(const struct kvm *kvm, int as_id)
{
	struct guard_update *update = kmalloc(sizeof(*update), GFP_KERNEL_ACCOUNT);

	if (!update)
		return NULL;

	update->kvm = kvm;
	update->as_id = as_id;
	spin_lock(&updates_lock);
	hash_add(updates, &update->node, (unsigned long)kvm);
	nr_updates++;
	spin_unlock(&updates_lock);

	return update;
}

unsigned long guard_updates(void)
{
	return READ_ONCE(nr_updates);
}

/* The address space that is being updated: under slots_lock there is just one. */
static int updated_as_id(struct kvm *kvm)
{
	int as_id = 0;

	while (as_id < kvm_guard_nr_as_ids(kvm) - 1 &&
	       !(__kvm_memslots(kvm, as_id)->generation & KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS))
		as_id++;

	return as_id;
}

void __kvm_guard_published(struct kvm *kvm)
{
	/* Strictly after the publication, which the caller has made. */
	unsigned long cookie = get_state_synchronize_srcu(&kvm->srcu);
	int as_id = updated_as_id(kvm);
	struct guard_update *update;

	lockdep_assert_held(&kvm->slots_lock);

	update = get_update(kvm, as_id) ?: new_update(kvm, as_id);
	if (!update)
		return;

	update->generation = __kvm_memslots(kvm, as_id)->generation;
	update->cookie = cookie;
}

void kvm_guard_forget(struct kvm *kvm)
{
	struct guard_update *update;
	struct hlist_node *next;

	spin_lock(&updates_lock);
	hash_for_each_possible_safe(updates, update, next, node, (unsigned long)kvm) {
		if (update->kvm != kvm)
			continue;
		hash_del(&update->node);
		nr_updates--;
		kfree(update);
	}
	spin_unlock(&updates_lock);
}

/* Is there an address space in which a memslot of this id was retired, if not its own? */
static bool retired_elsewhere(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	int as_id;

	for (as_id = 0; as_id < kvm_guard_nr_as_ids(kvm); as_id++)
		if (as_id != slot->as_id && kvm_guard_invalid_in(kvm, as_id, slot->id))
			return true;

	return false;
}

/* Was @slot retired? slots_lock is this task's. */
static enum guard_rule judge_retired(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	u64 generation = __kvm_memslots(kvm, slot->as_id)->generation;
	const struct guard_update *update;

	if (!kvm_guard_replaced(kvm, slot))
		return retired_elsewhere(kvm, slot) ? GUARD_ADDRESS_SPACE : GUARD_NOT_RETIRED;

	if (generation & KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS)
		return GUARD_IN_PROGRESS;

	update = get_update(kvm, slot->as_id);
	if (!update || generation != kvm_guard_nr_as_ids(kvm) +
				     (update->generation & ~KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS))
		return GUARD_UNKNOWN;

	if (!poll_state_synchronize_srcu(&kvm->srcu, update->cookie))
		return GUARD_NOT_WAITED;

	return GUARD_KEPT;
}

void __kvm_guard_flush(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	const struct guard_case this = {
		.kvm = kvm,
		.slot = slot,
		.start = slot->base_gfn,
		.end = slot->base_gfn + slot->npages,
		.place = GUARD_FLUSH,
		.rule = kvm_guard_holds(&kvm->slots_lock) ? judge_retired(kvm, slot) :
							    GUARD_SLOTS_LOCK,
	};

	this_cpu_inc(guard_flushes);
	guard_report(&this);
}

/* What no invalidation covers. Apart from the way that nearly all unmaps take. */
static noinline void judge_unmap(struct kvm *kvm, const struct kvm_memory_slot *slot,
				 u64 start, u64 end)
{
	struct guard_case this = {
		.kvm = kvm,
		.slot = slot,
		.start = start,
		.end = end,
		.place = GUARD_UNMAP,
		.rule = GUARD_UNPROTECTED,
	};

	/* That a memslot was retired says nothing of its neighbours. */
	if (slot && start >= slot->base_gfn && end <= slot->base_gfn + slot->npages &&
	    kvm_guard_holds(&kvm->slots_lock))
		this.rule = judge_retired(kvm, slot);

	/* An attempt at the first way, rather than at none or at the second. */
	if ((this.rule == GUARD_UNPROTECTED || this.rule == GUARD_NOT_RETIRED) &&
	    kvm_guard_invalidating(kvm))
		this.rule = GUARD_NOT_COVERED;

	guard_report(&this);
}

void __kvm_guard_unmap(struct kvm *kvm, const struct kvm_memory_slot *slot, u64 start, u64 end)
{
	this_cpu_inc(guard_unmaps);
	if (!kvm_guard_covered(kvm, slot, start, end))
		judge_unmap(kvm, slot, start, end);
}
