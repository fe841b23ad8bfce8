/* SPDX-License-Identifier: Apache-2.0 */
/* test_kv_rule.c - cached latents and residual streams made by rule: the same in every version and
 * from everywhere, exact in BF16, and of the size a model's own have. */
#include "base/rng.h"
#include "harness.h"
#include "model/checkpoint.h"
#include "model/kv_rule.h"

#include <math.h>
#include <string.h>

enum { RANK = 512, ALL = 576, HIDDEN = 7168 };

static struct model_config k26(void)
{
    struct model_config c;
    struct err e = {0};
    CHECK_EQ(config_load(&c, "host/models/kimi-k2.6", &e), 0);
    CHECK_EQ(c.kv_lora_rank + c.rope_dim, ALL);
    return c;
}

/* Made by a separate program from the text of kv_rule.h. */
TEST(kv_rule_never_changes)
{
    static const int bells[9] = {-11, 5, 15, 0, -10, 10, -5, 3, 9};
    static const uint16_t stream[9] = {0xc12f, 0xc0e3, 0x4025, 0x4090, 0x3fa5,
                                       0x412f, 0x0000, 0x3ff8, 0xc0e3};
    struct model_config c = k26();
    float got[9], x[HIDDEN];
    kv_rule_fill(&c, 3, 2, 9999, 509, 9, got);
    activation_rule_fill(&c, 60, 5, x);
    for (int i = 0; i < 9; i++) {
        CHECK(got[i] == (float)bells[i] * 7.0f / 64.0f);
        CHECK(x[HIDDEN - 9 + i] == bf16_to_f32(stream[i]));
    }
}

TEST(kv_rule_any_range_is_a_slice_of_its_position)
{
    struct model_config c = k26();
    struct rng r = {t->seed};
    float whole[ALL], part[ALL + 1];
    for (int tries = 0; tries < 300; tries++) {
        uint32_t layer = rng_below(&r, 61), user = rng_below(&r, 5), position = rng_below(&r, 1000);
        uint32_t first = rng_below(&r, ALL + 1), n = rng_below(&r, ALL + 1 - first);
        kv_rule_fill(&c, layer, user, position, 0, ALL, whole);
        part[n] = 99.0f;
        kv_rule_fill(&c, layer, user, position, first, n, part);
        CHECK(!memcmp(part, whole + first, n * sizeof *part));
        CHECK(part[n] == 99.0f);
        for (int i = 0; i < ALL; i++)
            CHECK(bf16_to_f32(bf16_from_f32(whole[i])) == whole[i]);
    }
}

/* Latents of another layer, user or position have nothing in common: cosines of 576 random numbers
 * have a deviation of 0.042. */
TEST(kv_rule_tells_everything_apart)
{
    static const uint32_t key[][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 0},
                                      {0, 1, 1}, {1, 0, 1}, {1, 1, 1}, {2, 0, 0}, {0, 2, 0}};
    enum { KEYS = sizeof key / sizeof key[0] };
    struct model_config c = k26();
    float x[KEYS][ALL];
    for (int i = 0; i < KEYS; i++) {
        kv_rule_fill(&c, key[i][0], key[i][1], key[i][2], 0, ALL, x[i]);
        for (int j = 0; j < i; j++) {
            double sum = 0.0;
            for (int k = 0; k < ALL; k++)
                sum += (double)x[i][k] * (double)x[j][k];
            CHECK_MSG(fabs(sum / ALL) < 0.2, "%d and %d: %g", i, j, sum / ALL);
        }
    }
}

static void check_size(const float *x, int n, double want)
{
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    double size = sqrt(squares / n);
    CHECK_MSG(fabs(sum / n) < 0.05 * want && fabs(size / want - 1.0) < 0.03,
              "mean %g, size %g instead of %g", sum / n, size, want);
}

/* Latent: normalised, times a norm weight of 0.75 .. 1.25. */
TEST(kv_rule_has_the_size_of_latents)
{
    enum { POSITIONS = 64 };
    struct model_config c = k26();
    struct checkpoint *ck;
    struct weight norm;
    struct err e = {0};
    static float latent[POSITIONS * RANK], key[POSITIONS * (ALL - RANK)];
    float weights[RANK];
    double squares = 0.0;
    CHECK_EQ(checkpoint_open_synthetic(&ck, &c, t->seed, &e), 0);
    CHECK_EQ(checkpoint_weight(ck, ROLE_KV_A_NORM, 7, 0, &norm), 0);
    weight_row_f32(&norm, 0, 0, RANK, weights);
    checkpoint_close(ck);
    for (int i = 0; i < RANK; i++)
        squares += (double)weights[i] * (double)weights[i];
    for (uint32_t i = 0; i < POSITIONS; i++) {
        kv_rule_fill(&c, 7, 0, 100 + i, 0, RANK, latent + (size_t)i * RANK);
        kv_rule_fill(&c, 7, 0, 100 + i, RANK, ALL - RANK, key + (size_t)i * (ALL - RANK));
    }
    check_size(latent, POSITIONS * RANK, sqrt(squares / RANK));
    check_size(key, POSITIONS * (ALL - RANK), 1.0);
}

/* A model made by rule grows from 1 to about 6 (shapes_deep_models_stay_alive). */
TEST(activation_rule_has_the_size_of_streams)
{
    struct model_config c = k26();
    float x[HIDDEN], other[HIDDEN];
    activation_rule_fill(&c, 0, 0, x);
    check_size(x, HIDDEN, 1.0);
    activation_rule_fill(&c, c.layers, 0, x);
    check_size(x, HIDDEN, 6.0);
    for (int i = 0; i < HIDDEN; i++)
        CHECK(bf16_to_f32(bf16_from_f32(x[i])) == x[i]);
    activation_rule_fill(&c, c.layers, 1, other);
    CHECK(memcmp(x, other, sizeof x) != 0);
}
