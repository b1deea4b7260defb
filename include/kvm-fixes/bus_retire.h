/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Retirement of I/O-bus arrays: registering a device neither waits for the
 * readers of the array that it replaces nor starts a grace period for them. See
 * src/kernel/bus-retire.c.
 */
#ifndef KVM_FIXES_BUS_RETIRE_H
#define KVM_FIXES_BUS_RETIRE_H

#include <linux/kvm_host.h>

#include <kvm-fixes/debugfs.h>

/**
 * kvm_bus_alloc - an empty array; every array of kvm->buses[] comes from here
 * @nr_devs: how many devices it must have room for
 *
 * Return: the array, with no devices in it, or NULL.
 */
struct kvm_io_bus *kvm_bus_alloc(unsigned int nr_devs);

/**
 * kvm_bus_retire - take over an array that SRCU readers may still be using
 * @kvm: the VM
 * @old: the array that was live
 * @new: the array that has been published in its place
 *
 * Both hold the same devices, save that @new may have one more.
 *
 * Context: process; slots_lock is held, and was since before the publication.
 * May wait for a grace period.
 */
void kvm_bus_retire(struct kvm *kvm, struct kvm_io_bus *old,
		    struct kvm_io_bus *new);

/**
 * kvm_bus_free - free an array and all that were retired before it
 * @bus: an array that no reader can reach: it was never published, or a grace
 *	 period has passed since it stopped being so, or its VM has no users
 *	 left; or NULL
 */
void kvm_bus_free(struct kvm_io_bus *bus);

/**
 * kvm_bus_retire_debugfs - the file fixes/bus_retire, with counts of all VMs
 * @parent: KVM's folder in debugfs, which takes it along when it is removed
 */
void kvm_bus_retire_debugfs(struct dentry *parent);

#endif /* KVM_FIXES_BUS_RETIRE_H */
