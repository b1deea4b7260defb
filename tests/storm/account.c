// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounts for every write to a target that now rests.
 */
#include <inttypes.h>
#include <string.h>

#include "storm.h"

/* What became of the writes to a target. */
struct account {
	uint64_t writes[FLAGS];
	uint64_t exits[FLAGS];
	uint64_t events;
};

/* For a target that rests; its counts begin anew. */
static void take_account(struct storm *storm, const struct target *target, struct account *account)
{
	memset(account, 0, sizeof(*account));
	for (unsigned int flag = FLAG_FREE; flag < FLAGS; flag++) {
		account->writes[flag] = writes_of(storm, target, flag);
		for (unsigned int v = 0; v < storm->options.vcpus; v++) {
			*target_count(storm, target, v, flag) = 0;
			account->exits[flag] += __atomic_exchange_n(
				&storm->exits[v][target->index][flag], 0, __ATOMIC_ACQUIRE);
		}
	}
	if (target->kind->zone) {
		ring_take(storm);
		pthread_mutex_lock(&storm->ring_lock);
		account->events = storm->entries[target->index];
		storm->entries[target->index] = 0;
		pthread_mutex_unlock(&storm->ring_lock);
	} else if (target->fd >= 0) {
		account->events = event_take(target->fd);
	}
}

static void complain(const struct target *target, const struct account *account)
{
	fprintf(stderr,
		"kvm-bus-storm: %s: %" PRIu64 " writes were counted and %" PRIu64 " were free; %" PRIu64
		" events; %" PRIu64 " exits of counted ones and %" PRIu64 " of free ones\n",
		target->kind->name, account->writes[FLAG_COUNTED], account->writes[FLAG_FREE],
		account->events, account->exits[FLAG_COUNTED], account->exits[FLAG_FREE]);
}

/*
 * A write under FLAG_FREE is an exit or an event, one under FLAG_COUNTED must be an
 * event, apart from a zone's when the ring was full; none is both.
 */
static void judge(struct storm *storm, const struct target *target, const struct account *account)
{
	uint64_t writes = account->writes[FLAG_FREE] + account->writes[FLAG_COUNTED];
	uint64_t arrived = account->exits[FLAG_FREE] + account->exits[FLAG_COUNTED] +
			   account->events;

	storm_count(storm, EVENTS, account->events);
	storm_count(storm, target->kind->zone ? ZONE_WRITES : WRITES,
		    account->writes[FLAG_COUNTED]);
	if (!target->kind->zone)
		storm_count(storm, LOST, account->exits[FLAG_COUNTED]);
	if (arrived < writes)
		storm_count(storm, LOST, writes - arrived);
	else
		storm_count(storm, STRAY, arrived - writes);
	if (arrived != writes || (!target->kind->zone && account->exits[FLAG_COUNTED]))
		complain(target, account);
}

/* Of a bus that was emptied it is only known that nothing may come from nowhere. */
static void judge_lost(struct storm *storm, const struct account *account)
{
	uint64_t writes = account->writes[FLAG_FREE] + account->writes[FLAG_COUNTED];

	storm_count(storm, DISCARDED, account->writes[FLAG_COUNTED]);
	if (account->events > writes)
		storm_count(storm, STRAY, account->events - writes);
}

/**
 * account_all() - compare what the guest has counted with what arrived
 * @worker: whose targets; they are unregistered and rest
 *
 * Return: 0, or -1 after ctx_fail().
 */
int account_all(struct worker *worker)
{
	struct storm *storm = worker->storm;
	int lost[2];

	for (unsigned int mmio = 0; mmio < 2; mmio++) {
		lost[mmio] = worker_probe(worker, mmio);
		if (lost[mmio] < 0)
			return -1;
	}
	for (unsigned int i = 0; i < STORM_KINDS; i++) {
		const struct target *target = &storm->targets[worker->first + i];
		struct account account;

		take_account(storm, target, &account);
		if (lost[target->kind->mmio])
			judge_lost(storm, &account);
		else
			judge(storm, target, &account);
	}
	return 0;
}

/**
 * others_check() - every write that nothing may take has come out
 * @storm: with vCPUs that still run
 *
 * Return: 0, or -1 after ctx_fail().
 */
int others_check(struct storm *storm)
{
	for (unsigned int i = storm->nowned; i < storm->ntargets; i++)
		__atomic_store_n(target_flag(storm, &storm->targets[i]), FLAG_REST, __ATOMIC_RELEASE);
	for (unsigned int i = storm->nowned; i < storm->ntargets; i++) {
		const struct target *target = &storm->targets[i];
		struct account account;

		if (await_seen(storm, target))
			return -1;
		take_account(storm, target, &account);
		if (target->addr != GUEST_SLOT && account.exits[FLAG_FREE] != account.writes[FLAG_FREE])
			storm_count(storm, STRAY, account.writes[FLAG_FREE] - account.exits[FLAG_FREE]);
	}
	return 0;
}
