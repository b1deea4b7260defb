# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-guest-check and its unit tests. Included by the top Makefile; by itself:
#   make -f src/vmm/vmm.mk [BUILD=dir] [SANITIZE=address,undefined]
# A sanitizer needs a BUILD of its own: its program is not static.

BUILD ?= build
VERSION ?= unknown

VMM_DIR := src/vmm
VMM_OBJ := $(BUILD)/vmm
VMM_GUESTS := ops irq touch ring hammer traps
VMM_SOURCES := $(filter-out $(VMM_DIR)/main.c,$(sort $(wildcard $(VMM_DIR)/*.c)))
VMM_OBJECTS := $(VMM_SOURCES:$(VMM_DIR)/%.c=$(VMM_OBJ)/%.o) \
	$(foreach bits,16 64,$(VMM_GUESTS:%=$(VMM_OBJ)/guests/%.$(bits).o))

VMM_CFLAGS := -std=gnu11 -O2 -g -pthread -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wpointer-arith -Wvla -Wundef -Wformat=2
VMM_CPPFLAGS := -D_GNU_SOURCE -I$(VMM_DIR) -MMD -MP

ifneq ($(SANITIZE),)
VMM_LINK := -fsanitize=$(SANITIZE)
VMM_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
VMM_LINK := -static
endif

.PHONY: vmm vmm-unit
vmm: $(BUILD)/kvm-guest-check

$(BUILD)/kvm-guest-check: $(VMM_OBJ)/main.o $(VMM_OBJECTS)
	$(CC) $(CFLAGS) $(VMM_CFLAGS) $(LDFLAGS) $(VMM_LINK) -o $@ $^

# ioctl() is the fake KVM's in the tests, so that they cannot reach the host's.
VMM_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/%,$(wildcard tests/unit/vmm_*test.c))
VMM_TEST_LINK = $(CC) $(CFLAGS) $(VMM_CFLAGS) $(LDFLAGS) $(filter-out -static,$(VMM_LINK)) \
	-Wl,--wrap=ioctl -o $@ $^ -lcmocka

$(VMM_TESTS): $(BUILD)/%: $(VMM_OBJ)/%.o $(VMM_OBJ)/vmm_fake_kvm.o $(VMM_OBJECTS)
	$(VMM_TEST_LINK)

vmm-unit: $(VMM_TESTS)
	for test in $^; do $$test || exit 1; done

$(VMM_OBJ)/vmm_%.o: tests/unit/vmm_%.c | $(VMM_OBJ)/guests
	$(CC) $(CPPFLAGS) $(VMM_CPPFLAGS) $(CFLAGS) $(VMM_CFLAGS) -c -o $@ $<

$(VMM_OBJ)/guest_check.o: VMM_CPPFLAGS += -DVMM_VERSION='"$(VERSION)"'

$(VMM_OBJ)/%.o: $(VMM_DIR)/%.c | $(VMM_OBJ)/guests
	$(CC) $(CPPFLAGS) $(VMM_CPPFLAGS) $(CFLAGS) $(VMM_CFLAGS) -c -o $@ $<

$(VMM_OBJ)/guests/%.16.o: $(VMM_DIR)/guests/%.S | $(VMM_OBJ)/guests
	$(CC) $(VMM_CPPFLAGS) -DGUEST_BITS=16 -c -o $@ $<

$(VMM_OBJ)/guests/%.64.o: $(VMM_DIR)/guests/%.S | $(VMM_OBJ)/guests
	$(CC) $(VMM_CPPFLAGS) -DGUEST_BITS=64 -c -o $@ $<

$(VMM_OBJ)/guests:
	mkdir -p $@

-include $(wildcard $(VMM_OBJ)/*.d $(VMM_OBJ)/guests/*.d)
