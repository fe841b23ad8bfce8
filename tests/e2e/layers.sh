#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which folder includes which: the table of host/README.md is the law for host/; hal/ and linker/ know only hal/
# (its port for the host may use base), firmware/ knows hal/ and itself.
. tests/e2e/lib.sh

table=$TMP/table # folder allowed...
sed -n 's/^| `\([a-z]*\)` |\([a-z ]*\)|.*/\1 \2/p' host/README.md >"$table"

includes() { # FILE...: "file folder" for each #include "folder/...", "file ." when there is no folder
    grep -HE '^[ \t]*#[ \t]*include[ \t]*"' "$@" /dev/null |
        sed -E 's,^([^:]*):[^"]*"([^"/]*/)?[^"]*".*,\1 \2,; s,/$,,; s, $, .,'
}

sources() { # FOLDER
    find "$1" -name '*.[chS]' -o -name '*.def' | sort
}

check_folder() { # FOLDER ALLOWED...: a path from the top, and the first parts of includes it may use
    folder=$1
    shift
    # shellcheck disable=SC2046 # names have no blanks
    includes $(sources "$folder") >"$TMP/includes"
    bad=0
    while read -r file part; do
        case " $* " in *" $part "*) continue ;; esac
        [ "$part" != . ] || continue # beside the file
        case $file:$part in hal/native/*:base) continue ;; esac # this port is part of the host program
        echo "$file includes $part/, allowed: $*"
        bad=1
    done <"$TMP/includes"
    return $bad
}

downwards() { # every folder of the table names only rows above it, and exists
    seen=" "
    while read -r folder names; do
        [ -d "host/$folder" ] || { echo "host/README.md: no folder $folder"; return 1; }
        for lower in $names; do
            case $seen in *" $lower "*) ;; *) echo "$folder: $lower is not above it"; return 1 ;; esac
        done
        seen="$seen$folder "
    done <"$table"
    for d in host/*/; do
        d=$(basename "$d")
        case "$seen models " in *" $d "*) ;; *) echo "host/$d is not in host/README.md"; return 1 ;; esac
    done
}

catches() { # a file that breaks the rule is found, so that the checks above mean something
    mkdir -p "$TMP/base" && echo '#include "fabric/wafer.h"' >"$TMP/base/x.h"
    ! check_folder "$TMP/base" hal base
}

check "host/README.md orders the folders" downwards
while read -r folder names; do
    # shellcheck disable=SC2086 # words
    check "host/$folder includes only what host/README.md allows" \
        check_folder "host/$folder" hal "$folder" $names $([ "$folder" != machines ] || echo host)
done <"$table"
check "hal/ includes only hal/" check_folder hal hal
check "firmware/ includes only hal/ and firmware/" check_folder firmware hal firmware
check "linker/ includes only hal/" check_folder linker hal
check "a wrong include would be found" catches
done_testing
