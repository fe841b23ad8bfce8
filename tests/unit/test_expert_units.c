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
