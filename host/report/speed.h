/* SPDX-License-Identifier: Apache-2.0 */
/* speed.h - a token's time from executed layers: the one model of it that every verb uses. Pure
 * functions of records, shape and options.
 *
 *   token = sum over layers of their cycles + head
 *         + crossings * (latency + the hidden vector at the link's bandwidth)
 *
 * A layer takes the record of itself; else that of the nearest executed layer of its kind and
 * shape, or else of its kind, whose strip may be some columns wider or narrower ("extrapolated",
 * from which is said). Layer cycles carry every hop, wait and dispatch that was emulated; crossings
 * come from the machine file. */
#ifndef TESSERA_REPORT_SPEED_H
#define TESSERA_REPORT_SPEED_H

#include "fabric/machine.h"
#include "report/label.h"
#include "report/records.h"

#include <stdbool.h>

/* The model, as far as a token's time depends on it. */
struct speed_shape {
    const char *model; /* as in records */
    uint32_t layers, dense_layers, hidden;
};

/* Which records. */
struct speed_query {
    const char *machine;
    uint32_t context, users, wafers;
};

/* What can be asked "and if". speed_options_of gives what was executed. */
struct speed_options {
    double clock_hz;
    double crossing_seconds, link_bits_per_second;
    uint32_t crossings; /* per token */
    double hop_scale;   /* cycles of a hop over those executed; ramps stay as they are */
    double phase_extra; /* cycles added to every phase */
    double accepted;    /* tokens per pass */
};

/* A pipeline of n wafers has n - 1 crossings between them and one from the last to the first, where
 * the next token's vector goes. */
struct speed_options speed_options_of(const struct machine *m, uint32_t wafers);

/* Where cycles go. The first six are those of a record's phases. */
enum speed_part {
    SPEED_COMPUTE,
    SPEED_HOPS,
    SPEED_SERIALISATION,
    SPEED_CONTENTION,
    SPEED_SCHEDULER,
    SPEED_WAITING,
    SPEED_UNATTRIBUTED, /* in layers, but in no phase or no part */
    SPEED_CROSSINGS,
    SPEED_LINKS, /* the hidden vector, word after word */
    SPEED_PARTS
};
const char *speed_part_name(enum speed_part part);

struct speed_term {
    char name[48];
    enum label label;
    char from[96]; /* the run, or the source */
    double cycles;
};
enum { SPEED_TERMS_MAX = 2 * RECORD_KINDS + 2 };

struct speed {
    struct speed_query query;
    bool complete; /* else a kind of layer was not executed, and there is no figure */
    enum label label;
    char from[160];
    double cycles;            /* per pass */
    double tokens_per_second; /* per user */
    uint32_t terms;
    struct speed_term term[SPEED_TERMS_MAX];
    double part[SPEED_PARTS];
    uint32_t phases;    /* on the token's path ... */
    double phases_rest; /* ... and their cycles besides compute, hops, serialisation, contention */
    bool missing[RECORD_KINDS];           /* no record for some layer of the kind ... */
    uint32_t missing_layer[RECORD_KINDS]; /* ... the first one */
};

void speed_of_token(struct speed *out, const struct records *records, const struct speed_shape *s,
                    const struct speed_query *q, const struct speed_options *o);

/* Does this record belong to the query? */
bool speed_uses(const struct record *r, const struct speed_shape *s, const struct speed_query *q);

/* The record a layer takes (`layer` == layers: the head), or NULL. */
const struct record *speed_record(const struct records *records, const struct speed_shape *s,
                                  const struct speed_query *q, uint32_t layer);

/* Cycles of a phase that went into one part, as executed; SPEED_UNATTRIBUTED: into none. */
double speed_phase_part(const struct record_phase *p, enum speed_part part);

#endif
