#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Random checkpoints of the family, and chosen ones, on meshes of many shapes: the wafer against the reference.
. tests/e2e/lib.sh

ids="[3, 1, 4, 1, 5, 9, 2, 6]"
echo "$ids" >"$TMP/ids.json"
agree() { # FABRIC(or -) KEY=VALUE...
    fabric=$1 m=$TMP/model
    shift
    rm -rf "$m"
    "$B/tests/tool_make_model" "$m" "$@" || return
    set -- --model "$m" --tokens "$TMP/ids.json" --greedy 4
    "$T" eval "$@" --reference --logits "$TMP/ref.safetensors" || return
    [ "$fabric" = - ] || set -- "$@" --fabric "$fabric"
    "$T" eval "$@" --compare "$TMP/ref.safetensors"
}
check "plain q_proj, two shared experts, no YaRN (Moonlight)" agree - q_lora=0 shared=2 yarn=0
check "three dense layers, expert groups (DeepSeek V3)" agree - dense_layers=3 layers=5 groups=4 groups_used=2 top_k=4 experts=16
check "FP8 blocks" agree - quant=8
check "INT4 experts, K2.5 names, three shards" agree - quant=4 k25=1 shards=3
check "all dense" agree - experts=0 dense_layers=3 shared=0 top_k=0
check "tied embeddings, F32" agree - tied=1 f32=1
check "odd sizes" agree - hidden=61 heads=3 nope=7 v=5 kv_lora=9 q_lora=11 expert_width=13 dense_width=17 vocab=301
check "one row" agree 24x1
check "tall" agree 5x37
check "wide" agree 90x3
check "layers share strips: two columns" agree 2x24 layers=4 dense_layers=2
check "layers share strips: one column" agree 1x32 layers=2
check "more tiles than elements" agree 60x70 hidden=24 dense_width=20 expert_width=12
seed=${SEED:-1}
for i in 1 2 3 4 5 6 7 8 9 10; do
    check "random model $((seed * 100 + i))" agree - random=$((seed * 100 + i))
done
done_testing
