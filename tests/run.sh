#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every test: run.sh BUILD_DIR quick|slow. Each program or script prints TAP; this adds up.
# T=text runs only the programs' tests with that text in the name and only the scripts with it in theirs.
set -u
B=$1 SET=$2
export B
LOG=$B/tests/log
mkdir -p "$LOG"
passed=0 failed=0

count() { # NAME STATUS: add the TAP lines of $LOG/NAME; a run that dies without a line is a failure
    ok=$(grep -c '^ok ' "$LOG/$1") bad=$(grep -c '^not ok ' "$LOG/$1")
    [ "$2" -eq 0 ] || [ "$bad" -gt 0 ] || { bad=1; echo "not ok - $1 ended with status $2"; tail -20 "$LOG/$1"; }
    [ "$2" -ne 0 ] || [ $((ok + bad)) -gt 0 ] || [ -n "${T-}" ] || { bad=1; echo "not ok - $1 ran no test"; }
    grep -B 20 '^not ok ' "$LOG/$1" | grep -v '^ok '
    printf '%-28s %4d ok %3d failed  %4d s\n' "$1" "$ok" "$bad" "$(($(date +%s) - start))"
    passed=$((passed + ok)) failed=$((failed + bad))
}

run() { # NAME COMMAND...
    name=$1; shift
    start=$(date +%s)
    "$@" >"$LOG/$name" 2>&1 </dev/null
    count "$name" $?
}

if [ "$SET" = quick ]; then
    for suite in unit prop isa; do [ ! -x "$B/tests/$suite" ] || run "$suite" "$B/tests/$suite"; done
    [ ! -x "$B/tests/tsan" ] || T=engines run tsan "$B/tests/tsan"
    for f in "$B"/tests/fuzz_*; do
        [ -x "$f" ] || continue
        case ${f##*/} in *"${T-}"*) run "${f##*/}" "$f" --seconds 2 ;; esac
    done
fi
for dir in tests/qemu tests/e2e; do
    for s in "$dir"/*.sh; do
        [ -x "$s" ] || continue
        case $s in */slow_*) [ "$SET" = slow ] || continue ;; *) [ "$SET" = quick ] || continue ;; esac
        case ${s##*/} in *"${T-}"*) run "$(basename "$s" .sh)" "$s" ;; esac
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
