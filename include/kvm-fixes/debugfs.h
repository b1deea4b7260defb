/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_FIXES_DEBUGFS_H
#define KVM_FIXES_DEBUGFS_H

#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/err.h>

/**
 * kvm_fixes_debugfs_file - a file in the folder "fixes" of KVM's own in debugfs
 * @parent: KVM's folder
 * @name: the file
 * @fops: without write, ioctl and mmap: only such files are readable under
 *	  lockdown=integrity
 *
 * One folder for all fixes, so that what lists KVM's statistics, which are
 * files of one number each, is not disturbed.
 */
static inline void kvm_fixes_debugfs_file(struct dentry *parent,
					  const char *name,
					  const struct file_operations *fops)
{
	struct dentry *dir = debugfs_lookup("fixes", parent);

	/* An error where the kernel has no debugfs. */
	if (!IS_ERR_OR_NULL(dir))
		dput(dir);
	else
		dir = debugfs_create_dir("fixes", parent);
	debugfs_create_file(name, 0444, dir, NULL, fops);
}

/**
 * kvm_fixes_debugfs_undo - what kvm_init() leaves there when it fails later on
 * @parent: what it has for KVM's folder, which may be gone already
 *
 * Some kernels leave the folder to the next kvm_exit(), and there is none: its
 * files' operations are code of a module that is unloaded next, and the next one
 * could not make such a folder. Where the kernel or the other fix has removed it,
 * it is not found, and @parent is not followed. The kernel follows it: to be called
 * after the place where it removes the folder, if it does. Never a function of its
 * own, which the audit would find and none of the fixes alone could declare.
 */
static __always_inline void kvm_fixes_debugfs_undo(struct dentry *parent)
{
	struct dentry *dir = debugfs_lookup("kvm", NULL);

	if (IS_ERR_OR_NULL(dir))
		return;

	if (dir == parent)
		debugfs_remove_recursive(dir);
	dput(dir);
}

#endif /* KVM_FIXES_DEBUGFS_H */
