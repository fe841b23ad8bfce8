/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what a run did, as a table or as JSON members. Every figure says whether it is machine
 * time (cycles at the machine's clock) or wall time of the emulator; all of them are executed, none
 * extrapolated. */
#ifndef TESSERA_RUN_REPORT_H
#define TESSERA_RUN_REPORT_H

#include "base/json.h"
#include "run/session.h"

struct run_report {
    uint64_t prompt_tokens, tokens;        /* given, generated */
    uint64_t prompt_cycles, decode_cycles; /* machine time: all prompt tokens, all generated ones */
    double load_seconds, prompt_seconds, decode_seconds; /* wall time */
};

void report_print(const struct run_report *r, struct session *s, FILE *out);
void report_json(const struct run_report *r, struct session *s, struct json_out *o);

#endif
