/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Not part of any module. Compiled twice, with the kernel's headers alone and
 * with ours before them; scripts/abi-gate compares what the debug data of the
 * two says about every structure that another module can see.
 */
#include <linux/kvm_host.h>
#include <kvm/iodev.h>

/* Not every series has these. */
#if __has_include("linux/kvm_irqfd.h")
#include <linux/kvm_irqfd.h>
#endif
#if __has_include("linux/kvm_dirty_ring.h")
#include <linux/kvm_dirty_ring.h>
#endif
#if __has_include("asm/kvm_page_track.h")
#include <asm/kvm_page_track.h>
#endif
