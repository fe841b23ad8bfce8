/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - opening a plan, and what others ask of it. */
#include "place/fit.h"
#include "place/plan.h"

#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { TOP_K_MAX = 64 };

const char *phase_name(enum phase p)
{
    static const char *const names[PHASES] = {
#define PHASE(id, name, text) name,
#include "place/phases.def"
#undef PHASE
    };
    return names[p];
}

const char *stage_kind_name(enum stage_kind kind)
{
    static const char *const names[STAGE_KINDS] = {"dense layer", "expert layer", "head"};
    return names[kind];
}

enum stage_kind plan_stage_kind(const struct plan *p, uint32_t stage)
{
    if (stage == p->config->layers)
        return STAGE_HEAD;
    return config_has_experts(p->config, stage) ? STAGE_EXPERTS : STAGE_DENSE;
}

/* plan_shape: what this compiler cannot place, said before anything is tried. */
static int plan_shape(const struct plan *p, struct err *e)
{
    const struct model_config *k = p->config;
    if (k->experts_used > TOP_K_MAX)
        return err_set(e, ERR_NOT_IMPLEMENTED, "plan: more than %d experts per token", TOP_K_MAX);
    return 0;
}

static void choose_all(struct plan *p)
{
    struct image *m = xcalloc(1, sizeof *m);
    for (uint32_t i = 0; i < p->strip_count; i++)
        plan_choose(p, &p->strips[i], m);
    free(m);
}

int plan_open(struct plan **out, const struct plan_cfg *cfg, struct err *e)
{
    struct plan *p = xcalloc(1, sizeof *p);
    p->checkpoint = cfg->checkpoint;
    p->config = checkpoint_config(cfg->checkpoint);
    p->machine = cfg->machine;
    p->wafers = cfg->wafers;
    p->width = cfg->width;
    p->height = cfg->height;
    p->context = cfg->context;
    p->users = cfg->users ? cfg->users : 1;
    p->stage_count = p->config->layers + 1;
    p->strips = xcalloc(p->stage_count, sizeof *p->strips);
    uint32_t pairs = p->config->rope_dim / 2;
    double *inv_freq = xcalloc(pairs, sizeof *inv_freq);
    p->rope_turns = xcalloc(pairs, sizeof *p->rope_turns);
    rope_frequencies(p->config, inv_freq);
    for (uint32_t i = 0; i < pairs; i++) {
        long double turns = (long double)inv_freq[i] / 6.283185307179586476925286766559005768L;
        p->rope_turns[i] = (uint64_t)(turns * 18446744073709551616.0L);
    }
    free(inv_freq);
    if (plan_shape(p, e) || plan_fit(p, e)) {
        plan_close(p);
        return -1;
    }
    choose_all(p);
    *out = p;
    return 0;
}

void plan_close(struct plan *p)
{
    if (!p)
        return;
    free(p->strips);
    free(p->rope_turns);
    free(p);
}

void plan_monitor(const struct plan *p, const struct strip *s, uint32_t *x, uint32_t *y)
{
    bool head = plan_stage_kind(p, s->first) == STAGE_HEAD;
    *x = s->x0 + reduce_root(s->kinds.row, s->width);
    *y = head ? p->height - 1 : reduce_root(s->kinds.column, p->height);
}

uint32_t plan_phase_ends(const struct plan *p, const struct strip *s, struct phase_end *out,
                         uint32_t max)
{
    uint32_t x, y, n = 0;
    struct image *m = xcalloc(1, sizeof *m);
    plan_monitor(p, s, &x, &y);
    (void)plan_emit(p, x, y, true, m);
    for (; n < m->mark_count && n < max; n++)
        out[n] = (struct phase_end){m->mark[n].desc, (enum phase)m->mark[n].id};
    free(m);
    return n;
}

struct plan_port plan_input(const struct plan *p, uint32_t row)
{
    return (struct plan_port){.port = {PORT_WEST, row},
                              .colour = plan_input_colour(0),
                              .part = slice_of(p->config->hidden, p->height, row)};
}

uint32_t plan_output_count(const struct plan *p)
{
    return p->strips[p->strip_count - 1].width;
}

struct plan_port plan_output(const struct plan *p, uint32_t head_column)
{
    const struct strip *head = &p->strips[p->strip_count - 1];
    uint32_t x = head->x0 + head_column;
    return (struct plan_port){.wafer = x / p->width,
                              .port = {PORT_SOUTH, x % p->width},
                              .colour = plan_logits_colour(),
                              .part = slice_of(p->config->vocab, head->width, head_column)};
}

void plan_memory(const struct plan *p, const struct strip *s, struct plan_memory *out)
{
    struct image *m = xcalloc(1, sizeof *m);
    memset(out, 0, sizeof *out);
    for (uint32_t x = s->x0; x < s->x0 + s->width; x++) {
        for (uint32_t y = 0; y < p->height; y++) {
            uint32_t total = 0;
            (void)plan_emit(p, x, y, true, m);
            for (int part = 0; part < IMAGE_PARTS; part++)
                total += m->used[part];
            if (total <= out->total)
                continue;
            *out = (struct plan_memory){.total = total, .x = x, .y = y};
            memcpy(out->used, m->used, sizeof out->used);
        }
    }
    free(m);
}
