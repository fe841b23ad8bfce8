#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh [FILE...] - formatting, clang-tidy and stray addresses, of all tracked sources or of these files.
# Prints TAP; a missing tool is a failure. All of it takes minutes: clang-tidy reads each file with its analyzer.
set -u
cd "$(dirname "$0")/.."

include=$(sed -n 's/^INC := //p' Makefile)
# Tile sources are compiled for the tile, so that the analyzer sees 32-bit addresses and the port's inline functions.
# Products of sizes are not checked there nor in tests: everything on a tile is below 64 KiB.
tile_checks=--checks=-bugprone-implicit-widening-of-multiplication-result
tile_flags="--target=riscv32 -march=rv32imfc -mabi=ilp32f -std=c11 -ffreestanding -I."
host_flags="-std=c11 $include -Itests -D_GNU_SOURCE"

if [ "${1-}" = --tidy-one ]; then # called by xargs below: FILE LOG-FOLDER
    checks=$tile_checks
    case $2 in
    firmware/*) flags="$tile_flags -include hal/wafer/port.h" ;;
    hal/virt/* | tests/firmware/*) flags=$tile_flags ;;
    hal/* | tests/*) flags=$host_flags ;;
    *) flags=$host_flags checks= ;;
    esac
    log=$3/$(echo "$2" | tr / _)
    # shellcheck disable=SC2086 # flags are words
    clang-tidy --quiet $checks "$2" -- $flags >"$log" 2>"$log.err" && exit 0
    grep -q . "$log" || cat "$log.err" >"$log"
    mv "$log" "$log.bad"
    exit 0
fi

TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
number=0 failures=0
result() { # NAME FILE: a failure when FILE is not empty; it is shown
    number=$((number + 1))
    if [ -s "$2" ]; then
        failures=1
        sed 's/^/# /' "$2"
        echo "not ok $number - $1"
    else
        echo "ok $number - $1"
    fi
}
need() {
    command -v "$1" >/dev/null || echo "$1 is missing; install it: sudo apt-get install -y $1"
}

if [ $# -gt 0 ]; then
    printf '%s\n' "$@" >"$TMP/files"
else
    git ls-files | while read -r f; do [ ! -f "$f" ] || echo "$f"; done >"$TMP/files"
fi
grep -E '\.[ch]$' "$TMP/files" >"$TMP/sources"
grep -E '\.c$' "$TMP/files" | grep -v -e '^hal/native/' >"$TMP/units"

need clang-format >"$TMP/format"
if [ ! -s "$TMP/format" ] && [ -s "$TMP/sources" ]; then
    xargs clang-format --dry-run -Werror <"$TMP/sources" 2>&1 | grep -E '(error|warning):' >"$TMP/format"
fi
result "clang-format (repair: make format)" "$TMP/format"

# The numbers of hal/tile_map.h: exit device, UART, tile registers, SRAM. Elsewhere they must come from there.
# Not addresses: instruction encodings, the sign bit of a float, the interrupt bit of mcause. Tests may state an address
# as the expected value.
address='0x0*(100000|100000[0-9a-f]{2}|50000[0-9a-f]{3}|8000[0-9ab][0-9a-f]{3})u?l*([^0-9a-f]|$)'
grep -E '\.(c|h|def|S|sh|mk)$' "$TMP/files" |
    grep -vE '^(hal/|tests/|host/core/(insn\.def|softfp\.h|core\.h)$)' |
    xargs grep -nHEi "$address" /dev/null >"$TMP/address"
result "no addresses outside hal/" "$TMP/address"

mkdir "$TMP/tidy"
need clang-tidy >"$TMP/tidy.log"
if [ ! -s "$TMP/tidy.log" ]; then
    xargs -P 2 -I '{}' "$0" --tidy-one '{}' "$TMP/tidy" <"$TMP/units"
    # a header is read many times; show each finding once
    cat "$TMP"/tidy/*.bad 2>/dev/null | grep -E '(error|warning):' | sed "s,$PWD/,," | sort -u >"$TMP/tidy.log"
fi
result "clang-tidy, $(wc -l <"$TMP/units") files" "$TMP/tidy.log"
echo "1..$number"
exit "$failures"
