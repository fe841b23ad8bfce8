#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The bench runs, says how to repeat a figure, and refuses names it does not know. No figure is asserted.
. "$(dirname "$0")/lib.sh"

repeats() {
    "$T" bench fabric/neighbour/8 >"$TMP/text" && grep -q 'M hops/s.* tessera bench fabric/neighbour/8$' "$TMP/text"
}
as_json() {
    "$T" bench --json fabric/chain/8 >"$TMP/json" &&
        grep -q '^\[{"case":"fabric/chain/8","unit":"M hops/s",.*"median":[0-9.e+]*,.*}\]$' "$TMP/json"
}

check "the list names cases of every kind" sh -c "$T bench --list >$TMP/list && grep -q '^fabric/transpose/512 ' $TMP/list &&
    grep -q '^threads/' $TMP/list && grep -q '^boot/memory/' $TMP/list && grep -q '^model/speed-up ' $TMP/list"
check "a figure comes with the command that repeats it" repeats
check "JSON says the same" as_json
check "a name that is no case is refused" exits 2 "no bench case 'fabrics'" "$T" bench fabrics
done_testing
