#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every row of insn.def, with random operands, must read the same to objdump as to us.
set -u
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
OBJDUMP=${RVOBJDUMP:-riscv64-unknown-elf-objdump}

# What objdump leaves out or writes otherwise: the dynamic rounding mode, reserved modes, fence's operands.
"$B/tests/tool_rvwords" "${SEED:-1}" 100 "$D/words" | sed 's/,dyn$//; s/,rm[56]$/,unknown/' >"$D/ours"
$OBJDUMP -D -b binary -m riscv:rv32 -M no-aliases "$D/words" |
    awk -F'\t' '/^ *[0-9a-f]+:/ { sub(/^ */, "", $1); sub(/ *#.*/, "", $4); print $1 " " $3 ($4 == "" ? "" : " " $4) }' |
    sed 's/ *$//; s/fence iorw,iorw/fence/' >"$D/objdump"
echo 1..1
n=$(wc -l <"$D/ours")
if [ "$n" -gt 1000 ] && diff "$D/objdump" "$D/ours" >"$D/diff"; then
    echo "ok 1 - $n random instructions read the same to objdump"
else
    sed 's/^/# /' "$D/diff" | head -20
    echo "not ok 1 - $n random instructions read the same to objdump"
fi
