/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan.c - `tessera plan`: how a model lies on a wafer, and what that costs in memory. */
#include "base/json.h"
#include "cli/common.h"
#include "cli/verbs.h"

#include <stdlib.h>

enum { CONTEXT_DEFAULT = 512 };

static int run_plan(int argc, char **argv, struct err *e);
const struct verb verb_plan = {
    .name = "plan",
    .summary = "show the placement of a model: strips, SRAM by part, the fullest tile",
    .example = "tessera plan --model host/models/kimi-nano --context 512",
    .run = run_plan,
};

static void print_strip(const struct plan *p, uint32_t i)
{
    const struct strip *s = &p->strips[i];
    struct plan_memory m;
    plan_memory(p, s, &m);
    char what[48];
    if (s->stages == 1)
        (void)snprintf(what, sizeof what, "%u %s", s->first,
                       stage_kind_name(plan_stage_kind(p, s->first)));
    else
        (void)snprintf(what, sizeof what, "%u..%u", s->first, s->first + s->stages - 1);
    (void)printf("%-18s %5u..%-5u", what, s->x0, s->x0 + s->width - 1);
    for (int part = 0; part < IMAGE_PARTS; part++)
        (void)printf(" %8u", m.used[part]);
    (void)printf(" %8u  (%u,%u)\n", TILE_SRAM_BYTES - m.total, m.x, m.y);
}

static void print_text(const struct plan *p)
{
    (void)printf(
        "%u wafer%s of %u x %u = %u tiles on machine %s, context %u; weights as stored %.2f MB\n\n",
        p->wafers, p->wafers == 1 ? "" : "s", p->width, p->height, p->wafers * p->width * p->height,
        p->machine->name, p->context, (double)checkpoint_bytes(p->checkpoint) / 1e6);
    (void)printf("%-18s %12s", "strip", "columns");
    for (int part = 0; part < IMAGE_PARTS; part++)
        (void)printf(" %8s", image_part_name((enum image_part)part));
    (void)printf(" %8s  fullest tile (bytes)\n", "free");
    for (uint32_t i = 0; i < p->strip_count; i++)
        print_strip(p, i);
}

static void print_json(const struct plan *p)
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
        plan_memory(p, s, &m);
        json_out_object(&o, NULL);
        json_out_string(&o, "kind", stage_kind_name(plan_stage_kind(p, s->first)));
        json_out_uint(&o, "first_stage", s->first);
        json_out_uint(&o, "stages", s->stages);
        json_out_uint(&o, "first_column", s->x0);
        json_out_uint(&o, "columns", s->width);
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
    if (json)
        print_json(p);
    else
        print_text(p);
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
