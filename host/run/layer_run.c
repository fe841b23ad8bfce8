/* SPDX-License-Identifier: Apache-2.0 */
/* layer_run.c - one stage of a plan on a fabric of its own. */
#include "run/layer_run.h"

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/kv_rule.h"
#include "model/reference_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct strip *layer_strip(const struct plan *p, uint32_t stage)
{
    for (uint32_t i = 0; i < p->strip_count; i++)
        if (stage >= p->strips[i].first && stage < p->strips[i].first + p->strips[i].stages)
            return &p->strips[i];
    return NULL;
}

/* The strip's edges are its neighbours': a word a cycle on every row, at once. */
static struct machine without_host(const struct machine *k, uint32_t rows)
{
    struct machine near = *k;
    near.io_latency_seconds = 0;
    near.channel_bits_per_second = 32 * k->clock_hz;
    near.io_bits_per_second = near.channel_bits_per_second * rows;
    return near;
}

static struct plan_cfg place_alone(const struct layer_cfg *cfg, const struct strip *s,
                                   const struct machine *machine)
{
    const struct plan *p = cfg->plan;
    bool last = s == p->strips + p->strip_count - 1;
    return (struct plan_cfg){.checkpoint = p->checkpoint,
                             .machine = machine,
                             .width = s->width,
                             .height = p->height,
                             .context = cfg->context + 1,
                             .users = p->users,
                             .filled = cfg->context,
                             .cache_bf16 = p->cache_bf16,
                             .alone = s,
                             .output = last ? p->output : s[1].input};
}

uint32_t layer_output_count(const struct plan *p, uint32_t stage)
{
    return stage == p->config->layers ? p->config->vocab : p->config->hidden;
}

void layer_input_by_rule(const struct layer_cfg *cfg, uint32_t user, float *out)
{
    activation_rule_fill(cfg->plan->config, cfg->stage, cfg->context + user, out);
}

/* ---- the wafer ---- */

/* Vectors in and out, by user. */
struct traffic {
    float *in, *out, *reference;
    uint32_t in_words, out_words;
};

static void traffic_open(struct traffic *t, const struct layer_cfg *cfg)
{
    const struct plan *p = cfg->plan;
    t->in_words = p->config->hidden;
    t->out_words = layer_output_count(p, cfg->stage);
    t->in = xcalloc((size_t)p->users * t->in_words, sizeof *t->in);
    t->out = xcalloc((size_t)p->users * t->out_words, sizeof *t->out);
    t->reference = xcalloc(t->out_words, sizeof *t->reference);
    for (uint32_t u = 0; u < p->users && !cfg->input; u++)
        layer_input_by_rule(cfg, u, t->in + (size_t)u * t->in_words);
    if (cfg->input)
        memcpy(t->in, cfg->input, (size_t)p->users * t->in_words * sizeof *t->in);
}

static void traffic_close(struct traffic *t)
{
    free(t->in);
    free(t->out);
    free(t->reference);
}

/* Tokens of users first .. last - 1 together; out: the cycle of the first and last result. */
static int push_together(const struct layer_cfg *cfg, struct session *s, struct traffic *t,
                         struct slice users, uint64_t cycle[2], struct err *e)
{
    for (uint32_t u = users.first; u < users.first + users.count; u++)
        if (session_push_stream(s, u, t->in + (size_t)u * t->in_words, e))
            return -1;
    for (uint32_t i = 0; i < users.count; i++) {
        uint32_t u = users.first + i;
        if (session_output(s, t->out + (size_t)u * t->out_words, e))
            return -1;
        cycle[i > 0] = session_cycle(s);
        if (cfg->answered)
            cfg->answered(cfg->progress_self, u + 1, cfg->plan->users);
    }
    return 0;
}

static int run_tokens(const struct layer_cfg *cfg, struct session *s, struct traffic *t,
                      struct layer_result *out, struct err *e)
{
    uint64_t cycle[2];
    uint32_t others = cfg->plan->users - 1;
    layer_path_record(s);
    if (push_together(cfg, s, t, (struct slice){0, 1}, cycle, e))
        return -1;
    out->cycles = session_token_cycles(s);
    if (layer_path_find(s, &out->path, out->phase, e))
        return -1;
    plan_predict(session_plan(s), &session_plan(s)->strips[0], out->predicted);
    if (push_together(cfg, s, t, (struct slice){1, others}, cycle, e))
        return -1;
    if (others > 1)
        out->period = (cycle[1] - cycle[0] + (others - 1) / 2) / (others - 1);
    return session_check(s, e);
}

static int emulate(const struct layer_cfg *cfg, const struct strip *s, struct traffic *t,
                   struct layer_result *out, struct err *e)
{
    struct machine machine = without_host(cfg->plan->machine, cfg->plan->height);
    struct session_cfg run = {.place = place_alone(cfg, s, &machine),
                              .images = cfg->images,
                              .load_direct = true,
                              .engine = cfg->engine,
                              .threads = cfg->threads,
                              .max_cycles = cfg->max_cycles,
                              .progress = cfg->progress,
                              .progress_self = cfg->progress_self};
    struct session *session;
    double start = wall_seconds();
    if (session_open(&session, &run, e))
        return -1;
    double placed = wall_seconds();
    int result = run_tokens(cfg, session, t, out, e);
    out->seconds_place = placed - start;
    out->seconds_run = wall_seconds() - placed;
    out->tiles = session_tiles_used(session);
    out->width = session_plan(session)->width;
    out->height = session_plan(session)->height;
    session_close(session);
    return result;
}

/* ---- the reference ---- */

static double distance(const float *a, const float *b, const float *without, uint32_t n)
{
    double difference = 0, size = 0;
    for (uint32_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        double r = (double)b[i] - (without ? (double)without[i] : 0);
        difference += d * d;
        size += r * r;
    }
    return sqrt(difference / size);
}

/* The larger one; NaN is the largest of all. */
static double worse(double a, double b)
{
    return b > a || isnan(b) ? b : a;
}

static int compare(const struct layer_cfg *cfg, struct traffic *t, struct layer_result *out,
                   struct err *e)
{
    bool head = cfg->stage == cfg->plan->config->layers;
    double start = wall_seconds();
    for (uint32_t u = 0; u < cfg->plan->users; u++) {
        const float *x = t->in + (size_t)u * t->in_words, *y = t->out + (size_t)u * t->out_words;
        struct reference_layer_cfg r = {.layer = cfg->stage,
                                        .position = cfg->context,
                                        .user = u,
                                        .kv_bf16 = cfg->plan->cache_bf16,
                                        .threads = cfg->threads ? cfg->threads : 1};
        if (reference_layer_run(cfg->plan->checkpoint, &r, x, t->reference, NULL, e))
            return -1;
        out->error = worse(out->error, distance(y, t->reference, NULL, t->out_words));
        out->error_added =
            worse(out->error_added, distance(y, t->reference, head ? NULL : x, t->out_words));
    }
    out->seconds_reference = wall_seconds() - start;
    return 0;
}

void layer_result_free(struct layer_result *r)
{
    critical_path_free(&r->path);
}

int layer_run(const struct layer_cfg *cfg, struct layer_result *out, struct err *e)
{
    const struct plan *p = cfg->plan;
    const struct strip *s = layer_strip(p, cfg->stage);
    struct traffic t;
    if (!s || s->stages != 1)
        return err_set(e, ERR_USAGE, "layer: %s has no strip of its own in this placement",
                       cfg->stage == p->config->layers ? "the head" : "this layer");
    *out = (struct layer_result){.strip = *s, .crosses = s->x0 % p->width == 0 && s->x0 > 0};
    traffic_open(&t, cfg);
    int result = emulate(cfg, s, &t, out, e) || compare(cfg, &t, out, e) ? -1 : 0;
    if (!result && cfg->output)
        memcpy(cfg->output, t.out, (size_t)p->users * t.out_words * sizeof *t.out);
    traffic_close(&t);
    return result;
}
