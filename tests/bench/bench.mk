# SPDX-License-Identifier: Apache-2.0
# The core benchmarks: programs for one tile, built like the firmware, and translated like it.

BENCH_CORES := int full mark kernels bursts
BENCH_ELF := $(BENCH_CORES:%=$(B)/bench/core_%.elf)
BENCH_FLAGS = $(filter-out -Wstack-usage=%,$(FW_FLAGS)) -Itests/bench

$(B)/bench/obj/tests/bench/%.o: FW_OPT := -O2
$(B)/bench/obj/%.o: %.c
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RVCC) $(BENCH_FLAGS) -c $< -o $@
$(B)/bench/obj/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(RVCC) $(FW_ARCH) -I. -MMD -MP -c $< -o $@
$(B)/bench/bench.ld: linker/bench.ld.S
	@mkdir -p $(@D)
	$(Q)$(RVCC) -E -P -x assembler-with-cpp -I. -MMD -MP -MT $@ -MF $@.d $< -o $@

$(B)/bench/core_%.elf: $(B)/bench/bench.ld $(B)/bench/obj/tests/bench/core_start.o $(B)/bench/obj/tests/bench/core_%.o \
  $(B)/bench/obj/tests/bench/core_integer.o $(patsubst %.c,$(FW)/obj/%.o,$(wildcard firmware/kernels/*.c)) $(FW)/obj/firmware/fault.o
	$(call say,LD,$@)
	$(Q)$(RVCC) $(FW_LINK) -T $< $(filter %.o,$^) -o $@
	$(Q)$(RVOBJDUMP) -d -S $@ >$(@:.elf=.asm)

.PHONY: bench-cores
bench-cores: $(BENCH_ELF)
all: $(BENCH_ELF:.elf=.so)
