/* SPDX-License-Identifier: Apache-2.0 */
/* ahead.h - cores that run ahead of the wafer's time, up to where the wafer could notice.
 *
 * A core and the rest of the wafer meet in three places: the tile registers (with the other
 * devices), the tile's SRAM, and traps and wfi, which wake and report. While the tile's stream
 * engine is idle only its core touches its SRAM: wavelets stop in the input queues, timers and
 * other tiles post events into the event queue, and a thread becomes busy only through a register
 * of this core (or behind a thread that is busy). So what the core does up to its next access
 * outside of memory, trap or wfi can be done at once, with exact cycles; that instruction itself
 * waits for its cycle. Loading a tile from outside is between runs.
 *
 * While the engine is busy the core may still load what lies below all that the threads will write,
 * and store below all that they will read or write: what their descriptors name and those that
 * follow them, as long as nobody changes these. Firmware data and the stack lie there, and above
 * them descriptors and tables. If the engine itself may write over a descriptor that is yet to
 * start, no memory can be used; a store of the core into one happens in its cycle, and what can be
 * used is found anew. Otherwise what was found for the descriptors of a thread holds for each that
 * follows, and is found once.
 *
 * Who looks between runs would see cores that are ahead. So a run ends (but for a limit, which no
 * core passes) by bringing every core ahead as far as it can come, in the plain engine too: then
 * the state is the same again, whatever was run ahead before. To bound that, nobody passes the next
 * multiple of AHEAD_CYCLES. */
#ifndef TESSERA_FABRIC_AHEAD_H
#define TESSERA_FABRIC_AHEAD_H

#include "fabric/inside.h"

#include "core/aot.h"
#include "core/fast.h"

enum { AHEAD_CYCLES = 4096 };

struct ahead {
    struct fast_code *rom, *image;
    struct aot *rom_translated, *image_translated; /* or NULL */
    uint64_t horizon;                              /* of the present run; 0: nobody may run ahead */
    uint32_t run;                                  /* its number */
};

/* For a wafer with firmware whose images are decoded. */
struct ahead *ahead_open(const struct wafer *w);
void ahead_close(struct ahead *a); /* NULL is fine */

/* A run begins that ends at `horizon` at the latest. */
void ahead_begin(struct ahead *a, uint64_t horizon);

/* The core of this tile has just done a step, in the present cycle: on, if that is allowed. */
void ahead_run(struct wafer *w, uint32_t tile);

/* Find a tile's struct beside; and whether there is memory that may be used. */
void beside_find(struct tile *t);
static inline bool beside_is_known(const struct tile *t)
{
    return t->beside.load_end > TILE_CODE_BYTES;
}

/* The run is over; see above. Cost: a visit to every core that is awake. */
void ahead_settle(struct wafer *w);

#endif
