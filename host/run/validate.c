/* SPDX-License-Identifier: Apache-2.0 */
/* validate.c - the list of cases and their rows. */
#include "run/validate.h"

#include "base/xalloc.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct validate_case validate_cases[] = {
#define CASE(name, machine, function, summary, assumes, breaks)                                    \
    {name, machine, summary, assumes, breaks, function},
#include "run/validate_cases.def"
};
const size_t validate_case_count = sizeof validate_cases / sizeof validate_cases[0];

const char validate_notes[] =
    "[HPDC24] Luczynski et al., arXiv 2404.15888: its model. [WaferLLM] He et al., "
    "arXiv 2502.04563, and its\nrepository; times at 1.1 GHz. measured: on hardware; "
    "model: a paper's formula; inferred: from measured values.\nexecuted: every tile "
    "was emulated with the firmware; one line: one row of the mesh was, the others do "
    "the\nsame on their own; derived: arithmetic on executed cycles.\n";

const char *run_kind_name(enum run_kind kind)
{
    static const char *const names[] = {"executed", "one line", "derived"};
    return names[kind];
}

const struct validate_case *validate_find(const char *name)
{
    for (size_t i = 0; i < validate_case_count; i++)
        if (!strcmp(validate_cases[i].name, name))
            return &validate_cases[i];
    return NULL;
}

int validate_run(struct validation *v, const struct validate_case *c, struct err *e)
{
    struct machine k;
    if (v->machine)
        k = *v->machine;
    else if (machine_read(&k, c->machine, e))
        return -1;
    v->at = c;
    v->rows = 0;
    return c->run(v, &k, e);
}

void validate_close(struct validation *v)
{
    free(v->row);
    v->row = NULL;
    v->rows = v->size = 0;
}

double validate_difference(const struct validate_row *r)
{
    return r->ours / r->published - 1;
}

bool validate_passes(const struct validate_row *r)
{
    return r->limit == 0 || fabs(validate_difference(r)) <= r->limit;
}

bool validate_differs(const struct validate_row *r)
{
    return fabs(validate_difference(r)) > 0.005;
}

struct validate_row *validate_add(struct validation *v, struct validate_row r, const char *what,
                                  ...)
{
    va_list args;
    va_start(args, what);
    (void)vsnprintf(r.what, sizeof r.what, what, args);
    va_end(args);
    if (v->rows == v->size) {
        v->size = v->size ? 2 * v->size : 32;
        v->row = xrealloc(v->row, v->size, sizeof *v->row);
    }
    v->row[v->rows] = r;
    if (v->progress)
        v->progress(v->progress_self, r.what);
    return &v->row[v->rows++];
}
