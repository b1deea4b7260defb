# SPDX-License-Identifier: GPL-2.0-only
#
# Front door. `make help` lists the targets; each does its own set-up.

VERSION := $(shell cat VERSION)
BUILD ?= build
KERNEL ?=
OUT ?=

.PHONY: help
help:
	@echo 'make try [KERNEL=release] [CPU=intel|amd]  the main job, in throwaway hosts (root)'
	@echo 'make check                                 every test (root)'
	@echo 'make modules KERNEL=release OUT=dir        the three modules and report.json'
	@echo 'make install | uninstall                   modules through DKMS, for this host (root)'

# No root, no DKMS. The tree lies beside what comes out of it until that is there.
.PHONY: modules
modules:
	@test -n '$(KERNEL)' -a -n '$(OUT)' || { echo 'make: usage: make modules KERNEL=release OUT=dir' >&2; exit 2; }
	@mkdir -p '$(OUT)'
	@scripts/prepare-source --kernel '$(KERNEL)' --out '$(OUT)/.tree'
	@scripts/build-modules --tree '$(OUT)/.tree' --out '$(OUT)' --kernel '$(KERNEL)'
	@rm -rf '$(OUT)/.tree'
