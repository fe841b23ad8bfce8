/* SPDX-License-Identifier: Apache-2.0 */
/* test_latent.c - what of a cached position a column has, against a count of all ways to fill
 * columns. */
#include "harness.h"
#include "place/latent.h"

enum { LANES_BF16 = 8 };

static const struct model_config models[] = {
    {.kv_lora_rank = 512, .rope_dim = 64}, {.kv_lora_rank = 64, .rope_dim = 16},
    {.kv_lora_rank = 32, .rope_dim = 8},   {.kv_lora_rank = 1, .rope_dim = 2},
    {.kv_lora_rank = 3, .rope_dim = 64},
};
enum { MODELS = sizeof models / sizeof models[0], COLUMNS = 254 };

static uint32_t up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static uint32_t beats(uint32_t elements)
{
    return up(elements, LANES_BF16);
}

/* The largest column. */
static struct latent_part most(const struct model_config *k, uint32_t columns)
{
    struct latent_part m = {{0, 0}, {0, 0}, 0};
    for (uint32_t i = 0; i < columns; i++) {
        struct latent_part p = latent_of_column(k, columns, i);
        m.latents.count = m.latents.count > p.latents.count ? m.latents.count : p.latents.count;
        m.count = m.count > p.count ? m.count : p.count;
    }
    return m;
}

static void check_covers(const struct model_config *k, uint32_t columns)
{
    uint32_t latent = 0, rope = k->kv_lora_rank;
    for (uint32_t i = 0; i < columns; i++) {
        struct latent_part p = latent_of_column(k, columns, i);
        CHECK_EQ(p.latents.first, latent);
        CHECK_EQ(p.rope.first, rope);
        CHECK_EQ(p.rope.count % 2, 0);
        CHECK_EQ(p.latents.count % latent_grain(k), 0);
        CHECK_EQ(p.count, p.latents.count + p.rope.count);
        latent += p.latents.count;
        rope += p.rope.count;
    }
    CHECK_EQ(latent, k->kv_lora_rank);
    CHECK_EQ(rope, k->kv_lora_rank + k->rope_dim);
}

TEST(latent_columns_cover_all_elements_once_and_pairs_whole)
{
    for (int m = 0; m < MODELS; m++)
        for (uint32_t columns = 1; columns <= COLUMNS; columns++)
            check_covers(&models[m], columns);
}

/* Nobody can do with fewer grains than an equal share, or than the pairs that somebody must have.
 */
TEST(latent_columns_have_no_more_elements_than_they_must)
{
    for (int m = 0; m < MODELS; m++)
        for (uint32_t columns = 1; columns <= COLUMNS; columns++) {
            const struct model_config *k = &models[m];
            uint32_t grain = latent_grain(k);
            uint32_t share = grain * up((k->kv_lora_rank + k->rope_dim) / grain, columns);
            uint32_t pairs = 2 * up(k->rope_dim / 2, columns);
            CHECK_EQ(most(k, columns).count, share > pairs ? share : pairs);
        }
}

/* Whether all latents have room in columns of at most `all` elements and `latents` latents, with
 * the pairs dealt in any way: the most room of `columns` columns with p pairs, from that of one
 * column less. */
static bool fits(const struct model_config *k, uint32_t columns, uint32_t all, uint32_t latents)
{
    enum { PAIRS = 32, NEVER = -1 };
    int pairs = (int)k->rope_dim / 2, room[PAIRS + 1] = {0};
    for (int p = 1; p <= pairs; p++)
        room[p] = NEVER;
    for (uint32_t c = 0; c < columns; c++)
        for (int p = pairs; p >= 0; p--) {
            int best = NEVER;
            for (int own = 0; own <= p && 2 * own <= (int)all; own++) {
                int left = (int)all - 2 * own < (int)latents ? (int)all - 2 * own : (int)latents;
                left -= left % (int)latent_grain(k);
                if (room[p - own] != NEVER && room[p - own] + left > best)
                    best = room[p - own] + left;
            }
            room[p] = best;
        }
    return room[pairs] >= (int)k->kv_lora_rank;
}

TEST(latent_columns_have_no_more_latents_than_they_must)
{
    for (int m = 0; m < MODELS; m++)
        for (uint32_t columns = 1; columns <= 40; columns++) {
            struct latent_part p = most(&models[m], columns);
            CHECK(fits(&models[m], columns, p.count, p.latents.count));
            CHECK(!fits(&models[m], columns, p.count, p.latents.count - latent_grain(&models[m])));
        }
}

/* First the beats of scores, then those of values, for blocks of the width that Kimi K2.6 has. */
TEST(latent_columns_take_the_fewest_beats)
{
    const struct model_config *k = &models[0];
    for (uint32_t columns = 1; columns <= 40; columns++) {
        struct latent_part p = most(k, columns);
        uint32_t all = beats(p.count), latents = beats(p.latents.count);
        CHECK(!fits(k, columns, (all - 1) * LANES_BF16, k->kv_lora_rank));
        CHECK(!fits(k, columns, all * LANES_BF16, (latents - 1) * LANES_BF16));
    }
}

TEST(latent_columns_are_alike)
{
    for (int m = 0; m < MODELS; m++)
        for (uint32_t columns = 1; columns <= COLUMNS; columns++)
            for (uint32_t i = 0; i < columns; i++) {
                const struct model_config *k = &models[m];
                struct latent_part p = latent_of_column(k, columns, i);
                CHECK(p.rope.count / 2 >= k->rope_dim / 2 / columns);
                CHECK(p.count + 4 >= (k->kv_lora_rank + k->rope_dim) / columns);
            }
    for (uint32_t i = 0; i < 8; i++) {
        struct latent_part p = latent_of_column(&models[0], 8, i);
        CHECK_EQ(p.latents.count, 64);
        CHECK_EQ(p.rope.count, 8);
    }
}

TEST(latent_parts_within_slices_of_the_vector_are_all_of_it)
{
    const struct model_config *k = &models[0];
    uint32_t all = k->kv_lora_rank + k->rope_dim;
    for (uint32_t i = 0; i < 8; i++) {
        struct latent_part p = latent_of_column(k, 8, i), sum = {{0, 0}, {0, 0}, 0};
        for (uint32_t r = 0; r < 138; r++) {
            struct latent_part in = latent_within(&p, slice_of(all, 138, r));
            CHECK_EQ(in.count, in.latents.count + in.rope.count);
            sum.latents.count += in.latents.count;
            sum.rope.count += in.rope.count;
        }
        CHECK_EQ(sum.latents.count, p.latents.count);
        CHECK_EQ(sum.rope.count, p.rope.count);
    }
}
