#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compares what the firmware costs with the baselines in tests/golden; growth beyond the tolerance fails.
#   budget.sh size SIZE_TOOL TILE_ELF ROM_ELF      bytes of code and constants, and of variables
#   budget.sh stack SU_FILE...                     bytes of stack, by function; and all of them that can lie over each
#                                                  other: boot, scheduler, one file of kernels, the fault record
# Every difference is shown. After a wanted change write the new baseline: WRITE=1 budget.sh ...
set -eu
what=$1; shift
golden=tests/golden/$what.txt

measure_size() { # name bytes
    tool=$1; shift
    for elf in "$@"; do
        name=$(basename "$elf" .elf)
        "$tool" "$elf" | awk -v n="$name" 'NR == 2 {print n ".text", $1; print n ".data", $2 + $3}'
    done
}
measure_stack() { # .su lines are file:line:column:function<tab>bytes<tab>kind; keep the worst of a function
    awk -F'\t' '{n = split($1, p, ":"); f = p[1] ":" p[n]; if (!(f in s) || s[f] < $2) s[f] = $2}
        END {
            for (f in s) {
                print f, s[f]
                split(f, p, ":")
                sum[p[1]] += s[f]
                if (p[1] ~ /^firmware\/kernels\// && sum[p[1]] > kernel) kernel = sum[p[1]]
            }
            print "deepest", sum["firmware/boot.c"] + sum["firmware/sched.c"] + kernel + sum["firmware/fault.c"]
        }' "$@" | sort
}
stack_room() { # the stack region but for its guard word
    echo $(($(sed -n 's/^#define TILE_STACK_BYTES TILE_U(\(0x[0-9a-f]*\))$/\1/p' hal/tile_map.h) - 4))
}

now=$(mktemp)
trap 'rm -f "$now"' EXIT
"measure_$what" "$@" >"$now"
if [ -n "${WRITE-}" ]; then
    { echo "# made by: WRITE=1 make $what"; cat "$now"; } >"$golden"
    echo "wrote $golden"
    exit 0
fi
# size may grow by 64 bytes, stack by 16; a new line must be put in the baseline
case $what in size) slack=64 ;; *) slack=16 ;; esac
awk -v slack="$slack" -v room="$(stack_room)" '
    /^#/ {next}
    NR == FNR {old[$1] = $2; next}
    {printf "  %-48s %5d", $1, $2}
    $1 == "deepest" && $2 > room {printf "  beyond the stack region"; bad = 1}
    !($1 in old) {print "  new, not in the baseline"; bad = 1; next}
    {d = $2 - old[$1]; if (d) printf "  %+d", d; if (d > slack) {printf "  too much"; bad = 1} print ""}
    END {exit bad}' "$golden" "$now"
