/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan.c - `tessera plan`: how a model lies on a wafer, and what that costs in memory. */
#include "base/json.h"
#include "base/xalloc.h"
#include "cli/common.h"
#include "cli/verbs.h"

#include <stdlib.h>

enum { CONTEXT_DEFAULT = 512 };

static int run_plan(int argc, char **argv, struct err *e);
const struct verb verb_plan = {
    .name = "plan",
    .summary = "show the placement of a model: strips, SRAM by part, predicted cycles",
    .example =
        "tessera plan --model kimi-k2.6 --machine wse3 --wafers 20 --context 1000 --cache bf16",
    .run = run_plan,
};

static void strip_name(const struct plan *p, const struct strip *s, char *out, size_t bytes)
{
    if (s->stages == 1)
        (void)snprintf(out, bytes, "%u %s", s->first,
                       stage_kind_name(plan_stage_kind(p, s->first)));
    else
        (void)snprintf(out, bytes, "%u..%u", s->first, s->first + s->stages - 1);
}

static void print_strip(const struct plan *p, const struct strip *s, uint64_t cycles)
{
    struct plan_memory m;
    char what[48];
    plan_memory(p, s, &m);
    strip_name(p, s, what, sizeof what);
    (void)printf("%-16s %5u %5u..%-5u %4u..%-4u %6u", what, s->x0 / p->width, s->x0 % p->width,
                 s->x0 % p->width + s->width - 1, s->band.first, s->band.first + s->band.count - 1,
                 s->blocks);
    for (int part = 0; part < IMAGE_PARTS; part++)
        (void)printf(" %8u", m.used[part]);
    (void)printf(" %6u  (%u,%u) %8llu\n", TILE_SRAM_BYTES - m.total, m.x % p->width, m.y,
                 (unsigned long long)cycles);
}

/* The phases of one strip of each kind. */
static void print_phases(const struct plan *p, struct image_cost (*predicted)[PHASES])
{
    for (int kind = 0; kind < STAGE_KINDS; kind++) {
        const struct strip *s = p->strips, *end = s + p->strip_count;
        while (s < end && (s->stages > 1 || (int)plan_stage_kind(p, s->first) != kind))
            s++;
        if (s == end)
            continue;
        const struct image_cost *phase = predicted[s - p->strips];
        char what[48];
        strip_name(p, s, what, sizeof what);
        (void)printf("\n%-18s %9s %9s %9s %9s %9s %9s  (predicted, cycles)\n", what, "all",
                     "compute", "dispatch", "stages", "hops", "words");
        for (int i = 0; i < PHASES; i++) {
            const struct image_cost *c = &phase[i];
            const uint64_t parts[] = {image_cost_sum(c), c->compute, c->dispatch,
                                      c->stages,         c->hops,    c->words};
            if (!parts[0])
                continue;
            (void)printf("  %-16s", phase_name((enum phase)i));
            for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
                (void)printf(" %9llu", (unsigned long long)parts[k]);
            (void)printf("\n");
        }
    }
}

/* Crossings: from wafer to wafer, and from the last one back to the first. */
static void print_speed(const struct plan *p, uint64_t layers)
{
    const struct machine *k = p->machine;
    double crossing = k->wafer_link_latency_seconds * k->clock_hz;
    double all = (double)layers + (p->wafers > 1 ? p->wafers * crossing : 0);
    (void)printf("\npredicted: %llu cycles in layers and head", (unsigned long long)layers);
    if (p->wafers > 1)
        (void)printf(", %u crossings of %.0f", p->wafers, crossing);
    (void)printf(
        "; %.0f cycles a token, %.0f tokens/s for a user at %.2f GHz (%u positions cached)\n", all,
        k->clock_hz / all, k->clock_hz / 1e9, p->reckoned);
}

static void print_text(const struct plan *p, struct image_cost (*predicted)[PHASES])
{
    uint64_t layers = 0;
    (void)printf(
        "%u wafer%s of %u x %u = %u tiles on machine %s, context %u; weights as stored %.2f MB\n\n",
        p->wafers, p->wafers == 1 ? "" : "s", p->width, p->height, p->wafers * p->width * p->height,
        p->machine->name, p->context, (double)checkpoint_bytes(p->checkpoint) / 1e6);
    (void)printf("%-16s %5s %12s %10s %6s", "strip", "wafer", "columns", "band", "blocks");
    for (int part = 0; part < IMAGE_PARTS; part++)
        (void)printf(" %8s", image_part_name((enum image_part)part));
    (void)printf(" %6s  fullest tile (bytes), cycles (predicted)\n", "free");
    for (uint32_t i = 0; i < p->strip_count; i++) {
        uint64_t cycles = plan_predicted_cycles(predicted[i]);
        layers += cycles;
        print_strip(p, &p->strips[i], cycles);
    }
    print_phases(p, predicted);
    print_speed(p, layers);
}

static void print_json(const struct plan *p, struct image_cost (*predicted)[PHASES])
{
    struct json_out o;
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    json_out_string(&o, "machine", p->machine->name);
    json_out_uint(&o, "wafers", p->wafers);
    json_out_uint(&o, "fabric_width", p->width);
    json_out_uint(&o, "fabric_height", p->height);
    json_out_uint(&o, "context", p->context);
    json_out_array(&o, "strips");
    for (uint32_t i = 0; i < p->strip_count; i++) {
        const struct strip *s = &p->strips[i];
        struct plan_memory m;
        const struct image_cost *phase = predicted[i];
        plan_memory(p, s, &m);
        json_out_object(&o, NULL);
        json_out_string(&o, "kind", stage_kind_name(plan_stage_kind(p, s->first)));
        json_out_uint(&o, "first_stage", s->first);
        json_out_uint(&o, "stages", s->stages);
        json_out_uint(&o, "first_column", s->x0);
        json_out_uint(&o, "columns", s->width);
        json_out_uint(&o, "band_first_row", s->band.first);
        json_out_uint(&o, "band_rows", s->band.count);
        json_out_uint(&o, "blocks", s->blocks);
        json_out_object(&o, "predicted_cycles");
        for (int k = 0; k < PHASES; k++)
            if (image_cost_sum(&phase[k]))
                json_out_uint(&o, phase_name((enum phase)k), image_cost_sum(&phase[k]));
        json_out_end(&o);
        json_out_object(&o, "fullest_tile_bytes");
        for (int part = 0; part < IMAGE_PARTS; part++)
            json_out_uint(&o, image_part_name((enum image_part)part), m.used[part]);
        json_out_uint(&o, "free", TILE_SRAM_BYTES - m.total);
        json_out_end(&o);
        json_out_end(&o);
    }
    json_out_end(&o);
    json_out_end(&o);
}

static int plan(const struct place_options *place, bool json, struct stage *stage, struct err *e)
{
    if (stage_open_model(stage, place, e))
        return -1;
    struct plan_cfg cfg;
    struct plan *p;
    if (stage_plan_cfg(stage, place, CONTEXT_DEFAULT, &cfg, e) || plan_open(&p, &cfg, e))
        return -1;
    struct image_cost(*predicted)[PHASES] = xcalloc(p->strip_count, sizeof *predicted);
    plan_predict_all(p, predicted);
    if (json)
        print_json(p, predicted);
    else
        print_text(p, predicted);
    free(predicted);
    plan_close(p);
    return 0;
}

static int run_plan(int argc, char **argv, struct err *e)
{
    struct place_options place = {0};
    struct stage stage = {0};
    bool json = false;
    const struct option table[] = {
        PLACE_OPTIONS(&place),
        {"json", NULL, "as JSON", OPTION_FLAG, &json, NULL},
        {0},
    };
    int result = options_parse(&verb_plan, table, argc, argv, e);
    if (result == 0)
        result = plan(&place, json, &stage, e);
    stage_close(&stage);
    return result < 0 ? -1 : 0;
}
