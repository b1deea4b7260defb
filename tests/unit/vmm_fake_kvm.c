// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fake KVM. Linked with --wrap=ioctl. One VM and one vCPU at a time do real work.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "script.h"
#include "vmm_fake_kvm.h"

#define RUN_SIZE	8192
#define DATA_OFFSET	4096
#define MAX_EVENTS	4

struct fake_kvm fake;

static uint8_t *ram;
static struct kvm_ioeventfd events[MAX_EVENTS];
static unsigned int nevents;
static unsigned int op, done;	/* where the guest is */
static bool reading;		/* an exit waits for its data */
static bool odd;		/* the defect has struck once */

int __wrap_ioctl(int fd, unsigned long request, ...);

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.api = KVM_API_VERSION;
	fake.missing = -1;
	ram = NULL;
	nevents = 0;
	op = done = 0;
	reading = odd = false;
}

static int file(void)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, RUN_SIZE)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static const struct guest_op *current(void)
{
	return (const struct guest_op *)(void *)(ram + GUEST_OPS) + op;
}

static bool is_mmio(unsigned int kind)
{
	return kind == OP_WRITE || kind == OP_READ;
}

static bool is_write(unsigned int kind)
{
	return kind == OP_WRITE || kind == OP_OUT || kind == OP_OUTS;
}

/* What a write carries, or where a read goes. */
static uint8_t *place(const struct guest_op *now)
{
	unsigned int kind = OP_KIND(now->code);

	if (kind == OP_OUTS || kind == OP_INS)
		return ram + GUEST_STRING + (size_t)done * OP_WIDTH(now->code);
	if (is_write(kind))
		return ram + GUEST_OPS + (size_t)op * OP_SIZE + OP_VALUE;
	return ram + GUEST_RESULTS + 8 * (size_t)op;
}

static void advance(const struct guest_op *now)
{
	if (++done == now->repeat) {
		done = 0;
		op++;
	}
}

static bool hits(const struct kvm_ioeventfd *event, const struct guest_op *now)
{
	unsigned int width = OP_WIDTH(now->code);
	uint64_t value = 0, mask = fake.defect == DEFECT_MATCH_LOW ? 0xff : ~0ULL;

	memcpy(&value, &now->value, width);
	if (event->addr != now->addr && fake.defect != DEFECT_ADDR_ALL)
		return false;
	if (!(event->flags & KVM_IOEVENTFD_FLAG_PIO) != is_mmio(OP_KIND(now->code)))
		return false;
	if (event->len && event->len != width && fake.defect != DEFECT_WIDTH_ALL)
		return false;
	return !(event->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) || fake.defect == DEFECT_MATCH_ALL ||
	       ((event->datamatch ^ value) & mask) == 0;
}

/* Is this write an event, and nothing else? */
static bool event(const struct guest_op *now)
{
	uint64_t count = 1;

	for (unsigned int i = 0; i < nevents; i++) {
		if (!is_write(OP_KIND(now->code)) || !hits(&events[i], now))
			continue;
		if (!odd && fake.defect == DEFECT_EVENT_LOST)
			count = 0;
		if (!odd && fake.defect == DEFECT_EVENT_TWICE)
			count = 2;
		odd |= count != 1;
		if (count && write(events[i].fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
			return false;
		return fake.defect != DEFECT_EVENT_AND_EXIT;
	}
	return false;
}

static void tell_io(struct kvm_run *run, uint32_t port, bool write, unsigned int width,
		    const void *data)
{
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.size = (uint8_t)width;
	run->io.port = (uint16_t)port;
	run->io.count = 1;
	run->io.data_offset = DATA_OFFSET;
	memcpy((uint8_t *)run + DATA_OFFSET, data, width);
}

static void tell(struct kvm_run *run, const struct guest_op *now)
{
	unsigned int kind = OP_KIND(now->code), width = OP_WIDTH(now->code);
	bool write = is_write(kind) && fake.defect != DEFECT_DIRECTION;
	uint32_t addr = now->addr + (fake.defect == DEFECT_ADDR);
	uint8_t data[8] = { 0 };

	if (is_write(kind))
		memcpy(data, place(now), width);
	data[width - 1] ^= fake.defect == DEFECT_DATA;
	if (fake.defect == DEFECT_WIDTH)
		width = width == 4 ? 2 : 4;
	if (is_mmio(kind)) {
		run->exit_reason = KVM_EXIT_MMIO;
		run->mmio.phys_addr = addr;
		run->mmio.is_write = write;
		run->mmio.len = width;
		memcpy(run->mmio.data, data, sizeof(data));
	} else {
		tell_io(run, addr, write, width, data);
	}
}

static void finish_read(struct kvm_run *run, const struct guest_op *now)
{
	unsigned int width = OP_WIDTH(now->code);
	uint8_t *to = place(now);

	if (OP_KIND(now->code) != OP_INS)
		memset(to, 0, 8);
	memcpy(to, is_mmio(OP_KIND(now->code)) ? run->mmio.data : (uint8_t *)run + DATA_OFFSET,
	       width);
	to[0] ^= fake.defect == DEFECT_READ;
	reading = false;
	advance(now);
}

static int hang(struct kvm_run *run)
{
	const struct timespec tick = { .tv_nsec = 1000000 };

	while (!__atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST))
		nanosleep(&tick, NULL);
	errno = EINTR;
	return -1;
}

static int run_guest(struct kvm_run *run)
{
	const uint32_t end = OP_END;

	if (fake.hang)
		return hang(run);
	if (reading)
		finish_read(run, current());
	while (current()->code != OP_END) {
		const struct guest_op *now = current();

		if (event(now)) {
			advance(now);
			continue;
		}
		if (fake.defect == DEFECT_SKIP && !odd) {
			odd = true;
			advance(now);
			continue;
		}
		tell(run, now);
		reading = !is_write(OP_KIND(now->code));
		if (!reading && (fake.defect != DEFECT_TWICE || odd))
			advance(now);
		odd |= fake.defect == DEFECT_TWICE;
		return 0;
	}
	op = 0;
	tell_io(run, PORT_DONE, true, sizeof(end), &end);
	return 0;
}

static int run_vcpu(int fd)
{
	void *run = mmap(NULL, RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int ret = run_guest(run);
	int error = errno;

	munmap(run, RUN_SIZE);
	errno = error;
	return ret;
}

static int set_event(const struct kvm_ioeventfd *arg)
{
	if (arg->flags & KVM_IOEVENTFD_FLAG_DEASSIGN) {
		nevents -= fake.defect != DEFECT_STAYS;
		return 0;
	}
	if (!arg->len && arg->flags & KVM_IOEVENTFD_FLAG_DATAMATCH &&
	    fake.defect != DEFECT_ANYTHING_GOES) {
		errno = EINVAL;
		return -1;
	}
	nevents %= MAX_EVENTS;	/* of those that stay */
	events[nevents++] = *arg;
	return 0;
}

static int create_vm(void)
{
	if (fake.vm_error) {
		errno = fake.vm_error;
		return -1;
	}
	nevents = 0;
	op = done = 0;
	reading = odd = false;
	return file();
}

static int serve(int fd, unsigned long request, void *arg)
{
	const struct kvm_userspace_memory_region *region = arg;

	switch (request) {
	case KVM_GET_API_VERSION:
		return fake.api;
	case KVM_CHECK_EXTENSION:
		return (int)(intptr_t)arg != fake.missing;
	case KVM_GET_VCPU_MMAP_SIZE:
		return RUN_SIZE;
	case KVM_CREATE_VM:
		return create_vm();
	case KVM_CREATE_VCPU:
		return file();
	case KVM_SET_USER_MEMORY_REGION:
		if (region->slot == 0)
			memcpy(&ram, &region->userspace_addr, sizeof(ram));
		return 0;
	case KVM_IOEVENTFD:
		return set_event(arg);
	case KVM_RUN:
		return run_vcpu(fd);
	default:
		return 0;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (__atomic_add_fetch(&fake.calls, 1, __ATOMIC_SEQ_CST) == fake.fail_at) {
		errno = EIO;
		return -1;
	}
	return serve(fd, request, arg);
}
