/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - published claims beside what this program counts and executes. The audit is data; text,
 * JSON and HTML (audit_out.h) show it. */
#ifndef TESSERA_REPORT_AUDIT_H
#define TESSERA_REPORT_AUDIT_H

#include "model/checkpoint.h"
#include "report/facts.h"
#include "report/fit.h"
#include "report/machine_sources.h"
#include "report/speed_users.h"

/* ---- claims ---- */

enum verdict {
    VERDICT_HOLDS,
    VERDICT_PLAUSIBLE,    /* our machine is as fast */
    VERDICT_NOT_REACHED,  /* our machine is slower */
    VERDICT_NOT_EXECUTED, /* the layers that would tell were not executed */
    VERDICT_FITS,         /* the arithmetic allows it; nobody has said so officially */
    VERDICT_TWO_THINGS,   /* true parts of different things */
    VERDICT_OVERTAKEN,    /* may have been true on its day */
    VERDICT_IMPOSSIBLE,
    VERDICTS
};
const char *verdict_name(enum verdict v);

struct evidence {
    enum label label;
    enum source_id source;
    char text[240];
};
enum { EVIDENCE_MAX = 8 };

struct claim {
    const char *id, *text;
    enum source_id source;
    enum verdict verdict;
    uint32_t count;
    struct evidence evidence[EVIDENCE_MAX];
};
enum {
#define CLAIM(id, source, text) CLAIM_##id,
#include "report/claims.def"
    CLAIMS
};

/* ---- what follows when something were different ---- */

struct change {
    const char *group; /* "clock", ... */
    char what[80];
    enum source_id source;
    uint32_t wafers; /* that carry the model; 0: it cannot be carried */
    double cycles, tokens_per_second;
};
enum { CHANGES_MAX = 20 };

/* ---- the audit ---- */

enum { SPEEDS_MAX = 48, PROBLEMS_MAX = 16, COMMANDS_MAX = 32, CONTEXTS = 3 };
extern const uint32_t audit_contexts[CONTEXTS];

struct audit {
    const char *model; /* as in records */
    const struct checkpoint *checkpoint;
    const struct machine *machine;
    const struct machine_sources *inputs;
    const struct records *records;
    struct speed_shape shape;
    struct fit fit; /* for one user at the longest of audit_contexts */
    struct claim claim[CLAIMS];
    uint32_t speeds, changes, problems, commands;
    struct speed speed[SPEEDS_MAX];
    const struct speed *focus;      /* the speed that is taken apart; NULL: none is complete */
    struct speed_query users_query; /* what `users` is about */
    struct speed_users users;       /* complete if there is a focus */
    struct change change[CHANGES_MAX];
    char problem[PROBLEMS_MAX][240]; /* what makes the audit fail */
    char command[COMMANDS_MAX][240]; /* what would execute the layers that are missing */
};

/* What is given must outlive the audit. The machine must have a fabric size: else ERR_USAGE. */
int audit_make(struct audit *a, struct err *e);

/* The claims' part of audit_make, and that of the changes: after the speeds. */
void audit_judge_claims(struct audit *a);
int audit_change(struct audit *a, struct err *e);

/* ERR_COMPARE when the audit has a problem: an input without a source, an executed term that this
 * version did not execute, an executed layer with a wrong output. */
int audit_verdict(const struct audit *a, struct err *e);

#endif
