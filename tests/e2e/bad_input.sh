#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mistakes on purpose: one line that names file, item and reason, and the documented exit code.
. tests/e2e/lib.sh

broken() { # FILE: a copy of the model with one file replaced by stdin (or removed when stdin is empty)
    rm -rf "$TMP/m"
    cp -r $MODEL "$TMP/m"
    cat >"$TMP/m/$1"
    [ -s "$TMP/m/$1" ] || rm "$TMP/m/$1"
}
eval_broken() { exits 3 "$1" "$T" eval --model "$TMP/m" --prompt hello; }
edited() { # FILE SED TEXT
    sed "$2" $MODEL/"$1" | broken "$1"
    eval_broken "$3"
}
shard=model-00001-of-000002.safetensors
truncated() { head -c 100000 $MODEL/$shard | broken $shard && eval_broken $shard; }
oversized() { { cat $MODEL/$shard; echo tail; } | broken $shard && eval_broken $shard; }
missing() { : | broken "$1" && eval_broken "$1"; }
garbage() { head -c 5000 $MODEL/$shard | broken "$1" && eval_broken "$1"; }
vocab_broken() { sed '5s/^/!/' $MODEL/tiktoken.model | broken tiktoken.model && eval_broken "tiktoken.model: line 5"; }
bad_elf() { mkdir -p "$TMP/fw" && cp "$B"/firmware/*.elf "$TMP/fw" && head -c 300 "$B/firmware/tile.elf" >"$TMP/fw/tile.elf" &&
    exits 3 tile.elf "$T" eval --model $MODEL --prompt x --firmware "$TMP/fw"; }
bad_machine() { echo 'clock_hzz = 1' >"$TMP/x.txt" && exits 3 "x.txt:1" "$T" eval --model $MODEL --prompt x --machine "$TMP/x.txt"; }

check "truncated shard" truncated
check "oversized shard" oversized
check "missing shard" missing model-00002-of-000002.safetensors
check "missing config" missing config.json
check "index of garbage" garbage model.safetensors.index.json
check "config: absurd hidden size" edited config.json 's/"hidden_size": 192/"hidden_size": 0/' hidden_size
check "config: hidden size of another model" edited config.json 's/"hidden_size": 192/"hidden_size": 224/' safetensors
check "config: top-k over experts" edited config.json 's/"num_experts_per_tok": 4/"num_experts_per_tok": 40/' num_experts_per_tok
check "config: a word for a number" edited config.json 's/"num_hidden_layers": 6/"num_hidden_layers": "6"/' num_hidden_layers
check "config: not JSON" edited config.json 's/{/[/' config.json
check "vocabulary: bad base64 names the line" vocab_broken
check "firmware: truncated ELF" bad_elf
check "machine file: unknown key names the line" bad_machine
echo "[1, 5000]" >"$TMP/i.json"
check "token id beyond the vocabulary" exits 3 "5000" "$T" eval --model $MODEL --tokens "$TMP/i.json"
check "no such model" exits 3 "nowhere" "$T" run --model nowhere
check "a fabric that is too small names tile and part" exits 3 "tile (" "$T" eval --model $MODEL --prompt x --fabric 7x2
check "unknown option" exits 2 "--tokenz" "$T" run --tokenz 3
check "a limit ends in exit code 6" exits 6 "cycle" "$T" eval --model $MODEL --prompt x --load direct --max-cycles 2000
done_testing
