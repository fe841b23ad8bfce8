/* SPDX-License-Identifier: Apache-2.0 */
/* port_set.h - a set of port numbers that is walked in order, and costs little when nearly empty.
 *
 * Two levels of bits: one bit per port, and one per word of them that is not 0. */
#ifndef TESSERA_IO_PORT_SET_H
#define TESSERA_IO_PORT_SET_H

#include "base/xalloc.h"

#include <stdint.h>
#include <stdlib.h>

struct port_set {
    uint32_t words, tops;
    uint64_t *bits; /* words of them */
    uint64_t *top;  /* bit i: bits[i] != 0 */
};

#define PORT_SET_END UINT32_MAX

static inline struct port_set port_set_make(uint32_t ports)
{
    struct port_set s = {.words = ports / 64 + 1};
    s.tops = s.words / 64 + 1;
    s.bits = xcalloc(s.words, sizeof *s.bits);
    s.top = xcalloc(s.tops, sizeof *s.top);
    return s;
}

static inline void port_set_free(struct port_set *s)
{
    free(s->bits);
    free(s->top);
}

static inline void port_set_add(struct port_set *s, uint32_t p)
{
    s->bits[p / 64] |= (uint64_t)1 << p % 64;
    s->top[p / 4096] |= (uint64_t)1 << p / 64 % 64;
}

static inline void port_set_remove(struct port_set *s, uint32_t p)
{
    s->bits[p / 64] &= ~((uint64_t)1 << p % 64);
    if (!s->bits[p / 64])
        s->top[p / 4096] &= ~((uint64_t)1 << p / 64 % 64);
}

/* The first bit set at `from` or after it in an array of words, or PORT_SET_END. */
static inline uint32_t port_set_scan(const uint64_t *words, uint32_t count, uint32_t from)
{
    for (uint32_t w = from / 64; w < count; w++, from = 0) {
        uint64_t rest = words[w] >> from % 64 << from % 64;
        if (rest)
            return w * 64 + (uint32_t)__builtin_ctzll(rest);
    }
    return PORT_SET_END;
}

/* The smallest member that is not below `from`, or PORT_SET_END. */
static inline uint32_t port_set_next(const struct port_set *s, uint32_t from)
{
    uint32_t w = from / 64;
    if (w >= s->words)
        return PORT_SET_END;
    uint64_t rest = s->bits[w] >> from % 64 << from % 64;
    if (rest)
        return w * 64 + (uint32_t)__builtin_ctzll(rest);
    w = port_set_scan(s->top, s->tops, w + 1);
    return w == PORT_SET_END ? PORT_SET_END : port_set_scan(s->bits, s->words, w * 64);
}

#endif
