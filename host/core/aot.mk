# SPDX-License-Identifier: Apache-2.0
# Images translated to C and compiled for the host (aot.h). Without them everything works, slower.

AOT_FLAGS := -std=gnu11 -O1 -w -fPIC -shared $(INC)
AOT_SRC := $(wildcard host/core/*.[ch]) host/core/insn.def hal/timing.def

$(B)/%.so: $(B)/%.elf $(AOT_SRC) | $(B)/tessera
	$(call say,TRANSLATE,$<)
	$(Q)$(B)/tessera translate $< >$(@:.so=.aot.c)
	$(Q)$(CC) $(AOT_FLAGS) $(@:.so=.aot.c) -o $@

all: $(B)/firmware/tile.so $(B)/firmware/rom.so
