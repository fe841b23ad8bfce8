#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The wafer's logits and greedy tokens against golden ones from an independent float64 implementation.
. tests/e2e/lib.sh

agrees() { # FILE GREEDY
    "$T" eval --model $MODEL --tokens "$GOLDEN/$1" --greedy "$2" --compare "$GOLDEN/$1" --tolerance 2e-3
}
# the check must be able to fail: a tolerance below fp32's own rounding does
too_tight() {
    exits 1 "logits differ" "$T" eval --model $MODEL --load direct --tokens $GOLDEN/golden-2.safetensors \
        --compare $GOLDEN/golden-2.safetensors --tolerance 1e-9
}
check "golden-1: 27 tokens and 48 greedy ones" agrees golden-1.safetensors 48
check "golden-2: 24 tokens and 48 greedy ones" agrees golden-2.safetensors 48
check "golden-3: 320 tokens, past the original window, and 16 greedy ones" agrees golden-3.safetensors 16
check "a difference is an error" too_tight
done_testing
