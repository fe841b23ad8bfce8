/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c - how wide each strip is and how large the fabric: found by trying, with dry programs, so
 * that what is checked is exactly what will be loaded. */
#include "place/fit.h"

#include "base/xalloc.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum {
    HEIGHT_TRY_MAX = 256,  /* rows tried when the fabric is sized to the model */
    STRIP_WIDTH_MAX = 4096 /* a strip this wide that does not fit never will */
};

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

/* Whether these stages fit in one strip of a width; tried at column 0 of a plan of its own. */
static bool width_fits(const struct plan *p, struct strip strip, uint32_t width, struct image *m)
{
    uint32_t x, y;
    struct plan alone = *p;
    strip.x0 = 0, strip.width = width;
    plan_choose(p, &strip, m);
    alone.strips = &strip, alone.strip_count = 1;
    return !strip_overflows(&alone, &strip, m, &x, &y);
}

/* The smallest width at which a strip fits, 0 if none up to `most`. Doubling, then halving: memory
 * falls as the strip widens. */
static uint32_t smallest_width(const struct plan *p, struct strip strip, uint32_t most,
                               struct image *m)
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

/* Give every strip its smallest width. Strips of one stage of the same kind are tried once. Returns
 * the sum, 0 when some strip does not fit in `most` columns. */
static uint32_t set_widths(struct plan *p, uint32_t most, struct image *m)
{
    uint32_t known[STAGE_KINDS] = {0}, total = 0;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct strip *s = &p->strips[i];
        uint32_t *same = s->stages == 1 ? &known[plan_stage_kind(p, s->first)] : NULL;
        s->width = same && *same ? *same : smallest_width(p, *s, most, m);
        if (!s->width)
            return 0;
        if (same)
            *same = s->width;
        s->x0 = total;
        total += s->width;
    }
    return total;
}

/* One stage per strip. Returns the columns needed, 0 when some stage does not fit. */
static uint32_t split_singly(struct plan *p, uint32_t most, struct image *m)
{
    p->strip_count = p->stage_count;
    for (uint32_t i = 0; i < p->strip_count; i++)
        p->strips[i] = (struct strip){.first = i, .stages = 1};
    return set_widths(p, most, m);
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
        uint32_t total = set_widths(p, p->width, m);
        if (total && total <= p->width)
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

/* Columns that are left over on a wafer widen its strips evenly: shorter products for everybody,
 * and the last strip reaches the link. Strips are laid out again as they stand on their wafers. */
static void widen(struct plan *p)
{
    for (uint32_t first = 0, end; first < p->strip_count; first = end) {
        uint32_t wafer = p->strips[first].x0 / p->width, used = 0, x0 = wafer * p->width;
        for (end = first; end < p->strip_count && p->strips[end].x0 / p->width == wafer; end++)
            used += p->strips[end].width;
        for (uint32_t i = first; i < end; i++) {
            p->strips[i].width += slice_of(p->width - used, end - first, i - first).count;
            p->strips[i].x0 = x0;
            x0 += p->strips[i].width;
        }
    }
}

static int size_fabric(struct plan *p, struct image *m, struct err *e)
{
    uint32_t best_height = 0;
    double best = INFINITY;
    for (uint32_t h = 1; h <= HEIGHT_TRY_MAX; h++) {
        if ((double)h * p->stage_count > best)
            break;
        p->height = h;
        if (!split_singly(p, STRIP_WIDTH_MAX, m))
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
    p->height = best_height;
    (void)split_singly(p, STRIP_WIDTH_MAX, m);
    p->width = narrowest(p, p->wafers);
    return 0;
}

/* Show it on the strips one would try first. */
static int explain_no_fit(struct plan *p, struct image *m, struct err *e)
{
    uint32_t n = p->width < p->stage_count ? p->width : p->stage_count;
    for (uint32_t i = 0; i < n; i++) {
        struct slice stages = slice_of(p->stage_count, n, i), columns = slice_of(p->width, n, i);
        struct strip s = {.first = stages.first,
                          .stages = stages.count,
                          .x0 = columns.first,
                          .width = columns.count};
        struct plan one = *p;
        uint32_t x, y, total = 0;
        one.strips = &s, one.strip_count = 1;
        plan_choose(p, &s, m);
        if (!strip_overflows(&one, &s, m, &x, &y))
            continue;
        for (int part = 0; part < IMAGE_PARTS; part++)
            total += m->used[part];
        return err_set(e, ERR_INPUT,
                       "plan: does not fit: on fabric %ux%u tile (%u,%u), %s %u, needs %u bytes of "
                       "%u; the part that "
                       "overflows is %s (%s)",
                       p->width, p->height, x, y, stage_kind_name(plan_stage_kind(p, s.first)),
                       s.first, total, TILE_SRAM_BYTES, image_part_name(m->overflow_part),
                       m->overflow);
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
    widen(p);
    return 0;
}

/* A given fabric: one stage a strip if the wafers asked for (or one) hold that, else shared strips
 * on one wafer, else as many wafers as it takes. */
static int fill_fabric(struct plan *p, struct image *m, struct err *e)
{
    uint32_t needed = split_singly(p, p->width, m) ? lay_out(p, p->width) : 0;
    uint32_t allowed = p->wafers ? p->wafers : 1;
    if (needed == 0 || needed > allowed) {
        if (allowed == 1 && split_shared(p, m))
            needed = 1;
        else if (!split_singly(p, p->width, m))
            return explain_no_fit(p, m, e);
        else if (p->wafers)
            return err_set(e, ERR_INPUT,
                           "plan: does not fit: %u wafers of %ux%u are needed, not %u", needed,
                           p->width, p->height, p->wafers);
    }
    p->wafers = needed > allowed ? needed : allowed;
    return spread(p, e);
}

int plan_fit(struct plan *p, struct err *e)
{
    struct image *m = xcalloc(1, sizeof *m);
    int result;
    if (p->width) {
        result = fill_fabric(p, m, e);
    } else {
        p->wafers = p->wafers ? p->wafers : 1;
        result = size_fabric(p, m, e);
        if (!result && p->wafers > 1)
            result = spread(p, e);
    }
    free(m);
    return result;
}
