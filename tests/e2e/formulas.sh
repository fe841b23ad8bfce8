#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ping, broadcast and chain reduction under the firmware reproduce the published cycle formulas.
exec "${B:-build}/tests/tool_line" "${B:-build}/firmware"
