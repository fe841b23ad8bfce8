/* SPDX-License-Identifier: Apache-2.0 */
/* messages.h - which messages went through a router, and who sent them: from what the engines
 * recorded (wafer_record_streams) and the routes.
 *
 * A message is what one descriptor sent. All its words take the same way: a switch turns only with
 * the control wavelet that ends it. So routers are followed message by message: each takes, in
 * turn, one that waits at a port of its position, the one that was sent first if there are several.
 * Where recording began all switches stood in their first position and nothing was on its way.
 * Followed is only what leads to a router that is asked for. */
#ifndef TESSERA_RUN_MESSAGES_H
#define TESSERA_RUN_MESSAGES_H

#include "fabric/wafer.h"

struct message {
    uint32_t x, y;   /* the tile that sent it; from outside: the tile where it came in */
    uint32_t record; /* which of the tile's records sent it */
    uint32_t words;  /* from outside: UINT32_MAX */
    uint32_t hops;   /* links between that tile's router and this one */
    int32_t issued;  /* cycle after the one its last word was issued in; from outside: 0 */
    uint8_t outputs; /* of this router: AT_* */
    bool control, outside;
};

struct message_list {
    struct message *message; /* in the order in which they went through */
    uint32_t count;
};

struct messages;

/* The wafer is borrowed; no cycle may be run until messages_close. Cost: 8 bytes per tile and
 * colour asked for. */
struct messages *messages_open(const struct wafer *w, uint32_t width, uint32_t height);
void messages_close(struct messages *m);

/* Cost the first time: its messages, and those of all routers upstream. */
const struct message_list *messages_through(struct messages *m, uint32_t x, uint32_t y,
                                            uint8_t colour);

#endif
