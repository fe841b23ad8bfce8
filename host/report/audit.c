/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - puts an audit together: speeds, claims, changes, and what is wrong with it. */
#include "report/audit.h"

#include "report/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint32_t audit_contexts[CONTEXTS] = {1000, 10000, 100000};

/* ---- speeds ---- */

static bool same_query(const struct speed_query *a, const struct speed_query *b)
{
    return a->context == b->context && a->users == b->users && a->wafers == b->wafers;
}

static int add_speed(struct audit *a, const struct speed_query *q, struct err *e)
{
    struct speed_options o = speed_options_of(a->machine, q->wafers);
    for (uint32_t i = 0; i < a->speeds; i++)
        if (same_query(&a->speed[i].query, q))
            return 0;
    if (a->speeds == SPEEDS_MAX)
        return err_set(e, ERR_LIMIT, "records of more than %d contexts, users and wafers",
                       SPEEDS_MAX);
    speed_of_token(&a->speed[a->speeds++], a->records, &a->shape, q, &o);
    return 0;
}

static int by_query(const void *a, const void *b)
{
    const struct speed_query *p = &((const struct speed *)a)->query;
    const struct speed_query *q = &((const struct speed *)b)->query;
    if (p->users != q->users)
        return p->users < q->users ? -1 : 1;
    if (p->context != q->context)
        return p->context < q->context ? -1 : 1;
    return p->wafers < q->wafers ? -1 : p->wafers > q->wafers;
}

/* What is taken apart: the published workload if it is there, else the first there is. */
static const struct speed *choose_focus(const struct audit *a)
{
    const struct speed *best = NULL;
    for (uint32_t i = 0; i < a->speeds; i++) {
        const struct speed *s = &a->speed[i];
        bool published = s->query.users == 1 && s->query.context == figure(FIGURE_CLAIM_PROMPT);
        if (s->complete && published && s->query.wafers == figure(FIGURE_FORUM_WAFERS))
            return s;
        if (s->complete && (!best || (published && best->query.context != s->query.context)))
            best = s;
    }
    return best;
}

static struct speed_users users_of(const struct audit *a, const struct speed_query *q)
{
    struct speed_users u;
    struct speed_options o = speed_options_of(a->machine, q->wafers);
    speed_of_users(&u, a->records, &a->shape, q, &o);
    return u;
}

/* Many users: from the placement for most users that is like the focus and whose periods were
 * executed; else from the focus. */
static void add_users(struct audit *a)
{
    a->users = (struct speed_users){.complete = false};
    if (!a->focus)
        return;
    a->users_query = a->focus->query;
    a->users = users_of(a, &a->users_query);
    for (uint32_t i = 0; i < a->speeds; i++) { /* in the order of users */
        const struct speed_query *q = &a->speed[i].query;
        struct speed_users u = users_of(a, q);
        if (q->context == a->users_query.context && q->wafers == a->users_query.wafers &&
            u.complete && u.measured) {
            a->users_query = *q;
            a->users = u;
        }
    }
}

/* The contexts everybody asks about, on the wafers people speak of and on the fewest that fit; and
 * whatever else was executed. */
static int add_speeds(struct audit *a, struct err *e)
{
    for (int i = 0; i < CONTEXTS; i++) {
        struct fit fit;
        struct speed_query q = {a->machine->name, audit_contexts[i], 1,
                                (uint32_t)figure(FIGURE_FORUM_WAFERS)};
        fit_model(&fit, a->checkpoint, a->machine, q.context, q.users);
        if (add_speed(a, &q, e))
            return -1;
        q.wafers = fit.wafers;
        if (fit.wafers && add_speed(a, &q, e))
            return -1;
    }
    for (size_t i = 0; i < a->records->count; i++) {
        const struct record *r = &a->records->record[i];
        struct speed_query q = {a->machine->name, r->context, r->users, r->wafers};
        if (speed_uses(r, &a->shape, &q) && add_speed(a, &q, e))
            return -1;
    }
    qsort(a->speed, a->speeds, sizeof a->speed[0], by_query);
    a->focus = choose_focus(a);
    add_users(a);
    return 0;
}

static void add_commands(struct audit *a, const struct speed *s)
{
    for (int kind = 0; kind < RECORD_KINDS && a->commands < COMMANDS_MAX; kind++) {
        char layer[16], tokens[32] = "";
        if (!s->missing[kind])
            continue;
        (void)snprintf(layer, sizeof layer, "%u", s->missing_layer[kind]);
        if (s->query.users > 1)
            (void)snprintf(tokens, sizeof tokens, " --tokens %u", s->query.users);
        (void)snprintf(a->command[a->commands++], sizeof a->command[0],
                       "tessera layer --model %.40s --machine %.40s --layer %s --context %u%s "
                       "--wafers %u --record",
                       a->model, a->machine->name, kind == RECORD_HEAD ? "head" : layer,
                       s->query.context, tokens, s->query.wafers);
    }
}

/* ---- problems ---- */

static void add_problem(struct audit *a, const char *text)
{
    if (a->problems < PROBLEMS_MAX)
        (void)snprintf(a->problem[a->problems++], sizeof a->problem[0], "%.230s", text);
}

static void check_sources(struct audit *a)
{
    struct err e = {.kind = ERR_OK};
    (void)figures_check(figures, FIGURES, sources, SOURCES, &e);
    for (size_t i = 0; i < CLAIMS; i++) {
        const struct claim *c = &a->claim[i];
        (void)source_check(sources, SOURCES, c->source, c->text, &e);
        for (uint32_t k = 0; k < c->count; k++)
            (void)source_check(sources, SOURCES, c->evidence[k].source, c->evidence[k].text, &e);
    }
    if (e.kind != ERR_OK)
        add_problem(a, e.text);
    for (size_t i = 0; i < a->inputs->count; i++) {
        char text[240];
        const struct machine_value *v = &a->inputs->value[i];
        if (v->label != LABEL_NOT_EXECUTED)
            continue;
        (void)snprintf(
            text, sizeof text,
            "machine %.60s: %s: no source (a comment that begins with public, inferred or "
            "assumed)",
            a->machine->name, v->key);
        add_problem(a, text);
    }
}

static void check_record(struct audit *a, const struct record *r)
{
    char text[240];
    int n = snprintf(text, sizeof text, "%s layer %u, context %u, %u wafers: ", r->kind,
                     r->executed_layer, r->context, r->wafers);
    if (!version_is_ours(r->version)) {
        (void)snprintf(text + n, sizeof text - (size_t)n,
                       "executed by version %.32s, not by this one, %s", r->version,
                       version_digest());
        add_problem(a, text);
    }
    if (r->relative_error > figure(FIGURE_OUTPUT_ERROR)) {
        (void)snprintf(text + n, sizeof text - (size_t)n, "output differs by %.2g, limit %g",
                       r->relative_error, figure(FIGURE_OUTPUT_ERROR));
        add_problem(a, text);
    }
}

/* Records that a figure of this audit rests on. */
static void check_records(struct audit *a)
{
    for (size_t i = 0; i < a->records->count; i++)
        for (uint32_t k = 0; k < a->speeds; k++)
            if (a->speed[k].complete &&
                speed_uses(&a->records->record[i], &a->shape, &a->speed[k].query))
                check_record(a, &a->records->record[i]);
}

/* ---- all ---- */

int audit_make(struct audit *a, struct err *e)
{
    const struct model_config *k = checkpoint_config(a->checkpoint);
    if (!a->machine->fabric_width)
        return err_set(e, ERR_USAGE,
                       "machine %s has no fabric size, so nothing can be said of wafers",
                       a->machine->name);
    a->shape = (struct speed_shape){a->model, k->layers, k->dense_layers, k->hidden};
    a->speeds = a->problems = a->commands = 0;
    fit_model(&a->fit, a->checkpoint, a->machine, audit_contexts[CONTEXTS - 1], 1);
    if (add_speeds(a, e) || audit_change(a, e))
        return -1;
    for (uint32_t i = 0; i < a->speeds; i++)
        add_commands(a, &a->speed[i]);
    audit_judge_claims(a);
    check_sources(a);
    check_records(a);
    return 0;
}

int audit_verdict(const struct audit *a, struct err *e)
{
    if (!a->problems)
        return 0;
    if (a->problems == 1)
        return err_set(e, ERR_COMPARE, "%s", a->problem[0]);
    return err_set(e, ERR_COMPARE, "%s (and %u more)", a->problem[0], a->problems - 1);
}
