# SPDX-License-Identifier: Apache-2.0
# How the tests are built: one sanitised runner per folder of TEST() files, one program per fuzz target.
# tests/fixture/ makes inputs (model folders) for all of them.

SUITES := unit prop isa
suite_src = $(filter-out tests/$(1)/tool_%,$(sort $(wildcard tests/$(1)/*.c)))
SUITE_BIN := $(foreach s,$(SUITES),$(if $(call suite_src,$(s)),$(B)/tests/$(s)))
FIXTURE_SRC := $(sort $(wildcard tests/fixture/*.c))
# an archive each: a program takes from it what it uses, so only test runners need the harness
$(B)/libfixture.a: $(FIXTURE_SRC:%.c=$(B)/host/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/libfixture-san.a: $(FIXTURE_SRC:%.c=$(B)/san/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))

define suite_rule
$(B)/tests/$(1): $(patsubst %.c,$(B)/san/%.o,$(call suite_src,$(1))) $(B)/san/tests/harness.o $(B)/libfixture-san.a $(B)/libtessera-san.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(SAN) $$^ -o $$@ $$(LIBS)
endef
$(foreach s,$(SUITES),$(eval $(call suite_rule,$(s))))

$(B)/tests/fuzz_%: $(B)/san/tests/fuzz/fuzz_%.o $(B)/san/tests/fuzz/driver.o $(B)/libfixture-san.a $(B)/libtessera-san.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN) $^ -o $@ $(LIBS)

# Helper programs used by the shell tests: tests/*/tool_NAME.c -> build/tests/tool_NAME (not sanitised).
TOOL_SRC := $(wildcard tests/*/tool_*.c)
SUITE_TOOLS := $(foreach t,$(TOOL_SRC),$(B)/tests/$(basename $(notdir $(t))))
define tool_rule
$(B)/tests/$(basename $(notdir $(1))): $(B)/host/$(1:.c=.o) $(B)/libfixture.a $(B)/libtessera.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(OPT) $$^ -o $$@ $$(LIBS)
endef
$(foreach t,$(TOOL_SRC),$(eval $(call tool_rule,$(t))))

.PHONY: test-binaries
test-binaries: $(SUITE_BIN) $(FUZZ_BIN) $(SUITE_TOOLS) $(B)/tests/tsan

# `make fuzz`: by libFuzzer where clang has it (Debian: libclang-rt-14-dev), else by our own driver.
FUZZ_SAN := address,undefined
$(B)/clang/%.o: %.c
	$(call say,CLANG,$<)
	@mkdir -p $(@D)
	$(Q)clang -w -std=c11 $(INC) -D_GNU_SOURCE -DLIBFUZZER -ffp-contract=off -g -O1 -MMD -MP \
	  -fsanitize=fuzzer-no-link,$(FUZZ_SAN) -c $< -o $@
$(B)/clang/libtessera.a: $(HOST_SRC:%.c=$(B)/clang/%.o) $(FIXTURE_SRC:%.c=$(B)/clang/%.o) $(HOST_ASM:%.S=$(B)/host/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/clang/fuzz_%: $(B)/clang/tests/fuzz/fuzz_%.o $(B)/clang/tests/fuzz/driver.o $(B)/clang/libtessera.a
	$(call say,LD,$@)
	$(Q)clang -fsanitize=fuzzer,$(FUZZ_SAN) $^ -o $@ $(LIBS)
LIBFUZZER_BIN := $(FUZZ_BIN:$(B)/tests/%=$(B)/clang/%)
.PHONY: fuzz fuzz-own fuzz-libfuzzer
fuzz: ## run each fuzz target longer (SECONDS_EACH=60), by libFuzzer where clang has it
	$(Q)if echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
	  clang -w -x c -fsanitize=fuzzer - -o /dev/null 2>/dev/null; \
	then $(MAKE) --no-print-directory fuzz-libfuzzer; else $(MAKE) --no-print-directory fuzz-own; fi
fuzz-own: $(FUZZ_BIN)
	$(Q)for f in $^; do $$f --seconds $${SECONDS_EACH:-60} || exit 1; done
fuzz-libfuzzer: $(LIBFUZZER_BIN)
	$(Q)for f in $^; do echo "$$f"; mkdir -p $$f.corpus; \
	  $$f -max_total_time=$${SECONDS_EACH:-60} -print_final_stats=1 -verbosity=0 $$f.corpus || exit 1; done


# Threads of one wafer: the engines side by side, built with the thread sanitiser.
TSAN_SRC := $(filter-out host/cli/%,$(wildcard host/base/*.c host/core/*.c host/fabric/*.c hal/*.c)) \
  $(wildcard host/machines/*.c) tests/harness.c tests/fixture/fabric_rig.c tests/fixture/engine_pair.c \
  tests/prop/test_engines.c tests/prop/test_trains.c
TSAN_OBJ := $(TSAN_SRC:%.c=$(B)/tsan/%.o) $(B)/host/host/machines/preset_text.o
$(B)/tsan/%.o: %.c
	$(call say,CC-TSAN,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTFLAGS) -fsanitize=thread -O1 -Itests -c $< -o $@
$(B)/tests/tsan: $(TSAN_OBJ)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -fsanitize=thread $^ -o $@ $(LIBS)
.PHONY: tsan
tsan: $(B)/tests/tsan firmware ## the engine tests under the thread sanitiser
	$(Q)B=$(B) T=engines $(B)/tests/tsan
