#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Attention in a band of rows, blocks of heads, experts in whole groups of weights: the golden logits whatever the layout.
. tests/e2e/lib.sh

golden() { # TOLERANCE OPTIONS...
    tolerance=$1; shift
    "$T" eval --model $MODEL --tokens $GOLDEN/golden-2.safetensors --compare $GOLDEN/golden-2.safetensors \
        --tolerance "$tolerance" "$@"
}
direct() { golden "$@" --load direct; }
whole() { # the same file twice
    "$T" eval --model $MODEL --tokens $GOLDEN/golden-2.safetensors --logits "$TMP/$1" --fabric 70x48 --band 16 $2
}
same_bits() { whole a "" && whole b "--load direct" && whole c "--stress 7" && cmp "$TMP/a" "$TMP/b" && cmp "$TMP/a" "$TMP/c"; }
cycles() { "$T" layer --model $MODEL --fabric 70x48 --band 16 --layer 3 --context 40 --json | sed 's/.*"cycles":\([0-9]*\).*/\1/'; }
cached() { # what is predicted for an expert layer, all phases together, is within a fifth of what is executed
    "$T" layer --model $MODEL --fabric 120x88 --band 24 --layer 3 --context 200 --json >"$TMP/l" || return 1
    tr ',{' '\n\n' <"$TMP/l" | awk -F: '/^"cycles"/ && !c {c = $2} /^"predicted"/ {p += $2} END {print c, p; exit !(p > 0.8 * c && p < 1.2 * c)}'
}
uneven() { # of the phases over the cache, where blocks of one column and of two wait for each other, within 5 %
    "$T" layer --model $MODEL --fabric 70x88 --band 24 --blocks 8 --layer 3 --context 1000 --json >"$TMP/u" || return 1
    tr '{' '\n' <"$TMP/u" | sed -n 's/"name":"\(W_uk\|scores\|softmax\|values\|W_uv\)","cycles":\([0-9]*\).*"predicted":\([0-9]*\).*/\2 \3/p' |
        awk '{c += $1; p += $2} END {print c, p; exit !(NR == 5 && p > 0.95 * c && p < 1.05 * c)}'
}

check "blocks of heads on whole strips" direct 2e-3 --fabric 120x8 --blocks 8
check "blocks that do not divide the columns evenly" direct 2e-3 --fabric 90x7 --blocks 4
check "a band, experts in units of 6 columns" direct 2e-3 --fabric 70x48 --band 16
check "a band over the mesh" golden 2e-3 --fabric 70x48 --band 16
check "more rows a group, blocks, teams" direct 2e-3 --fabric 120x88 --band 24 --blocks 4
check "fewer columns than units" direct 2e-3 --fabric 30x80 --band 40
check "several wafers" direct 2e-3 --fabric 24x80 --band 20 --wafers 4
check "a cache of bf16 stays within its rounding" direct 3e-1 --fabric 70x48 --band 16 --cache bf16
check "loads and stalls change no bit" same_bits
check "predictions" cached
check "predictions where blocks are uneven" uneven
check "a band larger than the fabric is refused" exits 2 "a band of 60 rows on a fabric of 48" "$T" plan --model $MODEL --fabric 70x48 --band 60
check "blocks that do not divide the heads are refused" exits 2 "3 blocks do not divide 8 heads" "$T" plan --model $MODEL --blocks 3
check "too few wafers are refused with the arithmetic" exits 3 "594.2 GB as stored, 1 wafer of 762x1172 tiles has 43.9 GB" \
    "$T" plan --model kimi-k2.6 --machine wse3 --wafers 1
done_testing
