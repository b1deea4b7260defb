// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breaks the unmap rule on purpose, once for each write of "WHAT VM" to the file
 * kvm-violate in debugfs, where VM is a file descriptor. KVM's own functions are called,
 * or changed in their course by probes; what the guard does is not known here.
 */
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <kvm-fixes/probes.h>

/* The memslot that everything is done to. */
#define SLOT_ID	1

/* What is to happen the next time that @victim updates memslots. */
enum course { AS_IT_IS, OTHER_ADDRESS_SPACE, UPDATE_IN_PROGRESS, NO_WAIT, NO_RECORD };

static enum course course;
static struct task_struct *victim;

static unsigned long (*lookup)(const char *name);
static void (*flush_memslot)(struct kvm *kvm, struct kvm_memory_slot *slot);
#ifdef KVM_FIXES_HAVE_MEMSLOT_SETS
static bool (*unmap_gfns)(struct kvm *kvm, struct kvm_gfn_range *range);
#else
static int (*unmap_hvas)(struct kvm *kvm, unsigned long start, unsigned long end,
			 unsigned int flags);
#endif

static struct kvm_memory_slot *victim_slot(struct kvm *kvm, int as_id)
{
	struct kvm_memory_slot *slot;
	int idx = srcu_read_lock(&kvm->srcu);

	slot = id_to_memslot(__kvm_memslots(kvm, as_id), SLOT_ID);
	srcu_read_unlock(&kvm->srcu, idx);

	return slot;
}

static void unmap_locked(struct kvm *kvm)
{
	struct kvm_memory_slot *slot = victim_slot(kvm, 0);
#ifdef KVM_FIXES_HAVE_MEMSLOT_SETS
	struct kvm_gfn_range range = {
		.slot = slot,
		.start = slot->base_gfn,
		.end = slot->base_gfn + slot->npages,
		.may_block = true,
	};

	unmap_gfns(kvm, &range);
#else
	unmap_hvas(kvm, slot->userspace_addr,
		   slot->userspace_addr + slot->npages * PAGE_SIZE, 0);
#endif
}

static void lock_mmu(struct kvm *kvm)
{
#ifdef KVM_HAVE_MMU_RWLOCK
	write_lock(&kvm->mmu_lock);
#else
	spin_lock(&kvm->mmu_lock);
#endif
}

static void unlock_mmu(struct kvm *kvm)
{
#ifdef KVM_HAVE_MMU_RWLOCK
	write_unlock(&kvm->mmu_lock);
#else
	spin_unlock(&kvm->mmu_lock);
#endif
}

static int unmap(struct kvm *kvm)
{
	lock_mmu(kvm);
	unmap_locked(kvm);
	unlock_mmu(kvm);
	return 0;
}

static int unmap_with_slots_lock(struct kvm *kvm)
{
	mutex_lock(&kvm->slots_lock);
	unmap(kvm);
	mutex_unlock(&kvm->slots_lock);
	return 0;
}

static int flush(struct kvm *kvm)
{
	flush_memslot(kvm, victim_slot(kvm, 0));
	return 0;
}

static int flush_with_slots_lock(struct kvm *kvm)
{
	mutex_lock(&kvm->slots_lock);
	flush(kvm);
	mutex_unlock(&kvm->slots_lock);
	return 0;
}

/* All but the first page of the memslot is invalidated. */
#if defined(KVM_FIXES_HAVE_INVALIDATED_GFNS)
typedef void (*invalidate_fn)(struct kvm *kvm);
typedef void (*invalidate_add_fn)(struct kvm *kvm, gfn_t start, gfn_t end);

static int unmap_elsewhere(struct kvm *kvm)
{
	/* Its name on 6.x, and on 7.x. */
	invalidate_fn begin = (invalidate_fn)(lookup("kvm_mmu_invalidate_begin") ?:
					      lookup("kvm_mmu_invalidate_start"));
	invalidate_add_fn add = (invalidate_add_fn)lookup("kvm_mmu_invalidate_range_add");
	invalidate_fn end = (invalidate_fn)lookup("kvm_mmu_invalidate_end");
	const struct kvm_memory_slot *slot = victim_slot(kvm, 0);

	if (!begin || !add || !end)
		return -ENOENT;
	lock_mmu(kvm);
	begin(kvm);
	add(kvm, slot->base_gfn + 1, slot->base_gfn + slot->npages);
	unmap_locked(kvm);
	end(kvm);
	unlock_mmu(kvm);
	return 0;
}
#elif defined(KVM_FIXES_HAVE_INVALIDATED_HVAS)
typedef void (*invalidate_fn)(struct kvm *kvm, unsigned long start, unsigned long end);

static int unmap_elsewhere(struct kvm *kvm)
{
	invalidate_fn begin = (invalidate_fn)lookup("kvm_mmu_invalidate_begin");
	invalidate_fn end = (invalidate_fn)lookup("kvm_mmu_invalidate_end");
	const struct kvm_memory_slot *slot = victim_slot(kvm, 0);
	unsigned long to = slot->userspace_addr + slot->npages * PAGE_SIZE;

	if (!begin || !end)
		return -ENOENT;
	lock_mmu(kvm);
	begin(kvm, slot->userspace_addr + PAGE_SIZE, to);
	unmap_locked(kvm);
	end(kvm, slot->userspace_addr + PAGE_SIZE, to);
	unlock_mmu(kvm);
	return 0;
}
#else
static int unmap_elsewhere(struct kvm *kvm)
{
	return -EOPNOTSUPP;
}
#endif

static int unmap_elsewhere_with_slots_lock(struct kvm *kvm)
{
	int err;

	mutex_lock(&kvm->slots_lock);
	err = unmap_elsewhere(kvm);
	mutex_unlock(&kvm->slots_lock);
	return err;
}

static bool takes_course(enum course wanted)
{
	if (course != wanted || current != victim)
		return false;
	course = AS_IT_IS;
	return true;
}

/* What a function is replaced by that is to be left out. */
static noinline notrace void do_nothing(void)
{
}

static int leave_out(struct pt_regs *regs)
{
	instruction_pointer_set(regs, (unsigned long)do_nothing);
	return 1;
}

static int on_wait(struct kprobe *probe, struct pt_regs *regs)
{
	return takes_course(NO_WAIT) ? leave_out(regs) : 0;
}

static int on_record(struct kprobe *probe, struct pt_regs *regs)
{
	return takes_course(NO_RECORD) ? leave_out(regs) : 0;
}

/* A probe that has such a handler is not made a jump, which would not leave anything out. */
static void on_return(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe wait_probe = {
	.symbol_name = "synchronize_srcu_expedited",
	.pre_handler = on_wait,
	.post_handler = on_return,
};

static struct kprobe record_probe = {
	.symbol_name = "__kvm_guard_published",
	.pre_handler = on_record,
	.post_handler = on_return,
};

/* The active memslots that a flush is made to find with an update under way. */
static struct kvm_memslots *disturbed;

static int on_flush(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct kvm *kvm = (struct kvm *)regs->di;
	struct kvm_memory_slot *slot = (struct kvm_memory_slot *)regs->si;

	if (takes_course(OTHER_ADDRESS_SPACE)) {
		regs->si = (unsigned long)victim_slot(kvm, !slot->as_id);
	} else if (takes_course(UPDATE_IN_PROGRESS)) {
		disturbed = __kvm_memslots(kvm, slot->as_id);
		disturbed->generation |= KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS;
	}
	return 0;
}

static int on_flushed(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	if (disturbed && current == victim) {
		disturbed->generation &= ~KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS;
		disturbed = NULL;
	}
	return 0;
}

static struct kretprobe flush_probe = {
	.kp.symbol_name = "kvm_arch_flush_shadow_memslot",
	.entry_handler = on_flush,
	.handler = on_flushed,
};

static const struct {
	const char *name;
	int (*now)(struct kvm *kvm);
	enum course course;
} acts[] = {
	{ "unmap", unmap },
	{ "unmap-with-slots-lock", unmap_with_slots_lock },
	{ "unmap-elsewhere", unmap_elsewhere },
	{ "unmap-elsewhere-with-slots-lock", unmap_elsewhere_with_slots_lock },
	{ "flush", flush },
	{ "flush-with-slots-lock", flush_with_slots_lock },
	{ "other-address-space", NULL, OTHER_ADDRESS_SPACE },
	{ "update-in-progress", NULL, UPDATE_IN_PROGRESS },
	{ "no-wait", NULL, NO_WAIT },
	{ "no-record", NULL, NO_RECORD },
};

static int act(const char *name, struct kvm *kvm)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		if (strcmp(acts[i].name, name))
			continue;
		if (acts[i].now)
			return victim_slot(kvm, 0) ? acts[i].now(kvm) : -ENOENT;
		victim = current;
		course = acts[i].course;
		return 0;
	}
	return -EINVAL;
}

static ssize_t violate_write(struct file *file, const char __user *text, size_t size,
			     loff_t *offset)
{
	struct file *vm;
	char line[64], name[40];
	int fd, err = -EBADF;

	if (size >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, text, size))
		return -EFAULT;
	line[size] = '\0';
	if (sscanf(line, "%39s %d", name, &fd) != 2)
		return -EINVAL;
	vm = fget(fd);
	if (vm && (unsigned long)vm->f_op == lookup("kvm_vm_fops"))
		err = act(name, vm->private_data);
	if (vm)
		fput(vm);
	return err ?: size;
}

static const struct file_operations violate_fops = {
	.owner = THIS_MODULE,
	.write = violate_write,
};

static struct dentry *violate_file;

/* What KVM does not export, and kallsyms does not either. */
static int __init look_up(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int err = register_kprobe(&probe);

	if (err)
		return err;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);

	flush_memslot = (void *)lookup("kvm_arch_flush_shadow_memslot");
#ifdef KVM_FIXES_HAVE_MEMSLOT_SETS
	unmap_gfns = (void *)lookup("kvm_unmap_gfn_range");
	return flush_memslot && unmap_gfns ? 0 : -ENOENT;
#else
	unmap_hvas = (void *)lookup("kvm_unmap_hva_range");
	return flush_memslot && unmap_hvas ? 0 : -ENOENT;
#endif
}

static int __init violate_init(void)
{
	int err = look_up();

	if (err)
		return err;
	err = register_kprobe(&wait_probe);
	if (err)
		return err;
	err = register_kprobe(&record_probe);
	if (err)
		goto no_record;
	err = register_kretprobe(&flush_probe);
	if (err)
		goto no_flush;
	violate_file = debugfs_create_file("kvm-violate", 0200, NULL, NULL, &violate_fops);
	return 0;

no_flush:
	unregister_kprobe(&record_probe);
no_record:
	unregister_kprobe(&wait_probe);
	return err;
}
module_init(violate_init);

static void __exit violate_exit(void)
{
	debugfs_remove(violate_file);
	unregister_kretprobe(&flush_probe);
	unregister_kprobe(&record_probe);
	unregister_kprobe(&wait_probe);
}
module_exit(violate_exit);

MODULE_DESCRIPTION("Breaks KVM's unmap rule; for tests");
MODULE_LICENSE("GPL");
