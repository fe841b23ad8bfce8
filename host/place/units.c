/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - who holds which part of an expert. */
#include "place/units.h"

/* The fraction parts of multiples of these two spread evenly, alone and together. */
#define TURN_COLUMNS UINT64_C(0xc13fa9a9) /* 2^32 / 1.3247.. */
#define TURN_PLACES UINT64_C(0x91e10da5)  /* 2^32 / 1.3247..^2 */

/* The fewest elements per unit such that there are no more units than columns. */
static uint32_t unit_inputs(uint32_t hidden, uint32_t width)
{
    uint32_t groups = hidden / INT4_GROUP, each = 1;
    while (each < groups && (groups / each > width || groups % each))
        each++;
    return each * INT4_GROUP;
}

/* The most rows that divide a group, for which the region has room. */
static uint32_t group_rows(uint32_t groups, uint32_t height)
{
    uint32_t rows = INT4_GROUP;
    while (rows > 1 && rows * groups > height)
        rows /= 2;
    return rows;
}

struct units units_of(const struct plan *p, const struct strip *s, uint32_t stage)
{
    const struct model_config *k = p->config;
    struct units u = {.used = false};
    struct weight w;
    if (!strip_is_split(p, s) || plan_stage_kind(p, stage) != STAGE_EXPERTS)
        return u;
    checkpoint_weight(p->checkpoint, ROLE_EXPERT_GATE, stage, 0, &w);
    if (k->groups > 1 || w.kind != WEIGHT_INT4_G32 || k->hidden % INT4_GROUP ||
        k->expert_width % INT4_GROUP)
        return u;
    u.width = s->width;
    u.inputs = unit_inputs(k->hidden, s->width);
    u.columns = k->hidden / u.inputs;
    u.groups = k->expert_width / INT4_GROUP;
    u.rows = group_rows(u.groups, p->height - s->band.count);
    u.places = (p->height - s->band.count) / u.rows;
    u.up = INT4_GROUP / u.rows;
    u.down = u.inputs / u.rows;
    u.bytes = (2 * u.up * u.inputs + u.down * INT4_GROUP) / INT4_GROUP * (INT4_GROUP / 2 + 2);
    u.bytes = (u.bytes + 3) & ~3u;
    u.used = u.columns <= u.width && u.groups <= u.places;
    return u;
}

/* `parts` parts on `all` places in order, beginning `turn` / all of a step late. */
static bool part_at(uint32_t parts, uint32_t all, uint32_t turn, uint32_t at, uint32_t *part)
{
    uint64_t from = (uint64_t)at * parts + turn;
    *part = (uint32_t)(from / all);
    return (from + parts) / all > *part;
}

static uint32_t turn_of(uint64_t step, uint32_t expert, uint32_t all)
{
    return (uint32_t)((step * expert & UINT32_MAX) * all >> 32);
}

bool unit_of_column(const struct units *u, uint32_t expert, uint32_t column, uint32_t *unit)
{
    return part_at(u->columns, u->width, turn_of(TURN_COLUMNS, expert, u->width), column, unit);
}

bool group_of_place(const struct units *u, uint32_t expert, uint32_t place, uint32_t *group)
{
    return place < u->places &&
           part_at(u->groups, u->places, turn_of(TURN_PLACES, expert, u->places), place, group);
}

struct slice units_window(const struct tile *t, uint32_t column)
{
    struct units u = units_of(t->plan, t->strip, t->stage);
    if (!u.used)
        return slice_of(t->config->hidden, t->w, column);
    uint64_t from = (uint64_t)column * u.columns;
    uint32_t first = (uint32_t)(from / u.width);
    uint32_t last = (uint32_t)((from + u.width - 1) / u.width);
    last = last < u.columns ? last : u.columns - 1;
    return (struct slice){first * u.inputs, (last + 1 - first) * u.inputs};
}

uint32_t units_table(const struct units *u, uint32_t experts, uint32_t column, uint32_t place,
                     uint8_t *table)
{
    uint32_t first = (uint32_t)((uint64_t)column * u->columns / u->width), next = 0, unit, group;
    for (uint32_t e = 0; e < experts; e++) {
        uint32_t least = e > UNIT_FEWER_MAX ? e - UNIT_FEWER_MAX : 0, entry = UNIT_NONE;
        if (unit_of_column(u, e, column, &unit) && group_of_place(u, e, place, &group)) {
            next = next > least ? next : least;
            entry = (e - next++) | (unit != first ? UNIT_HIGH : 0u);
        }
        if (table)
            table[e] = (uint8_t)entry;
    }
    return next;
}

/* Of the tiles of a column, or of a place, the first with the most blocks. */
static uint32_t fullest(const struct units *u, uint32_t experts, bool of_column, uint32_t fixed)
{
    uint32_t best = 0, most = 0, n = of_column ? u->places : u->width;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t count = of_column ? units_table(u, experts, fixed, i, NULL)
                                   : units_table(u, experts, i, fixed, NULL);
        if (count > most)
            most = count, best = i;
    }
    return best;
}

uint32_t units_fullest_place(const struct units *u, uint32_t experts, uint32_t column)
{
    return fullest(u, experts, true, column);
}

uint32_t units_fullest_column(const struct units *u, uint32_t experts, uint32_t place)
{
    return fullest(u, experts, false, place);
}
