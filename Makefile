# SPDX-License-Identifier: GPL-2.0-only
#
# Front door. `make help` lists the targets; each does its own set-up.

VERSION := $(shell cat VERSION)
BUILD ?= build
KERNEL ?=
OUT ?=
STOCK ?=
SEED ?=

.PHONY: help
help:
	@echo 'make try [KERNEL=release] [CPU=intel|amd]  the main job, in throwaway hosts (root)'
	@echo 'make check                                 every test (root)'
	@echo 'make check-long                            fuzzing and the command, for hours (root)'
	@echo 'make check-power [SEED=number]              power cuts, for hours (root)'
	@echo 'make matrix [ONLY=pattern]                 every kernel of tests/kernels.conf (root)'
	@echo 'make check-debug                           storms on kernels that look for faults, for hours (root)'
	@echo 'make bench [KERNEL=release] [SHORT=1]      what status, registering devices and the unmap guard cost (root)'
	@echo 'make modules KERNEL=release OUT=dir        the three modules, their audit and report.json'
	@echo 'make deb                                   Debian packages of both, into BUILD/deb'
	@echo 'make install | uninstall                   modules through DKMS and kvm-fixes, on this host (root)'

# No root, no DKMS. The tree lies beside what comes out of it until that is there.
# STOCK=dir has the shipped modules, where this host has not.
.PHONY: modules
modules: cli
	@test -n '$(KERNEL)' -a -n '$(OUT)' || { echo 'usage: make modules KERNEL=release OUT=dir' >&2; exit 2; }
	@mkdir -p '$(OUT)' && trap 'rm -rf "$(OUT)/.tree"' EXIT && \
	scripts/prepare-source --kernel '$(KERNEL)' --out '$(OUT)/.tree' && \
	KVM_FIXES_COMMAND='$(abspath $(BUILD))/kvm-fixes' scripts/build-modules --tree '$(OUT)/.tree' --out '$(OUT)' \
		--kernel '$(KERNEL)' $(if $(STOCK),--stock '$(STOCK)')

# Never leaves this folder; see scripts/try.
.PHONY: try
try:
	@BUILD='$(abspath $(BUILD))' scripts/try $(if $(KERNEL),--kernel '$(KERNEL)') $(if $(CPU),--cpu '$(CPU)')

# ONLY=pattern runs the stages whose name matches, see tests/run.
.PHONY: check
check:
	@BUILD='$(abspath $(BUILD))' tests/run

# ONLY=pattern runs the rows whose name matches; KEEP=1 keeps what more tests boot.
.PHONY: matrix
matrix:
	@BUILD='$(abspath $(BUILD))' scripts/matrix $(if $(ONLY),--only '$(ONLY)') $(if $(KEEP),--keep)

# From the results of the last make matrix.
.PHONY: kernels-doc
kernels-doc:
	@BUILD='$(abspath $(BUILD))' scripts/matrix --doc docs/KERNELS.md

# How long the command takes, and registering I/O-bus devices in an emulated host (15
# minutes; SHORT=1 for a trial); what a swap costs is measured in tests/vm/scenario/cli-cycles.
.PHONY: bench
bench:
	@BUILD='$(abspath $(BUILD))' bench/status
	@BUILD='$(abspath $(BUILD))' bench/bus-run $(if $(KERNEL),--kernel '$(KERNEL)') $(if $(SHORT),--short)
	@BUILD='$(abspath $(BUILD))' bench/unmap-cost $(if $(KERNEL),--kernel '$(KERNEL)')

# Kernels that look for faults, each built first; hours.
.PHONY: check-debug
check-debug:
	@BUILD='$(abspath $(BUILD))' DEBUG=1 tests/run

# SEED=number chooses the instants; what was seen with the same files is not tried again.
.PHONY: check-power
check-power:
	@BUILD='$(abspath $(BUILD))' POWER=1 SEED='$(SEED)' tests/run

.PHONY: check-long
check-long:
	@BUILD='$(abspath $(BUILD))' LONG=1 tests/run

# As TAP, with the sanitizers on.
.PHONY: unit-c
unit-c:
	@CMOCKA_MESSAGE_OUTPUT=TAP $(MAKE) -s BUILD='$(BUILD)/sanitized' SANITIZE=address,undefined vmm-unit cli-unit

# Two runs, the same bytes; what is built from is copied, as dpkg writes beside it.
DEB = $(abspath $(BUILD))/deb
DEB_TREE = $(DEB)/kvm-fixes-$(VERSION)
.PHONY: deb
deb:
	@scripts/setup packages deb
	@test "$$(dpkg-parsechangelog -S Version)" = '$(VERSION)' || \
		{ echo 'make: debian/changelog is not about version $(VERSION); add an entry' >&2; exit 1; }
	@rm -rf '$(DEB)' && mkdir -p '$(DEB_TREE)'
	@cp -r COPYING Kbuild Makefile README.md VERSION debian dkms.conf docs include patches scripts src '$(DEB_TREE)'
	@echo 'building the packages (a minute)'
	@cd '$(DEB_TREE)' && dpkg-buildpackage -us -uc -b >'$(DEB)/build.log' 2>&1 || \
		{ tail -n 20 '$(DEB)/build.log'; echo 'make: the packages were not built; see $(DEB)/build.log' >&2; exit 1; }
	@rm -rf '$(DEB_TREE)'
	@ls '$(DEB)'/*.deb

.PHONY: clean
clean:
	rm -rf -- '$(BUILD)'

include src/vmm/vmm.mk
# Not in the source that is installed.
-include bench/bus/bus.mk
-include tests/unmap/unmap.mk
include src/cli/cli.mk
include scripts/install.mk
