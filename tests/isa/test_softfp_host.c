/* SPDX-License-Identifier: Apache-2.0 */
/* test_softfp_host.c - soft float against the floating-point unit of the host, in the four rounding
 * modes it has, result and flags. (The fifth, ties away from zero, is compared with QEMU.) The
 * host's NaNs differ in sign and payload, so any NaN is taken as canonical. */
#include "harness.h"

#include "base/rng.h"
#include "core/softfp.h"
#include "rvgen_values.h"

#include <fenv.h>
#include <math.h>
#include <stdbool.h>

enum { ROUNDS = 400000, OPERATIONS = 5 };
static const int host_modes[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

static uint32_t host_flags(void)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    return (raised & FE_INEXACT ? SOFTFP_NX : 0u) | (raised & FE_UNDERFLOW ? SOFTFP_UF : 0u) |
           (raised & FE_OVERFLOW ? SOFTFP_OF : 0u) | (raised & FE_DIVBYZERO ? SOFTFP_DZ : 0u) |
           (raised & FE_INVALID ? SOFTFP_NV : 0u);
}

/* volatile keeps the compiler from computing before the rounding mode is set. */
static uint32_t host_compute(unsigned op, const uint32_t v[3], unsigned rm, uint32_t *flags)
{
    volatile float a = value_of_bits(v[0]), b = value_of_bits(v[1]), c = value_of_bits(v[2]), r = 0;
    fesetround(host_modes[rm]);
    feclearexcept(FE_ALL_EXCEPT);
    switch (op) {
    case 0:
        r = a + b;
        break;
    case 1:
        r = a * b;
        break;
    case 2:
        r = a / b;
        break;
    case 3:
        r = sqrtf(a);
        break;
    default:
        r = fmaf(a, b, c);
        break;
    }
    *flags = host_flags();
    fesetround(FE_TONEAREST);
    return isnan(r) ? SOFTFP_NAN : value_bits(r);
}

static uint32_t soft_compute(unsigned op, const uint32_t v[3], unsigned rm, uint32_t *flags)
{
    *flags = 0;
    switch (op) {
    case 0:
        return softfp_add(v[0], v[1], rm, flags);
    case 1:
        return softfp_mul(v[0], v[1], rm, flags);
    case 2:
        return softfp_div(v[0], v[1], rm, flags);
    case 3:
        return softfp_sqrt(v[0], rm, flags);
    default:
        return softfp_fma(v[0], v[1], v[2], rm, flags);
    }
}

TEST(softfp_matches_the_host_unit)
{
    static const char *const names[OPERATIONS] = {"add", "mul", "div", "sqrt", "fma"};
    struct rng r = {t->seed};
    for (unsigned k = 0; k < ROUNDS; k++) {
        uint32_t v[3], want_flags, flags;
        value_float_triple(&r, v);
        if (isnan(value_of_bits(v[2])))
            v[2] = 0; /* whether inf * 0 + NaN raises NV is up to each machine */
        unsigned op = k % OPERATIONS, rm = rng_below(&r, 4);
        uint32_t want = host_compute(op, v, rm, &want_flags);
        uint32_t got = soft_compute(op, v, rm, &flags);
        CHECK_MSG(got == want && flags == want_flags,
                  "%s rm %u of %08x %08x %08x: soft %08x flags %02x, host %08x flags %02x",
                  names[op], rm, v[0], v[1], v[2], got, flags, want, want_flags);
    }
}

/* Every float of 2^16 spread ones, both conversions, against double arithmetic, which is exact
 * here. */
TEST(softfp_converts_like_the_host)
{
    for (uint32_t k = 0; k < 1 << 16; k++) {
        uint32_t a = k << 16 | (k * 40503u & 0xffff), flags = 0;
        double d = (double)value_of_bits(a), rounded = trunc(d);
        if (isnan(d))
            continue;
        bool fits = rounded >= -2147483648.0 && rounded <= 2147483647.0;
        uint32_t got = softfp_to_i32(a, SOFTFP_RTZ, &flags);
        CHECK_EQ((int32_t)got, fits ? (int32_t)rounded : d < 0 ? INT32_MIN : INT32_MAX);
        CHECK_EQ(flags, !fits ? SOFTFP_NV : rounded != d ? SOFTFP_NX : 0);
        flags = 0;
        uint32_t from = softfp_from_u32(a, SOFTFP_RNE, &flags);
        CHECK_EQ(from, value_bits((float)a));
        CHECK_EQ(flags, (double)value_of_bits(from) != (double)a ? SOFTFP_NX : 0);
    }
}
