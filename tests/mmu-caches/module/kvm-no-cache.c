// SPDX-License-Identifier: GPL-2.0-only
/*
 * While this is loaded, KVM's MMU does not get the first of its caches, so that the vendor
 * module's load fails there. The cache is made all the same, and an object of it taken: with
 * slub_nomerge on the kernel's command line its descriptor most likely lies where that of a
 * cache lay that was destroyed last, and who destroys that one once more makes the kernel say
 * BUG of objects that remain.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define WITHHELD	"pte_list_desc"

static struct kmem_cache *cache;
static void *object;

/* Status 1: this call's return is of no interest. */
static int is_withheld(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const char *name = (const char *)regs_get_kernel_argument(regs, 0);

	return cache || !name || strcmp(name, WITHHELD);
}

static int withhold(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	cache = (struct kmem_cache *)regs_return_value(regs);
	if (!cache)
		return 0;

	object = kmem_cache_alloc(cache, GFP_ATOMIC);
	regs_set_return_value(regs, 0);
	pr_info("%s is withheld\n", WITHHELD);

	return 0;
}

static struct kretprobe probe = {
	.entry_handler = is_withheld,
	.handler = withhold,
	.maxactive = 4,
};

static int __init no_cache_init(void)
{
	int status;

	/* Since 6.12 kmem_cache_create() is a macro of this. */
	probe.kp.symbol_name = "__kmem_cache_create_args";
	status = register_kretprobe(&probe);
	if (status != -ENOENT)
		return status;

	probe.kp.symbol_name = "kmem_cache_create";

	return register_kretprobe(&probe);
}

static void __exit no_cache_exit(void)
{
	unregister_kretprobe(&probe);
	if (!cache)
		return;

	kmem_cache_free(cache, object);
	kmem_cache_destroy(cache);
}

module_init(no_cache_init);
module_exit(no_cache_exit);
MODULE_DESCRIPTION("Withholds one of the caches of KVM's MMU");
MODULE_LICENSE("GPL");
