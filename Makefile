# SPDX-License-Identifier: Apache-2.0
# Tessera: firmware for every tile of a wafer, the emulator that runs it, and the runtime that feeds it.
# `make help` lists the targets. V=1 shows commands, DEBUG=1 builds -O0.

B := build
CC := gcc
RVCC := riscv64-unknown-elf-gcc
RVOBJDUMP := riscv64-unknown-elf-objdump
RVSIZE := riscv64-unknown-elf-size
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

WARN := -std=c11 -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wundef -Wvla \
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-align -Wcast-qual -Wwrite-strings \
  -Wpointer-arith -Wimplicit-fallthrough -Wdouble-promotion -Wformat=2 -Wredundant-decls -Wnull-dereference
INC := -I. -Ihost -Itests
HOSTFLAGS := $(WARN) $(INC) -D_GNU_SOURCE -g -MMD -MP -ffp-contract=off -fno-math-errno
OPT := $(if $(DEBUG),-O0,-O2)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
LIBS := -lm -lpthread

HOST_SRC := $(filter-out host/cli/main.c,$(sort $(wildcard host/*/*.c) $(wildcard hal/*.c) $(wildcard hal/native/*.c)))
HOST_ASM := $(sort $(wildcard host/*/*.S))
HOST_OBJ := $(HOST_SRC:%.c=$(B)/host/%.o) $(HOST_ASM:%.S=$(B)/host/%.o)
SAN_OBJ := $(HOST_SRC:%.c=$(B)/san/%.o) $(HOST_ASM:%.S=$(B)/san/%.o)

.PHONY: all
all: $(B)/tessera firmware ## build the host program and the firmware
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

# ---- host ----
$(B)/host/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTFLAGS) $(OPT) -c $< -o $@
$(B)/host/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(INC) -MMD -MP -c $< -o $@
$(B)/san/%.o: %.c
	$(call say,CC-SAN,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTFLAGS) $(SAN) -c $< -o $@
$(B)/san/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(INC) -MMD -MP -c $< -o $@
$(B)/libtessera.a: $(HOST_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/libtessera-san.a: $(SAN_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/tessera: $(B)/host/host/cli/main.o $(B)/libtessera.a
	$(call say,LD,$@)
	$(Q)$(CC) $(OPT) -g $^ -o $@ $(LIBS)

include tests/tests.mk
include firmware/firmware.mk
include hal/virt/virt.mk
include host/core/aot.mk
include tests/bench/bench.mk

# presets are built in through .incbin, which the compiler's dependency files do not see
$(B)/host/host/machines/preset_text.o $(B)/san/host/machines/preset_text.o: $(wildcard host/machines/*.txt)

# ---- what people type ----
.PHONY: run test test-slow fuzz bench validate regs lint format clean help tools size stack
PROMPT ?= Once upon a time there was a
run: tools ## boot the emulated wafer and generate text (PROMPT="..." changes the prompt)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(B)/tessera run --model host/models/kimi-nano --machine small --tokens 64 --prompt "$(PROMPT)"

test: tools ## all tests (T=text picks some, SEED=n changes the random ones)
	$(Q)$(MAKE) --no-print-directory all test-binaries
	$(Q)tests/run.sh $(B) quick

test-slow: tools ## the tests that take longer
	$(Q)$(MAKE) --no-print-directory all test-binaries
	$(Q)tests/run.sh $(B) slow

validate: tools ## published measurements and formulas beside the emulated wafer (CASES="chain gemv")
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(B)/tessera validate $(CASES)

bench: tools ## time the emulator on this computer (CASES="core fabric/neighbour")
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(B)/tessera bench $(CASES)

NEED := $(if $(shell command -v $(RVCC)),,gcc-riscv64-unknown-elf) \
  $(if $(shell command -v qemu-system-riscv32),,qemu-system-misc)
tools: # install what is missing through apt, or print the line to run
	@set -- $(strip $(NEED)); [ $$# -eq 0 ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then S=; elif sudo -n true 2>/dev/null; then S=sudo; else \
	  echo "missing packages; run: sudo apt-get update && sudo apt-get install -y $$*" >&2; exit 2; fi; \
	echo "installing $$* through apt" >&2; \
	$$S apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive $$S apt-get install -y -qq --no-install-recommends $$* >&2

FORMAT_SRC = $(shell git ls-files '*.c' '*.h')
lint: ## formatting, clang-tidy, no address literals outside hal/
	$(Q)tests/lint.sh
format: ## rewrite the sources in the house format
	$(Q)clang-format -i $(FORMAT_SRC)
clean: ## remove build/
	$(Q)rm -rf $(B)
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
