/* SPDX-License-Identifier: Apache-2.0 */
/* test_sampler.c - greedy, temperature and top-p: facts that follow from the definition. */
#include "harness.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "run/sampler.h"

static struct sampler open_sampler(double temperature, double top_p, uint64_t seed)
{
    struct sampler s;
    struct err e = {0};
    struct sampler_config config = {temperature, top_p, seed};
    CHECK_MSG(sampler_open(&s, &config, &e) == 0, "%s", e.text);
    return s;
}

static uint32_t next(struct sampler *s, const float *logits, uint32_t count)
{
    uint32_t token = UINT32_MAX;
    struct err e = {0};
    CHECK_MSG(sampler_next(s, logits, count, &token, &e) == 0, "%s", e.text);
    CHECK(token < count);
    return token;
}

TEST(sampler_greedy)
{
    struct sampler s = open_sampler(0, 1, 7);
    CHECK_EQ(next(&s, (float[]){-3, 2, 1, 2}, 4), 1); /* the lowest index of equals */
    CHECK_EQ(next(&s, (float[]){-INFINITY, -INFINITY, -1e30f}, 3), 2);
    CHECK_EQ(next(&s, (float[]){-0.0f, 0.0f}, 2), 0);
    CHECK_EQ(next(&s, (float[]){5}, 1), 0);
    CHECK_EQ(s.rng.state, 7); /* nothing was drawn */
    sampler_close(&s);
}

/* A tiny top_p keeps one token, the one greedy takes; so does a tiny temperature. */
TEST(sampler_degenerates_to_greedy)
{
    struct rng r = {t->seed};
    struct sampler greedy = open_sampler(0, 1, 1), narrow = open_sampler(1.5, 1e-300, 2);
    struct sampler cold = open_sampler(1e-300, 1, 3);
    for (int round = 0; round < 2000; round++) {
        float logits[50];
        uint32_t count = 1 + rng_below(&r, 50);
        for (uint32_t i = 0; i < count; i++)
            logits[i] = (float)rng_below(&r, 20); /* many ties */
        uint32_t best = next(&greedy, logits, count);
        CHECK_EQ(next(&narrow, logits, count), best);
        CHECK(!(logits[next(&cold, logits, count)] < logits[best]));
    }
    sampler_close(&greedy);
    sampler_close(&narrow);
    sampler_close(&cold);
}

/* Draw often and compare with the wanted probabilities: within five standard deviations. */
static void check_distribution(double temperature, double top_p, const float *logits,
                               const double *want, uint32_t count)
{
    enum { DRAWS = 200000 };
    struct sampler s = open_sampler(temperature, top_p, 42);
    int drawn[16] = {0};
    for (int i = 0; i < DRAWS; i++)
        drawn[next(&s, logits, count)]++;
    for (uint32_t i = 0; i < count; i++) {
        double p = want[i], off = drawn[i] - DRAWS * p;
        CHECK_MSG(fabs(off) <= 5 * sqrt(DRAWS * p * (1 - p)), "token %u: %d draws, wanted %g", i,
                  drawn[i], DRAWS * p);
    }
    sampler_close(&s);
}

/* logits ln 1, ln 2, ln 4, ln 1: probabilities 1/8, 1/4, 1/2, 1/8 */
#define LOG2 0.6931471805599453f
static const float octal[4] = {0, LOG2, 2 * LOG2, 0};

TEST(sampler_distribution)
{
    check_distribution(1, 1, octal, (double[]){0.125, 0.25, 0.5, 0.125}, 4);
    /* half the temperature squares the weights: 1, 4, 16, 1 of 22 */
    check_distribution(0.5, 1, octal, (double[]){1 / 22.0, 4 / 22.0, 16 / 22.0, 1 / 22.0}, 4);
}

TEST(sampler_top_p)
{
    /* 1/2 + 1/4 reach 0.7, and 1/2 alone reaches 0.49 */
    check_distribution(1, 0.7, octal, (double[]){0, 1 / 3.0, 2 / 3.0, 0}, 4);
    check_distribution(1, 0.49, octal, (double[]){0, 0, 1, 0}, 4);
    /* 0.8 needs one more token: of the two equal ones the first */
    check_distribution(1, 0.8, octal, (double[]){1 / 7.0, 2 / 7.0, 4 / 7.0, 0}, 4);
    check_distribution(1, 0.999, octal, (double[]){0.125, 0.25, 0.5, 0.125}, 4);
}

TEST(sampler_never_takes_minus_infinity)
{
    const float logits[4] = {-INFINITY, 0, -INFINITY, 0};
    check_distribution(1, 1, logits, (double[]){0, 0.5, 0, 0.5}, 4);
    check_distribution(3, 0.99, logits, (double[]){0, 0.5, 0, 0.5}, 4);
}

TEST(sampler_repeats_with_the_seed)
{
    uint32_t first[64], same = 0;
    float logits[300];
    for (int i = 0; i < 300; i++)
        logits[i] = (float)(i % 7);
    for (uint64_t seed = 5; seed < 7; seed++) {
        struct sampler a = open_sampler(1, 0.9, seed), b = open_sampler(1, 0.9, seed);
        same = 0;
        for (int i = 0; i < 64; i++) {
            uint32_t token = next(&a, logits, 300);
            CHECK_EQ(next(&b, logits, 300), token);
            same += seed > 5 && first[i] == token;
            first[i] = token;
        }
        sampler_close(&a);
        sampler_close(&b);
    }
    CHECK(same < 16); /* another seed, other tokens */
}

TEST(sampler_refuses_bad_logits)
{
    static const struct {
        float logits[3];
        const char *error;
    } facts[] = {
        {{0, NAN, 1}, "sampling: the logit of token 1 is not a number"},
        {{0, 1, NAN}, "sampling: the logit of token 2 is not a number"},
        {{INFINITY, 1, 0}, "sampling: the logit of token 0 is infinite"},
        {{-INFINITY, -INFINITY, -INFINITY}, "sampling: all of the 3 logits are -infinity"},
    };
    for (size_t i = 0; i < 2 * sizeof facts / sizeof facts[0]; i++) {
        struct sampler s = open_sampler((double)(i % 2), 0.9, 1);
        struct err e = {0};
        uint32_t token;
        CHECK(sampler_next(&s, facts[i / 2].logits, 3, &token, &e) == -1);
        CHECK_EQ(e.kind, ERR_FAULT);
        CHECK_STR(e.text, facts[i / 2].error);
        sampler_close(&s);
    }
}

TEST(sampler_refuses_bad_settings)
{
    static const double bad[][2] = {{-1, 1}, {NAN, 1},    {INFINITY, 1}, {1, 0},
                                    {1, -1}, {1, 1.0001}, {1, NAN},      {0, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sampler s;
        struct err e = {0};
        struct sampler_config config = {bad[i][0], bad[i][1], 1};
        CHECK(sampler_open(&s, &config, &e) == -1);
        CHECK_EQ(e.kind, ERR_USAGE);
        sampler_close(&s);
    }
}
