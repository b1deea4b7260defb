// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unmap guard's mode, its counts and what it says. See unmap-guard.c for the rule.
 */
#define pr_fmt(fmt) "kvm: unmap guard: " fmt

#include <linux/debugfs.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>
#include <kvm-fixes/debugfs.h>
#include <kvm-fixes/unmap_guard.h>
#include <kvm-fixes/unmap_rule.h>
#include "unmap-guard.h"

#define CREATE_TRACE_POINTS
#include "unmap_trace.h"

const char guard_rule_names[GUARD_RULES][GUARD_NAME_MAX] = {
	[GUARD_KEPT] = "kept",
	[GUARD_UNPROTECTED] = "unprotected",
	[GUARD_NOT_COVERED] = "not_covered",
	[GUARD_SLOTS_LOCK] = "slots_lock",
	[GUARD_NOT_RETIRED] = "not_retired",
	[GUARD_ADDRESS_SPACE] = "address_space",
	[GUARD_IN_PROGRESS] = "update_in_progress",
	[GUARD_NOT_WAITED] = "not_waited",
	[GUARD_UNKNOWN] = "unknown",
};

const char guard_place_names[GUARD_PLACES][GUARD_NAME_MAX] = {
	[GUARD_FLUSH] = "flush",
	[GUARD_UNMAP] = "unmap",
};

enum guard_mode { GUARD_OFF, GUARD_COUNT, GUARD_WARN };

static const char *const mode_names[] = {
	[GUARD_OFF] = "off",
	[GUARD_COUNT] = "count",
	[GUARD_WARN] = "warn",
};

/* On in every mode but off. */
DEFINE_STATIC_KEY_TRUE(kvm_unmap_guard_key);
static int guard_mode = GUARD_COUNT;

/* Of all VMs, since this module was loaded. */
DEFINE_PER_CPU(unsigned long, guard_flushes);
DEFINE_PER_CPU(unsigned long, guard_unmaps);
static atomic64_t counts[GUARD_RULES];
static unsigned long warned;	/* bits: rules that there was a WARN of */

/* The last violation. */
static struct {
	enum guard_rule rule;	/* GUARD_KEPT: none yet */
	enum guard_place place;
	int id, as_id;
	u64 start, end;
	pid_t vm_pid, pid;
	char comm[TASK_COMM_LEN];
	u64 nanoseconds;
} last;
static DEFINE_SPINLOCK(last_lock);

static void keep_last(const struct guard_case *this)
{
	int i;

	spin_lock(&last_lock);
	last.rule = this->rule;
	last.place = this->place;
	last.id = guard_case_id(this);
	last.as_id = guard_case_as_id(this);
	last.start = this->start;
	last.end = this->end;
	last.vm_pid = this->kvm->userspace_pid;
	last.pid = current->pid;
	for (i = 0; i < TASK_COMM_LEN; i++) {
		char c = current->comm[i];

		/* One word on one line, whatever a task calls itself. */
		last.comm[i] = !c || (c > ' ' && c < 0x7f) ? c : '?';
	}
	last.nanoseconds = ktime_get_boottime_ns();
	spin_unlock(&last_lock);
}

static void warn_of(const struct guard_case *this)
{
	pr_warn_ratelimited("%s of memslot %d in address space %d, %s %#llx to %#llx of VM %d, by %s[%d]: %s\n",
			    guard_place_names[this->place], guard_case_id(this),
			    guard_case_as_id(this), this->slot ? "gfns" : "addresses",
			    this->start, this->end, this->kvm->userspace_pid,
			    current->comm, current->pid, guard_rule_names[this->rule]);
	WARN(!test_and_set_bit(this->rule, &warned), "kvm: unmap guard: rule broken: %s\n",
	     guard_rule_names[this->rule]);
}

void guard_report(const struct guard_case *this)
{
	if (likely(this->rule == GUARD_KEPT))
		return;

	atomic64_inc(&counts[this->rule]);
	if (this->rule == GUARD_UNKNOWN)
		return;

	keep_last(this);
	trace_kvm_unmap_violation(this);
	if (READ_ONCE(guard_mode) == GUARD_WARN)
		warn_of(this);
}

/* Whoever sets a parameter holds the lock for all of the module's. */
static int set_mode(const char *value, const struct kernel_param *param)
{
	int mode = sysfs_match_string(mode_names, value);
	bool was_off = guard_mode == GUARD_OFF;

	if (mode < 0)
		return mode;

	/* Whoever asks for warnings anew wants to see the first of each rule again. */
	if (mode == GUARD_WARN && guard_mode != GUARD_WARN)
		WRITE_ONCE(warned, 0);
	WRITE_ONCE(guard_mode, mode);
	if (mode == GUARD_OFF && !was_off)
		static_branch_dec(&kvm_unmap_guard_key);
	else if (mode != GUARD_OFF && was_off)
		static_branch_inc(&kvm_unmap_guard_key);

	return 0;
}

static int get_mode(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", mode_names[READ_ONCE(guard_mode)]);
}

static const struct kernel_param_ops mode_ops = {
	.set = set_mode,
	.get = get_mode,
};
module_param_cb(unmap_guard, &mode_ops, NULL, 0644);
__MODULE_PARM_TYPE(unmap_guard, "off, count or warn");

static void show_last(struct seq_file *file)
{
	typeof(last) copy;

	spin_lock(&last_lock);
	copy = last;
	spin_unlock(&last_lock);

	seq_printf(file, "last_rule %s\n", copy.rule ? guard_rule_names[copy.rule] : "none");
	if (!copy.rule)
		return;

	seq_printf(file, "last_place %s\n", guard_place_names[copy.place]);
	seq_printf(file, "last_slot %d\n", copy.id);
	seq_printf(file, "last_as_id %d\n", copy.as_id);
	seq_printf(file, "last_start %#llx\n", copy.start);
	seq_printf(file, "last_end %#llx\n", copy.end);
	seq_printf(file, "last_vm_pid %d\n", copy.vm_pid);
	seq_printf(file, "last_pid %d\n", copy.pid);
	seq_printf(file, "last_comm %.*s\n", TASK_COMM_LEN, copy.comm);
	seq_printf(file, "last_uptime_ms %llu\n", div_u64(copy.nanoseconds, NSEC_PER_MSEC));
}

static void show_checked(struct seq_file *file)
{
	unsigned long flushes = 0, unmaps = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		flushes += READ_ONCE(per_cpu(guard_flushes, cpu));
		unmaps += READ_ONCE(per_cpu(guard_unmaps, cpu));
	}
	seq_printf(file, "checked_flushes %lu\n", flushes);
	seq_printf(file, "checked_unmaps %lu\n", unmaps);
}

static int unmap_guard_show(struct seq_file *file, void *unused)
{
	enum guard_rule rule;

	seq_printf(file, "mode %s\n", mode_names[READ_ONCE(guard_mode)]);
	show_checked(file);
	seq_printf(file, "updates %lu\n", guard_updates());

	for (rule = GUARD_KEPT + 1; rule < GUARD_RULES; rule++) {
		if (rule == GUARD_NOT_COVERED && !KVM_GUARD_KNOWS_RANGE)
			seq_printf(file, "%s not_checkable\n", guard_rule_names[rule]);
		else
			seq_printf(file, "%s %lld\n", guard_rule_names[rule],
				   atomic64_read(&counts[rule]));
	}
	show_last(file);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(unmap_guard);

void kvm_unmap_guard_debugfs(struct dentry *parent)
{
	kvm_fixes_debugfs_file(parent, "unmap_guard", &unmap_guard_fops);
}
