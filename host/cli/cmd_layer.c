/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_layer.c - `tessera layer`: one layer at true size, executed and compared. */
#include "base/json.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "run/layer_run.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXT_DEFAULT = 1000 };
#define ERROR_LIMIT 1e-3

static int run_layer(int argc, char **argv, struct err *e);
const struct verb verb_layer = {
    .name = "layer",
    .summary = "run one layer of a placed model, or its head, with all its tiles",
    .example = "tessera layer --model kimi-k2.6 --machine wse3 --wafers 20 --layer 1 --context 1000 "
               "--threads 2",
    .run = run_layer,
};

struct layer_options {
    struct place_options place;
    const char *layer;
    bool json;
};

static int stage_number(const struct layer_options *o, const struct model_config *k,
                        uint32_t *stage, struct err *e)
{
    char *end;
    const char *text = o->layer ? o->layer : "0";
    unsigned long n = strtoul(text, &end, 10);
    if (!strcmp(text, "head"))
        n = k->layers;
    else if (end == text || *end || n >= k->layers)
        return err_set(e, ERR_USAGE, "--layer: '%s' is neither head nor a layer from 0 to %u", text,
                       k->layers - 1);
    *stage = (uint32_t)n;
    return 0;
}

static void print_text(const struct stage *st, const struct layer_cfg *c,
                       const struct layer_result *r)
{
    const struct plan *p = c->plan;
    (void)printf("%s %u of %s on machine %s, %u wafers; %u positions cached\n",
                 stage_kind_name(plan_stage_kind(p, c->stage)), c->stage, st->model,
                 p->machine->name, p->wafers, c->context);
    (void)printf("strip of %u x %u tiles, %u with a program; band of %u rows, %u block%s of heads\n",
                 r->width, r->height, r->tiles, r->strip.band.count, r->strip.blocks,
                 r->strip.blocks == 1 ? "" : "s");
    (void)printf("%llu cycles (executed), %.2f us at %.2f GHz\n", (unsigned long long)r->cycles,
                 1e6 * (double)r->cycles / p->machine->clock_hz, p->machine->clock_hz / 1e9);
    (void)printf("relative error %.2e of the result, %.2e of what the layer adds (limit %.0e)\n",
                 r->error, r->error_added, ERROR_LIMIT);
    (void)printf("wall time %.1f s: placed and booted in %.1f, run in %.1f, reference in %.1f\n",
                 r->seconds_place + r->seconds_run + r->seconds_reference, r->seconds_place,
                 r->seconds_run, r->seconds_reference);
    (void)printf("%-12s %10s %10s\n", "phase", "cycles", "predicted");
    for (int i = 0; i < PHASES; i++)
        if (r->phase[i])
            (void)printf("  %-10s %10llu %10llu  %llu %llu %llu %llu %llu\n", phase_name((enum phase)i),
                         (unsigned long long)r->phase[i],
                         (unsigned long long)image_cost_sum(&r->predicted[i]), (unsigned long long)r->predicted[i].compute, (unsigned long long)r->predicted[i].dispatch, (unsigned long long)r->predicted[i].stages, (unsigned long long)r->predicted[i].hops, (unsigned long long)r->predicted[i].words);
}

static int layer(struct layer_options *o, struct stage *st, struct err *e)
{
    struct plan_cfg place;
    struct plan *p = NULL;
    struct layer_result r;
    uint32_t context = o->place.context ? (uint32_t)o->place.context : CONTEXT_DEFAULT;
    o->place.context = (uint64_t)context + 1;
    if (!o->place.cache)
        o->place.cache = "bf16";
    if (stage_open_model(st, &o->place, e) || firmware_load(&st->images, o->place.firmware, e) ||
        stage_plan_cfg(st, &o->place, 0, &place, e) || plan_open(&p, &place, e))
        return -1;
    struct layer_cfg c = {.plan = p,
                          .images = &st->images,
                          .context = context,
                          .threads = (uint32_t)o->place.threads,
                          .engine = WAFER_FAST,
                          .progress = show_placing};
    int result = stage_number(o, p->config, &c.stage, e) || layer_run(&c, &r, e) ? -1 : 0;
    if (!result) {
        print_text(st, &c, &r);
        if (!(r.error <= ERROR_LIMIT))
            result = err_set(e, ERR_COMPARE, "layer: relative error %.2e is above %.0e", r.error,
                             ERROR_LIMIT);
    }
    plan_close(p);
    return result;
}

static int run_layer(int argc, char **argv, struct err *e)
{
    struct layer_options o = {0};
    struct stage st = {0};
    const struct option table[] = {
        PLACE_OPTIONS(&o.place),
        RUN_OPTIONS(&o.place),
        {"layer", "N", "which one (default 0), or head", OPTION_TEXT, &o.layer, NULL},
        {"json", NULL, "as JSON", OPTION_FLAG, &o.json, NULL},
        {0},
    };
    int result = options_parse(&verb_layer, table, argc, argv, e);
    if (result == 0)
        result = layer(&o, &st, e);
    stage_close(&st);
    return result < 0 ? -1 : 0;
}
