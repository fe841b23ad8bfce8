# SPDX-License-Identifier: Apache-2.0
# lib.sh - for the end-to-end scripts: TAP lines and a folder that is removed at the end. Sourced, not run.
B=${B:-build}
T=$B/tessera
MODEL=host/models/kimi-nano
GOLDEN=tests/golden/kimi-nano
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
number=0 failures=0

check() { # NAME COMMAND...: ok when the command succeeds; its output is shown when it does not
    number=$((number + 1)) name=$1
    shift
    if "$@" >"$TMP/check.log" 2>&1; then
        echo "ok $number - $name"
    else
        failures=1
        sed 's/^/# /' "$TMP/check.log" | tail -20
        echo "not ok $number - $name"
    fi
}

exits() { # CODE TEXT COMMAND...: exactly this exit code, and TEXT in the one line on stderr (besides the note on weights)
    want=$1 text=$2
    shift 2
    "$@" >"$TMP/out" 2>"$TMP/err"
    got=$?
    cat "$TMP/err"
    [ "$got" -eq "$want" ] || { echo "exit code $got, not $want"; return 1; }
    grep -qF -- "$text" "$TMP/err" || { echo "no '$text' in the message"; return 1; }
    [ "$(grep -vc ': assumed weights' "$TMP/err")" -eq 1 ] || { echo "more than one line"; return 1; }
}

done_testing() {
    echo "1..$number"
    exit "$failures"
}
