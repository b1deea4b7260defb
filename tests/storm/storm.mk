# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-bus-storm, made of what src/vmm has. Included by the top Makefile after
# src/vmm/vmm.mk; by itself:
#   make -f tests/storm/storm.mk [BUILD=dir] [SANITIZE=address,undefined]

ifndef VMM_DIR
include src/vmm/vmm.mk
.DEFAULT_GOAL := storm
endif

STORM_OBJ := $(BUILD)/storm
STORM_OBJECTS := $(patsubst tests/storm/%,$(STORM_OBJ)/%.o,$(basename $(wildcard tests/storm/*.[cS])))

.PHONY: storm
storm: $(BUILD)/kvm-bus-storm

$(BUILD)/kvm-bus-storm: $(STORM_OBJECTS) $(VMM_OBJECTS)
	$(CC) $(CFLAGS) $(VMM_CFLAGS) $(LDFLAGS) $(VMM_LINK) -o $@ $^

$(STORM_OBJ)/%.o: tests/storm/%.c | $(STORM_OBJ)
	$(CC) $(CPPFLAGS) $(VMM_CPPFLAGS) -Itests $(CFLAGS) $(VMM_CFLAGS) -c -o $@ $<

$(STORM_OBJ)/%.o: tests/storm/%.S | $(STORM_OBJ)
	$(CC) $(VMM_CPPFLAGS) -Itests -DGUEST_BITS=64 -c -o $@ $<

$(STORM_OBJ):
	mkdir -p $@

-include $(wildcard $(STORM_OBJ)/*.d)
