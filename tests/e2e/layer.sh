#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tessera layer: every kind of layer alone on its strip, against the reference; what it writes can be read back.
. tests/e2e/lib.sh

layer() { "$T" layer --model $MODEL --fabric 70x48 --band 16 --context 40 "$@" 2>"$TMP/err"; }
member() { sed "s/.*\"$1\":\"*\([^,\"}]*\).*/\1/" "$2"; } # NAME FILE: the last one of that name
below() { awk "BEGIN { exit !($1 < $2) }" || { echo "$1 is not below $2"; return 1; }; }
small() { # FILE: the errors are those of fp32
    below "$(member relative_error "$1")" 1e-6 && below "$(member relative_error_added "$1")" 1e-5
}
bare() { sed 's/"wall_seconds":{[^}]*},"memory_peak_bytes":[0-9]*//' "$1"; } # without what may differ
same() { # FILE OPTION...: as in FILE
    f=$1
    shift
    layer --json "$@" >"$TMP/again" && bare "$f" >"$TMP/a" && bare "$TMP/again" >"$TMP/b" && cmp "$TMP/a" "$TMP/b"
}
kind() { # LAYER KIND
    layer --layer "$1" --json >"$TMP/$1.json" && small "$TMP/$1.json" && [ "$(member kind "$TMP/$1.json")" = "$2" ] &&
        [ "$(member executed_layer "$TMP/$1.json")" -eq "$([ "$1" = head ] && echo 6 || echo "$1")" ]
}
text() { layer --layer 3 >"$TMP/text" && grep -q "^expert layer 3 of kimi-nano.* 40 positions cached" "$TMP/text" && grep -q "^$(member cycles "$TMP/cycles.json") cycles (executed)" "$TMP/text"; }
first_cycles() { sed 's/"period".*/}/' "$TMP/3.json" >"$TMP/cycles.json" && [ "$(member cycles "$TMP/cycles.json")" -gt 1000 ]; }
total() { grep -o "\"$1\":[0-9]*" "$2" | sed 's/.*://' | paste -sd+; } # NAME FILE: a sum, as text
phases_fill() { # every cycle is in one phase and in one part of it, and in one piece of the path
    for l in 0 3 5 head; do
        layer --layer $l --path --json >"$TMP/path.json" || return 1
        all=$(sed 's/"period".*//; s/.*"cycles":\([0-9]*\).*/\1/' "$TMP/path.json")
        sed 's/.*"phases"//; s/"path".*//' "$TMP/path.json" >"$TMP/phases"
        sed 's/.*"path"//' "$TMP/path.json" >"$TMP/pieces"
        sum=0
        for part in compute hops serialisation contention scheduler waiting; do
            sum=$((sum + $(total $part "$TMP/phases")))
        done
        echo "layer $l: $all cycles, phases $(($(total cycles "$TMP/phases"))), parts $sum, path $(($(total cycles "$TMP/pieces")))"
        [ "$all" -eq $(($(total cycles "$TMP/phases"))) ] && [ "$all" -eq $sum ] && [ "$all" -eq $(($(total cycles "$TMP/pieces"))) ] || return 1
    done
}
path_is_one() { # a piece begins where the one before ends; phase after phase; kernels' dispatch takes 80 cycles or more
    layer --layer 3 --path >"$TMP/path" && sed '1,/^  cycle/d' "$TMP/path" | sed 's/ *([0-9,]*)  / /' >"$TMP/pieces" &&
        awk '$1 != at + 0 { exit 1 } { at += $2 } / scheduler / && $2 >= 45 { kernels++ } END { exit NR < 200 || kernels < 5 }' "$TMP/pieces" &&
        sed '1,/^phase/d; /^  cycle/,$d; s/^..\(.\{10\}\).*/\1/' "$TMP/path" >"$TMP/all" && sed 's/^.\{15\}\(.\{10\}\).*/\1/' "$TMP/pieces" | uniq | cmp - "$TMP/all"
}
same_path() { layer --layer 3 --path --json >"$TMP/3p.json" && same "$TMP/3p.json" --layer 3 --path "$@"; }
range() { echo "$(member layer_first "$1")..$(member layer_last "$1")"; }
alike() { # 71 columns: the third expert layer is one wider than those around it
    [ "$(range "$TMP/3.json")" = 1..5 ] && [ "$(range "$TMP/head.json")" = 6..6 ] &&
        for l in 2 3 4; do
            layer --fabric 71x48 --layer $l --json >"$TMP/s.json" && echo "$(range "$TMP/s.json") $(grep -o '"alike":"[01]*"' "$TMP/s.json")"
        done | paste -sd' ' | grep -qx '1..5 "alike":"11011" 3..3 "alike":"1" 1..5 "alike":"11011"'
}
memory() { peak=$(member memory_peak_bytes "$TMP/3.json") && [ "$peak" -gt 1000000 ] && [ "$peak" -lt 1000000000 ]; }
without_cache() { layer --context 0 --layer 1 --json >"$TMP/0c.json" && small "$TMP/0c.json"; }
faint() { # numbers around 1e-3, whose squares are below the norms' eps: the second norm of two counts the first's factor
    for _ in 1 2 3 4 5 6 7 8; do
        printf '\157\022\203\072\157\022\003\272\012\327\243\071%.0s' 1 2 3 4 5 6 7 8
    done >"$TMP/faint"
    [ "$(wc -c <"$TMP/faint")" -eq 768 ] && layer --layer 3 --input "$TMP/faint" --json >"$TMP/faint.json" && small "$TMP/faint.json"
}
f32() { layer --cache f32 --layer 1 --json >"$TMP/f.json" && small "$TMP/f.json"; }
together() { # the head takes the next token long before it has answered; a layer does not take twice as long as alone
    for l in 2 head; do
        layer --layer $l --tokens 5 --json >"$TMP/t.json" && small "$TMP/t.json" || return 1
        period=$(member period "$TMP/t.json") cycles=$(sed 's/"period".*//; s/.*"cycles":\([0-9]*\).*/\1/' "$TMP/t.json")
        echo "layer $l: $cycles cycles, period $period"
        [ "$period" -gt 100 ] && [ "$period" -lt $((cycles * 2)) ] || return 1
    done
    [ "$period" -lt $((cycles * 3 / 4)) ] && grep -q '^token 5 of 5$' "$TMP/err"
}
no_period() { [ "$(member period "$TMP/3.json")" -eq 0 ]; }
hand_on() { # what layer 0 gives is what layer 1 takes; 192 numbers
    layer --layer 0 --output "$TMP/x" >/dev/null && [ "$(wc -c <"$TMP/x")" -eq 768 ] &&
        layer --layer 1 --input "$TMP/x" --output "$TMP/y" --json >"$TMP/h.json" && small "$TMP/h.json" &&
        layer --layer 1 --output "$TMP/z" >/dev/null && ! cmp -s "$TMP/y" "$TMP/z"
}
head_out() { layer --layer head --output "$TMP/l" >/dev/null && [ "$(wc -c <"$TMP/l")" -eq 8192 ]; }
cut() { # a file with a number too few, and one too many
    head -c 764 "$TMP/x" >"$TMP/short" && exits 3 "not 192 float32 numbers" layer2 --input "$TMP/short" &&
        cat "$TMP/x" "$TMP/x" >"$TMP/long" && exits 3 "not 192 float32 numbers" layer2 --input "$TMP/long" &&
        exits 3 "none: No such file" layer2 --input "$TMP/none"
}
layer2() { "$T" layer --model $MODEL --fabric 70x48 --band 16 --context 40 "$@"; }
nan() { # a stream of NaNs leaves as NaNs, which compare with nothing
    head -c 768 /dev/zero | tr '\0' '\377' >"$TMP/nan" && exits 1 "relative error" layer2 --input "$TMP/nan" --record "$TMP/bad" && [ ! -d "$TMP/bad" ]
}
sized() { # as small, with a fabric size; every value has a source
    sed 's/^name.*/name = sized/; s/^fabric_width.*/fabric_width = 70 # assumed: a test/; s/^fabric_height.*/fabric_height = 48 # assumed: a test/' \
        host/machines/small.txt >"$TMP/m.txt"
}
audited() { # a record of every stage, and audit has a speed
    sized
    for l in 0 1 2 3 4 5 head; do
        "$T" layer --model $MODEL --machine "$TMP/m.txt" --band 16 --context 40 --layer $l --record "$TMP/records" >/dev/null || return 1
    done
    [ "$(find "$TMP/records" -name '*.json' | wc -l)" -eq 7 ] || return 1
    "$T" audit --model kimi-nano --machine "$TMP/m.txt" --records "$TMP/records" --json >"$TMP/audit.json"
    grep -o '{"model":"kimi-nano","machine":"[a-z]*","wafers":1,"context":40,"users":1,"tokens_per_second_per_user":[0-9.]*,"cycles_per_token":[0-9.]*,"label":"executed (' "$TMP/audit.json"
}
beside() { # --record without a folder: beside the program, whatever comes after it
    mkdir "$TMP/here" && cp "$T" "$TMP/here/" && cp -r "$B/firmware" "$TMP/here/" &&
        "$TMP/here/tessera" layer --model $MODEL --fabric 70x48 --band 16 --record --layer 1 >/dev/null &&
        "$TMP/here/tessera" layer --model $MODEL --fabric 70x48 --band 16 --layer 2 --record >/dev/null &&
        [ "$(find "$TMP/here/records" -name 'kimi-nano-small-experts-[12]-context1000-users1-wafers1.json' | wc -l)" -eq 2 ]
}

check "a dense layer" kind 0 dense
check "a layer with experts" kind 3 experts
check "the head" kind head head
check "cycles are of the whole layer" first_cycles
check "as text" text
check "phases, parts and path add up to the layer" phases_fill
check "the path has no gaps" path_is_one
check "layers of the same shape stand for each other" alike
check "host memory" memory
check "no position cached" without_cache
check "an input as small as the norms' eps" faint
check "a cache of fp32" f32
check "again: same result, same cycles" same "$TMP/3.json" --layer 3
check "with two threads, the path too" same_path --threads 2
check "by the plain engine, the path too" same_path --engine plain
check "tokens together: every result, and the period" together
check "a token alone has none" no_period
check "a layer takes what another gave" hand_on
check "the head gives logits" head_out
check "files of another size" cut
check "a wrong result is exit code 1, and no record" nan
check "records that audit reads" audited
check "records beside the program" beside
check "no such layer" exits 2 "neither head nor a layer from 0 to 5" layer2 --layer 7
check "two tokens" exits 2 "--tokens" layer2 --tokens 2
check "more positions than the model has" exits 2 "--context" layer2 --context 1000000
check "a layer that shares its strip" exits 2 "no strip of its own" "$T" layer --model $MODEL --fabric 6x96 --context 40 --layer 5
check "no engine of that name" exits 2 "--engine" layer2 --engine slow
check "a limit" exits 6 "cycles" layer2 --max-cycles 100
check "a folder that cannot be made" exits 3 "/no/such/folder" layer2 --record /no/such/folder/records
done_testing
