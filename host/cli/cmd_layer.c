/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_layer.c - `tessera layer`: one layer at true size, executed and compared. */
#include "base/json.h"
#include "base/memory.h"
#include "base/xalloc.h"
#include "cli/alone.h"
#include "cli/verbs.h"
#include "report/facts.h"
#include "report/records.h"
#include "run/floats.h"
#include "run/layer_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    struct alone_options alone;
    const char *layer, *input, *output, *record;
    bool path;
};

/* A layer that was run, and what shows it. */
struct executed {
    struct alone alone;
    struct layer_cfg cfg; /* the alone's, of this layer */
    struct layer_result result;
    struct record record;
    float *input, *output; /* [tokens][...] */
};

/* ---- what is asked for ---- */

static int check_layer(const struct executed *x, const char *text, uint32_t *stage, struct err *e)
{
    const char *end = alone_stage(&x->alone, text, stage);
    if (!end || *end)
        return err_set(e, ERR_USAGE, "--layer: '%s' is neither head nor a layer from 0 to %u", text,
                       x->alone.plan->config->layers - 1);
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

static void print_phase(const struct record_phase *p)
{
    const uint64_t parts[] = {p->cycles, p->predicted,     p->compute,    p->scheduler,
                              p->hops,   p->serialisation, p->contention, p->waiting};
    (void)printf("  %-10s", p->name);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        (void)printf(" %10llu", (unsigned long long)parts[i]);
    (void)printf("\n");
}

/* Every piece of the critical path: when, how long, where, in which phase, what, doing what. */
static void print_path(const struct executed *x)
{
    const struct critical_path *p = &x->result.path;
    (void)printf("%7s %6s %11s  %-10s %-10s %s\n", "cycle", "takes", "tile", "phase", "what",
                 "descriptor");
    for (uint32_t i = 0; i < p->count; i++) {
        const struct path_piece *at = &p->piece[i];
        char tile[32];
        (void)snprintf(tile, sizeof tile, "(%u,%u)", at->x, at->y);
        (void)printf("%7u %6u %11s  %-10s %-10s %s 0x%x\n", at->begin, at->cycles, tile,
                     phase_name((enum phase)at->phase), path_part_name((enum path_part)at->part),
                     stream_op_name(at->op), at->desc);
    }
}

static void json_path(struct json_out *o, const struct critical_path *p)
{
    json_out_array(o, "path");
    for (uint32_t i = 0; i < p->count; i++) {
        const struct path_piece *at = &p->piece[i];
        json_out_object(o, NULL);
        json_out_uint(o, "cycle", at->begin);
        json_out_uint(o, "cycles", at->cycles);
        json_out_uint(o, "x", at->x);
        json_out_uint(o, "y", at->y);
        json_out_string(o, "phase", phase_name((enum phase)at->phase));
        json_out_string(o, "part", path_part_name((enum path_part)at->part));
        json_out_string(o, "operation", stream_op_name(at->op));
        json_out_uint(o, "descriptor", at->desc);
        json_out_end(o);
    }
    json_out_end(o);
}

static void print_text(const struct executed *x, bool path)
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
    (void)printf("%-12s %10s %10s %10s %10s %10s %10s %10s %10s\n", "phase", "cycles", "predicted",
                 "compute", "scheduler", "hops", "words", "contention", "waiting");
    for (uint32_t i = 0; i < x->record.phase_count; i++)
        print_phase(&x->record.phases[i]);
    if (path)
        print_path(x);
}

static void json_seconds(struct json_out *o, const struct layer_result *r)
{
    json_out_object(o, "wall_seconds");
    json_out_double(o, "place", r->seconds_place);
    json_out_double(o, "run", r->seconds_run);
    json_out_double(o, "reference", r->seconds_reference);
    json_out_end(o);
}

static void print_json(const struct executed *x, bool path)
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
    if (path)
        json_path(&o, &r->path);
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
    if (alone_open(&x->alone, &o->alone, e))
        return -1;
    x->cfg = x->alone.cfg;
    x->cfg.answered = o->alone.tokens > 1 ? show_answered : NULL;
    if (check_layer(x, o->layer, &x->cfg.stage, e) || open_vectors(x, o, e) ||
        layer_run(&x->cfg, &x->result, e))
        return -1;
    layer_record(&x->cfg, model_label(x->alone.stage.model), &x->result, &x->record);
    if (o->alone.json)
        print_json(x, o->path);
    else
        print_text(x, o->path);
    return keep(x, o, e);
}

static int run_layer(int argc, char **argv, struct err *e)
{
    struct layer_options o = {.alone = ALONE_DEFAULTS, .layer = "0"};
    struct executed x = {.input = NULL};
    const struct option table[] = {
        {"layer", "N", "which one (default 0), or head", OPTION_TEXT, &o.layer, NULL},
        {"input", "FILE", "what comes in, float32 [tokens, hidden] (default: by rule)", OPTION_TEXT,
         &o.input, NULL},
        {"output", "FILE", "write what goes out, float32 [tokens, hidden or vocabulary]",
         OPTION_TEXT, &o.output, NULL},
        {"record", "[DIR]", "keep a record for audit (default: records/ beside the program)",
         OPTION_TEXT_OR_NOT, &o.record, NULL},
        {"path", NULL, "the critical path too: tile, phase, what it did, cycles", OPTION_FLAG,
         &o.path, NULL},
        ALONE_OPTIONS(&o.alone),
        {0},
    };
    int result = options_parse(&verb_layer, table, argc, argv, e);
    if (result == 0)
        result = layer(&o, &x, e);
    free(x.input);
    free(x.output);
    layer_result_free(&x.result);
    alone_close(&x.alone);
    return result < 0 ? -1 : 0;
}
