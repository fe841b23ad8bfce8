# SPDX-License-Identifier: Apache-2.0
# The virt port: the monitor of the live tile, and the firmware unit tests. Included by firmware/firmware.mk.

# The firmware proper is made small, or it would not fit where it lies on the wafer, of whose access macros
# the port makes calls.
VIRT_OPT := -O2
$(B)/virt/firmware/%.o: VIRT_OPT := -Os
VIRT_FLAGS = $(WARN) -I. -march=rv32imfc -mabi=ilp32f -mcmodel=medany -ffreestanding -fno-builtin-printf $(VIRT_OPT) -g \
  -ffp-contract=off -fno-math-errno -fno-common -ffunction-sections -fno-tree-loop-distribute-patterns -MMD -MP
VIRT_LINK := -march=rv32imfc -mabi=ilp32f -nostdlib -static -Wl,--fatal-warnings -Wl,--gc-sections

$(B)/virt/%.o: %.c
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RVCC) $(VIRT_FLAGS) -c $< -o $@
$(B)/virt/%.o: %.S
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RVCC) $(VIRT_FLAGS) -c $< -o $@
$(B)/virt/linker/%.ld: linker/%.ld.S
	@mkdir -p $(@D)
	$(Q)$(RVCC) -E -P -x assembler-with-cpp -I. -MMD -MP -MT $@ -MF $@.d $< -o $@

# ---- the monitor: makes the board a tile, then runs the wafer's own ROM and image ----
MONITOR_SRC := hal/virt/monitor_entry.S hal/virt/monitor.c hal/virt/decode.c hal/virt/shm.c hal/virt/tile.c \
  hal/virt/engine.c hal/virt/board.c hal/virt/memory.c hal/numerics.c hal/stream.c
MONITOR_OBJ := $(patsubst %,$(B)/virt/%.o,$(basename $(MONITOR_SRC)))

$(B)/virt/monitor.elf: $(B)/virt/linker/monitor.ld $(MONITOR_OBJ)
	$(call say,LD,$@)
	$(Q)$(RVCC) $(VIRT_LINK) -T $< $(MONITOR_OBJ) -o $@

# ---- firmware unit tests: compiled for the port, run by QEMU and by our own core ----
FWTEST_SRC := tests/firmware/start.S tests/firmware/trap_cases.S $(TILE_SRC) firmware/rom/loader.c $(filter-out tests/firmware/tool_%,$(sort $(wildcard tests/firmware/*.c))) \
  hal/virt/port.c hal/virt/tile.c hal/virt/engine.c hal/virt/board.c hal/virt/memory.c hal/numerics.c hal/stream.c
FWTEST_OBJ := $(patsubst %,$(B)/virt/%.o,$(basename $(FWTEST_SRC)))

$(B)/virt/firmware_tests.elf: $(B)/virt/linker/virt.ld $(FWTEST_OBJ)
	$(call say,LD,$@)
	$(Q)$(RVCC) $(VIRT_LINK) -T $< $(FWTEST_OBJ) -o $@

.PHONY: virt
virt: $(B)/virt/monitor.elf $(B)/virt/firmware_tests.elf
firmware: virt
