# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-bus-bench. Included by the top Makefile after src/vmm/vmm.mk, whose objects
# and flags it uses.

BUS_DIR := bench/bus
BUS_OBJ := $(BUILD)/bench-bus
BUS_OBJECTS := $(patsubst $(BUS_DIR)/%.c,$(BUS_OBJ)/%.o,$(sort $(wildcard $(BUS_DIR)/*.c)))

.PHONY: bus-bench
bus-bench: $(BUILD)/kvm-bus-bench

$(BUILD)/kvm-bus-bench: $(BUS_OBJECTS) $(VMM_OBJECTS)
	$(CC) $(CFLAGS) $(VMM_CFLAGS) $(LDFLAGS) $(VMM_LINK) -o $@ $^

$(BUS_OBJ)/%.o: $(BUS_DIR)/%.c | $(BUS_OBJ)
	$(CC) $(CPPFLAGS) $(VMM_CPPFLAGS) $(CFLAGS) $(VMM_CFLAGS) -c -o $@ $<

$(BUS_OBJ):
	mkdir -p $@

-include $(wildcard $(BUS_OBJ)/*.d)
