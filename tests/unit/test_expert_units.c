/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns and places hold which part of an expert: every part once, and all about alike. */
#include "harness.h"
#include "place/units.h"

#include <string.h>

static void every_part_once(const struct units *u, uint32_t expert)
{
    uint32_t next = 0, part;
    for (uint32_t c = 0; c < u->width; c++)
        if (unit_of_column(u, expert, c, &part))
            CHECK_EQ(part, next++);
    CHECK_EQ(next, u->columns);
    next = 0;
    for (uint32_t p = 0; p < u->places; p++)
        if (group_of_place(u, expert, p, &part))
            CHECK_EQ(part, next++);
    CHECK_EQ(next, u->groups);
    CHECK(!group_of_place(u, expert, u->places, &part));
}

TEST(units_lie_once_on_columns_and_places)
{
    for (uint32_t width = 5; width < 12; width++)
        for (uint32_t places = 3; places < 9; places++) {
            struct units u = {.columns = 5, .width = width, .groups = 3, .places = places};
            for (uint32_t expert = 0; expert < 50; expert++)
                every_part_once(&u, expert);
        }
}

/* A column meets at most two neighbouring units, the first one at floor(column * units / width). */
TEST(units_of_a_column_are_neighbours)
{
    struct units u = {.columns = 224, .width = 254, .groups = 64, .places = 64};
    for (uint32_t c = 0; c < u.width; c++)
        for (uint32_t expert = 0; expert < 384; expert++) {
            uint32_t unit;
            if (!unit_of_column(&u, expert, c, &unit))
                continue;
            uint32_t first = c * u.columns / u.width;
            CHECK(unit == first || unit == first + 1);
        }
}

/* Kimi K2.6 on 254 columns and 66 places: the fullest tile holds 1 % more than the average. */
TEST(units_are_balanced)
{
    struct units u = {.columns = 224, .width = 254, .groups = 64, .places = 66};
    double average = 384.0 * 224 / 254 * 64 / 66;
    for (uint32_t c = 0; c < u.width; c++)
        for (uint32_t p = 0; p < u.places; p++) {
            uint32_t held = 0, part;
            for (uint32_t expert = 0; expert < 384; expert++)
                held +=
                    unit_of_column(&u, expert, c, &part) && group_of_place(&u, expert, p, &part);
            CHECK_MSG(held < average * 1.02 && held > average * 0.97,
                      "tile (%u,%u) holds %u of %.1f", c, p, held, average);
        }
}

/* Blocks lie in order, those of the second of a column's units are marked, and none is left free
 * before more than 126 experts are missing. */
static void blocks_in_order(const struct units *u, uint32_t column, uint32_t place)
{
    uint8_t table[384];
    uint32_t room = units_table(u, 384, column, place, table), next = 0, missing = 0, unit, group;
    for (uint32_t e = 0; e < 384; e++) {
        if (!unit_of_column(u, e, column, &unit) || !group_of_place(u, e, place, &group)) {
            CHECK_EQ(table[e], 127);
            missing++;
            continue;
        }
        uint32_t block = e - table[e] % 128;
        CHECK_EQ(table[e] / 128, unit - column * u->columns / u->width);
        CHECK(block >= next && (block == next || missing > 126));
        next = block + 1;
    }
    CHECK_EQ(room, next);
    CHECK_EQ(units_table(u, 384, column, place, NULL), room);
}

TEST(units_are_found_by_table)
{
    struct units dense = {.columns = 224, .width = 254, .groups = 64, .places = 66};
    struct units sparse = {.columns = 224, .width = 381, .groups = 64, .places = 90};
    for (uint32_t c = 0; c < dense.width; c += 3)
        for (uint32_t p = 0; p < dense.places; p++) {
            blocks_in_order(&dense, c, p);
            blocks_in_order(&sparse, c, p);
        }
}
