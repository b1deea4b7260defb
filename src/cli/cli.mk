# SPDX-License-Identifier: GPL-2.0-only
#
# kvm-fixes, the command, its unit tests and its fuzzers. Included by the top Makefile.
# A sanitizer needs a BUILD of its own, as for src/vmm/vmm.mk.

PREFIX ?= /usr
CLI_DIR := src/cli
CLI_OBJ := $(BUILD)/cli
CLI_SOURCES := $(filter-out $(CLI_DIR)/main.c,$(sort $(wildcard $(CLI_DIR)/*.c)))
CLI_OBJECTS := $(CLI_SOURCES:$(CLI_DIR)/%.c=$(CLI_OBJ)/%.o)
CLI_LIBRARIES := -lkmod -ldw -lelf -ljson-c -larchive

CLI_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wpointer-arith -Wvla -Wundef -Wformat=2
# Messages are cut to one line's length on purpose.
CLI_CFLAGS += -Wno-format-truncation
CLI_CPPFLAGS := -D_GNU_SOURCE -DCLI_VERSION='"$(VERSION)"' -DCLI_LIBDIR='"$(PREFIX)/lib/kvm-fixes"' \
	-I$(CLI_DIR) -Iinclude -MMD -MP
ifneq ($(SANITIZE),)
CLI_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
CLI_LINK := -fsanitize=$(SANITIZE)
else
CLI_CFLAGS += -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CLI_LINK := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
endif

.PHONY: cli cli-unit
cli: $(BUILD)/kvm-fixes

$(BUILD)/kvm-fixes: $(CLI_OBJ)/main.o $(CLI_OBJECTS)
	$(CC) $(CFLAGS) $(CLI_CFLAGS) $(LDFLAGS) $(CLI_LINK) -o $@ $^ $(CLI_LIBRARIES)

CLI_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/%,$(wildcard tests/unit/cli_*test.c))

$(CLI_TESTS): $(BUILD)/%: $(CLI_OBJ)/%.o $(CLI_OBJECTS)
	$(CC) $(CFLAGS) $(CLI_CFLAGS) $(LDFLAGS) $(CLI_LINK) -o $@ $^ $(CLI_LIBRARIES) -lcmocka

cli-unit: $(CLI_TESTS)
	for test in $^; do $$test || exit 1; done

$(CLI_OBJ)/cli_%.o: tests/unit/cli_%.c | $(CLI_OBJ)
	$(CC) $(CPPFLAGS) $(CLI_CPPFLAGS) $(CFLAGS) $(CLI_CFLAGS) -c -o $@ $<

$(CLI_OBJ)/%.o: $(CLI_DIR)/%.c | $(CLI_OBJ)
	$(CC) $(CPPFLAGS) $(CLI_CPPFLAGS) $(CFLAGS) $(CLI_CFLAGS) -c -o $@ $<

$(CLI_OBJ):
	mkdir -p $@

-include $(wildcard $(CLI_OBJ)/*.d)

# Fuzzers have objects of their own: clang's, and instrumented.
FUZZ := $(BUILD)/fuzz
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(FUZZ)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_OBJECTS := $(CLI_SOURCES:$(CLI_DIR)/%.c=$(FUZZ)/%.o)
FUZZ_COMPILE = clang $(CPPFLAGS) $(CLI_CPPFLAGS) -std=gnu11 -O1 -g -Wall -Wextra -Wmissing-prototypes \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: cli-fuzz
cli-fuzz: $(FUZZ_TARGETS)

$(FUZZ_TARGETS): %: %.o $(FUZZ_OBJECTS)
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(CLI_LIBRARIES)

$(FUZZ)/fuzz_%.o: tests/fuzz/fuzz_%.c | $(FUZZ)
	$(FUZZ_COMPILE) -c -o $@ $<

$(FUZZ)/%.o: $(CLI_DIR)/%.c | $(FUZZ)
	$(FUZZ_COMPILE) -c -o $@ $<

$(FUZZ):
	mkdir -p $@

-include $(wildcard $(FUZZ)/*.d)
