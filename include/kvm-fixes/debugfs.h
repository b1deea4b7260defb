/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_FIXES_DEBUGFS_H
#define KVM_FIXES_DEBUGFS_H

#include <linux/dcache.h>
#include <linux/debugfs.h>

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

	if (dir)
		dput(dir);
	else
		dir = debugfs_create_dir("fixes", parent);
	debugfs_create_file(name, 0444, dir, NULL, fops);
}

#endif /* KVM_FIXES_DEBUGFS_H */
