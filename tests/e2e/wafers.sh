#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One model over several wafers joined by links: the same tokens, whatever the number of wafers.
. tests/e2e/lib.sh

agrees() { "$T" eval --model $MODEL --tokens $GOLDEN/golden-2.safetensors --greedy 4 --compare $GOLDEN/golden-2.safetensors "$@"; }
twice() {
    for i in 1 2; do
        agrees --wafers 3 --load direct --logits "$TMP/$i.safetensors" --json | sed 's/"wall_seconds":[^,]*//' >"$TMP/$i.json" || return
    done
    cmp "$TMP/1.safetensors" "$TMP/2.safetensors" && cmp "$TMP/1.json" "$TMP/2.json"
}
check "two wafers" agrees --wafers 2 --load direct
check "one stage on each of seven wafers" agrees --wafers 7 --load direct
check "as many as a small fabric makes necessary, loaded over the fabric" agrees --fabric 20x8
check "two runs: same bits, same cycles" twice
check "stress: same tokens" agrees --wafers 2 --load direct --stress 3
check "more wafers than stages" exits 3 "too many" "$T" eval --model $MODEL --prompt x --wafers 8
check "too few" exits 3 "needed" "$T" eval --model $MODEL --prompt x --fabric 12x8 --wafers 2
done_testing
