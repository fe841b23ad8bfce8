/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_layer.c - `tessera layer`: one layer at true size, executed and compared. */
#include "base/json.h"
#include "base/memory.h"
#include "base/xalloc.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "report/facts.h"
#include "report/records.h"
#include "run/floats.h"
#include "run/layer_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 4096 };

static int run_layer(int argc, char **argv, struct err *e);
const struct verb verb_layer = {
    .name = "layer",
    .summary = "run one layer of a placed model, or its head, with all its tiles",
    .example =
        "tessera layer --model kimi-k2.6 --machine wse3 --wafers 20 --layer 1 --context 1000 "
        "--threads 2 --record",
    .run = run_layer,
};

struct layer_options {
    struct place_options place;
    const char *layer, *input, *output, *record;
    uint64_t tokens;
    bool json;
};

/* A layer that was run, and what shows it. */
struct executed {
    const struct stage *stage;
    struct layer_cfg cfg;
    struct layer_result result;
    struct record record;
    float *input, *output; /* [tokens][...] */
};

/* ---- what is asked for ---- */

static int stage_number(const char *text, const struct model_config *k, uint32_t *stage,
                        struct err *e)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (!strcmp(text, "head"))
        n = k->layers;
    else if (end == text || *end || n >= k->layers)
        return err_set(e, ERR_USAGE, "--layer: '%s' is neither head nor a layer from 0 to %u", text,
                       k->layers - 1);
    *stage = (uint32_t)n;
    return 0;
}

static int check_options(struct layer_options *o, struct err *e)
{
    if (o->tokens == 0 || o->tokens == 2 || o->tokens > TOKENS_MAX)
        return err_set(e, ERR_USAGE, "--tokens: 1, or 3 to %d: one alone and at least two together",
                       TOKENS_MAX);
    if (o->place.context > UINT32_MAX / 2)
        return err_set(e, ERR_USAGE, "--context: too many positions");
    o->place.users = (uint32_t)o->tokens;
    o->place.context++; /* the token's own */
    return 0;
}

static void show_answered(void *self, uint32_t results, uint32_t of)
{
    (void)self;
    (void)fprintf(stderr, "token %u of %u\n", results, of);
}

static int open_vectors(struct executed *x, const struct layer_options *o, struct err *e)
{
    const struct plan *p = x->cfg.plan;
    size_t out = (size_t)p->users * layer_output_count(p, x->cfg.stage);
    size_t in = (size_t)p->users * p->config->hidden;
    x->cfg.output = x->output = xcalloc(out, sizeof *x->output);
    if (!o->input)
        return 0;
    x->cfg.input = x->input = xcalloc(in, sizeof *x->input);
    return floats_read(o->input, x->input, in, e);
}

/* ---- what came out ---- */

static void print_text(const struct executed *x)
{
    const struct layer_result *r = &x->result;
    const struct plan *p = x->cfg.plan;
    double clock = p->machine->clock_hz;
    (void)printf("%s %u of %s on machine %s, %u wafers; %u positions cached\n",
                 stage_kind_name(plan_stage_kind(p, x->cfg.stage)), x->cfg.stage, x->record.model,
                 p->machine->name, p->wafers, x->cfg.context);
    (void)printf(
        "strip of %u x %u tiles, %u with a program; band of %u rows, %u block%s of heads\n",
        r->width, r->height, r->tiles, r->strip.band.count, r->strip.blocks,
        r->strip.blocks == 1 ? "" : "s");
    (void)printf("%llu cycles (executed), %.2f us at %.2f GHz\n", (unsigned long long)r->cycles,
                 1e6 * (double)r->cycles / clock, clock / 1e9);
    if (r->period)
        (void)printf("%llu cycles between results of %u tokens back to back (executed)\n",
                     (unsigned long long)r->period, p->users - 1);
    (void)printf("relative error %.2e of the result, %.2e of what the layer adds (limit %.0e)\n",
                 r->error, r->error_added, figure(FIGURE_OUTPUT_ERROR));
    (void)printf("wall time %.1f s: placed and booted in %.1f, run in %.1f, reference in %.1f\n",
                 r->seconds_place + r->seconds_run + r->seconds_reference, r->seconds_place,
                 r->seconds_run, r->seconds_reference);
    (void)printf("host memory at most %.2f GB\n", (double)memory_peak() / 1e9);
    (void)printf("%-12s %10s\n", "phase", "cycles");
    for (uint32_t i = 0; i < x->record.phase_count; i++)
        (void)printf("  %-10s %10llu\n", x->record.phases[i].name,
                     (unsigned long long)x->record.phases[i].cycles);
}

static void json_seconds(struct json_out *o, const struct layer_result *r)
{
    json_out_object(o, "wall_seconds");
    json_out_double(o, "place", r->seconds_place);
    json_out_double(o, "run", r->seconds_run);
    json_out_double(o, "reference", r->seconds_reference);
    json_out_end(o);
}

static void print_json(const struct executed *x)
{
    const struct layer_result *r = &x->result;
    struct json_out o;
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    record_json(&x->record, "record", &o);
    json_out_double(&o, "relative_error_added", r->error_added);
    json_out_double(&o, "error_limit", figure(FIGURE_OUTPUT_ERROR));
    json_out_uint(&o, "band_rows", r->strip.band.count);
    json_out_uint(&o, "blocks", r->strip.blocks);
    json_out_double(&o, "clock_hz", x->cfg.plan->machine->clock_hz);
    json_out_string(&o, "label", "executed");
    json_seconds(&o, r);
    json_out_uint(&o, "memory_peak_bytes", memory_peak());
    json_out_end(&o);
}

static int keep(const struct executed *x, const struct layer_options *o, struct err *e)
{
    char own[4096];
    const struct plan *p = x->cfg.plan;
    records_folder(own, sizeof own);
    if (!(x->result.error <= figure(FIGURE_OUTPUT_ERROR)))
        return err_set(e, ERR_COMPARE, "layer: relative error %.2e is above %.0e", x->result.error,
                       figure(FIGURE_OUTPUT_ERROR));
    if (o->output && floats_write(o->output, x->output,
                                  (size_t)p->users * layer_output_count(p, x->cfg.stage), e))
        return -1;
    return o->record ? record_write(&x->record, *o->record ? o->record : own, e) : 0;
}

/* ---- all of it ---- */

static int layer(const struct layer_options *o, struct executed *x, struct err *e)
{
    if (stage_number(o->layer, x->cfg.plan->config, &x->cfg.stage, e) || open_vectors(x, o, e) ||
        layer_run(&x->cfg, &x->result, e))
        return -1;
    layer_record(&x->cfg, model_label(x->stage->model), &x->result, &x->record);
    if (o->json)
        print_json(x);
    else
        print_text(x);
    return keep(x, o, e);
}

static int open_and_run(struct layer_options *o, struct stage *st, struct err *e)
{
    struct plan_cfg place;
    struct plan *p = NULL;
    enum wafer_engine engine;
    if (check_options(o, e) || stage_engine(&o->place, &engine, e) ||
        stage_open_model(st, &o->place, e) || firmware_load(&st->images, o->place.firmware, e) ||
        stage_plan_cfg(st, &o->place, 0, &place, e) || plan_open(&p, &place, e))
        return -1;
    struct executed x = {.stage = st,
                         .cfg = {.plan = p,
                                 .images = &st->images,
                                 .context = (uint32_t)o->place.context - 1,
                                 .threads = (uint32_t)o->place.threads,
                                 .engine = engine,
                                 .max_cycles = o->place.max_cycles,
                                 .progress = show_placing,
                                 .answered = o->tokens > 1 ? show_answered : NULL}};
    int result = layer(o, &x, e);
    free(x.input);
    free(x.output);
    plan_close(p);
    return result;
}

static int run_layer(int argc, char **argv, struct err *e)
{
    struct layer_options o = {
        .place = {.context = 1000, .cache = "bf16"}, .layer = "0", .tokens = 1};
    struct stage st = {0};
    const struct option table[] = {
        PLACE_OPTIONS_FOR(&o.place, "positions cached before the token (default 1000)",
                          "what the KV cache holds: bf16 (default) or f32"),
        {"layer", "N", "which one (default 0), or head", OPTION_TEXT, &o.layer, NULL},
        {"tokens", "N", "one of each of N users: one alone, then the others together (default 1)",
         OPTION_COUNT, &o.tokens, NULL},
        {"input", "FILE", "what comes in, float32 [tokens, hidden] (default: by rule)", OPTION_TEXT,
         &o.input, NULL},
        {"output", "FILE", "write what goes out, float32 [tokens, hidden or vocabulary]",
         OPTION_TEXT, &o.output, NULL},
        {"record", "[DIR]", "keep a record for audit (default: records/ beside the program)",
         OPTION_TEXT_OR_NOT, &o.record, NULL},
        {"json", NULL, "as JSON", OPTION_FLAG, &o.json, NULL},
        EMULATOR_OPTIONS(&o.place),
        {0},
    };
    int result = options_parse(&verb_layer, table, argc, argv, e);
    if (result == 0)
        result = open_and_run(&o, &st, e);
    stage_close(&st);
    return result < 0 ? -1 : 0;
}
