#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tessera audit: claims without any record, with made-up records of this version, and with records it must not trust.
. tests/e2e/lib.sh
tool=$B/tests/tool_audit
R=$TMP/records

audit() { "$T" audit --records "$R" "$@" 2>"$TMP/err"; }
json() { audit --json >"$TMP/a.json" && "$tool" shape "$TMP/a.json" >"$TMP/shape"; }
has() { # FILE TEXT...
    file=$1
    shift
    for text; do grep -qF -- "$text" "$file" || { cat "$file"; echo "no '$text'"; return 1; }; done
}
lacks() { ! grep -F -- "$2" "$1"; }
version=$(audit --json | sed 's/.*"version":"\([0-9a-f]*\)".*/\1/')
records() { rm -rf "$R" && "$tool" records "$R" "$@"; } # VERSION CONTEXT WAFERS [ERROR]

without_records() {
    rm -rf "$R" && json && has "$TMP/shape" "context 1000 wafers 20 users 1 cycles 0 rate 0.00 not executed" \
        "context 10000 wafers 20" "context 100000 wafers 20" "claim speed: not executed yet"
}
verdicts() {
    has "$TMP/shape" "claim ratio: overtaken" "claim one_wafer: impossible" "claim mixture: two things in one" \
        "claim answer: two things in one" "claim wafers: would fit"
}
commands() { audit >"$TMP/text" && has "$TMP/text" "tessera layer --model kimi-k2.6 --machine wse3 --layer 0 --context 10000 --wafers 20 --record" \
    "--layer 1 --context" "--layer head --context"; }
# layer 0: 50 + 9 * 200, 60 layers of 50 + 12 * 200, the head: 50 + 2 * 200; 20 crossings of 5500 cycles and of 7168 words
# at 1.2e12 bit/s and 1.1 GHz: 210.26 cycles
with_records() {
    records "$version" 10000 20 && json &&
        has "$TMP/shape" "context 10000 wafers 20 users 1 cycles 263505 rate 4174.49 extrapolated (layer 0 executed, layer 5 executed, head executed); crossings assumed" \
            "context 1000 wafers 20 users 1 cycles 0 rate 0.00 not executed" "claim speed: plausible"
}
other_wafers() { # two layers a wafer: another plan gets a row of its own
    records "$version" 10000 20 && "$tool" records "$R" "$version" 2048 31 && json &&
        has "$TMP/shape" "context 2048 wafers 31" "context 10000 wafers 20 users 1 cycles 263505"
}
same_again() { records "$version" 10000 20 && audit >"$TMP/1" && audit >"$TMP/2" && cmp "$TMP/1" "$TMP/2"; }
terms() { records "$version" 10000 20 && audit >"$TMP/text" && has "$TMP/text" "executed (layer 5 executed)" \
    "extrapolated (layer 5 executed)" "assumed (5 us each, machine file)" "65 cycles, as executed"; }
# 731 phases with 60 cycles on links each
changes() { records "$version" 10000 20 && audit >"$TMP/text" && grep -A20 "one thing" "$TMP/text" >"$TMP/part" &&
    has "$TMP/part" "307,365 cycles" "197,505 cycles" "808,100 cycles" "12,523 tokens/s" "at least 24 wafers by bytes" "at least 47 wafers by bytes"; }
# periods of 950, 1250 and 250 cycles: 1.1e9 / 1250 tokens/s, full with 210.8 users; a prompt of 256 takes 263,505 + 255 * 1250
many_users() {
    records "$version" 10000 20 && audit >"$TMP/text" && grep -A14 "^Many users" "$TMP/text" >"$TMP/part" &&
        has "$TMP/part" "slowest stage, layer 5 (experts), takes one every 1,250 cycles (executed)" &&
        grep -Eq "^ +1 +4,174 +4,174 +0.240  extrapolated$" "$TMP/part" && grep -Eq "^ +128 +4,174 +534,335 +0.240  extrapolated; more than" "$TMP/part" &&
        grep -Eq "^ +256 +3,438 +880,000 +0.291  extrapolated; more than" "$TMP/part" && audit >"$TMP/text" && grep -Eq "^ +256 +0.529  extrapolated$" "$TMP/text" &&
        audit --json >"$TMP/a.json" && has "$TMP/a.json" '"many_users":{"wafers":20,"context":10000,"placed_users":1,"latency_cycles":2635' '"tpot_seconds_p99":' '"prompts":[{"tokens":256,"ttft_seconds":0.00052'
}
several_placed() { # periods come from a placement for several users, when only there they were executed
    records "$version" 10000 20 && sed -i 's/"period":[0-9]*/"period":0/' "$R"/*.json && audit >"$TMP/text" && has "$TMP/text" "takes one every 2,450 cycles (assumed). Where a period was not executed" &&
        "$tool" records "$R" "$version" 10000 20 1e-5 4 && audit --json >"$TMP/a.json" && has "$TMP/a.json" '"placed_users":4' '"period_cycles":1250' '"users":4,"placed":true' '"users":8,"placed":false'
}
users_of_others() { # neither periods of another context, nor a placement for several whose periods were not executed
    records "$version" 10000 20 1e-5 4 && sed -i 's/"period":[0-9]*/"period":0/' "$R"/*.json && "$tool" records "$R" "$version" 10000 20 && audit --json >"$TMP/a.json" && has "$TMP/a.json" '"placed_users":1' '"period_cycles":1250' &&
        sed -i 's/"period":[0-9]*/"period":0/' "$R"/*.json && "$tool" records "$R" "$version" 20000 20 && "$tool" records "$R" "$version" 10000 31 && audit --json >"$TMP/a.json" && has "$TMP/a.json" '"many_users":{"wafers":20,"context":10000' '"period_cycles":2450'
}
users_missing() { records "$version" 10000 20 && sed -i 's/"period":[0-9]*/"period":0/; s/"users":1/"users":4/' "$R"/*.json && rm "$R"/*head* && audit >"$TMP/text" && has "$TMP/text" "--layer head --context 10000 --tokens 4 --wafers 20 --record"; }
page() { # with and without records
    records "$version" 10000 20 && audit --html "$TMP/a.html" && "$tool" page "$TMP/a.html" && has "$TMP/a.html" "phase 11" "tokens/s of all users" "<svg" "&lt;q&gt; &amp; &quot;kv&quot;" &&
        rm -r "$R" && audit --html "$TMP/b.html" && "$tool" page "$TMP/b.html" && has "$TMP/b.html" "<svg" "ours: not executed"
}
page_tool() { # so that the check means something
    for broken in 's,</main>,,' 's,<p ,<p <,' 's,<p class="note">,<p class="note>,' 's,<h2>,<h2>\& ,' 's,<h2>,<h2><script/>,'; do
        sed "$broken" "$TMP/b.html" >"$TMP/c.html"
        ! "$tool" page "$TMP/c.html" || { echo "accepted: $broken"; return 1; }
    done
}
stale() { records 0123456789abcdef 10000 20 && exits 1 "executed by version 0123456789abcdef, not by this one" "$T" audit --records "$R" &&
    has "$TMP/out" "FAILS: dense layer 0" "and" "Sources"; }
stale_unused() { # a record no figure rests on
    records "$version" 10000 20 && "$tool" records "$R" 0123456789abcdef 1000 20 && rm "$R"/*head*context1000-* && json
}
wrong_output() { records "$version" 10000 20 0.002 && exits 1 "output differs by 0.002, limit 0.001" "$T" audit --records "$R"; }
bad_record() { records "$version" 10000 20 && sed -i 's/"users":1/"users":0/' "$R"/*dense* && exits 3 "users: outside" "$T" audit --records "$R"; }
machine() { sed "$1" host/machines/wse3.txt >"$TMP/m.txt" && rm -rf "$R"; }
no_source() { machine 's/^clock_hz.*/\nclock_hz = 1.3e9/' && exits 1 "clock_hz: no source" "$T" audit --records "$R" --machine "$TMP/m.txt"; }
a_default() { machine '/^hop_cycles/d' && exits 1 "hop_cycles: no source" "$T" audit --records "$R" --machine "$TMP/m.txt"; }
own_machine() { machine 's/^clock_hz.*/clock_hz = 1.3e9 # assumed: what if/' && "$T" audit --records "$R" --machine "$TMP/m.txt" >"$TMP/text" 2>"$TMP/err" &&
    has "$TMP/text" "1.3 GHz"; }
no_fabric() { rm -rf "$R" && exits 2 "no fabric size" "$T" audit --records "$R" --machine small; }
unwritable() { rm -rf "$R" && exits 3 "/no/such/folder/x.html" "$T" audit --records "$R" --html /no/such/folder/x.html; }
figures() { json && lacks "$TMP/a.json" '"source":null'; }

check "without records nothing is claimed" without_records
check "claims that need only counting are judged" verdicts
check "missing layers: the commands that execute them" commands
check "a token is the sum of its layers, head and crossings" with_records
check "every executed context and number of wafers has a row" other_wafers
check "the same inputs, the same page" same_again
check "every term is labelled" terms
check "what follows from another hop, crossing, phase, acceptance, precision" changes
check "many users and prompts, from latencies and periods" many_users
check "of a placement for several users when it was executed" several_placed
check "but not of one like it in name only" users_of_others
check "what is missing of several users" users_missing
check "the page is well-formed and stands alone" page
check "a page that is not would be found" page_tool
check "records of another version fail the audit, which still prints" stale
check "but only those a figure rests on" stale_unused
check "a wrong output fails the audit" wrong_output
check "a bad record names file and member" bad_record
check "a machine value without source fails the audit" no_source
check "so does a default" a_default
check "a machine file with sources is fine" own_machine
check "a machine sized to its model is refused" no_fabric
check "a page that cannot be written" unwritable
check "every figure names its source" figures
done_testing
