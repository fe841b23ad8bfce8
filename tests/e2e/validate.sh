#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The published cases, the quick points of each (all: make validate): formulas hold, the output is the same twice, and a
# machine that is not the published one is told so.
. "$(dirname "$0")/lib.sh"

same_twice() {
    "$T" validate --quick --json >"$TMP/a" && "$T" validate --quick --json >"$TMP/b" && cmp "$TMP/a" "$TMP/b"
}
slow_ramp() {
    printf 'name = slow_ramp\nramp_cycles = 4\n' >"$TMP/slow.txt"
    exits 1 "chain: " "$T" validate --quick --machine "$TMP/slow.txt" chain
}

page() { # the tables as a page have the rows that JSON has
    "$T" validate --quick --json --markdown "$TMP/page.md" >"$TMP/rows.json" && head -1 "$TMP/page.md" | grep -q '^# ' &&
        grep -q '^| chain, 128 tiles, 256 words | cycles | 1018 | model | 1018 | executed | +0.00% | 4% | |$' "$TMP/page.md" &&
        [ "$(grep -c '%' "$TMP/page.md")" -ge "$(grep -o '"what"' "$TMP/rows.json" | wc -l)" ] &&
        exits 3 "no/such/page.md: " "$T" validate --quick --markdown "$TMP/no/such/page.md" chain
}

check "published formulas hold within their limits" "$T" validate --quick
check "the result is the same twice" same_twice
check "another machine fails the formulas (exit code 1)" slow_ramp
check "a name that is no case is refused" exits 2 "no case 'chian'" "$T" validate chian
check "a case can be run by itself, as a list shows" sh -c "$T validate --list | grep -q '^gemv ' && $T validate --quick gemv"
check "the tables are written as a page when asked" page
done_testing
