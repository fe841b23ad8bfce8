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
                             .filled = cfg->context,
                             .cache_bf16 = p->cache_bf16,
                             .alone = s,
                             .output = last ? p->output : s[1].input};
}

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

static int emulate(const struct layer_cfg *cfg, const struct strip *s, const float *x, float *y,
                   struct layer_result *out, struct err *e)
{
    struct machine machine = without_host(cfg->plan->machine, cfg->plan->height);
    struct session_cfg run = {.place = place_alone(cfg, s, &machine),
                              .images = cfg->images,
                              .load_direct = true,
                              .engine = cfg->engine,
                              .threads = cfg->threads,
                              .progress = cfg->progress,
                              .progress_self = cfg->progress_self};
    struct session *session;
    double start = wall_seconds();
    if (session_open(&session, &run, e))
        return -1;
    double placed = wall_seconds();
    int result = session_push_stream(session, 0, x, e) || session_output(session, y, e) ||
                         session_check(session, e)
                     ? -1
                     : 0;
    out->seconds_place = placed - start;
    out->seconds_run = wall_seconds() - placed;
    out->cycles = session_token_cycles(session);
    out->tiles = session_tiles_used(session);
    out->width = session_plan(session)->width;
    out->height = session_plan(session)->height;
    memcpy(out->phase, session_phases(session)->cycles[0], sizeof out->phase);
    plan_predict(session_plan(session), &session_plan(session)->strips[0], out->predicted);
    session_close(session);
    return result;
}

static int compare(const struct layer_cfg *cfg, const float *x, const float *y, float *reference,
                   struct layer_result *out, struct err *e)
{
    const struct model_config *k = cfg->plan->config;
    bool head = cfg->stage == k->layers;
    uint32_t n = head ? k->vocab : k->hidden;
    struct reference_layer_cfg r = {.layer = cfg->stage,
                                    .position = cfg->context,
                                    .kv_bf16 = cfg->plan->cache_bf16,
                                    .threads = cfg->threads ? cfg->threads : 1};
    double start = wall_seconds();
    if (reference_layer_run(cfg->plan->checkpoint, &r, x, reference, NULL, e))
        return -1;
    out->seconds_reference = wall_seconds() - start;
    out->error = distance(y, reference, NULL, n);
    out->error_added = distance(y, reference, head ? NULL : x, n);
    return 0;
}

int layer_run(const struct layer_cfg *cfg, struct layer_result *out, struct err *e)
{
    const struct plan *p = cfg->plan;
    const struct model_config *k = p->config;
    const struct strip *s = layer_strip(p, cfg->stage);
    if (!s || s->stages != 1)
        return err_set(e, ERR_USAGE, "layer: %s has no strip of its own in this placement",
                       cfg->stage == k->layers ? "the head" : "this layer");
    uint32_t n = k->hidden > k->vocab ? k->hidden : k->vocab;
    *out = (struct layer_result){.strip = *s,
                                 .crosses = s->x0 % p->width == 0 && s->x0 > 0};
    float *x = xcalloc(n, sizeof *x), *y = xcalloc(n, sizeof *y), *r = xcalloc(n, sizeof *r);
    activation_rule_fill(k, cfg->stage, cfg->context, x);
    int result = emulate(cfg, s, x, y, out, e) || compare(cfg, x, y, r, out, e) ? -1 : 0;
    free(x);
    free(y);
    free(r);
    return result;
}
