/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what a run did, as a table or as JSON members. Every figure says whether it is machine
 * time (cycles at the machine's clock) or wall time of the emulator; all of them are executed, none
 * extrapolated. */
#ifndef TESSERA_RUN_REPORT_H
#define TESSERA_RUN_REPORT_H

#include "base/json.h"
#include "run/crowd.h"

/* Wall time, which the emulator cannot know. */
struct run_report {
    double load_seconds, run_seconds;
};

/* After crowd_run. */
void report_print(const struct run_report *r, const struct crowd *c, FILE *out);
void report_json(const struct run_report *r, const struct crowd *c, struct json_out *o);

#endif
