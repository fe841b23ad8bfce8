#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same bits and cycles from run to run and however the wafer was loaded; the same bits under random stalls.
. tests/e2e/lib.sh

eval_to() { # NAME OPTION...: logits to NAME.safetensors, cycles to NAME.cycles
    out=$1
    shift
    "$T" eval --model $MODEL --tokens "$TMP/ids.json" --greedy 4 --logits "$TMP/$out.safetensors" --json "$@" >"$TMP/$out.json" &&
        sed 's/.*"cycles":\([0-9]*\).*/\1/' "$TMP/$out.json" >"$TMP/$out.cycles"
}
same_bits() { eval_to "$@" && cmp "$TMP/first.safetensors" "$TMP/$1.safetensors"; }
same_all() { same_bits "$@" && cmp "$TMP/first.cycles" "$TMP/$1.cycles"; }
stress_moves_time() { ! cmp -s "$TMP/first.cycles" "$TMP/stress1.cycles"; }

echo "[79, 110, 305, 259, 601, 7, 2031, 0]" >"$TMP/ids.json"
check "a run over the fabric" eval_to first
check "a second run: same bits, same cycles" same_all second
check "loaded directly: same bits, same cycles" same_all direct --load direct
check "both loads leave identical SRAM on every tile" "$B/tests/tool_sram" $MODEL "$B/firmware"
check "stress 1: same bits" same_bits stress1 --load direct --stress 1
check "stress 2, loaded over the fabric: same bits" same_bits stress2 --stress 2
check "stress did move time" stress_moves_time
check "another fabric agrees with the reference" sh -c "
    $T eval --model $MODEL --tokens $TMP/ids.json --greedy 4 --reference --logits $TMP/ref.safetensors &&
    $T eval --model $MODEL --tokens $TMP/ids.json --greedy 4 --fabric 50x11 --load direct --compare $TMP/ref.safetensors"
done_testing
