/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Not part of any module. Compiled twice, with the kernel's headers alone and
 * with ours before them; scripts/abi-gate compares what the debug data of the
 * two says about every structure that another module can see.
 */
#include <linux/kvm_host.h>
#include <kvm/iodev.h>
