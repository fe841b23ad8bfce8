# SPDX-License-Identifier: Apache-2.0
# isa_lib.sh - sourced by the isa_*.sh tests: the same random programs on QEMU and on our core.
# Needs $B (build dir) and $D (scratch dir).

RVCC=${RVCC:-riscv64-unknown-elf-gcc}

# QEMU's virt board with exactly our ISA: machine mode only, nothing beyond RV32IMFC_Zicsr.
QEMU_CPU=rv32,g=off,a=off,d=off,s=off,u=off,h=off,Zifencei=off,Zihintpause=off,zba=off,zbb=off,zbc=off,zbs=off
QEMU_CPU=$QEMU_CPU,pmp=off,mmu=off,debug=off,sstc=off,pmu-num=0

run_qemu() { # ELF: console output on stdout, exit status of the program
    timeout 60 qemu-system-riscv32 -M virt -bios none -nographic -monitor none -serial stdio \
        -cpu "$QEMU_CPU" -kernel "$1" </dev/null
}

run_ours() { # ELF
    "$B/tests/tool_rvrun" --ram 128 --max-insn 200000000 "$1"
}

build_programs() { # NAME rvgen-options...: $D/NAME.elf
    name=$1; shift
    "$B/tests/tool_rvgen" --out "$D/$name.bin" "$@" >"$D/$name.list" &&
    $RVCC -march=rv32imfc -mabi=ilp32f -nostdlib -Wl,--no-warn-rwx-segments -DBLOB="\"$D/$name.bin\"" \
        -T "$D/bare.ld" tests/isa/rvgen_runtime.S -o "$D/$name.elf"
}

both_agree() { # NAME: run $D/NAME.elf on both; whether output and status are the same
    run_qemu "$D/$1.elf" >"$D/$1.qemu" 2>"$D/$1.qemu.err"; echo "status $?" >>"$D/$1.qemu"
    run_ours "$D/$1.elf" >"$D/$1.ours" 2>"$D/$1.ours.err"; echo "status $?" >>"$D/$1.ours"
    cmp -s "$D/$1.qemu" "$D/$1.ours"
}

# What differs in a dump of one program: its 72 words are x0-31, f0-31 and eight more.
name_differences() { # NAME
    awk 'BEGIN { split("fcsr mstatus mscratch mie mtvec traps trap-hash memory-hash", more) }
        { start = NF == 9 ? 2 : 1 }
        NR == FNR { for (k = start; k <= NF; k++) want[a++] = $k; next }
        { for (k = start; k <= NF; k++) { if (want[b] != $k) print "#   " word(b) ": QEMU " want[b] ", ours " $k; b++ } }
        function word(n) { return n < 32 ? "x" n : n < 64 ? "f" n - 32 : more[n - 63] }' "$D/$1.qemu" "$D/$1.ours"
}

# Cut program $2 of seed $1 shorter until it agrees, to find the first instruction that matters.
explain() { # SEED NUMBER
    build_programs one --seed "$1" --first "$2" --list || return
    both_agree one && { echo "# program $2 agrees when run alone"; return; }
    cp "$D/one.list" "$D/full.list"
    good=0 bad=$(wc -l <"$D/full.list")
    while [ $((bad - good)) -gt 1 ]; do
        middle=$(((good + bad) / 2))
        build_programs one --seed "$1" --first "$2" --cut $middle
        if both_agree one; then good=$middle; else bad=$middle; fi
    done
    build_programs one --seed "$1" --first "$2" --cut "$bad"
    both_agree one
    echo "# seed $1, program $2: first difference after instruction $bad"
    sed -n "$((bad > 6 ? bad - 6 : 1)),$((bad + 1))p" "$D/full.list" | sed "s/^ *$bad /-->&/; s/^/# /"
    name_differences one
}

run_batches() { # SEED BATCHES PROGRAMS_EACH: TAP
    $RVCC -E -P -I. -x assembler-with-cpp linker/bare.ld.S -o "$D/bare.ld" || exit 1
    echo "# seed $1 (SEED=n changes it)"
    echo "1..$2"
    batch=0 total=0
    while [ $batch -lt "$2" ]; do
        first=$((batch * $3)) batch=$((batch + 1))
        build_programs batch --seed "$1" --first $first --count "$3" || { echo "not ok $batch - build"; continue; }
        both_agree batch && programs=$(grep -c '^........ .* .* .* .* .* .* .* ........$' "$D/batch.ours")
        if cmp -s "$D/batch.qemu" "$D/batch.ours" && [ "$programs" -eq "$3" ]; then
            total=$((total + $3))
            echo "ok $batch - random programs $first to $((first + $3 - 1)) leave the same state as on QEMU"
            continue
        fi
        line=$(cmp "$D/batch.qemu" "$D/batch.ours" | sed 's/.* line //')
        echo "# $(cat "$D/batch.qemu.err" "$D/batch.ours.err" | tail -n 1)"
        explain "$1" $((first + (${line:-1} - 1) / 9))
        echo "not ok $batch - random programs $first to $((first + $3 - 1)) leave the same state as on QEMU"
    done
    echo "# $total random programs agree"
}
