#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Models by name and by shape: what info says about them, which weights they get, and that tiles and reference get the same.
. tests/e2e/lib.sh

says() { # TEXT COMMAND...: succeeds, with TEXT on stdout
    text=$1
    shift
    "$@" >"$TMP/out" 2>"$TMP/err" || { cat "$TMP/err"; return 1; }
    grep -qF -- "$text" "$TMP/out" || { cat "$TMP/out"; echo "no '$text'"; return 1; }
}
json() { # MODEL TEXT...: all of them in info --json
    model=$1
    shift
    for text; do says "$text" "$T" info --model "$model" --json || return; done
}
labelled() { says '"weights":"assumed","seed":1' "$T" info --model kimi-k2.6 --json && grep -q "assumed weights" "$TMP/err"; }
stored() { says '"weights":"stored"' "$T" info --model kimi-nano --json && [ ! -s "$TMP/err" ]; }
copied() { # a shape outside the project
    rm -rf "$TMP/shape" && mkdir "$TMP/shape" && cp host/models/moonlight-16b-a3b/config.json "$TMP/shape"
}
not_by_accident() { copied && exits 3 model.safetensors "$T" info --model "$TMP/shape"; }
when_asked() { copied && says "15960110208" "$T" info --model "$TMP/shape" --weights synthetic:0x10; }
named_here() { # a folder here comes before a model of the project
    t=$(cd "$(dirname "$T")" && pwd)/tessera
    mkdir -p "$TMP/here/kimi-nano" && (cd "$TMP/here" && exits 3 "kimi-nano/config.json" "$t" info --model kimi-nano)
}
known="deepseek-v3, kimi-k2, kimi-k2-thinking, kimi-k2.6, kimi-nano, moonlight-16b-a3b"

check "K2.6: parameters and bytes" json kimi-k2.6 '"parameters":1026408232448,' '"weight_bytes":594205351936,' '"kv_bytes_per_token":70272,'
check "K2.6: bytes by kind" json kimi-k2.6 \
    '"bytes_by_kind":{"mla":12337139712,"dense":792723456,"router":330393600,"shared":5284823040,"routed":570760888320,"norms":1763328,"embedding":2348810240,"head":2348810240}' \
    '{"first":0,"last":0,"parameters_each":497500160,"bytes_each":995000320,' \
    '{"first":1,"last":60,"parameters_each":17059365248,"bytes_each":9808545280,'
check "K2.6: one wafer is not enough" json kimi-k2.6 '"wafers_at_least":14,"one_wafer_is_enough_for_the_weights":false'
check "K2.6: and says so in words" says "cannot hold this model: 594.2 GB / 44 GB = 13.50, so it needs at least 14 wafers" "$T" info --model kimi-k2.6
check "K2-Thinking" json kimi-k2-thinking '"parameters":1026408232448,' '"weight_bytes":594205351936,'
check "K2, FP8" json kimi-k2 '"parameters":1026408232448,' '"weight_bytes":1029173249888,' '"wafers_at_least":24'
check "DeepSeek-V3" json deepseek-v3 '"parameters":671026419200,' '"dense_layers":3,' '"groups":8,"groups_used":4,'
check "Moonlight" json moonlight-16b-a3b '"parameters":15960110208,' '"q_lora_rank":0,' '"one_wafer_is_enough_for_the_weights":true'
check "made weights are labelled" labelled
check "stored weights are not" stored
check "an unknown name lists the known ones" exits 3 "'kimi-k3': no such folder here, and the project's models are: $known" "$T" info --model kimi-k3
check "names do not leave the folder" exits 3 "''" "$T" info --model ""
check "a shape elsewhere is a missing checkpoint" not_by_accident
check "unless asked for" when_asked
check "a folder here comes first" named_here
check "weights: anything else is refused" exits 2 "synthetic:SEED" "$T" info --model kimi-nano --weights synthetic:x
check "the note does not hide an error" exits 2 "--context" "$T" plan --model kimi-k2.6 --context 300000

echo "[3, 1, 4]" >"$TMP/ids.json"
agree() { # WEIGHTS: the wafer against the reference
    set -- "$T" eval --model kimi-nano --weights "$1" --tokens "$TMP/ids.json" --greedy 1 --load direct
    "$@" --reference --logits "$TMP/ref.safetensors" && "$@" --compare "$TMP/ref.safetensors"
}
differ() { # another seed is another model
    set -- "$T" eval --model kimi-nano --tokens "$TMP/ids.json" --reference
    "$@" --weights synthetic:8 --logits "$TMP/other.safetensors" && ! cmp -s "$TMP/ref.safetensors" "$TMP/other.safetensors"
}
check "tiles and reference read the same made weights" agree synthetic:7
check "another seed, other weights" differ
done_testing
