/* SPDX-License-Identifier: Apache-2.0 */
/* softfp.c - single precision arithmetic in integers: unpack, compute exactly (or with a sticky
 * last bit), round once. round_pack() is the only place that rounds to a float. */
#include "core/softfp.h"

enum {
    FRACTION_BITS = 23,
    EXP_MAX = 255,    /* biased exponent of infinities and NaNs */
    EXP_BIAS = 127,   /* of the value 1.f * 2^0 */
    EXP_NORMAL = -126 /* unbiased exponent of the smallest normal number */
};
#define FRACTION_MASK ((1u << FRACTION_BITS) - 1)
#define HIDDEN_BIT (1u << FRACTION_BITS)
#define INFINITE 0x7f800000u
#define LARGEST 0x7f7fffffu
#define QUIET_BIT 0x00400000u

/* (-1)^sign * sig * 2^exp; sig == 0 is a zero. Finite numbers only. */
struct parts {
    bool sign;
    int exp;
    uint64_t sig;
};

static bool is_nan(uint32_t a)
{
    return (a & ~SOFTFP_SIGN) > INFINITE;
}

static bool is_snan(uint32_t a)
{
    return is_nan(a) && !(a & QUIET_BIT);
}

static bool is_inf(uint32_t a)
{
    return (a & ~SOFTFP_SIGN) == INFINITE;
}

static bool is_zero(uint32_t a)
{
    return (a & ~SOFTFP_SIGN) == 0;
}

static bool is_negative(uint32_t a)
{
    return a >> 31;
}

static uint32_t with_sign(bool sign, uint32_t magnitude)
{
    return (sign ? SOFTFP_SIGN : 0) | magnitude;
}

static uint32_t invalid(uint32_t *flags)
{
    *flags |= SOFTFP_NV;
    return SOFTFP_NAN;
}

/* For an operation one of whose operands is a NaN. */
static uint32_t propagate_nan(bool any_signalling, uint32_t *flags)
{
    return any_signalling ? invalid(flags) : SOFTFP_NAN;
}

static struct parts unpack(uint32_t a)
{
    int biased = (int)(a >> FRACTION_BITS & EXP_MAX);
    uint32_t fraction = a & FRACTION_MASK;
    if (biased == 0)
        return (struct parts){is_negative(a), EXP_NORMAL - FRACTION_BITS, fraction};
    return (struct parts){is_negative(a), biased - EXP_BIAS - FRACTION_BITS, fraction | HIDDEN_BIT};
}

/* Shift right; bits that fall out leave a 1 in bit 0 ("sticky"), so later rounding still sees them.
 */
static uint64_t shift_right_sticky(uint64_t v, int count)
{
    if (count == 0)
        return v;
    if (count > 63)
        return v != 0;
    return v >> count | ((v << (64 - count)) != 0);
}

/* Move the leading one of a non-zero significand to bit `top`. */
static void normalize(struct parts *p, int top)
{
    int shift = __builtin_clzll(p->sig) - (63 - top);
    p->sig = shift >= 0 ? p->sig << shift : shift_right_sticky(p->sig, -shift);
    p->exp -= shift;
}

/* Whether to add one to the kept bits. `rest` is what is cut off, as a fraction of 2^64. */
static bool rounds_up(unsigned rm, bool sign, bool odd, uint64_t rest)
{
    const uint64_t half = UINT64_C(1) << 63;
    switch (rm) {
    case SOFTFP_RNE:
        return rest > half || (rest == half && odd);
    case SOFTFP_RDN:
        return sign && rest;
    case SOFTFP_RUP:
        return !sign && rest;
    case SOFTFP_RMM:
        return rest >= half;
    default: /* SOFTFP_RTZ */
        return false;
    }
}

static uint32_t overflow(bool sign, unsigned rm, uint32_t *flags)
{
    bool towards_zero =
        rm == SOFTFP_RTZ || (rm == SOFTFP_RDN && !sign) || (rm == SOFTFP_RUP && sign);
    *flags |= SOFTFP_OF | SOFTFP_NX;
    return with_sign(sign, towards_zero ? LARGEST : INFINITE);
}

/* Round sig (leading one in bit 63) to 24 bits; the result may be 2^24. */
static uint32_t round_24(uint64_t sig, bool sign, unsigned rm)
{
    uint32_t kept = (uint32_t)(sig >> 40);
    return kept + rounds_up(rm, sign, kept & 1, sig << 24);
}

/* The float nearest to p; bit 0 of p.sig may be sticky if sig has at least 26 significant bits. */
static uint32_t round_pack(struct parts p, unsigned rm, uint32_t *flags)
{
    if (p.sig == 0)
        return with_sign(p.sign, 0);
    normalize(&p, 63);
    int exp = p.exp + 63; /* of the leading one */
    bool tiny = false;
    if (exp < EXP_NORMAL) {
        /* Tiny, unless rounding with an unbounded exponent carries up to the smallest normal. */
        tiny = exp < EXP_NORMAL - 1 || round_24(p.sig, p.sign, rm) != HIDDEN_BIT << 1;
        p.sig = shift_right_sticky(p.sig, EXP_NORMAL - exp);
        exp = EXP_NORMAL;
    }
    uint32_t kept = round_24(p.sig, p.sign, rm);
    if (p.sig << 24)
        *flags |= SOFTFP_NX | (tiny ? SOFTFP_UF : 0);
    /* The hidden bit, if there, adds one to the exponent field; so does a carry out of the
     * fraction. */
    uint32_t biased = (uint32_t)(exp + EXP_BIAS - 1);
    if (biased + (kept >> FRACTION_BITS) >= EXP_MAX)
        return overflow(p.sign, rm, flags);
    return with_sign(p.sign, (biased << FRACTION_BITS) + kept);
}

/* a + b, rounded once. Each significand has at most 48 bits. */
static uint32_t add_parts(struct parts a, struct parts b, unsigned rm, uint32_t *flags)
{
    if (!a.sig && !b.sig)
        return with_sign(a.sign == b.sign ? a.sign : rm == SOFTFP_RDN, 0);
    if (!a.sig || !b.sig)
        return round_pack(a.sig ? a : b, rm, flags);
    /* With 14 or more zero bits below, only an operand shifted by more than one place becomes
     * sticky, and then the difference loses at most one leading bit: the sticky bit stays below the
     * rounding point. */
    normalize(&a, 62);
    normalize(&b, 62);
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct parts swap = a;
        a = b;
        b = swap;
    }
    b.sig = shift_right_sticky(b.sig, a.exp - b.exp);
    if (a.sign == b.sign)
        a.sig += b.sig;
    else if (a.sig == b.sig)
        return with_sign(rm == SOFTFP_RDN, 0);
    else
        a.sig -= b.sig;
    return round_pack(a, rm, flags);
}

uint32_t softfp_add(uint32_t a, uint32_t b, unsigned rm, uint32_t *flags)
{
    if (is_nan(a) || is_nan(b))
        return propagate_nan(is_snan(a) || is_snan(b), flags);
    if (is_inf(a) && is_inf(b) && a != b)
        return invalid(flags);
    if (is_inf(a) || is_inf(b))
        return is_inf(a) ? a : b;
    return add_parts(unpack(a), unpack(b), rm, flags);
}

static struct parts multiply(uint32_t a, uint32_t b)
{
    struct parts p = unpack(a), q = unpack(b);
    return (struct parts){p.sign != q.sign, p.exp + q.exp, p.sig * q.sig};
}

uint32_t softfp_mul(uint32_t a, uint32_t b, unsigned rm, uint32_t *flags)
{
    if (is_nan(a) || is_nan(b))
        return propagate_nan(is_snan(a) || is_snan(b), flags);
    if ((is_inf(a) && is_zero(b)) || (is_zero(a) && is_inf(b)))
        return invalid(flags);
    if (is_inf(a) || is_inf(b))
        return with_sign(is_negative(a) != is_negative(b), INFINITE);
    return round_pack(multiply(a, b), rm, flags);
}

uint32_t softfp_fma(uint32_t a, uint32_t b, uint32_t c, unsigned rm, uint32_t *flags)
{
    bool product_negative = is_negative(a) != is_negative(b);
    if ((is_inf(a) && is_zero(b)) || (is_zero(a) && is_inf(b)))
        return invalid(flags); /* even if c is a quiet NaN */
    if (is_nan(a) || is_nan(b) || is_nan(c))
        return propagate_nan(is_snan(a) || is_snan(b) || is_snan(c), flags);
    if (is_inf(a) || is_inf(b)) {
        if (is_inf(c) && is_negative(c) != product_negative)
            return invalid(flags);
        return with_sign(product_negative, INFINITE);
    }
    if (is_inf(c))
        return c;
    return add_parts(multiply(a, b), unpack(c), rm, flags);
}

uint32_t softfp_div(uint32_t a, uint32_t b, unsigned rm, uint32_t *flags)
{
    bool sign = is_negative(a) != is_negative(b);
    if (is_nan(a) || is_nan(b))
        return propagate_nan(is_snan(a) || is_snan(b), flags);
    if ((is_inf(a) && is_inf(b)) || (is_zero(a) && is_zero(b)))
        return invalid(flags);
    if (is_inf(a))
        return with_sign(sign, INFINITE);
    if (is_zero(a) || is_inf(b))
        return with_sign(sign, 0);
    if (is_zero(b)) {
        *flags |= SOFTFP_DZ;
        return with_sign(sign, INFINITE);
    }
    struct parts p = unpack(a), q = unpack(b);
    normalize(&p, 62);
    normalize(&q, 23); /* so that the quotient has 39 or 40 bits */
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): b is not zero, so its significand is not */
    uint64_t quotient = p.sig / q.sig;
    bool rest = quotient * q.sig != p.sig;
    return round_pack((struct parts){sign, p.exp - q.exp, quotient | rest}, rm, flags);
}

static uint64_t square_root(uint64_t v)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= v)
            root |= bit;
    return root;
}

uint32_t softfp_sqrt(uint32_t a, unsigned rm, uint32_t *flags)
{
    if (is_nan(a))
        return propagate_nan(is_snan(a), flags);
    if (is_zero(a))
        return a;
    if (is_negative(a))
        return invalid(flags);
    if (is_inf(a))
        return a;
    struct parts p = unpack(a);
    normalize(&p, 62);
    if (p.exp & 1) { /* the exponent must be even to be halved */
        p.sig <<= 1;
        p.exp--;
    }
    uint64_t root = square_root(p.sig); /* 32 bits */
    bool rest = root * root != p.sig;
    return round_pack((struct parts){false, p.exp / 2, root | rest}, rm, flags);
}

/* Orders bit patterns of numbers (not NaNs) as integers, -0 just below +0. */
static int64_t order_key(uint32_t a)
{
    return is_negative(a) ? -1 - (int64_t)(a & ~SOFTFP_SIGN) : (int64_t)a;
}

static uint32_t pick(uint32_t a, uint32_t b, bool want_less, uint32_t *flags)
{
    if (is_snan(a) || is_snan(b))
        *flags |= SOFTFP_NV;
    if (is_nan(a))
        return is_nan(b) ? SOFTFP_NAN : b;
    if (is_nan(b))
        return a;
    return (order_key(a) < order_key(b)) == want_less ? a : b;
}

uint32_t softfp_min(uint32_t a, uint32_t b, uint32_t *flags)
{
    return pick(a, b, true, flags);
}

uint32_t softfp_max(uint32_t a, uint32_t b, uint32_t *flags)
{
    return pick(a, b, false, flags);
}

bool softfp_eq(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_nan(a) || is_nan(b)) {
        propagate_nan(is_snan(a) || is_snan(b), flags);
        return false;
    }
    return a == b || (is_zero(a) && is_zero(b));
}

bool softfp_lt(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_nan(a) || is_nan(b)) {
        invalid(flags);
        return false;
    }
    return order_key(a) < order_key(b) && !(is_zero(a) && is_zero(b));
}

bool softfp_le(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_nan(a) || is_nan(b)) {
        invalid(flags);
        return false;
    }
    return order_key(a) <= order_key(b) || (is_zero(a) && is_zero(b));
}

uint32_t softfp_class(uint32_t a)
{
    if (is_nan(a))
        return 1u << (is_snan(a) ? 8 : 9);
    unsigned bit = 4; /* of +0; the negatives mirror the positives */
    if (is_inf(a))
        bit = 7;
    else if ((a & ~SOFTFP_SIGN) >= HIDDEN_BIT)
        bit = 6;
    else if (!is_zero(a))
        bit = 5;
    return 1u << (is_negative(a) ? 7 - bit : bit);
}

/* |a| rounded to an integer, clamped to 2^33 when far out of range. */
static uint64_t round_to_integer(uint32_t a, unsigned rm, bool *inexact)
{
    struct parts p = unpack(a);
    if (p.exp > 8) { /* 2^23 * 2^9 is out of range for both types */
        *inexact = false;
        return UINT64_C(1) << 33;
    }
    /* fixed point with 32 bits of fraction */
    uint64_t fixed = p.exp >= -32 ? p.sig << (32 + p.exp) : shift_right_sticky(p.sig, -32 - p.exp);
    uint64_t whole = fixed >> 32, rest = fixed << 32;
    *inexact = rest != 0;
    return whole + rounds_up(rm, p.sign, whole & 1, rest);
}

uint32_t softfp_to_i32(uint32_t a, unsigned rm, uint32_t *flags)
{
    bool inexact, sign = is_negative(a) && !is_nan(a);
    uint64_t limit = (UINT64_C(1) << 31) - !sign;
    uint64_t whole = is_nan(a) ? UINT64_MAX : round_to_integer(a, rm, &inexact);
    if (whole > limit) {
        *flags |= SOFTFP_NV;
        return (uint32_t)limit;
    }
    *flags |= inexact ? SOFTFP_NX : 0;
    return sign ? 0 - (uint32_t)whole : (uint32_t)whole;
}

uint32_t softfp_to_u32(uint32_t a, unsigned rm, uint32_t *flags)
{
    bool inexact, sign = is_negative(a) && !is_nan(a);
    uint64_t limit = sign ? 0 : UINT32_MAX;
    uint64_t whole = is_nan(a) ? UINT64_MAX : round_to_integer(a, rm, &inexact);
    if (whole > limit) {
        *flags |= SOFTFP_NV;
        return (uint32_t)limit;
    }
    *flags |= inexact ? SOFTFP_NX : 0;
    return (uint32_t)whole;
}

uint32_t softfp_from_i32(uint32_t a, unsigned rm, uint32_t *flags)
{
    bool sign = is_negative(a);
    return round_pack((struct parts){sign, 0, sign ? 0 - a : a}, rm, flags);
}

uint32_t softfp_from_u32(uint32_t a, unsigned rm, uint32_t *flags)
{
    return round_pack((struct parts){false, 0, a}, rm, flags);
}
