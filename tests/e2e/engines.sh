#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The engines give the same bits in the same cycles: plain, fast with translated images, fast with the threaded
# core, fast with threads.
. tests/e2e/lib.sh

eval_to() { # NAME PROGRAM OPTION...: logits to NAME.safetensors, cycles to NAME.cycles
    out=$1 program=$2
    shift 2
    "$program" eval --model $MODEL --tokens "$TMP/ids.json" --greedy 4 --logits "$TMP/$out.safetensors" --json "$@" >"$TMP/$out.json" &&
        sed 's/.*"cycles":\([0-9]*\).*/\1/' "$TMP/$out.json" >"$TMP/$out.cycles"
}
same_as_plain() { eval_to "$@" && cmp "$TMP/plain.safetensors" "$TMP/$1.safetensors" && cmp "$TMP/plain.cycles" "$TMP/$1.cycles"; }

echo "[79, 110, 305, 259, 601, 7, 2031, 0]" >"$TMP/ids.json"
# the program looks for translations only beside itself
mkdir -p "$TMP/bare/firmware" "$TMP/wrong/firmware"
for copy in bare wrong; do
    cp "$T" "$TMP/$copy/" && cp "$B/firmware/rom.elf" "$B/firmware/tile.elf" "$TMP/$copy/firmware/"
done
cp "$B/firmware/rom.so" "$TMP/wrong/firmware/tile.so"
echo "no program" >"$TMP/wrong/firmware/rom.so"

check "the images were translated" test -s "$B/firmware/tile.so" -a -s "$B/firmware/rom.so"
check "plain" eval_to plain "$T" --engine plain
check "fast: same bits, same cycles" same_as_plain fast "$T"
check "fast, images not translated: same bits, same cycles" same_as_plain bare "$TMP/bare/tessera"
check "fast, three threads: same bits, same cycles" same_as_plain threads "$T" --threads 3
check "translations of something else are not used" same_as_plain wrong "$TMP/wrong/tessera"
check "golden-2 on the plain engine" "$T" eval --model $MODEL --engine plain --load direct --tokens $GOLDEN/golden-2.safetensors --greedy 48 \
    --compare $GOLDEN/golden-2.safetensors --tolerance 2e-3
check "no other engine" exits 2 "neither fast nor plain" "$T" eval --model $MODEL --tokens "$TMP/ids.json" --engine best
done_testing
