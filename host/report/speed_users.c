/* SPDX-License-Identifier: Apache-2.0 */
/* speed_users.c - a pipeline of stages. */
#include "report/speed_users.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const uint32_t speed_prompts[PROMPTS] = {256, 1000, 10000};

/* ---- the slowest stage ---- */

static enum label period_label(const struct record *r, uint32_t layer)
{
    if (!r->period)
        return LABEL_ASSUMED;
    return r->executed_layer == layer ? LABEL_EXECUTED : LABEL_EXTRAPOLATED;
}

/* Of equally slow ones, one that was executed. */
static void join_stage(struct speed_users *out, const struct record *r, uint32_t layer)
{
    double period = (double)(r->period ? r->period : r->cycles);
    enum label label = period_label(r, layer);
    out->measured &= r->period > 0;
    if (period < out->period || (period == out->period && label >= out->period_label))
        return;
    out->period = period;
    out->period_label = label;
    if (!strcmp(r->kind, record_kind_name(RECORD_HEAD)))
        (void)snprintf(out->slowest, sizeof out->slowest, "head");
    else
        (void)snprintf(out->slowest, sizeof out->slowest, "layer %u (%s)", layer, r->kind);
}

static void find_slowest(struct speed_users *out, const struct records *records,
                         const struct speed_shape *s, const struct speed_query *q,
                         const struct speed *token, const struct speed_options *o)
{
    out->measured = true;
    for (uint32_t layer = 0; layer <= s->layers; layer++)
        join_stage(out, speed_record(records, s, q, layer), layer);
    double link = o->crossings ? token->part[SPEED_LINKS] / o->crossings : 0;
    if (link > out->period) {
        out->period = link;
        out->period_label = LABEL_ASSUMED;
        (void)snprintf(out->slowest, sizeof out->slowest, "a link between wafers");
    }
}

/* ---- what follows ---- */

/* Of what rests on latencies and periods together. */
static enum label joint_label(const struct speed_users *s)
{
    return s->period_label == LABEL_ASSUMED ? LABEL_ASSUMED : LABEL_EXTRAPOLATED;
}

static void add_users(struct speed_users *out, const struct speed_query *q,
                      const struct speed *token, double clock_hz)
{
    bool full = false;
    for (uint32_t users = 1; !full && out->rows < USERS_ROWS_MAX; users *= 2) {
        struct users_row *r = &out->row[out->rows++];
        full = users * out->period >= out->latency;
        double total = fmin(users / out->latency, 1 / out->period) * clock_hz;
        *r = (struct users_row){.users = users,
                                .placed = users <= q->users,
                                .label = users == 1 && !full ? token->label : joint_label(out),
                                .per_user = total / users,
                                .total = total,
                                .tpot = users / total};
    }
}

static void add_prompts(struct speed_users *out, double clock_hz)
{
    for (int i = 0; i < PROMPTS; i++)
        out->prompt[i] = (struct prompt_row){
            .tokens = speed_prompts[i],
            .label = joint_label(out),
            .ttft = (out->latency + (speed_prompts[i] - 1) * out->period) / clock_hz};
}

void speed_of_users(struct speed_users *out, const struct records *records,
                    const struct speed_shape *s, const struct speed_query *q,
                    const struct speed_options *o)
{
    struct speed token;
    memset(out, 0, sizeof *out);
    speed_of_token(&token, records, s, q, o);
    out->complete = token.complete;
    if (!token.complete)
        return;
    out->latency = token.cycles;
    find_slowest(out, records, s, q, &token, o);
    add_users(out, q, &token, o->clock_hz);
    add_prompts(out, o->clock_hz);
}
