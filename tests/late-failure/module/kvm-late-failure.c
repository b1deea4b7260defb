// SPDX-License-Identifier: GPL-2.0-only
/*
 * While this is loaded, KVM does not get its device, the last thing that kvm_init() asks
 * for, so that the vendor module's load fails when all else has been made.
 */
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>

/* In the place of misc_register(), at whose first instruction the probe is. */
static noinline int refuse(struct miscdevice *device)
{
	pr_info("%s is refused\n", device->name);

	return -EBUSY;
}

static int divert(struct kprobe *probe, struct pt_regs *regs)
{
	const struct miscdevice *device = (void *)regs_get_kernel_argument(regs, 0);

	if (!device->name || strcmp(device->name, "kvm"))
		return 0;

	instruction_pointer_set(regs, (unsigned long)refuse);

	return 1;
}

NOKPROBE_SYMBOL(divert);

static struct kprobe probe = {
	.symbol_name = "misc_register",
	.pre_handler = divert,
};

static int __init late_failure_init(void)
{
	return register_kprobe(&probe);
}

static void __exit late_failure_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(late_failure_init);
module_exit(late_failure_exit);
MODULE_DESCRIPTION("Refuses KVM its device");
MODULE_LICENSE("GPL");
