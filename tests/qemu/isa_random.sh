#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 3,200 random RV32IMFC programs must leave the same registers and memory on QEMU and on our core.
set -u
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
. tests/qemu/isa_lib.sh
run_batches "${SEED:-1}" 8 400
