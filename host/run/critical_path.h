/* SPDX-License-Identifier: Apache-2.0 */
/* critical_path.h - what the time of an execution went into: walked back from its end, from the
 * records of all stream engines (wafer_record_streams).
 *
 * A descriptor ended when it did because of the last of these:
 *
 *   itself      setup and its beats. The path goes to the step before on the tile.
 *   its input   the last word of a message came, of the last one or of one whose words it took up
 * to the end. The path goes to who sent it, over hops links and two ramps. its room    a tile that
 * takes its words began late. The path goes to the step before there.
 *
 * Between the end of a descriptor and the doorbell of the next one the core runs. So every cycle
 * belongs to exactly one piece, and pieces add up to the time exactly:
 *
 *   compute      beats of operations in memory; what kernels take for their items
 *   scheduler    setup of descriptors, dispatch of kernels
 *   hops         links between routers
 *   ramps        between routers and tiles
 *   words        beats of operations that move words: one behind the other, and one in each tile
 *                that passes a word on
 *   contention   a word came later than that, and nobody who sent or took it was late: it waited
 *                for a link, a queue, its turn at a switch, or at the wafer's edge
 *   waiting      for room: from when the tile that takes began to when the sender had ended
 *
 * Programs are those of place/image.h: each tile's steps are one sequence on one thread. A message
 * that one descriptor sent and several took is reckoned as if its words had followed each other up
 * to its end. */
#ifndef TESSERA_RUN_CRITICAL_PATH_H
#define TESSERA_RUN_CRITICAL_PATH_H

#include "base/err.h"
#include "fabric/wafer.h"

enum path_part {
    PATH_COMPUTE,
    PATH_SCHEDULER,
    PATH_HOPS,
    PATH_RAMPS,
    PATH_WORDS,
    PATH_CONTENTION,
    PATH_WAITING,
    PATH_PARTS
};
const char *path_part_name(enum path_part part);

/* Where the execution ended: words of a colour that left at this port, or (PORT_RAMP) the tile's
 * last descriptor. */
struct path_end {
    uint32_t x, y;
    enum fabric_port port;
    uint8_t colour;
};

struct critical_path_cfg {
    const struct wafer *wafer; /* it records; borrowed, as everything here */
    const struct machine *machine;
    uint32_t width, height;
    const struct path_end *ends; /* the latest counts */
    uint32_t end_count;
    uint32_t cycles; /* from where recording began to the end */
    /* What the program of a tile says: the phase of a descriptor; and of the cycles between the end
     * of one and the begin of the next, how many are dispatch if there are as many. */
    unsigned (*phase)(void *self, uint32_t x, uint32_t y, uint16_t desc);
    uint32_t (*dispatch)(void *self, uint32_t x, uint32_t y, uint16_t before);
    void *self;
};

struct path_piece {
    uint32_t begin, cycles; /* begin: since recording began */
    uint32_t x, y;          /* the tile whose descriptor it is */
    uint16_t desc;
    uint8_t op; /* enum stream_op */
    uint8_t part, phase;
};

/* In the order of time, without gaps: their cycles add up to cfg.cycles. */
struct critical_path {
    struct path_piece *piece;
    uint32_t count;
};

/* ERR_INTERNAL when the records do not explain a word, or what began a tile. */
int critical_path_find(const struct critical_path_cfg *cfg, struct critical_path *out,
                       struct err *e);
void critical_path_free(struct critical_path *p);

#endif
