/* SPDX-License-Identifier: Apache-2.0 */
/* validate_markdown.c - the table of a validation as a page. */
#include "run/validate.h"

#include <math.h>

void validate_markdown_begin(FILE *f)
{
    (void)fprintf(f, "# Published measurements beside the emulated wafer\n\n%s", validate_notes);
}

static void number(FILE *f, double x)
{
    (void)fprintf(f, fabs(x) < 100 ? " %.2f |" : " %.0f |", x);
}

static void row(FILE *f, const struct validate_row *r)
{
    (void)fprintf(f, "| %s | %s |", r->what, r->unit);
    number(f, r->published);
    (void)fprintf(f, " %s |", source_kind_name(r->source));
    number(f, r->ours);
    (void)fprintf(f, " %s | %+.2f%% |", run_kind_name(r->run), 100 * validate_difference(r));
    if (r->limit > 0)
        (void)fprintf(f, " %.0f%%%s", 100 * r->limit, validate_passes(r) ? "" : ", outside");
    bool why = r->why && validate_differs(r);
    (void)fprintf(f, " |%s%s |\n", why ? " " : "", why ? r->why : "");
}

void validate_markdown_case(FILE *f, const struct validation *v, const char *machine)
{
    const struct validate_case *c = v->at;
    (void)fprintf(f, "\n## %s\n\n%s; machine %s.\n", c->name, c->summary, machine);
    if (c->assumes)
        (void)fprintf(f, "Assumed: %s.\n", c->assumes);
    if (c->breaks)
        (void)fprintf(f, "Where accuracy ends: %s.\n", c->breaks);
    (void)fprintf(f, "\n| | unit | published | from | ours | how | difference | limit | why |\n"
                     "|---|---|---:|---|---:|---|---:|---|---|\n");
    for (size_t i = 0; i < v->rows; i++)
        row(f, &v->row[i]);
}
