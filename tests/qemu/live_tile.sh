#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One tile of the wafer is a QEMU process that runs the wafer's own ROM and image: the same logits, bit for bit.
. tests/e2e/lib.sh

echo "[79, 110, 305, 259]" >"$TMP/ids.json"
eval_to() { # NAME OPTION...
    out=$1
    shift
    timeout 120 "$T" eval --model $MODEL --tokens "$TMP/ids.json" --greedy 2 --logits "$TMP/$out" --load direct "$@"
}
same_bits() { eval_to qemu "$@" && cmp "$TMP/emulated" "$TMP/qemu"; }
live() { timeout 60 "$B/tests/tool_live" "$B" "$@"; }
same_report() { # ACTION PATTERN: both lines of a fault, but for the cycle
    live "$1" >"$TMP/two" && cat "$TMP/two" && grep -q "$2" "$TMP/two" &&
        [ "$(sed 's/ cycle [0-9]*//' "$TMP/two" | uniq -c | awk '{print $1}')" = 2 ]
}
says() { # TEXT ACTION
    live "$2" | grep -F "$1"
}
nothing_left() { ! grep -alE "$B/virt/[m]onitor[.]elf" /proc/[0-9]*/cmdline; }
no_qemu() { exits 3 "qemu-system-riscv32" env PATH=/nowhere "$T" eval --model $MODEL --tokens "$TMP/ids.json" --load direct --qemu-tile 1,1; }
no_tile() { exits 3 "no tile (999,1)" "$T" eval --model $MODEL --tokens "$TMP/ids.json" --load direct --qemu-tile 999,1; }

check "all tiles emulated" eval_to emulated
check "QEMU is the tile in the corner" same_bits --qemu-tile 0,0
check "QEMU is a tile in the middle" same_bits --qemu-tile 20,2
check "QEMU is a tile while links stall at random" same_bits --stress 5 --qemu-tile 14,3
check "QEMU boots over the mesh; same logits, and then every tile holds the same SRAM" live sram $MODEL 9,1
check "a fault in QEMU is reported like any other" same_report fault "fault PROGRAM .* boot.c:.* info 0x7"
check "a store into the code region too" same_report store "fault TRAP .* info 0x7 store outside"
check "a tile that never sleeps is an error" says "no sign of life" hang
check "a killed QEMU is an error" says "QEMU ended with signal 9" killed
check "no QEMU is an error that says what to install" no_qemu
check "no such tile" no_tile
check "no process is left behind" nothing_left
done_testing
