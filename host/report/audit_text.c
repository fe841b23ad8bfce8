/* SPDX-License-Identifier: Apache-2.0 */
/* audit_text.c - an audit for a terminal. */
#include "report/audit_out.h"
#include "report/speed_out.h"
#include "report/version.h"
#include "report/write.h"

#include <string.h>

static void heading(FILE *out, const char *text)
{
    (void)fprintf(out, "\n%s\n", text);
    for (size_t i = 0; i < strlen(text); i++)
        (void)fputc('-', out);
    (void)fputc('\n', out);
}

static void print_top(const struct audit *a, FILE *out)
{
    const struct machine *m = a->machine;
    (void)fprintf(out,
                  "What was published about Kimi K2.6 on a wafer, beside what this program counts "
                  "and executes\n\n"
                  "model %s, %.1f GB; machine %s, %u x %u tiles, %.1f GB, %g GHz; version %s\n",
                  a->model, (double)a->fit.weight_bytes / 1e9, m->name, m->fabric_width,
                  m->fabric_height, (double)a->fit.wafer_bytes / 1e9, m->clock_hz / 1e9,
                  version_digest());
    for (uint32_t i = 0; i < a->problems; i++)
        (void)fprintf(out, "FAILS: %s\n", a->problem[i]);
}

static void print_claims(const struct audit *a, FILE *out)
{
    heading(out, "Claims");
    for (size_t i = 0; i < CLAIMS; i++) {
        const struct claim *c = &a->claim[i];
        (void)fprintf(out, "%s\"%s\" [%s]: %s\n", i ? "\n" : "", c->text, sources[c->source].key,
                      verdict_name(c->verdict));
        for (uint32_t k = 0; k < c->count; k++)
            (void)fprintf(out, "  %-12s %s [%s]\n", label_name(c->evidence[k].label),
                          c->evidence[k].text, sources[c->evidence[k].source].key);
    }
}

static void print_speeds(const struct audit *a, FILE *out)
{
    heading(out, "Our speed, one token a pass");
    (void)fprintf(out, "%9s %6s %6s %14s %12s  %s\n", "context", "wafers", "users", "cycles/token",
                  "tokens/s", "per user");
    for (uint32_t i = 0; i < a->speeds; i++) {
        const struct speed *s = &a->speed[i];
        (void)fprintf(out, "%9s %6u %6u ", grouped(s->query.context).text, s->query.wafers,
                      s->query.users);
        if (s->complete)
            (void)fprintf(out, "%14s %12s  %s (%s); crossings assumed\n", grouped(s->cycles).text,
                          grouped(s->tokens_per_second).text, label_name(s->label), s->from);
        else
            (void)fprintf(out, "%14s %12s  %s\n", "-", "-", label_name(s->label));
    }
    if (a->commands)
        (void)fprintf(out, "\nwhat is missing is executed by\n");
    for (uint32_t i = 0; i < a->commands; i++)
        (void)fprintf(out, "  %s\n", a->command[i]);
}

static void print_token(const struct speed *s, FILE *out)
{
    char title[96];
    (void)snprintf(title, sizeof title, "A token at context %s on %u wafers",
                   grouped(s->query.context).text, s->query.wafers);
    heading(out, title);
    speed_text(s, out);
}

static void print_users(const struct audit *a, FILE *out)
{
    char title[96];
    (void)snprintf(title, sizeof title, "Many users and prompts, at context %s on %u wafers",
                   grouped(a->users_query.context).text, a->users_query.wafers);
    heading(out, title);
    speed_users_text(&a->users, out);
}

static void print_changes(const struct audit *a, FILE *out)
{
    heading(out, "If one thing were different");
    for (uint32_t i = 0; i < a->changes; i++) {
        const struct change *c = &a->change[i];
        (void)fprintf(out, "%-22s %-44s ", c->group, c->what);
        if (c->wafers)
            (void)fprintf(out, "%3u wafers", c->wafers);
        else
            (void)fprintf(out, "a layer is larger than a wafer");
        if (c->cycles > 0)
            (void)fprintf(out, " %12s cycles %7s tokens/s", grouped(c->cycles).text,
                          grouped(c->tokens_per_second).text);
        (void)fprintf(out, " [%s]\n", sources[c->source].key);
    }
    if (!a->focus)
        (void)fprintf(out, "the speeds of other clocks, crossings, hops and phases: %s\n",
                      label_name(LABEL_NOT_EXECUTED));
}

static void print_sources(const struct audit *a, FILE *out)
{
    unsigned count[LABELS] = {0};
    heading(out, "Sources");
    for (size_t i = 0; i < a->inputs->count; i++)
        count[a->inputs->value[i].label]++;
    (void)fprintf(out,
                  "machine %s: %zu values, %u published, %u inferred, %u assumed, %u without a "
                  "source\n",
                  a->machine->name, a->inputs->count, count[LABEL_PUBLISHED], count[LABEL_INFERRED],
                  count[LABEL_ASSUMED], count[LABEL_NOT_EXECUTED]);
    for (int i = SOURCE_NONE + 1; i < SOURCES; i++)
        (void)fprintf(out, "[%s] %s; %s\n", sources[i].key, sources[i].title, sources[i].where);
}

void audit_text(const struct audit *a, FILE *out)
{
    print_top(a, out);
    print_claims(a, out);
    print_speeds(a, out);
    if (a->focus)
        print_token(a->focus, out);
    if (a->users.complete)
        print_users(a, out);
    print_changes(a, out);
    print_sources(a, out);
}
