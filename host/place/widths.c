/* SPDX-License-Identifier: Apache-2.0 */
/* widths.c - who gets the columns that are left over on a wafer, and how many rows a band has.
 *
 * Columns are dealt out evenly: shorter products for everybody, and the last strip reaches the
 * link. Where bands are open a strip may gain more by them than another loses, for there is room
 * for more rows in its band, or its blocks of heads become equally wide: then columns change hands
 * as long as the sum of the wafer's predicted cycles falls. */
#include "place/fit.h"

#include "base/xalloc.h"

#include <stdlib.h>

enum {
    COARSE_STEP = 16, /* rows by which the widest band that fits is looked for */
    FINE_STEP = 4,    /* ... and then around it */
    FITS_COMPARED = 5,
    COLUMNS_MOST = 4 /* that change hands at once */
};

#define DOES_NOT_FIT (UINT64_C(1) << 40) /* cycles: sums of them may be compared */

/* A strip of some width with the band that suits it. Strips of one stage of a kind are alike. */
struct trial {
    enum stage_kind kind;
    bool whole; /* may do without a band */
    struct strip strip;
    uint64_t cycles;
};

struct trials {
    const struct plan *plan;
    struct image *image;
    struct trial *trial;
    size_t count;
};

static uint64_t predicted(const struct plan *p, struct strip s)
{
    struct plan alone = plan_alone(p, &s);
    return plan_estimate(&alone, &s);
}

static bool fits(const struct trials *t, struct strip *s, uint32_t rows)
{
    struct tile_place at;
    s->band = s->input = plan_band(t->plan, rows);
    return plan_settle(t->plan, s, t->image, &at);
}

/* Keeps the strip with that band if it is faster; false if it does not fit. */
static bool compare(struct trials *t, struct trial *best, uint32_t rows)
{
    struct strip s = best->strip;
    if (!fits(t, &s, rows))
        return false;
    uint64_t cycles = predicted(t->plan, s);
    if (cycles < best->cycles) {
        best->strip = s;
        best->cycles = cycles;
    }
    return true;
}

/* A wider band makes vectors shorter and leaves a tile fewer positions, as long as the MLPs find
 * their room outside: the fastest of the widest few that fit. */
static void choose_band(struct trials *t, struct trial *best)
{
    struct strip s = best->strip;
    uint32_t most = t->plan->height / 2, least = t->plan->band.count, rows = most, found = 0;
    if (best->whole)
        (void)compare(t, best, 0);
    while (rows > least && !fits(t, &s, rows))
        rows = rows > least + COARSE_STEP ? rows - COARSE_STEP : least;
    rows = rows + COARSE_STEP < most ? rows + COARSE_STEP - FINE_STEP : most;
    for (; rows > least && found < FITS_COMPARED; rows -= FINE_STEP)
        found += compare(t, best, rows);
    if (!found)
        (void)compare(t, best, least);
}

static bool is_whole(const struct plan *p, const struct strip *s)
{
    return s->band.count == p->height;
}

static bool alike(const struct trials *t, const struct trial *a, const struct strip *s,
                  uint32_t width)
{
    const struct strip *b = &a->strip;
    return b->width == width && a->whole == is_whole(t->plan, s) &&
           (b->first == s->first ||
            (b->stages == 1 && s->stages == 1 && a->kind == plan_stage_kind(t->plan, s->first)));
}

/* The same question is asked once. Valid until the next one. */
static const struct trial *try_width(struct trials *t, const struct strip *s, uint32_t width)
{
    for (size_t i = 0; i < t->count; i++)
        if (alike(t, &t->trial[i], s, width))
            return &t->trial[i];
    struct trial n = {.kind = plan_stage_kind(t->plan, s->first),
                      .whole = is_whole(t->plan, s),
                      .strip = *s,
                      .cycles = DOES_NOT_FIT};
    n.strip.width = width;
    choose_band(t, &n);
    t->trial = xrealloc(t->trial, t->count + 1, sizeof *t->trial);
    t->trial[t->count] = n;
    return &t->trial[t->count++];
}

/* What two strips take together when one hands `columns` to the other. */
static uint64_t both(struct trials *t, const struct strip *from, const struct strip *to,
                     uint32_t columns)
{
    uint64_t cycles = try_width(t, from, from->width - columns)->cycles;
    return cycles + try_width(t, to, to->width + columns)->cycles;
}

/* One round of handing columns over; whether any changed hands. The last strips give first. */
static bool hand_over(struct trials *t, struct strip *s, uint32_t count, uint32_t columns)
{
    bool changed = false;
    for (uint32_t from = count; from-- > 0;) {
        for (uint32_t to = 0; to < count; to++) {
            if (from == to || s[from].width <= columns ||
                both(t, &s[from], &s[to], columns) >= both(t, &s[from], &s[to], 0))
                continue;
            s[from].width -= columns;
            s[to].width += columns;
            changed = true;
        }
    }
    return changed;
}

static void deal_evenly(struct strip *s, uint32_t count, uint32_t width)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++)
        used += s[i].width;
    for (uint32_t i = 0; i < count; i++)
        s[i].width += slice_of(width - used, count, i).count;
}

/* The strips of one wafer, which begins at column x0. */
static void share_wafer(struct trials *t, struct strip *s, uint32_t count, uint32_t x0, bool open)
{
    deal_evenly(s, count, t->plan->width);
    for (uint32_t columns = 1; open && columns <= COLUMNS_MOST;)
        columns = hand_over(t, s, count, columns) ? 1 : 2 * columns;
    for (uint32_t i = 0; i < count; i++) {
        if (open)
            s[i].band = try_width(t, &s[i], s[i].width)->strip.band;
        s[i].x0 = x0;
        x0 += s[i].width;
    }
}

/* With the bands of its neighbours less of a strip's band may have input than was tried. */
static bool settle(const struct plan *p, struct strip *s, const struct strip *before, bool open,
                   struct image *m)
{
    struct tile_place at;
    for (;;) {
        s->input = before ? slice_overlap(before->band, s->band) : s->band;
        if (plan_settle(p, s, m, &at))
            return true;
        if (!open || s->band.count <= p->band.count + FINE_STEP)
            return false;
        s->band = plan_band(p, s->band.count - FINE_STEP);
    }
}

bool plan_share_columns(struct plan *p, struct image *m)
{
    struct trials t = {.plan = p, .image = m};
    bool open = p->band.count < p->height && !p->band_rows, good = true;
    for (uint32_t first = 0, end; first < p->strip_count; first = end) {
        uint32_t wafer = p->strips[first].x0 / p->width;
        for (end = first + 1; end < p->strip_count && p->strips[end].x0 / p->width == wafer;)
            end++;
        share_wafer(&t, &p->strips[first], end - first, wafer * p->width, open);
    }
    free(t.trial);
    p->output = p->strips[p->strip_count - 1].band;
    for (uint32_t i = 0; i < p->strip_count && good; i++)
        good = settle(p, &p->strips[i], i ? &p->strips[i - 1] : NULL, open, m);
    return good;
}
