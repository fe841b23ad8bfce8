/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c - how wide each strip is and how large the fabric: found by trying, with dry programs, so
 * that what is checked is exactly what will be loaded. */
#include "place/fit.h"
#include "place/sample.h"

#include "base/xalloc.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum {
    HEIGHT_TRY_MAX = 256,   /* rows tried when the fabric is sized to the model */
    STRIP_WIDTH_MAX = 4096, /* a strip this wide that does not fit never will */
    BAND_STEP = 16          /* rows by which bands are tried */
};
#define ANY_WIDTH UINT32_MAX

struct overflow {
    const struct plan *plan;
    struct image *image;
    struct tile_place at;
};

static bool overflows(void *self, struct tile_place at)
{
    struct overflow *o = self;
    o->at = at;
    (void)plan_count(o->plan, at.x, at.y, o->image);
    return o->image->overflow != NULL;
}

struct plan plan_alone(const struct plan *p, struct strip *s)
{
    struct plan alone = *p;
    s->x0 = 0;
    alone.strips = s, alone.strip_count = 1;
    return alone;
}

/* A strip as if it were alone. What is loaded is checked tile by tile. */
static bool strip_overflows(const struct plan *p, struct strip s, struct image *m,
                            struct tile_place *at)
{
    struct plan alone = plan_alone(p, &s);
    struct overflow o = {.plan = &alone, .image = m};
    bool found = sample_tiles(&alone, &s, overflows, &o);
    *at = o.at;
    return found;
}

bool plan_settle(const struct plan *p, struct strip *s, struct image *m, struct tile_place *at)
{
    static const enum reduce_kind small[] = {REDUCE_TWO_PHASE, REDUCE_CHAIN};
    uint32_t choice[BLOCKS_CHOICES], n = plan_blocks(p, s, choice);
    for (uint32_t i = 0; i < n; i++) {
        s->blocks = choice[i];
        plan_choose(p, s, m);
        if (!strip_overflows(p, *s, m, at))
            return true;
        for (size_t k = 0; k < sizeof small / sizeof small[0]; k++) {
            s->kinds = (struct strip_kinds){small[k], small[k], small[k], small[k]};
            if (!strip_overflows(p, *s, m, at))
                return true;
        }
    }
    return false;
}

static bool width_fits(const struct plan *p, struct strip strip, uint32_t width, struct image *m)
{
    struct tile_place at;
    strip.width = width;
    return plan_settle(p, &strip, m, &at);
}

/* The smallest width at which a strip fits, 0 if none up to `most`. Doubling, then halving: memory
 * falls as the strip widens. */
static uint32_t smallest_width(const struct plan *p, struct strip strip, uint32_t most,
                               struct image *m)
{
    uint32_t high = 1;
    if (!most)
        return 0;
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

/* The smallest width of a strip whose band is given; the same question is asked once. */
struct widths {
    uint32_t known[STAGE_KINDS][2]; /* whole, split */
};
static uint32_t width_of(const struct plan *p, struct strip *s, uint32_t most, struct widths *w,
                         struct image *m)
{
    bool split = strip_is_split(p, s);
    uint32_t *same = s->stages == 1 ? &w->known[plan_stage_kind(p, s->first)][split] : NULL;
    uint32_t width = same && *same ? *same : smallest_width(p, *s, most, m);
    if (same)
        *same = width;
    return width;
}

/* The widest strip i may be, if those like it become as wide, the other ones behind it have a
 * column each, and all together `room`. */
static uint32_t widest(const struct plan *p, uint32_t i, uint32_t room)
{
    const struct strip *s = &p->strips[i];
    uint32_t alike = 1, others = 0;
    for (uint32_t k = i + 1; k < p->strip_count; k++) {
        bool same = s->stages == 1 && p->strips[k].stages == 1 &&
                    plan_stage_kind(p, s->first) == plan_stage_kind(p, p->strips[k].first);
        alike += same;
        others += !same;
    }
    return room > others ? (room - others) / alike : 0;
}

/* Give every strip its band and its smallest width. A strip may do without the band as long as the
 * stream has not entered it, and does where that is narrower. Returns the sum, 0 when some strip
 * does not fit in `each` columns or the sum is above `all`. */
static uint32_t set_widths(struct plan *p, uint32_t each, uint32_t all, struct image *m)
{
    struct widths known = {0};
    struct slice rows = {0, p->height};
    uint32_t total = 0;
    bool entered = p->band.count == p->height || p->band_rows;
    p->output = p->band; /* what a strip tried alone sends to */
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct strip *s = &p->strips[i];
        uint32_t most = widest(p, i, all - total);
        if (most > each)
            most = each;
        s->band = s->input = p->band;
        s->width = width_of(p, s, most, &known, m);
        s->band = s->input = rows;
        uint32_t whole = entered ? 0 : width_of(p, s, most, &known, m);
        if (!whole || (s->width && s->width <= whole)) {
            s->band = s->input = p->band;
            entered = true;
        } else {
            s->width = whole;
        }
        if (!s->width || s->width > most)
            return 0;
        s->x0 = total;
        total += s->width;
    }
    return total;
}

/* One stage per strip. Returns the columns needed, 0 as set_widths. */
static uint32_t split_singly(struct plan *p, uint32_t each, uint32_t all, struct image *m)
{
    p->strip_count = p->stage_count;
    for (uint32_t i = 0; i < p->strip_count; i++)
        p->strips[i] = (struct strip){.first = p->stage_first + i, .stages = 1};
    return set_widths(p, each, all, m);
}

/* Stages shared out evenly over fewer and fewer strips, until the fabric's width is enough. */
static uint32_t split_shared(struct plan *p, struct image *m)
{
    uint32_t most = p->width < p->stage_count - 1 ? p->width : p->stage_count - 1;
    for (uint32_t n = most; n > 0; n--) {
        p->strip_count = n;
        for (uint32_t i = 0; i < n; i++) {
            struct slice s = slice_of(p->stage_count, n, i);
            p->strips[i] = (struct strip){.first = s.first, .stages = s.count};
        }
        uint32_t total = set_widths(p, p->width, p->width, m);
        if (total)
            return total;
    }
    return 0;
}

/* How good a fabric is, smaller is better: its tiles, and among nearly equal ones the squarer
 * strips, whose lines are short both ways. */
static double fabric_cost(const struct plan *p, uint32_t width, uint32_t height)
{
    double strip = (double)width / p->strip_count;
    double lines = (strip + height) / (2 * sqrt(strip * height));
    return (double)width * height * (0.85 + 0.15 * lines);
}

/* Lay the strips out on wafers of `width` columns, as they come. Returns how many wafers that
 * takes. */
static uint32_t lay_out(struct plan *p, uint32_t width)
{
    uint32_t wafer = 0, used = 0;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct strip *s = &p->strips[i];
        if (used + s->width > width) {
            wafer++;
            used = 0;
        }
        s->x0 = wafer * width + used;
        used += s->width;
    }
    return wafer + 1;
}

/* The narrowest fabric of which `wafers` hold the strips as they are. */
static uint32_t narrowest(struct plan *p, uint32_t wafers)
{
    uint32_t low = 0, high = 0;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        low = p->strips[i].width > low ? p->strips[i].width : low;
        high += p->strips[i].width;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (lay_out(p, middle) <= wafers)
            high = middle;
        else
            low = middle + 1;
    }
    (void)lay_out(p, low);
    return low;
}

struct slice plan_band(const struct plan *p, uint32_t rows)
{
    rows = rows && rows < p->height ? rows : p->height;
    return (struct slice){(p->height - rows) / 2 / INT4_GROUP * INT4_GROUP, rows};
}

static void set_band(struct plan *p, uint32_t rows)
{
    p->band = plan_band(p, rows);
}

static void set_height(struct plan *p, uint32_t height)
{
    p->height = height;
    set_band(p, p->band_rows);
}

/* The columns with which a fabric of this height can still cost no more: its tiles, at least. */
static uint32_t columns_for(double cost, uint32_t height)
{
    return cost < (double)ANY_WIDTH * height ? (uint32_t)(cost / height) : ANY_WIDTH;
}

static int size_fabric(struct plan *p, struct image *m, struct err *e)
{
    uint32_t best_height = 0;
    double best = INFINITY;
    for (uint32_t h = 1; h <= HEIGHT_TRY_MAX; h++) {
        if ((double)h * p->stage_count > best)
            break;
        set_height(p, h);
        if (!split_singly(p, STRIP_WIDTH_MAX, columns_for(best, h), m))
            continue;
        double cost = fabric_cost(p, p->wafers * narrowest(p, p->wafers), h);
        if (cost < best) {
            best = cost;
            best_height = h;
        }
    }
    if (!best_height)
        return err_set(e, ERR_INPUT,
                       "plan: no fabric up to %d rows holds this model with context %u",
                       HEIGHT_TRY_MAX, p->context);
    set_height(p, best_height);
    (void)split_singly(p, STRIP_WIDTH_MAX, ANY_WIDTH, m);
    p->width = narrowest(p, p->wafers);
    return 0;
}

/* Show it on the strips one would try first. */
static int explain_no_fit(struct plan *p, struct image *m, struct err *e)
{
    uint32_t n = p->width < p->stage_count ? p->width : p->stage_count;
    for (uint32_t i = 0; i < n; i++) {
        struct slice stages = slice_of(p->stage_count, n, i);
        struct strip s = {.first = p->stage_first + stages.first,
                          .stages = stages.count,
                          .width = slice_of(p->width, n, i).count,
                          .band = p->band,
                          .input = p->band};
        struct tile_place at;
        uint32_t total = 0;
        if (plan_settle(p, &s, m, &at))
            continue;
        for (int part = 0; part < IMAGE_PARTS; part++)
            total += m->used[part];
        return err_set(e, ERR_INPUT,
                       "plan: does not fit: on fabric %ux%u tile (%u,%u), %s %u, needs %u bytes of "
                       "%u; the part that "
                       "overflows is %s (%s)",
                       p->width, p->height, slice_of(p->width, n, i).first + at.x, at.y,
                       stage_kind_name(plan_stage_kind(p, s.first)), s.first, total,
                       TILE_SRAM_BYTES, image_part_name(m->overflow_part), m->overflow);
    }
    return err_set(e, ERR_INPUT, "plan: does not fit: fabric %ux%u has too few columns", p->width,
                   p->height);
}

/* Share the strips out over the wafers as evenly as their widths allow. */
static int spread(struct plan *p, struct err *e)
{
    uint32_t most = narrowest(p, p->wafers), used = lay_out(p, most);
    if (used < p->wafers)
        return err_set(e, ERR_INPUT, "plan: %u wafers are too many: %u strips fill %u at most",
                       p->wafers, p->strip_count, used);
    assert(most > 0);
    for (uint32_t i = 0; i < p->strip_count; i++) {
        uint32_t x0 = p->strips[i].x0;
        p->strips[i].x0 = x0 / most * p->width + x0 % most;
    }
    return 0;
}

/* Whether the bytes alone leave a hope; those of the embedding may be on the host. */
static bool one_could_hold(const struct plan *p)
{
    double sram = (double)p->width * p->height * TILE_SRAM_BYTES;
    return (double)checkpoint_bytes(p->checkpoint) < 2 * sram;
}

/* As fill_fabric, for the band that is set. Returns the wafers needed, 0 if it does not fit. */
static uint32_t fill(struct plan *p, struct image *m)
{
    uint32_t allowed = p->wafers ? p->wafers : 1;
    uint32_t needed = split_singly(p, p->width, ANY_WIDTH, m) ? lay_out(p, p->width) : 0;
    if (needed && needed <= allowed)
        return needed;
    if (allowed == 1 && one_could_hold(p)) {
        if (split_shared(p, m))
            return 1;
        (void)split_singly(p, p->width, ANY_WIDTH, m); /* as they were */
    }
    return needed;
}

/* The band that needs the fewest wafers, the widest of equals: with more rows a tile has fewer
 * positions to attend to. */
static uint32_t fill_split(struct plan *p, struct image *m)
{
    uint32_t best = 0, best_rows = 0;
    for (uint32_t rows = BAND_STEP; rows <= p->height / 2; rows += BAND_STEP) {
        set_band(p, rows);
        uint32_t needed = fill(p, m);
        if (needed && (!best || needed <= best)) {
            best = needed;
            best_rows = rows;
        }
        if (best && needed > best)
            break;
    }
    if (best) {
        set_band(p, best_rows);
        (void)fill(p, m);
    }
    return best;
}

/* Too few wafers: with the arithmetic. */
static int refuse(const struct plan *p, uint32_t needed, struct err *e)
{
    double sram = (double)p->width * p->height * TILE_SRAM_BYTES / 1e9;
    return err_set(
        e, ERR_INPUT,
        "plan: does not fit: the weights are %.1f GB as stored, %u wafer%s of %ux%u tiles "
        "ha%s %.1f GB of SRAM for weights, code, buffers and KV cache; with whole layers on "
        "a wafer %u are needed",
        (double)checkpoint_bytes(p->checkpoint) / 1e9, p->wafers, p->wafers == 1 ? "" : "s",
        p->width, p->height, p->wafers == 1 ? "s" : "ve", sram * p->wafers, needed);
}

/* A given fabric: one stage a strip if the wafers asked for (or one) hold that, else shared strips
 * on one wafer, else as many wafers as it takes. Everything in every tile if that does, else a
 * band. */
static int fill_fabric(struct plan *p, struct image *m, struct err *e)
{
    uint32_t allowed = p->wafers ? p->wafers : 1;
    set_band(p, p->band_rows);
    uint32_t needed = fill(p, m);
    if (!p->band_rows && (!needed || needed > allowed)) {
        uint32_t split = fill_split(p, m);
        if (split && (!needed || split < needed)) {
            needed = split;
        } else {
            set_band(p, 0);
            needed = fill(p, m);
        }
    }
    if (!needed)
        return explain_no_fit(p, m, e);
    if (p->wafers && needed > p->wafers)
        return refuse(p, needed, e);
    p->wafers = needed > allowed ? needed : allowed;
    return spread(p, e);
}

/* One stage alone, in a strip as wide as the fabric. */
static int fill_with_one(struct plan *p, const struct strip *alone, struct image *m, struct err *e)
{
    struct tile_place at;
    p->band = alone->band;
    p->wafers = p->strip_count = 1;
    p->strips[0] = *alone;
    p->strips[0].x0 = 0;
    if (alone->blocks)
        return 0;
    return plan_settle(p, &p->strips[0], m, &at) ? 0 : explain_no_fit(p, m, e);
}

int plan_fit(struct plan *p, const struct strip *alone, struct err *e)
{
    struct image *m = xcalloc(1, sizeof *m);
    int result;
    if (alone) {
        result = fill_with_one(p, alone, m, e);
    } else if (p->width) {
        result = fill_fabric(p, m, e);
    } else {
        p->wafers = p->wafers ? p->wafers : 1;
        result = size_fabric(p, m, e);
        if (!result && p->wafers > 1)
            result = spread(p, e);
    }
    if (!result && !alone)
        result = plan_share_columns(p, m) ? 0 : explain_no_fit(p, m, e);
    free(m);
    return result;
}
