#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The firmware unit tests: one ELF on QEMU's core and on ours, with the same output byte for byte.
set -u
B=${B:-build}
elf=$B/virt/firmware_tests.elf
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

timeout 120 qemu-system-riscv32 -M virt -m 16M -bios none -nographic -kernel "$elf" </dev/null >"$out/qemu" 2>"$out/err"
qemu=$?
timeout 120 "$B/tests/tool_rvrun" "$elf" >"$out/own" 2>>"$out/err"
own=$?

cat "$out/qemu"
count=$(grep -c '^ok ' "$out/qemu")
plan=$(sed -n 's/^1\.\.//p' "$out/qemu")
verdict() { # NAME CONDITION...
    name=$1; shift
    if "$@"; then echo "ok - $name"; else echo "not ok - $name"; fi
}
verdict "QEMU ran all ${plan:-0} tests" [ "$qemu" -eq 0 -a "${plan:-0}" -gt 0 -a "$count" -eq "${plan:-0}" ]
verdict "our core ends with status 0" [ "$own" -eq 0 ]
if cmp -s "$out/qemu" "$out/own"; then
    echo "ok - both cores print the same bytes"
else
    diff "$out/qemu" "$out/own" | sed 's/^/# /'
    sed 's/^/# /' "$out/err"
    echo "not ok - both cores print the same bytes"
fi
