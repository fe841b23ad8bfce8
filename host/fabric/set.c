/* SPDX-License-Identifier: Apache-2.0 */
/* set.c - two levels of bits; the upper one finds the next word that is not zero. */
#include "fabric/set.h"

#include "base/xalloc.h"

#include <stdlib.h>

void set_open(struct set *s, uint32_t size)
{
    s->words = size / 64 + 1;
    s->summaries = s->words / 64 + 1;
    s->word = xcalloc(s->words, sizeof *s->word);
    s->summary = xcalloc(s->summaries, sizeof *s->summary);
    s->count = 0;
}

void set_close(struct set *s)
{
    free(s->word);
    free(s->summary);
}

static uint32_t lowest(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits);
}

static uint32_t highest(uint64_t bits)
{
    return 63u - (uint32_t)__builtin_clzll(bits);
}

uint32_t set_next(const struct set *s, uint32_t from)
{
    uint32_t at = from / 64;
    if (at >= s->words)
        return SET_END;
    uint64_t rest = s->word[at] >> (from % 64);
    if (rest)
        return from + lowest(rest);
    at++;
    for (uint32_t up = at / 64; up < s->summaries; up++) {
        uint64_t words = s->summary[up];
        if (up == at / 64)
            words = words >> (at % 64) << (at % 64);
        if (words) {
            at = up * 64 + lowest(words);
            return at * 64 + lowest(s->word[at]);
        }
    }
    return SET_END;
}

/* The bits of `bits` below bit n. */
static uint64_t below_bit(uint64_t bits, uint32_t n)
{
    return bits & ((UINT64_C(1) << n) - 1);
}

uint32_t set_before(const struct set *s, uint32_t below)
{
    if (below > s->words * 64 - 1)
        below = s->words * 64 - 1; /* the last bit is never used: see set_open */
    uint32_t at = below / 64;
    uint64_t rest = below_bit(s->word[at], below % 64);
    if (rest)
        return at * 64 + highest(rest);
    for (uint32_t up = at / 64 + 1; up-- > 0;) {
        uint64_t words = s->summary[up];
        if (up == at / 64)
            words = below_bit(words, at % 64);
        if (words) {
            at = up * 64 + highest(words);
            return at * 64 + highest(s->word[at]);
        }
    }
    return SET_END;
}
