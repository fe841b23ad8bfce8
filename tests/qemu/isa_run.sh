#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tool_rvrun and QEMU give the same console output and exit status for an ELF; and what only ours does:
# limits, sleeping for ever, bad files.
set -u
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
. tests/qemu/isa_lib.sh
$RVCC -E -P -I. -x assembler-with-cpp linker/bare.ld.S -o "$D/bare.ld" || exit 1
number=0

check() { # NAME STATUS
    number=$((number + 1))
    if [ "$2" -eq 0 ]; then echo "ok $number - $1"; else echo "not ok $number - $1"; fi
}

assemble() { # NAME, text on stdin
    { echo '.section .text.start; .globl _start; _start:'; cat; } >"$D/$1.S"
    $RVCC -march=rv32imfc -mabi=ilp32f -nostdlib -Wl,--no-warn-rwx-segments -T "$D/bare.ld" "$D/$1.S" -o "$D/$1.elf"
}

exits() { # STATUS NAME: tool_rvrun ends with it; stderr in $D/err
    "$B/tests/tool_rvrun" --max-insn 100000 --stats "$D/$2.elf" >"$D/out" 2>"$D/err"
    [ $? -eq "$1" ]
}

assemble hello <<'E'
    la a0, text
    li a1, 0x10000000
1:  lbu a2, 0(a0)
    beqz a2, 2f
3:  lbu a3, 5(a1)       /* the line status register: wait for room */
    andi a3, a3, 0x20
    beqz a3, 3b
    sb a2, 0(a1)
    addi a0, a0, 1
    j 1b
2:  li a0, 0x00100000
    li a1, 0x002a3333   /* fail with 42 */
    sw a1, 0(a0)
    j .
text: .asciz "hello from a tile\n"
E
both_agree hello; check "hello prints and exits alike on both" $?
grep -q '^hello from a tile$' "$D/hello.ours" && grep -q '^status 42$' "$D/hello.ours"
check "it says hello and exits with 42" $?

assemble patch <<'E'
    la t0, 1f
    la t1, 2f
    lhu t1, 0(t1)
    j 1f
3:  sh t1, 0(t0)        /* code that changes code it has run before */
    li t1, 0
    j 1f
1:  c.li a0, 1
    bnez t1, 3b
    slli a0, a0, 16
    li a1, 0x3333
    or a0, a0, a1
    li a2, 0x00100000
    sw a0, 0(a2)
    j .
2:  c.li a0, 7
E
both_agree patch && grep -q '^status 7$' "$D/patch.ours"; check "changed code is executed on both" $?

echo '1: j 1b' | assemble spin
exits 6 spin && grep -q 'stopped after 100000 instructions' "$D/err"; check "an endless loop ends with status 6" $?
echo 'wfi' | assemble sleep
exits 5 sleep; check "wfi without an interrupt ends with status 5" $?
head -c 100 "$D/hello.elf" >"$D/cut.elf"
exits 3 cut && grep -q "cut.elf: " "$D/err"; check "a cut file ends with status 3 and is named" $?
"$B/tests/tool_rvrun" --ram 4096 "$D/hello.elf" 2>/dev/null
[ $? -eq 2 ]; check "a bad option ends with status 2" $?
"$B/tests/tool_rvrun" --dump-state "$D/state" "$D/hello.elf" >/dev/null
grep -q '^x12 00000000$' "$D/state" && grep -q '^pc 8000' "$D/state"; check "--dump-state writes registers" $?
echo "1..$number"
