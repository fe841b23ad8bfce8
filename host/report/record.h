/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - one executed layer (or the head): which, where, by which version, and how long each
 * phase took. A record is a JSON file with exactly these members; whatever executes a layer writes
 * it, whatever reports a speed reads it.
 *
 * A record holds: executed_layer is in layer_first..layer_last; tiles is at most width * height;
 * the six parts of a phase add up to at most its cycles, its ramps are at most its hops, and the
 * phases add up to at most the layer's cycles (what is left over is reported as such). */
#ifndef TESSERA_REPORT_RECORD_H
#define TESSERA_REPORT_RECORD_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_PHASES_MAX = 64 };

enum record_kind { RECORD_DENSE, RECORD_EXPERTS, RECORD_HEAD, RECORD_KINDS };
const char *record_kind_name(enum record_kind kind);

/* What the cycles of a phase on the critical path went into. */
struct record_phase {
    char name[24];
    uint64_t cycles;
    uint64_t predicted; /* by the placement's cost formulas; 0: not predicted */
    uint64_t compute, hops, serialisation, contention, scheduler, waiting;
    uint64_t ramps; /* of the hops, those between routers and tiles; not a part of their own */
};

struct record {
    char model[64], machine[64];
    char version[65];                 /* version_digest() of the program that executed it */
    uint32_t layer_first, layer_last; /* between them lie those of this kind and shape */
    char alike[256];                  /* '1' or '0' for each: of this shape; empty: all are */
    char kind[16];                    /* record_kind_name */
    uint32_t executed_layer;
    uint32_t context;       /* positions cached before the token */
    uint32_t users, wafers; /* of the plan it belongs to */
    uint32_t width, height; /* fabric that was emulated */
    uint32_t tiles;
    uint64_t cycles;       /* input at the region's edge to output at the next region's edge */
    uint64_t period;       /* between results when tokens follow each other as closely as it takes
                              them; 0: not measured */
    double relative_error; /* of the output, against the reference forward */
    uint32_t phase_count;
    struct record_phase phases[RECORD_PHASES_MAX]; /* disjoint pieces of the critical path */
    uint32_t crossings_before; /* wafer crossings between the previous layer and this one, 0 or 1 */
};

/* Whether a layer is of the record's shape. */
bool record_is_alike(const struct record *r, uint32_t layer);

/* Read JSON text; `name` is what errors call it. They are ERR_INPUT and name the member. */
int record_parse(struct record *out, const char *name, const char *text, size_t bytes,
                 struct err *e);

/* Read one file, with the same errors. */
int record_read(struct record *out, const char *path, struct err *e);

/* Its JSON, as a member of an object or (key NULL) by itself. */
void record_json(const struct record *r, const char *key, struct json_out *o);

/* Write one file, whole or not at all. A record that could not be read back is refused. */
int record_write_file(const struct record *r, const char *path, struct err *e);

/* The same into `folder`, which is made when it is not there, under a name of what identifies the
 * record: executing the same layer again replaces it. */
int record_write(const struct record *r, const char *folder, struct err *e);

#endif
