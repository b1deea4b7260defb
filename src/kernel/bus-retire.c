// SPDX-License-Identifier: GPL-2.0-only
/*
 * Retirement of I/O-bus arrays.
 *
 * vCPUs search the array that kvm->buses[] points to in an SRCU read section. An
 * updater, under slots_lock, publishes another one. The one before may be freed
 * when no reader can hold it any more. Unregistering has to wait for that, since
 * the caller frees the device next. Registering has not: the array before may
 * simply be kept until a grace period has passed that somebody else needed.
 *
 * Invariant, whenever slots_lock is free: each array of a bus that a reader may
 * hold is the live one or in the live one's queue. The queue has the oldest array
 * first. An array leaves it by being freed, and that only after a grace period
 * which began after the array had been replaced.
 *
 * Why no reader holds a freed array:
 *
 *	kvm_io_bus_register_dev()		a vCPU
 *
 *	rcu_assign_pointer(bus, new)		srcu_read_lock(): count, smp_mb()
 *	get_state_synchronize_srcu():		srcu_dereference(bus)
 *	  smp_mb(), read srcu_gp_seq		...
 *	poll_state_synchronize_srcu():		srcu_read_unlock(): smp_mb(), count
 *	  srcu_gp_seq past the cookie, smp_mb()
 *	kfree(old)
 *
 * The cookie names the end of a grace period that begins after srcu_gp_seq was
 * read, hence after the publication. Either that grace period finds the reader's
 * count and waits for it, and the reader's last use comes before the kfree(); or
 * it does not find it, and then the reader's load comes after the publication and
 * returns the new array or a later one. Both are what SRCU promises (barriers A to
 * D in kernel/rcu/srcutree.c). A cookie taken before the publication could name a
 * grace period that is over before a reader picks up the old array.
 *
 * Why the queue may be polled from its front: srcu_gp_seq only grows and cookies
 * are taken in the order of the queue, so once one is not complete no later is.
 *
 * Why a vCPU that has seen the registration sees the device: the publication comes
 * before registration returns, as it always has; that the vCPU's load of the bus
 * comes after its load of whatever told it is kvm_get_bus_srcu()'s affair. That is
 * the part of the old wait that this file does without, and why it needs the fix
 * bus-barrier.
 */
#include <linux/debugfs.h>
#include <linux/log2.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <kvm-fixes/bus_retire.h>
#include <kvm-fixes/debugfs.h>

/*
 * What one bus may retain: as much as RATIO live arrays, and always MIN bytes. n
 * registrations then wait some n / RATIO times, and a VM's memory stays within a
 * multiple of what its devices need. docs/PERFORMANCE.md has the figures.
 */
#define RETAINED_MIN	((unsigned long)SZ_4M)
#define RETAINED_RATIO	32UL

/*
 * An array with what is known of it. In front of the array and not in struct
 * kvm_io_bus, whose layout is part of the checksums of most of KVM's exports.
 */
struct kvm_bus_array {
	struct kvm_bus_array *next;	/* in a queue: the one retired after it */
	unsigned long cookie;		/* in a queue: its readers' grace period */
	unsigned long bytes;		/* of this allocation */

	/* The queue, while this array is live. */
	struct kvm_bus_array *oldest;
	struct kvm_bus_array *youngest;
	unsigned long retained;		/* bytes in the queue */

	struct kvm_io_bus bus;
};

/* Of all VMs, since this module was loaded. */
static struct {
	atomic64_t retained_bytes;
	atomic64_t retained_peak;	/* of one bus: what the bound is about */
	atomic64_t retained_arrays;
	atomic64_t retired_arrays;
	atomic64_t reclaimed_arrays;
	atomic64_t reclaimed_bytes;
	atomic64_t waits;
	atomic64_t polls;
} bus_counts;

static struct kvm_bus_array *to_bus_array(struct kvm_io_bus *bus)
{
	return container_of(bus, struct kvm_bus_array, bus);
}

/*
 * In a file of its own for a reason: a compiler that sees the allocation takes
 * the flexible array for part of a structure of known size, and FORTIFY_SOURCE
 * then warns of every copy into it.
 */
struct kvm_io_bus *kvm_bus_alloc(unsigned int nr_devs)
{
	struct kvm_bus_array *array;
	size_t size = struct_size(array, bus.range, nr_devs);

	array = kmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!array)
		return NULL;

	memset(array, 0, sizeof(*array));
	/* What the allocator takes for it, or a little more. */
	array->bytes = roundup_pow_of_two(size);

	return &array->bus;
}

static void bus_enqueue(struct kvm_bus_array *live, struct kvm_bus_array *old)
{
	s64 peak = atomic64_read(&bus_counts.retained_peak);

	if (live->youngest)
		live->youngest->next = old;
	else
		live->oldest = old;
	live->youngest = old;
	live->retained += old->bytes;

	atomic64_inc(&bus_counts.retired_arrays);
	atomic64_inc(&bus_counts.retained_arrays);
	atomic64_add(old->bytes, &bus_counts.retained_bytes);
	while (live->retained > peak &&
	       !atomic64_try_cmpxchg(&bus_counts.retained_peak, &peak, live->retained))
		;
}

static void bus_free_oldest(struct kvm_bus_array *live)
{
	struct kvm_bus_array *oldest = live->oldest;

	live->oldest = oldest->next;
	if (!live->oldest)
		live->youngest = NULL;
	live->retained -= oldest->bytes;

	atomic64_dec(&bus_counts.retained_arrays);
	atomic64_sub(oldest->bytes, &bus_counts.retained_bytes);
	atomic64_inc(&bus_counts.reclaimed_arrays);
	atomic64_add(oldest->bytes, &bus_counts.reclaimed_bytes);
	kfree(oldest);
}

/* Only what nobody can be reading any more is freed, and nothing is waited for. */
static void bus_reclaim(struct kvm *kvm, struct kvm_bus_array *live)
{
	while (live->oldest) {
		atomic64_inc(&bus_counts.polls);
		if (!poll_state_synchronize_srcu(&kvm->srcu, live->oldest->cookie))
			break;
		bus_free_oldest(live);
	}
}

void kvm_bus_retire(struct kvm *kvm, struct kvm_io_bus *old_bus,
		    struct kvm_io_bus *new_bus)
{
	struct kvm_bus_array *old = to_bus_array(old_bus);
	struct kvm_bus_array *new = to_bus_array(new_bus);

	lockdep_assert_held(&kvm->slots_lock);

	new->oldest = old->oldest;
	new->youngest = old->youngest;
	new->retained = old->retained;
	old->oldest = NULL;
	old->youngest = NULL;
	old->retained = 0;

	bus_reclaim(kvm, new);

	if (new->retained + old->bytes > max(RETAINED_MIN, RETAINED_RATIO * new->bytes)) {
		/* Begins later than what any cookie of the queue stands for. */
		synchronize_srcu_expedited(&kvm->srcu);
		atomic64_inc(&bus_counts.waits);
		while (new->oldest)
			bus_free_oldest(new);
		kfree(old);
		return;
	}

	/* Strictly after the publication, which the caller has made. */
	old->cookie = get_state_synchronize_srcu(&kvm->srcu);
	bus_enqueue(new, old);
}

void kvm_bus_free(struct kvm_io_bus *bus)
{
	struct kvm_bus_array *array;

	if (!bus)
		return;

	array = to_bus_array(bus);
	while (array->oldest)
		bus_free_oldest(array);
	kfree(array);
}

static int bus_stats_show(struct seq_file *file, void *unused)
{
	const struct {
		const char *name;
		const atomic64_t *value;
	} lines[] = {
		{ "retained_bytes", &bus_counts.retained_bytes },
		{ "retained_peak_bytes", &bus_counts.retained_peak },
		{ "retained_arrays", &bus_counts.retained_arrays },
		{ "retired_arrays", &bus_counts.retired_arrays },
		{ "reclaimed_arrays", &bus_counts.reclaimed_arrays },
		{ "reclaimed_bytes", &bus_counts.reclaimed_bytes },
		{ "waits", &bus_counts.waits },
		{ "polls", &bus_counts.polls },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		seq_printf(file, "%s %lld\n", lines[i].name,
			   atomic64_read(lines[i].value));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(bus_stats);

void kvm_bus_retire_debugfs(struct dentry *parent)
{
	kvm_fixes_debugfs_file(parent, "bus_retire", &bus_stats_fops);
}
