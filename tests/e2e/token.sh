#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tessera token: layer after layer gives what the whole model gives; it can be ended and gone on with at any time.
. tests/e2e/lib.sh

token() { "$T" token --model $MODEL --fabric 70x48 --band 16 "$@"; } # --context ... --state ...
quiet() { token "$@" 2>"$TMP/err"; }
member() { sed "s/.*\"$1\":\"*\([^,\"}]*\).*/\1/" "$2"; } # NAME FILE: the last one of that name
bare() { sed 's/"wall_seconds":[^,]*,"memory_peak_bytes":[0-9]*//' "$1"; } # without what may differ
next_of() { sed 's/.*"next_token":\([0-9]*\).*/\1/' "$1"; }
state() { (cd "$1" && ls && cat stage-*) ; } # FOLDER: all that is in it

reference() { # ID: nothing is cached, so it is the whole model's first position
    echo "[$1]" >"$TMP/ids.json"
    quiet --context 0 --cache f32 --token "$1" --state "$TMP/r$1" --json >"$TMP/r.json" || { cat "$TMP/err"; return 1; }
    "$T" eval --model $MODEL --reference --tokens "$TMP/ids.json" --greedy 1 --json >"$TMP/e.json" || return 1
    a=$(next_of "$TMP/r.json") b=$(sed 's/.*"greedy_ids":\[\([0-9]*\)\].*/\1/' "$TMP/e.json")
    echo "next $a, reference $b" && [ "$a" = "$b" ]
}
differ() { [ "$(for i in 1 17 400 2000; do cat "$TMP/r$i/stage-6.f32" | cksum; done | sort -u | wc -l)" -eq 4 ]; }
whole() { quiet --context 40 --token 17 --state "$TMP/whole" --json >"$TMP/whole.json" && [ "$(grep -c ' of 6: ' "$TMP/err")" -eq 7 ]; }
shape() {
    for m in '"model":"kimi-nano"' '"context":40' '"token":17' '"stages":7' '"stages_finished":7' '"label":"executed"' '"parts":{' '"records":\[{'; do
        grep -q "$m" "$TMP/whole.json" || { echo "no $m"; return 1; }
    done
    awk "BEGIN { exit !($(sed 's/.*"worst_relative_error":\([^,]*\).*/\1/' "$TMP/whole.json") < 1e-6) }"
}
sum() { # layers and head, and a crossing of 2200 cycles and 192 words at 400 Gbit/s (16.9 cycles)
    layers=$(($(sed 's/.*"records"//; s/"tiles":[0-9]*,"cycles":/\n/g' "$TMP/whole.json" | sed -n '2,$s/,.*//p' | paste -sd+)))
    all=$(sed 's/.*"cycles_per_token":\([0-9]*\).*/\1/' "$TMP/whole.json")
    echo "$layers and crossing, $all" && [ "$all" -eq $((layers + 2216)) ]
}
same_as_whole() { # FOLDER JSON
    state "$TMP/whole" | cksum >"$TMP/a" && state "$1" | cksum >"$TMP/b" && cmp "$TMP/a" "$TMP/b" &&
        bare "$TMP/whole.json" >"$TMP/a" && bare "$2" >"$TMP/b" && cmp "$TMP/a" "$TMP/b"
}
finish() { quiet --context 40 --token 17 --state "$1" --json >"$TMP/f.json" && same_as_whole "$1" "$TMP/f.json"; }
parts() {
    quiet --context 40 --token 17 --state "$TMP/parts" --layers 0..2 --json >"$TMP/p.json" && [ "$(sed 's/.*"stages_finished":\([0-9]*\).*/\1/' "$TMP/p.json")" -eq 3 ] &&
        grep -q '"next_token":null' "$TMP/p.json" && quiet --context 40 --token 17 --state "$TMP/parts" --layers 3 >/dev/null && [ -f "$TMP/parts/stage-3.json" ] && [ ! -f "$TMP/parts/stage-4.json" ] &&
        quiet --context 40 --token 17 --state "$TMP/parts" --layers 2..head >/dev/null && finish "$TMP/parts"
}
nothing_left() { finish "$TMP/whole" && ! grep -q ' of 6: ' "$TMP/err"; }
ended() { # SIGNAL: again and again, after longer and longer
    for wait in 0.02 0.05 0.1 0.2 0.3; do
        timeout -s "$1" $wait "$T" token --model $MODEL --fabric 70x48 --band 16 --context 40 --token 17 --state "$TMP/$1" >/dev/null 2>&1
        ! ls "$TMP/$1"/*.json >/dev/null 2>&1 || echo "after $wait: $(ls "$TMP/$1"/*.json | wc -l) stages"
    done
    finish "$TMP/$1"
}
half_written() { # a stage's vector is there, its record is not
    cp -r "$TMP/whole" "$TMP/half" && rm "$TMP/half"/stage-[456].json && head -c 100 "$TMP/whole/stage-4.f32" >"$TMP/half/stage-4.f32" && finish "$TMP/half"
}
engines() { for o in "--threads 2" "--engine plain"; do
    rm -rf "$TMP/o" && quiet --context 40 --token 17 --state "$TMP/o" --json $o >"$TMP/o.json" && same_as_whole "$TMP/o" "$TMP/o.json" || return 1; done; }
other_token() { exits 3 "begun with '--model kimi-nano" token --context 40 --token 18 --state "$TMP/whole"; }
other_machine() { sed 's/^ramp_cycles .*/ramp_cycles = 3/' host/machines/small.txt >"$TMP/m.txt" && exits 3 "--restart" token --context 40 --token 17 --state "$TMP/whole" --machine "$TMP/m.txt"; }
other_version() { cp -r "$TMP/whole" "$TMP/old" && sed -i 's/^[0-9a-f]*/0123456789abcdef/' "$TMP/old/made-with.txt" &&
    exits 3 "begun by version 0123456789abcdef, this is" token --context 40 --token 17 --state "$TMP/old"; }
busy() { flock "$TMP/whole" "$T" token --model $MODEL --fabric 70x48 --band 16 --context 40 --token 17 --state "$TMP/whole" >/dev/null 2>"$TMP/err"; [ $? -eq 3 ] && grep -q "another run is at work" "$TMP/err"; }
restart() { quiet --context 40 --token 18 --state "$TMP/old" --restart --layers 0..1 >/dev/null && [ "$(ls "$TMP/old"/stage-* | wc -l)" -eq 4 ] && ! cmp -s "$TMP/old/stage-0.f32" "$TMP/whole/stage-0.f32"; }
bad_record() { cp -r "$TMP/whole" "$TMP/bad" && cp "$TMP/bad/stage-1.json" "$TMP/bad/stage-2.json" && exits 3 "stage-2.json: executed_layer: 1, not 2" token --context 40 --token 17 --state "$TMP/bad" &&
    echo '{}' >"$TMP/bad/stage-2.json" && exits 3 "stage-2.json: model: missing" token --context 40 --token 17 --state "$TMP/bad"; }
short_vector() { cp -r "$TMP/whole" "$TMP/short" && rm "$TMP/short"/stage-[3456].* && head -c 764 "$TMP/whole/stage-2.f32" >"$TMP/short/stage-2.f32" &&
    exits 3 "stage-2.f32: not 192 float32 numbers" token --context 40 --token 17 --state "$TMP/short"; }
wrong() { # what comes in is no number, so the result compares with nothing
    cp -r "$TMP/whole" "$TMP/wrong" && rm "$TMP/wrong"/stage-[123456].* && head -c 768 /dev/zero | tr '\0' '\377' >"$TMP/wrong/stage-0.f32" &&
        exits 1 "layer 1: relative error" token --context 40 --token 17 --state "$TMP/wrong" && [ ! -f "$TMP/wrong/stage-1.json" ]
}
wafers() { # a crossing before the first strip of the second wafer, and one back
    "$T" token --model $MODEL --fabric 40x48 --wafers 2 --context 40 --state "$TMP/w" --json >"$TMP/w.json" 2>"$TMP/err" && grep -q '"name":"2 wafer crossings","cycles":4400' "$TMP/w.json" &&
        [ "$(cat "$TMP"/w/*.json | grep -c '"crossings_before":1')" -eq 1 ]
}
users() { # the first of several users is told the same as alone
    quiet --context 40 --token 17 --state "$TMP/u" --tokens 4 --json >"$TMP/u.json" && [ "$(wc -c <"$TMP/u/stage-0.f32")" -eq 3072 ] && [ "$(next_of "$TMP/u.json")" = "$(next_of "$TMP/whole.json")" ] &&
        [ "$(cat "$TMP"/u/*.json | grep -c '"period":[1-9]')" -eq 7 ]
}
users_alike() { # nothing cached, so there is nothing that tells users apart
    quiet --context 0 --token 17 --state "$TMP/ua" --tokens 3 --layers 0..1 >/dev/null && split -b 768 "$TMP/ua/stage-1.f32" "$TMP/user." && [ "$(cksum <"$TMP/user.aa")" = "$(cksum <"$TMP/user.ab")" ] && cmp "$TMP/user.ab" "$TMP/user.ac"
}
# The pipeline from executed layers beside the pipeline executed whole: time per token of four users and of eight, who fill it,
# and the time to the first token of a prompt of 24. Within 5 %; the host's channels are not in it.
near() { awk "BEGIN { d = $2 / $3 - 1; printf \"%s: %.0f, executed %.0f\n\", \"$1\", $2, $3; exit !(d < 0.05 && d > -0.05) }"; }
whole_run() { "$T" run --model $MODEL --fabric 70x48 --band 16 --context 40 --cache bf16 --temperature 0 --load direct --json "$@" 2>/dev/null; }
pipeline() {
    latency=$(sed 's/.*"latency_cycles":\([0-9]*\).*/\1/' "$TMP/u.json") period=$(sed 's/.*"period_cycles":\([0-9]*\).*/\1/' "$TMP/u.json")
    whole_run --users 4 --tokens 3 --prompt Once >"$TMP/4.json" && near "four users" "$latency" "$(member tpot_cycles_p50 "$TMP/4.json")" &&
        whole_run --users 8 --tokens 4 --prompt Once >"$TMP/8.json" && near "eight users" $((8 * period)) "$(member tpot_cycles_p50 "$TMP/8.json")" &&
        whole_run --tokens 2 --prompt "Once upon a time there was a little girl who lived in a small house in the forest with her old grandmother" >"$TMP/24.json" &&
        [ "$(member prompt_tokens "$TMP/24.json")" -eq 24 ] && near "a prompt" $((latency + 23 * period)) "$(sed 's/.*"ttft_cycles_mean":\([0-9]*\).*/\1/' "$TMP/24.json")"
}
text() { quiet --context 40 --token 17 --state "$TMP/whole" >"$TMP/text" && grep -q "^most likely next token $(next_of "$TMP/whole.json")$" "$TMP/text" && grep -q "^7 of 7 stages finished" "$TMP/text" && grep -q "^5 experts layers .* executed (5 layers executed, 1 to 5)" "$TMP/text"; }

for id in 1 17 400 2000; do check "token $id at position 0: the reference's next" reference $id; done
check "and they are not the same" differ
check "with positions cached" whole
check "JSON has what it promises, and errors are those of fp32" shape
check "a token is the sum of its stages and a crossing" sum
check "as text" text
check "in parts: the same" parts
check "nothing left to run: the same" nothing_left
check "ended by SIGINT, gone on with: the same" ended INT
check "ended by SIGKILL, gone on with: the same" ended KILL
check "ended between a vector and its record: the same" half_written
check "two threads, the plain engine: the same" engines
check "the state of another token" other_token
check "the state of another machine of that name" other_machine
check "the state of another version" other_version
check "one run at a time" busy
check "begun anew" restart
check "a bad record" bad_record
check "a vector of another size" short_vector
check "a wrong result is exit code 1 and not kept" wrong
check "two wafers" wafers
check "users side by side" users
check "users with the same token and nothing cached get the same" users_alike
check "users and prompts reckoned from layers, beside the whole pipeline executed" pipeline
check "a layer whose input is not there" exits 2 "layer 3 takes what layer 2 gives" token --context 40 --state "$TMP/none" --layers 3..4
check "not layers" exits 2 "--layers" token --context 40 --state "$TMP/none" --layers 4..3
check "no such layer" exits 2 "--layers" token --context 40 --state "$TMP/none" --layers 0..7
check "no such token" exits 2 "vocabulary" token --context 40 --state "$TMP/none" --token 2048
check "a folder that cannot be made" exits 3 "/no/such/folder" token --context 40 --state /no/such/folder/x
check "a limit" exits 6 "cycles" token --context 40 --state "$TMP/none" --max-cycles 100
done_testing
