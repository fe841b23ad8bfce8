#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every collective on lines and rectangles: the bits of every tile, and the cycles against place/cost.h.
exec "${B:-build}/tests/tool_collective" "${B:-build}/firmware"
