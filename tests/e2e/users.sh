#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Users side by side in one pipeline: what a user is told does not depend on the company or the number of wafers.
. tests/e2e/lib.sh

texts() { # FILE OPTION...: the texts, one a line
    out=$1
    shift
    "$T" run --model $MODEL --load direct --tokens 6 --json "$@" 2>"$TMP/err" >"$TMP/$out.json" || { cat "$TMP/err"; return 1; }
    sed 's/.*"texts":\[\(.*\)\],"machine".*/\1/; s/","/"\n"/g' "$TMP/$out.json" >"$TMP/$out"
}
alone() { # USER: seed 1 + USER alone gives line USER + 1 of the crowd's
    texts alone --seed $((1 + $1)) && sed -n "$(($1 + 1))p" "$TMP/crowd" | cmp - "$TMP/alone"
}
differ() { [ "$(sort -u "$TMP/crowd" | wc -l)" -eq 4 ]; }
faster() { # more users, more tokens a second in total
    one=$(sed 's/.*"tokens_per_second_total":\([0-9]*\).*/\1/' "$TMP/alone.json")
    four=$(sed 's/.*"tokens_per_second_total":\([0-9]*\).*/\1/' "$TMP/crowd.json")
    echo "alone $one, four users $four tokens/s" && [ "$four" -gt $((2 * one)) ]
}
check "four users" texts crowd --users 4
check "they get different texts" differ
for u in 0 1 2 3; do check "user $u gets the same alone" alone $u; done
check "four users' tokens come more than twice as fast" faster
cp "$TMP/crowd" "$TMP/before"
three() { texts crowd --users 4 --wafers 3 && cmp "$TMP/before" "$TMP/crowd"; }
check "the same on three wafers" three
check "no users" exits 2 "--users" "$T" run --model $MODEL --users 0
done_testing
