/* SPDX-License-Identifier: Apache-2.0 */
/* set.h - a set of tiles: add and remove in constant time, visit in order of number.
 *
 * Visiting in a fixed order makes everything outside (hooks, first fault) independent of history.
 */
#ifndef TESSERA_FABRIC_SET_H
#define TESSERA_FABRIC_SET_H

#include <stdbool.h>
#include <stdint.h>

#define SET_END UINT32_MAX

struct set {
    uint64_t *word;    /* bit per member */
    uint64_t *summary; /* bit per word that is not zero */
    uint32_t words, summaries;
    uint32_t count;
};

void set_open(struct set *s, uint32_t size);
void set_close(struct set *s);

/* Smallest member >= from, or SET_END. */
uint32_t set_next(const struct set *s, uint32_t from);
/* Largest member < below, or SET_END. below = SET_END: the largest of all. */
uint32_t set_before(const struct set *s, uint32_t below);

static inline bool set_has(const struct set *s, uint32_t i)
{
    return s->word[i / 64] >> (i % 64) & 1;
}

static inline void set_add(struct set *s, uint32_t i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);
    if (s->word[i / 64] & bit)
        return;
    s->word[i / 64] |= bit;
    s->summary[i / 4096] |= UINT64_C(1) << (i / 64 % 64);
    s->count++;
}

static inline void set_remove(struct set *s, uint32_t i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);
    if (!(s->word[i / 64] & bit))
        return;
    s->word[i / 64] &= ~bit;
    if (!s->word[i / 64])
        s->summary[i / 4096] &= ~(UINT64_C(1) << (i / 64 % 64));
    s->count--;
}

#endif
