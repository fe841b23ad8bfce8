#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is predicted for a layer beside what is executed: kimi-nano, and shapes that no cost was measured on.
. tests/e2e/lib.sh

shape() { # NAME KEY VALUE...: kimi-nano with other numbers
    name=$1
    shift
    mkdir -p "$TMP/$name"
    cp $MODEL/config.json "$TMP/$name/config.json"
    while [ $# -gt 0 ]; do
        sed -i "s/\"$1\": [^,]*,/\"$1\": $2,/" "$TMP/$name/config.json"
        shift 2
    done
}
close() { # OPTION...: every phase within 10 % or 60 cycles, their sum within 2.5 %; a phase of either is one of both
    "$T" layer --json "$@" 2>/dev/null >"$TMP/layer.json" || return 1
    tr '{' '\n' <"$TMP/layer.json" | sed -n 's/.*"name":"\([^"]*\)","cycles":\([0-9]*\).*"predicted":\([0-9]*\).*/\2 \3 \1/p' >"$TMP/phases"
    awk '{ d = $2 - $1; d = d < 0 ? -d : d; all += $1; sum += $2; print; if (d > 60 && d > 0.1 * $1) { print "  is off"; bad = 1 } }
        END { d = sum - all; d = d < 0 ? -d : d; print all, sum; exit bad || !NR || d > 0.025 * all }' "$TMP/phases"
}
nano() { close --model $MODEL "$@"; }
made() { m=$1; shift; close --model "$TMP/$m" --weights synthetic:1 "$@"; }
same_plan() { # what plan says of the strip of a layer is what the layer's own says
    "$T" plan --model $MODEL --fabric 120x88 --band 24 --cache bf16 --context 201 --json 2>/dev/null | tr '{' '\n' | sed -n '/expert layer/{n;p;q}' >"$TMP/plan"
    "$T" layer --model $MODEL --fabric 120x88 --band 24 --layer 1 --context 200 --json >"$TMP/layer.json" || return 1
    tr '{' '\n' <"$TMP/layer.json" | sed -n 's/.*"name":"\([^"]*\)".*"predicted":\([1-9][0-9]*\).*/"\1":\2/p' | paste -sd, >"$TMP/all"
    cat "$TMP/plan" "$TMP/all"
    [ -s "$TMP/all" ] && [ "$(sed 's/}.*//' "$TMP/plan")" = "$(cat "$TMP/all")" ]
}

shape wide hidden_size 448 num_attention_heads 16 num_key_value_heads 16 q_lora_rank 224 intermediate_size 1024 moe_intermediate_size 128
shape light q_lora_rank null hidden_size 256 num_attention_heads 4 num_key_value_heads 4 n_shared_experts 2 num_experts_per_tok 6 \
    n_routed_experts 64 moe_intermediate_size 96 kv_lora_rank 128
shape grouped n_group 4 topk_group 2 n_routed_experts 16 qk_nope_head_dim 64 v_head_dim 64
shape few num_experts_per_tok 2 n_routed_experts 8 hidden_size 320 moe_intermediate_size 256 vocab_size 4096
shape odd num_attention_heads 12 num_key_value_heads 12 kv_lora_rank 96 q_lora_rank 160 hidden_size 288

check "kimi-nano, everything in one place" nano --layer 1 --context 100
check "kimi-nano, four columns a layer" nano --fabric 24x24 --layer 3 --context 300
check "kimi-nano, a band" nano --fabric 70x48 --band 16 --layer 3 --context 40
check "kimi-nano, blocks of heads, a long context" nano --fabric 70x88 --band 24 --blocks 8 --layer 3 --context 1000
check "kimi-nano, no position cached" nano --fabric 90x80 --band 20 --layer 2 --context 0
check "kimi-nano, a dense layer" nano --fabric 120x88 --band 24 --layer 0 --context 300
check "kimi-nano, the head" nano --fabric 70x48 --band 16 --layer head --context 10
for shape in wide light grouped few odd; do
    check "$shape, experts outside a band" made $shape --fabric 70x88 --band 24 --layer 2 --context 50
    check "$shape, a wide band and a long context" made $shape --fabric 96x80 --band 40 --layer 3 --context 900
    check "$shape, the dense layer in one place" made $shape --fabric 60x60 --layer 0 --context 100
    check "$shape, the head" made $shape --fabric 60x60 --layer head --context 100
done
check "a layer by itself is predicted as in its plan" same_plan
done_testing
