// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens the KVM device and finds out whether it can be used at all, before
 * anything is run.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm.h"

#define CAP(name)	{ KVM_CAP_##name, #name }

static const struct {
	int cap;
	const char *name;
} needed[] = {
	CAP(USER_MEMORY), CAP(DESTROY_MEMORY_REGION_WORKS), CAP(SET_TSS_ADDR),
	CAP(SET_IDENTITY_MAP_ADDR), CAP(EXT_CPUID), CAP(IRQCHIP), CAP(MP_STATE), CAP(IRQFD),
	CAP(IOEVENTFD), CAP(IOEVENTFD_ANY_LENGTH), CAP(IMMEDIATE_EXIT),
};

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return "load kvm-intel or kvm-amd";
	case EACCES:
	case EPERM:
		return "run as root or as a member of the group kvm";
	case EBUSY:
		return "another hypervisor has the CPU's virtualization: stop it";
	case ENOTTY:
	case EINVAL:
		return "name the KVM device with --device";
	default:
		return "see the kernel's log";
	}
}

static int refuse(int fd, const char *what, const char *path, char *why, size_t size)
{
	int error = errno;

	snprintf(why, size, "%s %s: %s; %s", what, path, strerror(error), advice(error));
	if (fd >= 0)
		close(fd);
	return -error;
}

static const char *missing_capability(int fd)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return needed[i].name;
	return NULL;
}

/**
 * kvm_open() - open the KVM device and see that VMs can be made
 * @path: the device
 * @run_size: becomes the size in bytes of a vCPU's shared area
 * @why: gets one line about what is wrong and what to do about it
 * @size: bytes in @why
 *
 * Return: a file descriptor, or a negative errno with the text in @why: -ENOENT and the
 * like when there is no device, -EBUSY when something else uses the CPU's virtualization,
 * -EOPNOTSUPP when this KVM lacks what the checks need.
 */
int kvm_open(const char *path, size_t *run_size, char *why, size_t size)
{
	const char *cap;
	int fd, vm, ret;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return refuse(fd, "cannot open", path, why, size);
	ret = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (ret < 0)
		return refuse(fd, "no KVM at", path, why, size);
	cap = ret == KVM_API_VERSION ? missing_capability(fd) : "API version 12";
	if (cap) {
		snprintf(why, size,
			 "%s: this KVM (API version %d) lacks %s; use a kernel from 5.10 on", path,
			 ret, cap);
		close(fd);
		return -EOPNOTSUPP;
	}
	ret = ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return refuse(fd, "no size of a vCPU from", path, why, size);
	*run_size = (size_t)ret;
	vm = ioctl(fd, KVM_CREATE_VM, 0);
	if (vm < 0)
		return refuse(fd, "cannot create a VM at", path, why, size);
	close(vm);
	return fd;
}
