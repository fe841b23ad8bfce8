/* SPDX-License-Identifier: Apache-2.0 */
/* wafer.h - one emulated wafer: tiles, routers, links, time. The boundary of host/fabric.
 *
 * Hardware contract: hal/ (tile_map.h, tile_regs.def, fabric.h, stream.h, event.h, numerics.h).
 * Time goes one cycle at a time, only where something is active; quiet stretches are skipped.
 * Everything observable is a function of the inputs alone, not of the engine. A wafer is an object
 * without globals; one thread uses it.
 *
 * Order inside a cycle (so that results are defined): arrivals, edges, router decisions from the
 * state at the start of the cycle, moves, stream engines, cores. Within a phase the visiting order
 * cannot matter; hooks and faults of a phase come in the order of tiles.
 *
 * Room (machine.h): a link and the queue behind it hold router_queue + hop_cycles - 1 wavelets of a
 * colour, the ramp up router_queue + T_R, the ramp down and its input queue input_queue + T_R: each
 * stage of a pipeline can hold one, and one wavelet per cycle flows at the smallest allowed queues.
 */
#ifndef TESSERA_FABRIC_WAFER_H
#define TESSERA_FABRIC_WAFER_H

#include "base/err.h"
#include "fabric/machine.h"
#include "hal/fabric.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct wafer;

/* Firmware images as the tiles see them; borrowed, must outlive the wafer. */
struct firmware {
    const uint8_t *rom;  /* TILE_ROM_BYTES, at TILE_ROM_BASE */
    const uint8_t *code; /* TILE_CODE_BYTES at the start of SRAM, zero padded */
    uint32_t entry;      /* where the loader jumps (and direct loading starts) */
    /* the images compiled for the host (core/aot.h): files, NULL for none; used if they fit */
    const char *rom_translation, *code_translation;
};

/* Two engines with the same results: the fast one for use, the plain one to read and to compare
 * with.
 */
enum wafer_engine { WAFER_FAST, WAFER_PLAIN };

struct wafer_cfg {
    const struct machine *machine;   /* copied */
    const struct firmware *firmware; /* NULL: no cores; routers and stream engines work */
    uint32_t width, height;          /* tiles, 1..4096 each */
    uint64_t stress_seed; /* not 0: links and ramps stall at random; results must not change */
    enum wafer_engine engine;
    uint32_t threads; /* of the fast engine; 0 is 1. Results do not depend on it */
};

/* ERR_INPUT: a size or a number of the machine out of range. Cost: about 2 KiB of host memory per
 * tile, and what SRAM is touched, in pages of 4 KiB. */
int wafer_open(struct wafer **out, const struct wafer_cfg *cfg, struct err *e);
void wafer_close(struct wafer *w);

uint64_t wafer_cycle(const struct wafer *w);

/* Let the clock of a quiet wafer go on to `cycle` (wafers that are linked start together). */
void wafer_wait(struct wafer *w, uint64_t cycle);

/* Direct loading, before the first cycle: place bytes in a tile's SRAM behind the code region
 * (ERR_INPUT otherwise); then make all tiles start at the firmware's entry with the code locked, as
 * the loader would have left them. */
int wafer_load(struct wafer *w, uint32_t x, uint32_t y, uint32_t offset, const void *bytes,
               uint32_t n, struct err *e);
void wafer_start_loaded(struct wafer *w);

/* A tile's SRAM for reading (TILE_SRAM_BYTES into `out`; the code region included). */
void wafer_read(const struct wafer *w, uint32_t x, uint32_t y, uint8_t *out);

/* `n` bytes of it from `offset` on, behind the code region. Looks at no other host memory. */
void wafer_read_part(const struct wafer *w, uint32_t x, uint32_t y, uint32_t offset, void *out,
                     uint32_t n);

/* Edges. A port is a side and the row (west, east) or column (north, south). A port takes one
 * wavelet per cycle, when the router has room for its colour; one that enters in cycle t can leave
 * that router in t. What a router sends out over the rim in cycle t has left in t + hop_cycles;
 * there is always room outside. host/io adds the system's bandwidth and latency on top; use that
 * from outside. */
struct edge_port {
    enum fabric_port side; /* not PORT_RAMP */
    uint32_t index;
};
struct wavelet {
    uint32_t data;
    uint8_t colour;
    bool control;
};

/* What the outside does. Each function may be NULL. */
struct wafer_outside {
    void *self;
    /* called in every cycle that is not skipped, after what left in it: lets wavelets enter where
     * wafer_edge_room says so */
    void (*cycle)(void *self, struct wafer *w, uint64_t cycle);
    /* first cycle >= now in which `cycle` has something to do; NEVER (UINT64_MAX) while only the
     * wafer can change that: `cycle` is called anyway in a cycle in which an edge has got room */
    uint64_t (*next)(void *self, uint64_t now);
    /* a wavelet left the wafer; without this function it is only counted */
    void (*leave)(void *self, struct edge_port port, struct wavelet v, uint64_t cycle);
};
void wafer_set_outside(struct wafer *w, const struct wafer_outside *outside);
bool wafer_edge_room(const struct wafer *w, struct edge_port port, uint8_t colour);
void wafer_edge_enter(struct wafer *w, struct edge_port port, struct wavelet v); /* needs room */

struct foreign_fault {
    uint32_t file, line, pc, info, stack_free, code; /* the FAULT_* registers */
    uint32_t task;
};

/* A tile that runs elsewhere: its core and stream engine are behind these functions, the wafer
 * keeps its router. When it runs is not defined, so cycles differ from run to run; what a dataflow
 * program computes does not. None may wait, except `wait`. */
struct foreign_tile {
    void *self;
    /* begin at pc; called once, before all others */
    void (*start)(void *self, uint32_t pc, bool code_locked);
    uint32_t (*room)(void *self, uint8_t colour); /* words that `take` can take now */
    void (*take)(void *self, struct wavelet v);   /* from the ramp */
    bool (*stirred)(void *self);                  /* did it do anything since last asked? */
    /* its next write to ROUTE or ROUTE_MODE (an offset of tile_regs.def); false: none */
    bool (*configure)(void *self, uint32_t *offset, uint32_t *value);
    /* its next word to the ramp, of a colour in the bit mask; false: none */
    bool (*give)(void *self, uint32_t colours, struct wavelet *v);
    /* the wafer can do nothing else: wait until the tile does something (1), or sleeps until it is
     * given more (0); -1: an error */
    int (*wait)(void *self, struct err *e);
    bool (*faulted)(void *self, struct foreign_fault *out); /* has its record been completed? */
    uint8_t *sram; /* TILE_SRAM_BYTES, where the tile has them; set to zero, or loaded by us */
};

/* Put a tile into other hands, before loading and before the first cycle. Borrowed. */
int wafer_set_foreign_tile(struct wafer *w, uint32_t x, uint32_t y, const struct foreign_tile *ops,
                           struct err *e);

/* Run until done(self) is true (asked first, and after every cycle in which something happened;
 * what a core computes between two accesses to its registers is nothing), or nothing can happen any
 * more. Awake cores may then have computed beyond this cycle, all engines equally far (ahead.h).
 * Returns 0 when done; otherwise -1 and e->kind ERR_FAULT (a tile fault or trap: named with tile,
 * cycle, code, source line, pc, task; the wafer stays at the end of that cycle and says the same
 * again), ERR_DEADLOCK (quiet but not done: who waits for whom), ERR_LIMIT (max_cycles passed since
 * the call, and not quiet: who is busy). wafer_run_quiet is the same with "nothing can happen any
 * more" as the goal. */
int wafer_run(struct wafer *w, bool (*done)(void *self), void *self, uint64_t max_cycles,
              struct err *e);
int wafer_run_quiet(struct wafer *w, uint64_t max_cycles, struct err *e);

/* Wavelets must be conserved: entered + sent by tiles (counted once per copy made by multicast) =
 * left + received by tiles + in flight. ERR_INTERNAL if not. */
int wafer_check_conservation(const struct wafer *w, struct err *e);

/* Counters since wafer_open. */
struct wafer_stats {
    uint64_t cycles, cycles_skipped;
    uint64_t instructions;
    uint64_t wavelets_sent, wavelets_received; /* by tiles, at the ramp */
    uint64_t wavelets_entered, wavelets_left;  /* at the edges */
    uint64_t wavelets_copied;                  /* extra copies made by multicast */
    uint64_t link_moves;                       /* wavelets over links between routers */
    uint64_t core_busy_cycles, stream_beats;   /* sum over tiles */
    uint64_t sram_written_bytes;               /* pages of SRAM in host memory, not all zero */
};
void wafer_stats(const struct wafer *w, struct wafer_stats *out);

/* A hash of the complete state (registers, SRAM, queues, switch positions, wavelets on their way).
 * Times count relative to now, counters not at all: the same quiet state at two times is equal. */
uint64_t wafer_hash(const struct wafer *w);

/* Hook: the firmware wrote the TASK register (a task begins) or the core went to sleep (task =
 * 0xffffffff). */
typedef void wafer_task_hook(void *self, uint32_t x, uint32_t y, uint32_t task, uint64_t cycle);
void wafer_set_task_hook(struct wafer *w, wafer_task_hook *hook, void *self);

/* Where tiles print (their UART), a line at a time with "(x,y) " in front. stderr at first; NULL
 * drops it. Borrowed. */
void wafer_set_console(struct wafer *w, FILE *out);

/* Hook: a stream thread issued its first beat, or finished, the descriptor at this offset. */
enum stream_moment { STREAM_FIRST_BEAT, STREAM_FINISHED };
typedef void wafer_stream_hook(void *self, uint32_t x, uint32_t y, uint16_t desc,
                               enum stream_moment what, uint64_t cycle);
void wafer_set_stream_hook(struct wafer *w, wafer_stream_hook *hook, void *self);

/* A descriptor that a stream engine has finished. Cycles count from when recording began; one that
 * was begun before has a negative `begin`. */
struct stream_record {
    int32_t begin; /* setup begins: doorbell, or end of the descriptor before on the thread */
    int32_t end;   /* the cycle after the last beat: event, and begin of the next */
    uint16_t desc; /* SRAM offset */
    uint16_t count;
    uint8_t op, from, to; /* enum stream_op; colours it takes and gives, NO_COLOUR: none */
    bool control;         /* its last wavelet carries the control bit */
};
enum { NO_COLOUR = 0xff };

const char *stream_op_name(unsigned op); /* "SEND"; "?" for none */

/* Record from now on what every engine finishes, or stop and forget. Fewer than 2^31 cycles. Cost:
 * 16 bytes of host memory each, rounded up to 512 per tile; nothing while off. */
void wafer_record_streams(struct wafer *w, bool on);

/* What a tile finished since, oldest first; until the next cycle. */
const struct stream_record *wafer_stream_records(const struct wafer *w, uint32_t x, uint32_t y,
                                                 uint32_t *count);

/* A colour's routes in a tile. */
struct colour_route {
    uint8_t mode; /* ROUTE_MODE_* */
    uint16_t word[TILE_SWITCH_POSITIONS];
};
struct colour_route wafer_route(const struct wafer *w, uint32_t x, uint32_t y, uint8_t colour);

#endif
