# SPDX-License-Identifier: Apache-2.0
# The tile image and the boot ROM, with .asm, .map and .su always beside them. For unit tests the same sources are
# also compiled for the host, under sanitizers.

FW := $(B)/firmware
TILE_SRC := firmware/entry.S firmware/trap.S firmware/boot.c firmware/sched.c firmware/fault.c $(sort $(wildcard firmware/kernels/*.c))
ROM_SRC := firmware/rom/entry.S firmware/trap.S firmware/rom/loader.c firmware/fault.c

# -Os, and -O2 where a token waits for it (and in the loader, where it avoids a memset).
FW_OPT := -Os
FW_FAST := $(patsubst %.c,$(FW)/obj/%.o,firmware/rom/loader.c firmware/sched.c $(wildcard firmware/kernels/*.c))
$(FW_FAST): FW_OPT := -O2

FW_ARCH := -march=rv32imfc -mabi=ilp32f
FW_FLAGS = $(WARN) -I. $(FW_ARCH) $(FW_OPT) -g -ffreestanding -ffunction-sections -fdata-sections -fno-common -ffp-contract=off -fno-math-errno \
  -fno-tree-loop-distribute-patterns -fno-jump-tables -Wstack-usage=256 -fstack-usage -include hal/wafer/port.h -MMD -MP
FW_LINK := $(FW_ARCH) -nostdlib -static -Wl,--fatal-warnings -Wl,--gc-sections -Wl,--build-id=none

fw_obj = $(patsubst %,$(FW)/obj/%.o,$(basename $(1)))

$(FW)/obj/%.o: %.c
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RVCC) $(FW_FLAGS) -c $< -o $@
$(FW)/obj/%.o: %.S
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RVCC) $(FW_ARCH) -I. -MMD -MP -c $< -o $@
$(FW)/%.ld: linker/%.ld.S
	@mkdir -p $(@D)
	$(Q)$(RVCC) -E -P -x assembler-with-cpp -I. -MMD -MP -MT $@ -MF $@.d $< -o $@

$(FW)/tile.elf: $(FW)/tile.ld $(call fw_obj,$(TILE_SRC))
$(FW)/rom.elf: $(FW)/rom.ld $(call fw_obj,$(ROM_SRC))
$(FW)/tile.elf $(FW)/rom.elf:
	$(call say,LD,$@)
	$(Q)$(RVCC) $(FW_LINK) -T $< -Wl,-Map=$(@:.elf=.map) $(filter %.o,$^) -o $@
	$(Q)$(RVOBJDUMP) -d -S $@ >$(@:.elf=.asm)
	$(Q)cat $(patsubst %.o,%.su,$(filter-out %/entry.o %/trap.o,$(filter %.o,$^))) >$(@:.elf=.su)
$(FW)/%.bin: $(FW)/%.elf
	$(Q)$(RVCC:gcc=objcopy) -O binary $< $@

.PHONY: firmware
firmware: $(FW)/tile.bin $(FW)/rom.bin ## build the tile image and the boot ROM
size: $(FW)/tile.bin $(FW)/rom.bin ## compare the firmware's size with tests/golden/size.txt
	$(Q)tests/budget.sh size $(RVSIZE) $(FW)/tile.elf $(FW)/rom.elf
stack: $(FW)/tile.bin $(FW)/rom.bin ## compare the firmware's stack use with tests/golden/stack.txt
	$(Q)tests/budget.sh stack $(FW)/tile.su $(FW)/rom.su
regs: ## print the tile registers
	@printf '%s\n' '#define REG(name, offset, count, access, text) "\n" #offset #count #access #name text' '#include "hal/tile_regs.def"' | \
	  $(CC) -E -P -x c -I. - | awk -F'"' 'NF > 10 {printf "  %s  x%-3s %s  %-18s %s\n", $$4, $$6, $$8, $$10, $$12}'

# ---- the same sources on the host, for unit tests ----
FW_TESTED := firmware/boot.c firmware/sched.c firmware/fault.c $(sort $(wildcard firmware/kernels/*.c))
$(B)/libtessera-san.a: $(FW_TESTED:%.c=$(B)/san/%.o)
