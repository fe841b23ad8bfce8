/* SPDX-License-Identifier: Apache-2.0 */
/* test_published.c - the published formulas against values worked out elsewhere (T_R = 2), and what
 * a validation row says. */
#include "run/published.h"
#include "run/validate.h"
#include "tests/harness.h"

#include <math.h>

struct golden {
    double tiles, words, broadcast, chain, tree, two_phase, ring; /* rounded */
};

static const struct golden table[] = {
    {4, 256, 264, 274, 522, 522, 424},      {8, 256, 268, 298, 783, 530, 544},
    {16, 256, 276, 346, 1044, 542, 688},    {32, 256, 292, 442, 1305, 559, 928},
    {64, 256, 324, 634, 1566, 588, 1384},   {128, 256, 388, 1018, 1827, 701, 2284},
    {256, 256, 516, 1786, 2088, 887, 4078}, {512, 256, 772, 3322, 2349, 1218, 7663},
    {512, 1, 517, 3067, 561, 729, 0},       {512, 64, 580, 3130, 845, 850, 0},
    {512, 1024, 1540, 4090, 9261, 2689, 0}, {512, 4096, 4612, 7162, 36909, 8573, 0},
};

TEST(published_formulas_give_the_published_table)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct golden *g = &table[i];
        CHECK_EQ(lround(model_message(g->words, g->tiles)), (long)g->broadcast);
        CHECK_EQ(lround(model_chain(g->words, g->tiles)), (long)g->chain);
        CHECK_EQ(lround(model_tree(g->words, g->tiles)), (long)g->tree);
        CHECK_EQ(lround(model_two_phase(g->words, g->tiles)), (long)g->two_phase);
        if (g->ring > 0)
            CHECK_EQ(lround(model_ring(g->words, g->tiles)), (long)g->ring);
    }
    CHECK_EQ(lround(model_star(256, 512)), 130821);
}

/* tiles, words, cycles: the recursion run elsewhere */
TEST(published_recursion_gives_the_published_table)
{
    static const uint32_t point[][3] = {
        {4, 256, 274},   {8, 256, 298},   {16, 256, 346},    {32, 256, 442},    {64, 256, 584},
        {128, 256, 684}, {256, 256, 854}, {512, 256, 1162},  {512, 1, 535},     {512, 4, 557},
        {512, 16, 609},  {512, 64, 753},  {512, 1024, 2652}, {512, 4096, 7162},
    };
    for (size_t i = 0; i < sizeof point / sizeof point[0]; i++)
        CHECK_EQ(lround(model_auto_gen(point[i][1], point[i][0])), (long)point[i][2]);
}

TEST(validation_row_fails_only_outside_its_limit)
{
    struct validate_row r = {.published = 100, .ours = 104, .limit = 0.0401};
    CHECK(validate_passes(&r));
    r.ours = 95;
    CHECK(!validate_passes(&r));
    r.limit = 0; /* nothing asked */
    CHECK(validate_passes(&r));
    CHECK(fabs(validate_difference(&r) + 0.05) < 1e-12);
}

TEST(validation_cases_have_names_of_their_own)
{
    for (size_t i = 0; i < validate_case_count; i++)
        CHECK(validate_find(validate_cases[i].name) == &validate_cases[i]);
    CHECK(!validate_find("chian"));
}
