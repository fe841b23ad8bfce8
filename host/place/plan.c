/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - opening a plan, and what others ask of it. */
#include "place/fit.h"
#include "place/plan.h"
#include "place/relay.h"
#include "place/sample.h"

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
    if (p->blocks && k->heads % p->blocks)
        return err_set(e, ERR_USAGE, "plan: %u blocks do not divide %u heads", p->blocks, k->heads);
    if (p->height && p->band_rows && p->band_rows < p->height && p->band_rows < BAND_LEAST)
        return err_set(e, ERR_USAGE, "plan: a band of %u rows, not %u or more", p->band_rows,
                       BAND_LEAST);
    if (p->height && p->band_rows > p->height)
        return err_set(e, ERR_USAGE, "plan: a band of %u rows on a fabric of %u", p->band_rows,
                       p->height);
    return 0;
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
    p->cache_bf16 = cfg->cache_bf16;
    p->filled = cfg->filled;
    p->reckoned = cfg->filled ? cfg->filled + 1 : cfg->context;
    p->band_rows = cfg->band;
    p->output = cfg->output;
    p->blocks = cfg->blocks;
    p->stage_first = cfg->alone ? cfg->alone->first : 0;
    p->stage_count = cfg->alone ? 1 : p->config->layers + 1;
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
    if (plan_shape(p, e) || plan_fit(p, cfg->alone, e)) {
        plan_close(p);
        return -1;
    }
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

/* The row root's column; of several blocks of heads the first of its block, which has latents only
 * and so the longest vectors. */
static uint32_t monitored_column(const struct strip *s)
{
    uint32_t root = reduce_root(s->kinds.row, s->width), i = 0;
    if (s->blocks < 2)
        return root;
    while (i + 1 < s->blocks && slice_of(s->width, s->blocks, i + 1).first <= root)
        i++;
    return slice_of(s->width, s->blocks, i).first;
}

uint32_t plan_monitors(const struct plan *p, const struct strip *s,
                       struct tile_place out[PLAN_MONITORS])
{
    uint32_t hub = strip_hub(p, s), root = s->band.first;
    bool split = strip_is_split(p, s);
    root += split ? 0 : reduce_root(s->kinds.column, s->band.count);
    out[0] = (struct tile_place){s->x0 + monitored_column(s), split ? hub + 1 : root};
    if (!split)
        return 1;
    out[1] = (struct tile_place){out[0].x, hub};
    out[2] = (struct tile_place){s->x0 + reduce_root(s->kinds.outer_row, s->width),
                                 relay_root_row(p, s)};
    return PLAN_MONITORS;
}

uint32_t plan_phase_ends(const struct plan *p, struct tile_place at, struct phase_end *out,
                         uint32_t max)
{
    uint32_t n = 0;
    struct image *m = xcalloc(1, sizeof *m);
    (void)plan_count(p, at.x, at.y, m);
    for (; n < m->mark_count && n < max; n++)
        out[n] = (struct phase_end){m->mark[n].desc, (enum phase)m->mark[n].id};
    free(m);
    return n;
}

/* ---- rows of the residual stream ---- */

bool strip_is_split(const struct plan *p, const struct strip *s)
{
    return s->band.count < p->height;
}

uint32_t strip_hub(const struct plan *p, const struct strip *s)
{
    if (!strip_is_split(p, s))
        return p->height;
    return s->band.first + line_joint_root(s->band.count);
}

bool strip_is_hub(const struct plan *p, const struct strip *s, uint32_t y)
{
    uint32_t hub = strip_hub(p, s);
    return hub < p->height && (y == hub || y + 1 == hub);
}

static struct slice stream_rows(const struct plan *p, uint32_t i)
{
    return i < p->strip_count ? p->strips[i].input : p->output;
}

bool plan_row_moves(const struct plan *p, uint32_t i, uint32_t y)
{
    struct slice rows = stream_rows(p, i);
    if (y < rows.first || y >= rows.first + rows.count)
        return false;
    return !(i > 0 && strip_is_hub(p, &p->strips[i - 1], y)) &&
           !(i < p->strip_count && strip_is_hub(p, &p->strips[i], y));
}

/* Those above row `end`. */
static uint32_t moving_above(const struct plan *p, uint32_t i, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t y = stream_rows(p, i).first; y < end; y++)
        count += plan_row_moves(p, i, y);
    return count;
}

static uint32_t moving_rows(const struct plan *p, uint32_t i)
{
    struct slice rows = stream_rows(p, i);
    return moving_above(p, i, rows.first + rows.count);
}

struct slice plan_row_share(const struct plan *p, uint32_t i, uint32_t y)
{
    uint32_t rows = moving_rows(p, i);
    if (!rows || !plan_row_moves(p, i, y))
        return (struct slice){0, 0};
    return slice_of(p->config->hidden, rows, moving_above(p, i, y));
}

/* Row number k of them. */
static uint32_t moving_row(const struct plan *p, uint32_t i, uint32_t k)
{
    uint32_t y = stream_rows(p, i).first;
    while (!plan_row_moves(p, i, y) || k-- > 0)
        y++;
    return y;
}

/* ---- ports ---- */

uint32_t plan_input_count(const struct plan *p)
{
    return moving_rows(p, 0);
}

struct plan_port plan_input(const struct plan *p, uint32_t i)
{
    uint32_t y = moving_row(p, 0, i);
    return (struct plan_port){
        .port = {PORT_WEST, y}, .colour = plan_input_colour(0), .part = plan_row_share(p, 0, y)};
}

bool plan_ends_in_head(const struct plan *p)
{
    return plan_stage_kind(p, p->stage_first + p->stage_count - 1) == STAGE_HEAD;
}

static const struct strip *last_strip(const struct plan *p)
{
    return &p->strips[p->strip_count - 1];
}

/* The rows that hold a head's vocabulary: those outside the band, or all. */
static uint32_t head_rows(const struct plan *p)
{
    const struct strip *s = last_strip(p);
    return strip_is_split(p, s) ? p->height - s->band.count : p->height;
}

uint32_t plan_output_count(const struct plan *p)
{
    return plan_ends_in_head(p) ? head_rows(p) : moving_rows(p, p->strip_count);
}

struct plan_port plan_output(const struct plan *p, uint32_t i)
{
    const struct strip *last = last_strip(p);
    struct plan_port out = {.wafer = last->x0 / p->width, .port = {PORT_EAST, 0}};
    if (!plan_ends_in_head(p)) {
        out.port.index = moving_row(p, p->strip_count, i);
        out.colour = plan_input_colour(p->strip_count);
        out.part = plan_row_share(p, p->strip_count, out.port.index);
        return out;
    }
    bool south = strip_is_split(p, last) && i >= last->band.first;
    out.port.index = i + (south ? last->band.count : 0);
    out.colour = plan_logits_colour();
    out.part = slice_of(p->config->vocab, head_rows(p), i);
    return out;
}

struct fullest {
    const struct plan *plan;
    struct image *image;
    struct plan_memory *out;
};

static bool is_fullest(void *self, struct tile_place at)
{
    struct fullest *f = self;
    uint32_t total = 0;
    (void)plan_count(f->plan, at.x, at.y, f->image);
    for (int part = 0; part < IMAGE_PARTS; part++)
        total += f->image->used[part];
    if (total > f->out->total) {
        *f->out = (struct plan_memory){.total = total, .x = at.x, .y = at.y};
        memcpy(f->out->used, f->image->used, sizeof f->out->used);
    }
    return false;
}

void plan_memory(const struct plan *p, const struct strip *s, struct plan_memory *out)
{
    struct fullest f = {.plan = p, .image = xcalloc(1, sizeof *f.image), .out = out};
    memset(out, 0, sizeof *out);
    (void)sample_tiles(p, s, is_fullest, &f);
    free(f.image);
}
