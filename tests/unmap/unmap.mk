# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-unmap-storm, made of what src/vmm has. Included by the top Makefile after
# src/vmm/vmm.mk; by itself:
#   make -f tests/unmap/unmap.mk [BUILD=dir] [SANITIZE=address,undefined]

ifndef VMM_DIR
include src/vmm/vmm.mk
.DEFAULT_GOAL := unmap-storm
endif

UNMAP_OBJ := $(BUILD)/unmap
UNMAP_OBJECTS := $(patsubst tests/unmap/%,$(UNMAP_OBJ)/%.o,$(basename $(wildcard tests/unmap/*.[cS])))

.PHONY: unmap-storm
unmap-storm: $(BUILD)/kvm-unmap-storm

$(BUILD)/kvm-unmap-storm: $(UNMAP_OBJECTS) $(VMM_OBJECTS)
	$(CC) $(CFLAGS) $(VMM_CFLAGS) $(LDFLAGS) $(VMM_LINK) -o $@ $^

$(UNMAP_OBJ)/%.o: tests/unmap/%.c | $(UNMAP_OBJ)
	$(CC) $(CPPFLAGS) $(VMM_CPPFLAGS) $(CFLAGS) $(VMM_CFLAGS) -c -o $@ $<

$(UNMAP_OBJ)/%.o: tests/unmap/%.S | $(UNMAP_OBJ)
	$(CC) $(VMM_CPPFLAGS) -DGUEST_BITS=64 -c -o $@ $<

$(UNMAP_OBJ):
	mkdir -p $@

-include $(wildcard $(UNMAP_OBJ)/*.d)
