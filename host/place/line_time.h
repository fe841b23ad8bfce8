/* SPDX-License-Identifier: Apache-2.0 */
/* line_time.h - inside host/place: when the tiles of a line are through a reduction or a broadcast,
 * where they become ready at different times.
 *
 * cost.h counts from the cycle in which all are ready. Here every message of a reduction is
 * followed: a tile takes when it is ready and the first word is there, a word a cycle, but the last
 * one not before it came; so one that is late near the root has few stages left, and what came
 * meanwhile is taken at once. R, S, hop as in cost.h. Left out: streams that meet at a ramp or on a
 * link, and the order on a link that several levels use. */
#ifndef TESSERA_PLACE_LINE_TIME_H
#define TESSERA_PLACE_LINE_TIME_H

#include "place/collective.h"

/* A tile's time, and on whom it hangs: the tile that the time would move with, over so many hops
 * and ways between two tiles' sums. */
struct line_time {
    uint64_t ready; /* first beat of the next step, if that need not wait for its words */
    uint32_t origin, hops, stages;
};

/* A stream of words: the cycles in which its first and last are sent. */
struct line_stream {
    uint64_t first, last;
    struct line_time from; /* `ready` is not looked at */
};

/* What happens in a reduction on lines of this shape, in an order in which it can be computed. */
struct line_order;
struct line_order *line_order_open(const struct line *l);
void line_order_close(struct line_order *o);

struct line_reduction {
    const struct line_order *order;
    const struct line *line;
    const struct machine *machine;
    uint32_t words;
    bool onto; /* the root sends the result while it makes it; else it stores it */
};

/* t[length]: ready for it; becomes ready for what comes next. *sent: what the root sends. */
void line_time_reduce(const struct line_reduction *r, struct line_time *t,
                      struct line_stream *sent);

/* A tile takes `words` of a stream that was sent so many hops away. */
void line_time_take(const struct machine *k, struct line_time *t, const struct line_stream *s,
                    uint32_t hops, uint32_t words);

/* A tile sends words that it has. */
struct line_stream line_time_send(const struct machine *k, struct line_time *t, uint32_t words);

#endif
