/* SPDX-License-Identifier: Apache-2.0 */
/* validate.h - published cases, run on the emulated wafer under the real firmware, beside what was
 * published. Each case appends rows; a row with a limit fails the validation when it is exceeded.
 * Everything is a function of the machine and the firmware alone. */
#ifndef TESSERA_RUN_VALIDATE_H
#define TESSERA_RUN_VALIDATE_H

#include "run/images.h"
#include "run/published.h"

#include <stdbool.h>
#include <stdio.h>

/* How our number came about. */
enum run_kind {
    RUN_EXECUTED, /* every tile of the case was emulated */
    RUN_SYMMETRY, /* one line of the mesh was, the others run the same program on their own */
    RUN_DERIVED   /* arithmetic on executed ones */
};
const char *run_kind_name(enum run_kind kind);

struct validate_row {
    char what[64];
    const char *unit;
    double published, ours;
    enum source_kind source;
    enum run_kind run;
    double limit;    /* largest |ours / published - 1|; 0: nothing is asked */
    const char *why; /* one clause, when it differs by construction; NULL */
};

struct validate_case;

struct validation {
    /* set by the caller */
    const struct machine *machine; /* instead of each case's own; NULL */
    const struct images *images;
    bool quick; /* fewer and smaller points */
    void (*progress)(void *self, const char *what);
    void *progress_self;
    /* filled in while a case runs */
    const struct validate_case *at;
    struct validate_row *row;
    size_t rows, size;
};

struct validate_case {
    const char *name, *machine; /* the preset it runs on */
    const char *summary;
    const char *assumes; /* what was chosen, because nothing is published about it */
    const char *breaks;  /* where and why it differs, in short; NULL: it does not */
    int (*run)(struct validation *v, const struct machine *k, struct err *e);
};

extern const struct validate_case validate_cases[];
extern const size_t validate_case_count;

/* NULL: no such case. */
const struct validate_case *validate_find(const char *name);

/* Run one case; `v->row` then holds its rows (those of the case before are gone). */
int validate_run(struct validation *v, const struct validate_case *c, struct err *e);
void validate_close(struct validation *v);

double validate_difference(const struct validate_row *r); /* ours / published - 1 */
bool validate_passes(const struct validate_row *r);
bool validate_differs(const struct validate_row *r); /* by enough to say why */

/* What the sources and the words of a table mean. */
extern const char validate_notes[];

/* A page of tables in Markdown: its head, then each case that has been run. */
void validate_markdown_begin(FILE *f);
void validate_markdown_case(FILE *f, const struct validation *v, const char *machine);

/* For the cases: append a row, say what is going on. */
struct validate_row *validate_add(struct validation *v, struct validate_row r, const char *what,
                                  ...) __attribute__((format(printf, 3, 4)));

int validate_broadcast(struct validation *v, const struct machine *k, struct err *e);
int validate_broadcast_2d(struct validation *v, const struct machine *k, struct err *e);
int validate_star(struct validation *v, const struct machine *k, struct err *e);
int validate_chain(struct validation *v, const struct machine *k, struct err *e);
int validate_tree(struct validation *v, const struct machine *k, struct err *e);
int validate_two_phase(struct validation *v, const struct machine *k, struct err *e);
int validate_ring(struct validation *v, const struct machine *k, struct err *e);
int validate_auto_gen(struct validation *v, const struct machine *k, struct err *e);
int validate_layer(struct validation *v, const struct machine *k, struct err *e);
int validate_decode(struct validation *v, const struct machine *k, struct err *e);
int validate_gemv(struct validation *v, const struct machine *k, struct err *e);

#endif
