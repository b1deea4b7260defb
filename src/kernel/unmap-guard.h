/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the two halves of the unmap guard: what is judged, and what is said of it.
 */
#ifndef KVM_FIXES_UNMAP_GUARD_PRIVATE_H
#define KVM_FIXES_UNMAP_GUARD_PRIVATE_H

#include <linux/kvm_host.h>
#include <linux/percpu.h>

/* Ways to break the rule; their names are in unmap-report.c. */
enum guard_rule {
	GUARD_KEPT,
	GUARD_UNPROTECTED,
	GUARD_NOT_COVERED,
	GUARD_SLOTS_LOCK,
	GUARD_NOT_RETIRED,
	GUARD_ADDRESS_SPACE,
	GUARD_IN_PROGRESS,
	GUARD_NOT_WAITED,
	GUARD_UNKNOWN,
	GUARD_RULES,
};

enum guard_place {
	GUARD_FLUSH,
	GUARD_UNMAP,
	GUARD_PLACES,
};

/**
 * struct guard_case - one flush or unmap
 * @kvm: of which VM
 * @slot: of which memslot; NULL where a range of host addresses is unmapped
 * @start: first guest frame, or host address
 * @end: the one after the last
 * @place: where it was looked at
 * @rule: what came of it
 */
struct guard_case {
	const struct kvm *kvm;
	const struct kvm_memory_slot *slot;
	u64 start;
	u64 end;
	enum guard_place place;
	enum guard_rule rule;
};

#define GUARD_NAME_MAX	20
extern const char guard_rule_names[GUARD_RULES][GUARD_NAME_MAX];
extern const char guard_place_names[GUARD_PLACES][GUARD_NAME_MAX];

static inline int guard_case_id(const struct guard_case *this)
{
	return this->slot ? this->slot->id : -1;
}

static inline int guard_case_as_id(const struct guard_case *this)
{
	return this->slot ? this->slot->as_id : -1;
}

/* How many were looked at, of all VMs. An array would be aligned as no variable of KVM's. */
DECLARE_PER_CPU(unsigned long, guard_flushes);
DECLARE_PER_CPU(unsigned long, guard_unmaps);

/* If a rule was broken: counts that, and says what is to be said. */
void guard_report(const struct guard_case *this);

/* How many memslot updates are remembered now, of all VMs. */
unsigned long guard_updates(void);

#endif /* KVM_FIXES_UNMAP_GUARD_PRIVATE_H */
