/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Retirement of I/O-bus arrays: vCPUs that look devices up under SRCU, one
 * updater under slots_lock, grace periods that somebody else asks for, and a
 * store buffer in front of each CPU. README.md says what is left out.
 *
 * Arrays are numbered in the order of their allocation and never reused, so
 * that a use after free cannot hide behind a second allocation. NULL is 0.
 */

#ifndef VCPUS
#define VCPUS		2
#endif
#ifndef SECTIONS
#define SECTIONS	2	/* SRCU read sections of each vCPU */
#endif
#ifndef REGISTRATIONS
#define REGISTRATIONS	3
#endif
#ifndef UNREGISTRATIONS
#define UNREGISTRATIONS	1
#endif
#ifndef OTHERS
#define OTHERS		2	/* grace periods that others ask for */
#endif
#define FLOOR		2	/* of the bound; an array is 1 + its devices */

/* The properties; ONLY=one of them. pan names the one that is violated. */
#define ARRAY		1
#define DEVICE		2
#define FOUND		3
#define LEFT		4
#define BOUND		5
#ifndef ONLY
#define ONLY		0
#endif
#define holds(name, property, condition) \
	name = (condition) || (ONLY && ONLY != property); assert(name)

hidden byte no_reader_uses_a_freed_array;
hidden byte no_reader_uses_a_freed_device;
hidden byte an_announced_device_is_found;
hidden byte nothing_is_left_after_destruction;
hidden byte retained_is_within_the_bound;

/* ---- Memory, and a buffer of stores in front of it for each CPU ---- */

/*
 * First in, first out. What a CPU stores it never loads again, it has that in
 * variables of its own: no load has to look into a buffer.
 */

#define UPDATER		VCPUS

#define LOCK(index)	(index)		/* srcu_lock_count[index]++ */
#define UNLOCK(index)	(2 + (index))	/* srcu_unlock_count[index]++ */
#define SET_BUS		4
#define SET_FLAG	5

byte bus, flag;
chan stores[VCPUS + 1] = [2] of { byte, byte };
byte users = VCPUS + 1;

#define store(cpu, what, value)	stores[cpu]!what, value
#define mb(cpu)			empty(stores[cpu])

/* ---- SRCU: kernel/rcu/srcutree.c, and its sequence number, rcu.h ---- */

#define STATE_MASK	3
#define SNAP(seq)	(((seq) + 2 * STATE_MASK + 1) & (255 - STATE_MASK))
#define END_OF_RUNNING(seq) (((seq) + STATE_MASK) & (255 - STATE_MASK))

bit srcu_idx;
byte gp_seq, gp_seq_needed;
byte others = OTHERS;

#ifdef SPLIT_SCAN
/* Each CPU's counters, and a scan that reads them one after the other. */
byte locks[2 * VCPUS], unlocks[2 * VCPUS];

#define count_lock(cpu, index)		locks[2 * (cpu) + (index)]++
#define count_unlock(cpu, index)	unlocks[2 * (cpu) + (index)]++

inline scan(index)
{
	do
	:: do
	   :: cpu < VCPUS -> atomic { sum = sum + unlocks[2 * cpu + index]; cpu++ }
	   :: else -> break
	   od;
	   /* smp_mb() A: nothing of this CPU is in a buffer. */
	   cpu = 0;
	   do
	   :: cpu < VCPUS -> atomic { sum = sum - locks[2 * cpu + index]; cpu++ }
	   :: else -> break
	   od;
	   cpu = 0;
	   if
	   :: sum == 0 -> break
	   :: else -> sum = 0
	   fi
	od
}
#else
/*
 * What such a scan finds out, in one step: a lock is counted before its unlock,
 * so the sums can be equal only if no CPU counted a lock between the two reads
 * of its counters, and there is an instant at which all of them were even.
 */
byte readers[2];

#define count_lock(cpu, index)		readers[index]++
#define count_unlock(cpu, index)	readers[index]--
#define scan(index)			readers[index] == 0
#endif

/*
 * Each store of a grace period has a full barrier between it and the next load
 * that matters: no buffer.
 */
proctype grace_periods()
{
#ifdef SPLIT_SCAN
	short sum;
	byte cpu;
#endif

	do
	:: atomic {
		if
		:: gp_seq < gp_seq_needed	/* the updater waits */
		:: others > 0 -> others--	/* not its doing */
		fi;
		gp_seq++			/* SRCU_STATE_SCAN1 */
	   };
#ifndef NO_FIRST_SCAN
	   scan(1 - srcu_idx);
#endif
	   atomic {
#ifndef NO_FLIP
		srcu_idx = 1 - srcu_idx;
#endif
		gp_seq++			/* SRCU_STATE_SCAN2 */
	   };
	   scan(1 - srcu_idx);
	   gp_seq = (gp_seq | STATE_MASK) + 1
	:: users == 0 -> break
	od
}

/* ---- The store buffers ---- */

inline drain(cpu)
{
	d_step {
		stores[cpu]?what, value;
		if
		:: what <= LOCK(1) -> count_lock(cpu, what)
		:: what == UNLOCK(0) || what == UNLOCK(1) -> count_unlock(cpu, what - UNLOCK(0))
		:: what == SET_BUS -> bus = value
		:: what == SET_FLAG -> flag = value
		fi;
		what = 0;
		value = 0
	}
}

proctype store_buffers()
{
	byte what, value;

	do
	:: drain(0)
#if VCPUS > 1
	:: drain(1)
#endif
	:: drain(UPDATER)
	:: users == 0 -> break
	od
}

/* ---- vCPUs ---- */

#define ARRAYS		(2 + REGISTRATIONS + UNREGISTRATIONS)
#define DEVICES		((1 << REGISTRATIONS) - 1)

byte devices[ARRAYS];			/* of each array, as a mask */
byte freed_arrays, freed_devices;	/* masks */
byte unregistered;			/* unregistration has begun */

#define NONE		255

/* The load of the bus is satisfied this early, or not. Only where no barrier forbids it. */
inline load_early()
{
	atomic {
		if
		:: early = bus
		:: early = NONE
		fi
	}
}

inline load_bus()
{
	found = (early != NONE -> early : bus);
	early = NONE
}

/* Freed stays freed: one use, as late as can be, stands for all before. */
inline use()
{
	holds(no_reader_uses_a_freed_array, ARRAY, !(freed_arrays & (1 << found)));
	holds(no_reader_uses_a_freed_device, DEVICE, !(devices[found] & freed_devices));
	holds(an_announced_device_is_found, FOUND, !(seen & ~devices[found] & ~unregistered));
	found = 0;
	seen = 0
}

proctype vcpu(byte cpu)
{
	byte sections, seen, found, early = NONE;
	bit index;

	do
	:: sections < SECTIONS ->
#ifdef NO_READER_BARRIER
		load_early();
#endif
		atomic {
			sections++;
			seen = flag;
			index = srcu_idx;
			/* In the buffer for as long as the CPU takes to get there. */
			store(cpu, LOCK(index), 0)
		};
		atomic {
#ifndef NO_READER_BARRIER
			mb(cpu);			/* B */
#endif
			load_bus()
		};
#ifdef LOOP
		/* The next instruction of handle_invalid_guest_state(). */
		atomic { use() };
#ifdef NO_LOOP_BARRIER
		load_early();
#endif
		seen = flag;
		atomic { load_bus() };
#endif
		atomic {
			mb(cpu);			/* C */
			use();
			store(cpu, UNLOCK(index), 0);
			index = 0
		}
	:: else -> break
	od;
	atomic { mb(cpu) -> users-- }
}

/* ---- The updater, under slots_lock: src/kernel/bus-retire.c, its callers ---- */

#define bound	(size[live] > FLOOR -> size[live] : FLOOR)

inline get_state()
{
	atomic {
#ifndef NO_COOKIE_BARRIER
		mb(UPDATER);
#endif
#ifdef COOKIE_OF_RUNNING
		snap = END_OF_RUNNING(gp_seq)
#else
		snap = SNAP(gp_seq)
#endif
	}
}

inline synchronize()
{
	atomic {
		mb(UPDATER);
		snap = SNAP(gp_seq);
		gp_seq_needed = (gp_seq_needed > snap -> gp_seq_needed : snap)
	};
	atomic { gp_seq >= snap -> snap = 0 }
}

/* The allocator may give it away at once: no buffer delays this. */
inline free(array)
{
	freed_arrays = freed_arrays | (1 << array)
}

inline free_oldest()
{
	queue?oldest;
	retained = retained - size[oldest];
	cookie[oldest] = 0;
	free(oldest);
	oldest = 0
}

inline free_queue()
{
	atomic {
		do
		:: nempty(queue) -> free_oldest()
		:: empty(queue) -> break
		od
	}
}

inline reclaim()
{
	do
	:: atomic {
		queue?<oldest> ->
#ifdef FREE_BEFORE_POLL
		free(oldest);
#endif
		if
		:: gp_seq >= cookie[oldest] ->
#ifdef POLL_ONE_FREE_ALL
			free_queue()
#else
			free_oldest()
#endif
		:: else -> oldest = 0; break
		fi
	   }
	:: empty(queue) -> break
	od
}

inline retire()
{
#ifdef QUEUE_STAYS_BEHIND
	forget_queue();
#endif
	reclaim();
	if
#ifndef NO_BOUND
	:: retained + size[old] > bound ->
#ifndef NO_WAIT_AT_BOUND
		synchronize();
#endif
		free_queue();
		free(old)
#endif
	:: else ->
#ifndef COOKIE_BEFORE_PUBLISH
		get_state();
#endif
		atomic {
			cookie[old] = snap;
			snap = 0;
			queue!old;
			retained = retained + size[old];
			holds(retained_is_within_the_bound, BOUND, retained <= bound)
		}
	fi
}

#if defined(QUEUE_STAYS_BEHIND) || defined(NULL_DROPS_QUEUE)
inline forget_queue()
{
	atomic {
		do
		:: queue?oldest
		:: empty(queue) -> break
		od;
		oldest = 0;
		retained = 0
	}
}
#endif

#define count(mask)	(((mask) & 1) + ((mask) >> 1 & 1) + ((mask) >> 2 & 1) + ((mask) >> 3))

/* Filled before it is published, which rcu_assign_pointer() sees to. */
inline publish(contents)
{
	atomic {
		arrays++;
		devices[arrays] = contents;
		size[arrays] = 1 + count(contents);
		old = live;
		live = arrays;
		store(UPDATER, SET_BUS, live)
	}
}

/* The VMM tells its guest when the ioctl has returned. */
inline announce()
{
	announced = announced | device;
	store(UPDATER, SET_FLAG, announced)
}

inline register()
{
	device = 1 << registrations;
	registrations++;
#ifdef COOKIE_BEFORE_PUBLISH
	get_state();
#endif
#ifdef ANNOUNCED_EARLY
	announce();
#endif
	publish(devices[live] | device);
	retire();
#ifndef ANNOUNCED_EARLY
	announce();
#endif
	device = 0;
	old = 0
}

inline unregister()
{
	atomic {
		unregistrations++;
		device = devices[live] & -devices[live]
	};
#ifdef WAIT_BEFORE_PUBLISH
	synchronize();
#endif
	if
	:: true ->
		unregistered = unregistered | device;
		publish(devices[live] & ~device)
	:: true ->
		/* No memory to shrink it into: the bus goes, with all devices. */
		atomic {
			device = devices[live];
			unregistered = DEVICES;
			old = live;
			live = 0;
			store(UPDATER, SET_BUS, 0)
		}
	fi;
#if !defined(NO_WAIT_UNREGISTER) && !defined(WAIT_BEFORE_PUBLISH)
	synchronize();
#endif
	freed_devices = freed_devices | device;
#ifdef NULL_DROPS_QUEUE
	if
	:: live == 0 -> forget_queue()
	:: else
	fi;
#endif
	free_queue();
	free(old);
	device = 0;
	old = 0
}

inline destroy()
{
#ifndef NO_WAIT_FOR_USERS
	users == 1;
#endif
	atomic {
		mb(UPDATER);
		freed_devices = DEVICES;
		free_queue();
		free(live);
		holds(nothing_is_left_after_destruction, LEFT,
		      (freed_arrays | 1) == (1 << (arrays + 1)) - 1 && retained == 0);
		users--
	}
}

proctype updater()
{
	chan queue = [ARRAYS] of { byte };	/* of retired arrays, the oldest first */
	byte cookie[ARRAYS], size[ARRAYS];
	byte arrays = 1, live = 1, retained;
	byte registrations, unregistrations, announced;
	byte device, old, oldest, snap;

	size[live] = 1;
	do
	:: live && registrations < REGISTRATIONS -> register()
	:: devices[live] && unregistrations < UNREGISTRATIONS -> unregister()
	:: true -> break
	od;
	destroy()
}

init {
	atomic {
		bus = 1;
		run vcpu(0);
#if VCPUS > 1
		run vcpu(1);
#endif
		run updater();
		run grace_periods();
		run store_buffers()
	}
}
