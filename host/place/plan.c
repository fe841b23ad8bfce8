/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - how wide each strip is and how large the fabric: found by trying, with dry programs, so
 * that what is checked is exactly what will be loaded. */
#include "place/plan.h"

#include "base/xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEIGHT_TRY_MAX = 256,   /* rows tried when the fabric is sized to the model */
    STRIP_WIDTH_MAX = 4096, /* a strip this wide that does not fit never will */
    TOP_K_MAX = 64
};

const char *phase_name(enum phase p)
{
    static const char *const names[PHASES] = {
#define PHASE(id, name, text) name,
#include "place/phases.def"
#undef PHASE
    };
    return names[p];
}

const char *strip_kind_name(enum strip_kind kind)
{
    static const char *const names[STRIP_KINDS] = {"dense layer", "expert layer", "head"};
    return names[kind];
}

static enum strip_kind strip_kind(const struct model_config *k, uint32_t i)
{
    if (i == k->layers)
        return STRIP_HEAD;
    return config_has_experts(k, i) ? STRIP_EXPERTS : STRIP_DENSE;
}

/* plan_shape: what this compiler cannot place, said before anything is tried. */
static int plan_shape(const struct plan *p, struct err *e)
{
    const struct model_config *k = p->config;
    if (k->experts_used > TOP_K_MAX)
        return err_set(e, ERR_NOT_IMPLEMENTED, "plan: more than %d experts per token", TOP_K_MAX);
    return 0;
}

/* The first tile of a strip that does not fit, trying every one; false when all do. */
static bool strip_overflows(const struct plan *p, const struct strip *s, struct image *m,
                            uint32_t *x, uint32_t *y)
{
    for (*x = s->x0; *x < s->x0 + s->width; ++*x) {
        for (*y = 0; *y < p->height; ++*y) {
            (void)plan_emit(p, *x, *y, true, m);
            if (m->overflow)
                return true;
        }
    }
    return false;
}

/* Whether a strip of this kind fits at a width; `strip` is a stand-in at column 0. */
static bool width_fits(struct plan *p, struct strip strip, uint32_t width, struct image *m)
{
    struct strip *strips = p->strips;
    uint32_t count = p->strip_count, x, y;
    strip.x0 = 0, strip.width = width;
    p->strips = &strip, p->strip_count = 1;
    bool fits = !strip_overflows(p, &strip, m, &x, &y);
    p->strips = strips, p->strip_count = count;
    return fits;
}

/* The smallest width at which a strip of this kind fits, 0 if none up to `most`. Doubling, then
 * halving: memory falls as the strip widens. */
static uint32_t smallest_width(struct plan *p, struct strip strip, uint32_t most, struct image *m)
{
    uint32_t high = 1;
    while (high <= most && !width_fits(p, strip, high, m))
        high *= 2;
    if (high > most) {
        if (!width_fits(p, strip, most, m))
            return 0;
        high = most;
    }
    uint32_t low = high / 2; /* does not fit (or is 0) */
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (width_fits(p, strip, middle, m))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* plan_split for one height: widths of all strips. Returns the sum, 0 when some strip does not fit.
 */
static uint32_t split_height(struct plan *p, uint32_t height, uint32_t most, struct image *m)
{
    uint32_t width[STRIP_KINDS] = {0}, total = 0;
    p->height = height;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct strip *s = &p->strips[i];
        if (!width[s->kind])
            width[s->kind] = smallest_width(p, *s, most, m);
        if (!width[s->kind])
            return 0;
        s->x0 = total;
        s->width = width[s->kind];
        total += s->width;
    }
    return total;
}

/* How good a fabric is, smaller is better: its tiles, and among nearly equal ones the squarer
 * strips, whose lines are short both ways. */
static double fabric_cost(const struct plan *p, uint32_t width, uint32_t height)
{
    double strip = (double)width / p->strip_count;
    double lines = (strip + height) / (2 * sqrt(strip * height));
    return (double)width * height * (0.85 + 0.15 * lines);
}

static int size_fabric(struct plan *p, struct image *m, struct err *e)
{
    uint32_t best_height = 0;
    double best = INFINITY;
    for (uint32_t h = 1; h <= HEIGHT_TRY_MAX; h++) {
        if ((double)h * p->strip_count > best)
            break;
        uint32_t width = split_height(p, h, STRIP_WIDTH_MAX, m);
        if (width && fabric_cost(p, width, h) < best) {
            best = fabric_cost(p, width, h);
            best_height = h;
        }
    }
    if (!best_height)
        return err_set(e, ERR_INPUT,
                       "plan: no fabric up to %d rows holds this model with context %u",
                       HEIGHT_TRY_MAX, p->context);
    p->height = best_height;
    p->width = split_height(p, best_height, STRIP_WIDTH_MAX, m);
    return 0;
}

/* Columns that are left over widen the strips evenly: shorter products for everybody. */
static void widen(struct plan *p, uint32_t spare)
{
    uint32_t x0 = 0;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct strip *s = &p->strips[i];
        s->width += spare / p->strip_count + (i < spare % p->strip_count);
        s->x0 = x0;
        x0 += s->width;
    }
}

static int explain_no_fit(const struct plan *p, struct image *m, struct err *e)
{
    uint32_t share = p->width / p->strip_count;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct strip s = p->strips[i];
        s.x0 = 0, s.width = share ? share : 1;
        struct plan one = *p;
        one.strips = &s, one.strip_count = 1;
        uint32_t x, y, total = 0;
        if (!strip_overflows(&one, &s, m, &x, &y))
            continue;
        for (int part = 0; part < IMAGE_PARTS; part++)
            total += m->used[part];
        return err_set(e, ERR_INPUT,
                       "plan: does not fit: fabric %ux%u gives each of %u strips %u columns; tile "
                       "(%u,%u) of a "
                       "%s strip needs %u bytes of %u, the part that overflows is %s (%s)",
                       p->width, p->height, p->strip_count, share, x, y, strip_kind_name(s.kind),
                       total, TILE_SRAM_BYTES, image_part_name(m->overflow_part), m->overflow);
    }
    return err_set(e, ERR_INPUT,
                   "plan: does not fit: fabric %ux%u has too few columns for %u strips", p->width,
                   p->height, p->strip_count);
}

static int plan_split(struct plan *p, struct err *e)
{
    struct image *m = xcalloc(1, sizeof *m);
    int result = 0;
    if (p->width == 0) {
        result = size_fabric(p, m, e);
    } else {
        uint32_t total = split_height(p, p->height, p->width, m);
        if (total == 0 || total > p->width)
            result = explain_no_fit(p, m, e);
        else
            widen(p, p->width - total);
    }
    free(m);
    return result;
}

int plan_open(struct plan **out, const struct plan_cfg *cfg, struct err *e)
{
    struct plan *p = xcalloc(1, sizeof *p);
    p->checkpoint = cfg->checkpoint;
    p->config = checkpoint_config(cfg->checkpoint);
    p->machine = cfg->machine;
    p->width = cfg->width;
    p->height = cfg->height;
    p->context = cfg->context;
    p->strip_count = p->config->layers + 1;
    p->strips = xcalloc(p->strip_count, sizeof *p->strips);
    for (uint32_t i = 0; i < p->strip_count; i++)
        p->strips[i] = (struct strip){.kind = strip_kind(p->config, i), .layer = i};
    uint32_t pairs = p->config->rope_dim / 2;
    double *inv_freq = xcalloc(pairs, sizeof *inv_freq);
    p->rope_turns = xcalloc(pairs, sizeof *p->rope_turns);
    rope_frequencies(p->config, inv_freq);
    for (uint32_t i = 0; i < pairs; i++) {
        long double turns = (long double)inv_freq[i] / 6.283185307179586476925286766559005768L;
        p->rope_turns[i] = (uint64_t)(turns * 18446744073709551616.0L);
    }
    free(inv_freq);
    if (plan_shape(p, e) || plan_split(p, e)) {
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

void plan_monitor(const struct plan *p, const struct strip *s, uint32_t *x, uint32_t *y)
{
    *x = s->x0 + (s->width - 1) / 2;
    *y = s->kind == STRIP_HEAD ? p->height - 1 : (p->height - 1) / 2;
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
    return (struct plan_port){.port = {PORT_SOUTH, head->x0 + head_column},
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
