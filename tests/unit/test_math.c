/* SPDX-License-Identifier: Apache-2.0 */
/* exp, sine and cosine of the tiles, against libm in double: the stated error bounds. */
#include "base/rng.h"
#include "firmware/kernels/math.h"
#include "harness.h"

#include <math.h>
#include <string.h>

/* Distance in units of the last place of the exact value's fp32 neighbourhood. */
static double ulps(float got, double want)
{
    int exponent;

    if (!isfinite(want) || fabs(want) >= 0x1.ffffffp127)
        return isinf(got) && (got > 0) == (want > 0) ? 0 : 1e9;
    if ((double)got == want)
        return 0;
    frexp(want, &exponent);
    return fabs((double)got - want) / ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

/* Every `stride`-th float of both signs. */
static double exp_worst(uint32_t stride, uint32_t from)
{
    double worst = 0;

    for (uint64_t bits = from; bits < 0x100000000u; bits += stride) {
        float x = math_float((uint32_t)bits);
        if (!(fabsf(x) < 87.0f))
            continue;
        double error = ulps(math_exp(x), exp((double)x));
        worst = error > worst ? error : worst;
    }
    return worst;
}

TEST(math_exp_is_within_its_bound)
{
    double worst = exp_worst(2003, (uint32_t)(t->seed % 2003));

    printf("# exp: worst error %.4f ulp\n", worst);
    CHECK_MSG(worst < 1.0, "exp: %.4f ulp", worst);
    CHECK(worst > 0.4);
}

TEST(math_exp_at_the_edges)
{
    CHECK(math_exp(0.0f) == 1.0f && math_exp(-0.0f) == 1.0f);
    CHECK(isnan(math_exp(NAN)));
    CHECK(isfinite(math_exp(86.999f)) && math_exp(-86.999f) > 0x1p-126f);
    CHECK(isinf(math_exp(87.0f)) && math_exp(87.0f) > 0);
    CHECK(isinf(math_exp(INFINITY)) && math_exp(INFINITY) > 0);
    CHECK_EQ(math_bits(math_exp(-87.0f)), 0);
    CHECK_EQ(math_bits(math_exp(-INFINITY)), 0);
}

TEST(math_exp_below_is_exp_from_below)
{
    CHECK(isnan(math_exp_below(NAN)));
    CHECK_EQ(math_bits(math_exp_below(-87.0f)), 0);
    CHECK_EQ(math_bits(math_exp_below(-INFINITY)), 0);
    for (float x = -86.99f; x < 87; x += 0.37f)
        CHECK(math_bits(math_exp_below(x)) == math_bits(math_exp(x)));
}

static void check_turn(uint64_t turns, double *worst_sin, double *worst_cos)
{
    /* the exact angle from the nearest quarter turn, so that libm sees a small argument */
    unsigned quarter = (unsigned)((turns + (UINT64_C(1) << 61)) >> 62);
    int64_t rest = (int64_t)(turns - ((uint64_t)quarter << 62));
    double angle = (double)rest * 0x1p-64 * 6.283185307179586;
    double s = sin(angle), c = cos(angle), want_s, want_c;
    float sine, cosine;

    want_s = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
    want_c = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
    math_sincos_turns(turns, &sine, &cosine);
    if (fabs(want_s) > 0x1p-20)
        *worst_sin = fmax(*worst_sin, ulps(sine, want_s));
    else
        CHECK_MSG(fabs((double)sine - want_s) < 0x1p-43, "sine of %llx: %a, not %a",
                  (unsigned long long)turns, (double)sine, want_s);
    if (fabs(want_c) > 0x1p-20)
        *worst_cos = fmax(*worst_cos, ulps(cosine, want_c));
    else
        CHECK_MSG(fabs((double)cosine - want_c) < 0x1p-43, "cosine of %llx: %a, not %a",
                  (unsigned long long)turns, (double)cosine, want_c);
}

TEST(math_sincos_is_within_its_bound)
{
    struct rng r = {t->seed};
    double worst_sin = 0, worst_cos = 0;

    for (int i = 0; i < 300000; i++)
        check_turn(rng_next(&r), &worst_sin, &worst_cos);
    for (int i = 0; i < 100000; i++) /* close to the quarter turns */
        check_turn(((uint64_t)rng_below(&r, 8) << 61) + (rng_next(&r) >> rng_below(&r, 64)) -
                       (rng_next(&r) >> rng_below(&r, 64)),
                   &worst_sin, &worst_cos);
    printf("# sine: worst error %.4f ulp, cosine: %.4f ulp\n", worst_sin, worst_cos);
    CHECK_MSG(worst_sin < 1.6 && worst_cos < 1.6, "sine %.4f ulp, cosine %.4f ulp", worst_sin,
              worst_cos);
}

TEST(math_sincos_of_whole_quarters_is_exact)
{
    static const float sine[] = {0, 1, 0, -1}, cosine[] = {1, 0, -1, 0};
    float s, c;

    for (uint64_t q = 0; q < 4; q++) {
        math_sincos_turns(q << 62, &s, &c);
        CHECK(s == sine[q] && c == cosine[q]);
    }
}
