/* SPDX-License-Identifier: Apache-2.0 */
/* wafer.c - the whole: opening, loading, and time. */
#include "fabric/ahead.h"
#include "fabric/crew.h"

#include "base/rng.h"
#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SIDE_MAX = 4096, /* tiles */
    MANY_TILES = 1 << 15,
    MACHINE_MAX = 1 << 12, /* cycles or wavelets: keeps sums in their types */
};

/* ---- opening ---- */

static int check_cfg(const struct wafer_cfg *cfg, struct err *e)
{
    const struct machine *m = cfg->machine;
    if (!cfg->width || !cfg->height || cfg->width > SIDE_MAX || cfg->height > SIDE_MAX)
        return err_input(e, "wafer: %u x %u tiles, each side must be 1..%d", cfg->width,
                         cfg->height, SIDE_MAX);
    if (m->hop_cycles < 1 || m->ramp_cycles < 1 || m->stream_setup_cycles < 1 ||
        m->router_queue < 2 || m->input_queue < 2 || !m->lanes.f32 || !m->lanes.bf16 ||
        !m->lanes.int4 || m->hop_cycles > MACHINE_MAX || m->ramp_cycles > MACHINE_MAX ||
        m->stream_setup_cycles > MACHINE_MAX || m->router_queue > MACHINE_MAX ||
        m->input_queue > MACHINE_MAX)
        return err_input(e, "wafer: machine %s has a number out of range", m->name);
    return 0;
}

static void copy_machine(struct wafer *w, const struct machine *m)
{
    w->hop = m->hop_cycles;
    w->ramp = m->ramp_cycles;
    w->setup = m->stream_setup_cycles;
    w->lanes = m->lanes;
    /* each pipeline stage can hold a wavelet; full speed needs one more place than stages */
    w->link_room = m->router_queue + m->hop_cycles - 1;
    w->ramp_room = m->router_queue + m->ramp_cycles;
    w->queue_room = m->input_queue + m->ramp_cycles;
    w->ring = w->link_room > w->ramp_room ? w->link_room : w->ramp_room;
    wheel_open(&w->wheel, w->hop > w->ramp + 1 ? w->hop : w->ramp + 1);
}

void *wafer_reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void wafer_sweep(void *p, size_t bytes, uint32_t tiles)
{
    if (tiles >= MANY_TILES)
        (void)madvise(p, bytes, MADV_HUGEPAGE);
}

/* Untouched pages cost nothing; huge ones would defeat that, tiles touch little. */
static int map_tiles(struct wafer *w, struct err *e)
{
    w->sram_bytes = (size_t)w->tiles * TILE_STRIDE;
    w->sram = wafer_reserve(w->sram_bytes);
    w->tile_bytes = (size_t)w->tiles * sizeof *w->tile;
    w->tile = wafer_reserve(w->tile_bytes);
    if (!w->sram || !w->tile)
        return err_input(e, "wafer: cannot reserve %zu bytes for the SRAM of %u tiles",
                         w->sram_bytes, w->tiles);
    (void)madvise(w->sram, w->sram_bytes, MADV_NOHUGEPAGE);
    wafer_sweep(w->tile, w->tile_bytes, w->tiles);
    return 0;
}

static void open_firmware(struct wafer *w, const struct firmware *f)
{
    if (!f)
        return;
    w->firmware = *f;
    w->has_firmware = true;
    w->image_bytes = TILE_CODE_BYTES;
    while (w->image_bytes && !f->code[w->image_bytes - 1])
        w->image_bytes--;
    w->rom_code = core_code_open(TILE_ROM_BASE, f->rom, TILE_ROM_BYTES);
    w->image_code = core_code_open(TILE_SRAM_BASE, f->code, TILE_CODE_BYTES);
    w->ahead = ahead_open(w);
}

static void open_router(struct wafer *w, uint32_t tile)
{
    struct router *r = &w->router[tile];
    uint32_t x = wafer_x(w, tile), y = wafer_y(w, tile);
    r->neighbour[PORT_NORTH] = y > 0 ? tile - w->width : NO_TILE;
    r->neighbour[PORT_SOUTH] = y + 1 < w->height ? tile + w->width : NO_TILE;
    r->neighbour[PORT_WEST] = x > 0 ? tile - 1 : NO_TILE;
    r->neighbour[PORT_EAST] = x + 1 < w->width ? tile + 1 : NO_TILE;
}

int wafer_open(struct wafer **out, const struct wafer_cfg *cfg, struct err *e)
{
    *out = NULL;
    if (check_cfg(cfg, e))
        return -1;
    struct wafer *w = xcalloc(1, sizeof *w);
    w->width = cfg->width;
    w->height = cfg->height;
    w->tiles = cfg->width * cfg->height;
    w->stress_seed = cfg->stress_seed;
    w->threads = cfg->threads;
    w->console = stderr;
    w->running = NO_TILE;
    copy_machine(w, cfg->machine);
    if (map_tiles(w, e)) {
        wafer_close(w);
        return -1;
    }
    open_firmware(w, cfg->firmware);
    w->bus = tile_bus(w);
    set_open(&w->routers, w->tiles);
    set_open(&w->engines, w->tiles);
    set_open(&w->cores, w->tiles);
    edge_open(w);
    if (cfg->engine == WAFER_FAST) {
        if (fast_open(w, e)) {
            wafer_close(w);
            return -1;
        }
    } else {
        w->router = xcalloc(w->tiles, sizeof *w->router);
    }
    for (uint32_t i = 0; i < w->tiles; i++) {
        if (w->router)
            open_router(w, i);
        route_reset(w, i);
        tile_reset(w, i);
    }
    *out = w;
    return 0;
}

static void close_tile(struct wafer *w, uint32_t tile)
{
    for (unsigned c = 0; w->router && c < TILE_COLOURS; c++)
        free(w->router[tile].channel[c]);
    for (unsigned q = 0; q < TILE_QUEUES; q++)
        free(w->tile[tile].queue[q].data);
    console_close(w, tile);
}

void wafer_close(struct wafer *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; w->tile && i < w->tiles; i++)
        close_tile(w, i);
    wafer_record_streams(w, false);
    if (w->sram)
        (void)munmap(w->sram, w->sram_bytes);
    if (w->tile)
        (void)munmap(w->tile, w->tile_bytes);
    ahead_close(w->ahead);
    core_code_close(w->rom_code);
    core_code_close(w->image_code);
    set_close(&w->routers);
    set_close(&w->engines);
    set_close(&w->cores);
    wheel_close(&w->wheel);
    alarms_close(&w->alarms);
    edge_close(w);
    foreign_close(w);
    crew_close(w);
    fast_close(w);
    free(w->move);
    free(w->router);
    free(w);
}

/* ---- loading and reading ---- */

/* NOLINTNEXTLINE(readability-function-size): where and what are three numbers and two */
int wafer_load(struct wafer *w, uint32_t x, uint32_t y, uint32_t offset, const void *bytes,
               uint32_t n, struct err *e)
{
    if (x >= w->width || y >= w->height)
        return err_input(e, "wafer: there is no tile (%u,%u), the fabric is %u x %u", x, y,
                         w->width, w->height);
    if (offset < TILE_CODE_BYTES || offset > TILE_SRAM_BYTES || n > TILE_SRAM_BYTES - offset)
        return err_input(e, "wafer: tile (%u,%u): %u bytes at 0x%x do not lie in 0x%x..0x%x", x, y,
                         n, offset, TILE_CODE_BYTES, TILE_SRAM_BYTES);
    trains_stop_all(w);
    if (n)
        memcpy(w->tile[y * w->width + x].sram + offset, bytes, n);
    return 0;
}

/* The loader's last act on the fabric was to turn the switch of COLOUR_LOAD. */
void wafer_start_loaded(struct wafer *w)
{
    for (uint32_t i = 0; i < w->tiles && w->has_firmware; i++) {
        struct tile *t = &w->tile[i];
        if (t->foreign) {
            memcpy(t->sram, w->firmware.code, TILE_CODE_BYTES);
            foreign_start(t->foreign, w->firmware.entry, true);
        } else {
            tile_share_code(w, i);
        }
        t->core.pc = w->firmware.entry;
        route_loaded(w, i);
    }
}

void wafer_read(const struct wafer *w, uint32_t x, uint32_t y, uint8_t *out)
{
    assert(x < w->width && y < w->height);
    const struct tile *t = &w->tile[y * w->width + x];
    trains_stop_all(w);
    tile_copy_code(w, t, out);
    memcpy(out + TILE_CODE_BYTES, t->sram + TILE_CODE_BYTES, TILE_SRAM_BYTES - TILE_CODE_BYTES);
}

void wafer_read_part(const struct wafer *w, uint32_t x, uint32_t y, uint32_t offset, void *out,
                     uint32_t n)
{
    assert(x < w->width && y < w->height);
    assert(offset >= TILE_CODE_BYTES && offset <= TILE_SRAM_BYTES && n <= TILE_SRAM_BYTES - offset);
    trains_stop_all(w);
    memcpy(out, w->tile[y * w->width + x].sram + offset, n);
}

uint64_t wafer_cycle(const struct wafer *w)
{
    return w->cycle;
}

void wafer_wait(struct wafer *w, uint64_t cycle)
{
    if (cycle <= w->cycle)
        return;
    w->stats.cycles_skipped += cycle - w->cycle;
    w->cycle = cycle;
}

void wafer_set_task_hook(struct wafer *w, wafer_task_hook *hook, void *self)
{
    w->task_hook = hook;
    w->task_self = self;
}

void wafer_set_stream_hook(struct wafer *w, wafer_stream_hook *hook, void *self)
{
    w->stream_hook = hook;
    w->stream_self = self;
}

/* ---- time ---- */

bool wafer_stalls(const struct wafer *w, uint32_t tile, uint32_t lane)
{
    uint64_t place = ((uint64_t)tile << 8 | lane) * UINT64_C(0x9e3779b97f4a7c15);
    return (rng_mix(rng_mix(w->stress_seed ^ place) + w->cycle) & 3) == 0;
}

void wafer_call(struct wafer *w, uint32_t tile, uint64_t cycle)
{
    struct tile *t = &w->tile[tile];
    if (cycle >= t->alarm)
        return;
    t->alarm = cycle;
    if (w->fast)
        fast_call(crew_of(w, tile), tile, cycle);
    else
        alarms_put(&w->alarms, cycle, tile);
}

/* Each member once; a visit may remove the tile it is at, and add to other sets. */
static void visit_all(struct wafer *w, struct set *s, void (*visit)(struct wafer *, uint32_t))
{
    if (w->test_reverse) {
        for (uint32_t i = set_before(s, SET_END); i != SET_END; i = set_before(s, i))
            visit(w, i);
        return;
    }
    for (uint32_t i = set_next(s, 0); i != SET_END; i = set_next(s, i + 1))
        visit(w, i);
}

static void arrive(struct wafer *w, const struct parcel *p)
{
    struct wavelet v = {.data = p->data, .colour = p->colour, .control = p->control};
    if (p->place >= PLACE_LEAVE)
        edge_leave(w, p->tile, p->place - (unsigned)PLACE_LEAVE, v);
    else if (p->place == PLACE_QUEUE)
        ramp_arrive(w, p->tile, v);
    else
        router_arrive(w, p->tile, p->place, v);
}

static void arrive_all(struct wafer *w)
{
    struct bucket *b = wheel_bucket(&w->wheel, w->cycle);
    for (uint32_t i = 0; i < b->count; i++)
        arrive(w, &b->parcel[w->test_reverse ? b->count - 1 - i : i]);
    w->wheel.total -= b->count;
    b->count = 0;
}

static bool alarm_stale(const struct wafer *w)
{
    return w->alarms.heap[0].cycle != w->tile[w->alarms.heap[0].tile].alarm;
}

static void ring_alarms(struct wafer *w)
{
    struct alarms *a = &w->alarms;
    while (a->count && (alarm_stale(w) || a->heap[0].cycle <= w->cycle)) {
        uint32_t tile = a->heap[0].tile;
        if (!alarm_stale(w)) {
            w->tile[tile].alarm = NEVER;
            set_add(&w->engines, tile);
        }
        alarms_drop(a);
    }
}

static void route_all(struct wafer *w)
{
    w->move_count = 0;
    visit_all(w, &w->routers, router_decide);
    for (uint32_t i = 0; i < w->move_count; i++)
        router_apply(w, &w->move[i]);
}

void wafer_step(struct wafer *w)
{
    if (w->fast) {
        fast_step(w);
        return;
    }
    arrive_all(w);
    w->edge_entered = false;
    if (w->outside.cycle)
        w->outside.cycle(w->outside.self, w, w->cycle);
    route_all(w);
    ring_alarms(w);
    visit_all(w, &w->engines, engine_visit);
    foreign_visit(w);
    visit_all(w, &w->cores, tile_run_core);
    w->cycle++;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_core(const struct wafer *w)
{
    uint64_t first = NEVER;
    for (uint32_t i = set_next(&w->cores, 0); i != SET_END; i = set_next(&w->cores, i + 1))
        first = least(first, w->tile[i].due);
    return first;
}

/* The first cycle in which something inside can happen. */
static uint64_t next_inside(struct wafer *w)
{
    if (w->fast)
        return fast_next(w);
    if (w->routers.count || w->engines.count || w->edge_entered || foreign_pending(w))
        return w->cycle;
    while (w->alarms.count && alarm_stale(w))
        alarms_drop(&w->alarms);
    uint64_t first = wheel_next(&w->wheel, w->cycle);
    if (w->alarms.count)
        first = least(first, w->alarms.heap[0].cycle);
    first = least(first, next_core(w));
    return first < w->cycle ? w->cycle : first;
}

/* The same with the outside, given what the inside says. */
static uint64_t next_with_outside(struct wafer *w, uint64_t inside)
{
    if (inside == w->cycle || !w->outside.next)
        return inside;
    uint64_t outside = w->outside.next(w->outside.self, w->cycle);
    return least(inside, outside < w->cycle ? w->cycle : outside);
}

/* Go to the next cycle in which something happens, and do it if it is before `end`. False if there
 * is none. */
static bool advance(struct wafer *w, uint64_t end)
{
    uint64_t next = next_with_outside(w, next_inside(w));
    if (next == NEVER)
        return foreign_wait(w);
    next = w->test_no_skip ? w->cycle : least(next, end);
    w->stats.cycles_skipped += next - w->cycle;
    w->cycle = next;
    if (next == end)
        return true;
    wafer_step(w);
    return true;
}

/* Why it ended: the limit, or for limit 0 that it is quiet. */
static void explain(struct wafer *w, uint64_t limit, struct err *e)
{
    struct wafer *view = w->fast ? fast_view(w) : w;
    if (limit)
        explain_limit(view, limit, e);
    else
        explain_quiet(view, e);
    if (view != w)
        fast_view_close(view);
}

static int run_until(struct wafer *w, bool (*done)(void *), void *self, uint64_t end, struct err *e)
{
    uint64_t start = w->cycle;
    for (;;) {
        if (w->fault.raised)
            return err_set(e, ERR_FAULT, "%s", w->fault.text);
        if (done && done(self))
            return 0;
        if (w->cycle == end && next_with_outside(w, next_inside(w)) != NEVER) {
            explain(w, end - start, e);
            return -1;
        }
        if (!advance(w, end))
            break;
    }
    if (!done)
        return 0;
    explain(w, 0, e);
    return -1;
}

static int run(struct wafer *w, bool (*done)(void *), void *self, uint64_t max_cycles,
               struct err *e)
{
    uint64_t end = w->cycle + least(max_cycles, NEVER - 1 - w->cycle);
    if (w->ahead)
        ahead_begin(w->ahead, end);
    int result = run_until(w, done, self, end, e);
    trains_stop_all(w);
    ahead_settle(w);
    if (w->ahead)
        w->ahead->horizon = 0;
    return result;
}

int wafer_run(struct wafer *w, bool (*done)(void *self), void *self, uint64_t max_cycles,
              struct err *e)
{
    assert(done);
    return run(w, done, self, max_cycles, e);
}

int wafer_run_quiet(struct wafer *w, uint64_t max_cycles, struct err *e)
{
    return run(w, NULL, NULL, max_cycles, e);
}
