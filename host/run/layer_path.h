/* SPDX-License-Identifier: Apache-2.0 */
/* layer_path.h - the critical path of a token through a placed plan, by phase. */
#ifndef TESSERA_RUN_LAYER_PATH_H
#define TESSERA_RUN_LAYER_PATH_H

#include "run/critical_path.h"
#include "run/session.h"

/* What a phase's cycles on the path went into; by enum path_part. */
struct phase_time {
    uint64_t cycles; /* their sum */
    uint64_t part[PATH_PARTS];
};

/* Begin to record, before a token is pushed onto a session of one wafer where nothing is under way.
 */
void layer_path_record(struct session *s);

/* After its result came: the path, by phase too, which adds up to session_token_cycles. Ends the
 * recording. Errors: as critical_path_find. */
int layer_path_find(struct session *s, struct critical_path *path, struct phase_time phase[PHASES],
                    struct err *e);

#endif
