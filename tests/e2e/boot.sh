#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whole fabrics boot over the mesh and add up a vector over all tiles (the program checks every tile's sum).
. tests/e2e/lib.sh

field() { sed "s/.*\"$2\":\([0-9]*\).*/\1/" "$TMP/$1"; } # FILE KEY
boot() { "$T" boot --json --machine wse3 "$@" >"$TMP/out"; }
# within 1 % of the formula
as_predicted() {
    boot "$@" || return
    have=$(field out allreduce_cycles) want=$(field out predicted_cycles)
    echo "$have cycles, predicted $want"
    [ $((have * 100)) -ge $((want * 99)) ] && [ $((have * 100)) -le $((want * 101)) ]
}
same_cycles() { # OPTION...: both engines, both ways of loading, one thread and two
    boot "$@" && cp "$TMP/out" "$TMP/first" &&
        boot "$@" --engine plain && for key in boot_cycles allreduce_cycles link_moves; do
        [ "$(field out $key)" -eq "$(field first $key)" ] || return
    done
    boot "$@" --threads 2 && [ "$(field out boot_cycles)" -eq "$(field first boot_cycles)" ] &&
        boot "$@" --load direct && [ "$(field out allreduce_cycles)" -eq "$(field first allreduce_cycles)" ] &&
        boot "$@" --load fabric && [ "$(field out allreduce_cycles)" -eq "$(field first allreduce_cycles)" ]
}
# A tile that booted and took part costs the host at most 8 KiB.
small() { boot --fabric 160x160 && [ "$(field out host_bytes_per_tile)" -le 8192 ]; }

check "64x64, 1 word, programs through the mesh" as_predicted --fabric 64x64 --allreduce 1 --load fabric
check "64x64, 7 words" as_predicted --fabric 64x64 --allreduce 7
check "40x90, 100 words" as_predicted --fabric 40x90 --allreduce 100 --load direct
check "one row, one column, one tile" sh -c "$T boot --fabric 1x1 && $T boot --fabric 37x1 && $T boot --fabric 1x37 --allreduce 3"
check "engines, threads and loads agree" same_cycles --fabric 21x13 --allreduce 2
check "8 KiB of host memory a tile" small
check "text" sh -c "$T boot --fabric 8x8 | grep -q 'every tile holds the sum'"
check "no size" exits 2 "--fabric" "$T" boot
check "too many words" exits 2 "2048" "$T" boot --fabric 4x4 --allreduce 2049
check "no words" exits 2 "words" "$T" boot --fabric 4x4 --allreduce 0
check "unknown load" exits 2 "--load" "$T" boot --fabric 4x4 --load swiftly
check "a limit ends in exit code 6" exits 6 "cycle" "$T" boot --fabric 8x8 --max-cycles 100
done_testing
