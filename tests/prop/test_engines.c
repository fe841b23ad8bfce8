/* SPDX-License-Identifier: Apache-2.0 */
/* test_engines.c - the fast engine against the plain one, state by state in every cycle.
 *
 * Two kinds of cases. "orderly": colours with a source and a tree of routes, so that streams really
 * flow, contend, multicast and are switched. "wild": anything at all, faults included. In both,
 * while they run, chance starts descriptors of all kinds, binds queues, writes routes, sets timers
 * and lets wavelets in at the edges. */
#include "base/rng.h"
#include "fixture/engine_pair.h"
#include "fixture/fabric_rig.h"
#include "hal/mmio.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum {
    DESC = 0x2600, /* thread k: DESC + 64 * k; a second one, for `next`, 32 behind */
    DATA = 0x3000,
    DATA_BYTES = 0x1000,
    SIDE_MAX = 8
};

struct chaos {
    struct pair p;
    struct rng rng;
    bool wild;
    uint8_t way_in[TILE_COLOURS][SIDE_MAX * SIDE_MAX]; /* orderly: input of a tree, 0 for none */
    uint8_t bound[SIDE_MAX * SIDE_MAX];                /* orderly: queues in use */
};

static uint32_t below(struct chaos *c, uint32_t n)
{
    return rng_below(&c->rng, n);
}

/* For both wafers. */
#define EACH(c, w)                                                                                 \
    for (struct wafer **each_ = (c)->p.w, *(w) = *each_; each_ < (c)->p.w + 2;                     \
         each_++, (w) = each_ < (c)->p.w + 2 ? *each_ : NULL)

static void random_machine(struct chaos *c, struct machine *m)
{
    *m = rig_machine();
    m->hop_cycles = below(c, 3) ? 1 : 1 + below(c, 3);
    m->ramp_cycles = below(c, 2) ? 2 : 1 + below(c, 4);
    m->router_queue = 2 + below(c, 4);
    m->input_queue = 2 + below(c, 4);
    m->stream_setup_cycles = 1 + below(c, 6);
}

static void chaos_open(struct chaos *c, uint64_t seed, bool wild)
{
    struct machine m;
    memset(c, 0, sizeof *c);
    c->rng.state = seed;
    c->wild = wild;
    c->p.label = wild ? "wild" : "orderly";
    c->p.case_seed = seed;
    random_machine(c, &m);
    struct wafer_cfg cfg = {
        .machine = &m, .width = 1 + below(c, SIDE_MAX), .height = 1 + below(c, SIDE_MAX)};
    cfg.stress_seed = below(c, 4) ? 0 : 1 + below(c, 9);
    cfg.threads = 1 + below(c, 5);
    pair_open(&c->p, cfg);
    uint32_t tiles = c->p.w[0]->tiles;
    for (uint32_t i = 0; i < tiles * DATA_BYTES / 4; i++) {
        uint32_t word = (uint32_t)rng_next(&c->rng) & 0xbfffffffu;
        EACH(c, w)
        rig_set_word(w, i % tiles, DATA + i / tiles * 4, word);
    }
}

/* ---- routes ---- */

/* One tile of a tree; sometimes with a switch, whose other positions may lead nowhere good. */
static void connect(struct chaos *c, unsigned colour, uint32_t tile, unsigned out)
{
    unsigned in = c->way_in[colour][tile], queue = 2u + c->bound[tile];
    unsigned positions = below(c, 4) ? 1 : 1 + below(c, 4), ring = below(c, 2) * ROUTE_MODE_RING;
    if ((!out || below(c, 3) == 0) && queue < TILE_QUEUES) {
        out |= AT_RAMP;
        c->bound[tile]++;
        EACH(c, w)
        ramp_bind(w, tile, queue, colour);
    }
    for (unsigned s = 0; s < positions; s++) {
        unsigned other = out & ~(1u << below(c, 5));
        uint16_t word = ROUTE_WORD(in, s && other ? other : out);
        EACH(c, w)
        route_write(w, tile, colour * TILE_SWITCH_POSITIONS + s, word);
    }
    EACH(c, w)
    route_write_mode(w, tile, colour, positions | ring);
}

static void grow(struct chaos *c, unsigned colour)
{
    const struct wafer *plain = c->p.w[0];
    uint32_t member[SIDE_MAX * SIDE_MAX], count = 1;
    uint8_t *in = c->way_in[colour], out[SIDE_MAX * SIDE_MAX] = {0};
    member[0] = below(c, plain->tiles);
    in[member[0]] = AT_RAMP;
    for (uint32_t tries = 4 * below(c, plain->tiles + 1) + 4; tries; tries--) {
        uint32_t from = member[below(c, 3) ? count - 1 : below(c, count)];
        unsigned port = below(c, 4);
        uint32_t to = plain->router[from].neighbour[port];
        if (to == NO_TILE && below(c, 4) == 0)
            out[from] |= (uint8_t)(1u << port); /* out of the wafer */
        if (to == NO_TILE || in[to])
            continue;
        out[from] |= (uint8_t)(1u << port);
        in[to] = (uint8_t)(1u << ((port + 2) & 3));
        member[count++] = to;
    }
    for (uint32_t i = 0; i < count; i++)
        connect(c, colour, member[i], out[member[i]]);
}

static uint16_t wild_route(struct chaos *c)
{
    unsigned in = 1u << below(c, 5), out = 1u << below(c, 5);
    if (below(c, 3) == 0)
        in |= 1u << below(c, 5);
    if (below(c, 3) == 0)
        out |= 1u << below(c, 5);
    return ROUTE_WORD(in, out);
}

static void wild_routes(struct chaos *c, unsigned colour)
{
    for (uint32_t i = 0; i < c->p.w[0]->tiles; i++) {
        uint16_t words[2] = {wild_route(c), wild_route(c)};
        unsigned mode = 1 + below(c, 2) + below(c, 2) * ROUTE_MODE_RING;
        unsigned queue = below(c, TILE_QUEUES + 2);
        EACH(c, w)
        {
            route_write(w, i, colour * TILE_SWITCH_POSITIONS, words[0]);
            route_write(w, i, colour * TILE_SWITCH_POSITIONS + 1, words[1]);
            route_write_mode(w, i, colour, mode);
            if (queue < TILE_QUEUES)
                ramp_bind(w, i, queue, colour);
        }
    }
}

/* ---- actions ---- */

static struct stream_desc random_desc(struct chaos *c, uint32_t tile, unsigned k)
{
    struct stream_desc d =
        rig_desc((enum stream_op)(1 + below(c, below(c, 3) ? 7 : STREAM_OP_END - 1)), k,
                 below(c, 5) ? 1 + below(c, 40) : below(c, 3));
    unsigned use = stream_fabric_use(d.op);
    unsigned in = below(c, TILE_COLOURS), out = below(c, TILE_COLOURS);
    if (!c->wild) {
        in = c->p.w[0]->tile[tile].queue[below(c, 2u + c->bound[tile])].colour;
        for (unsigned n = TILE_COLOURS; n && c->way_in[out][tile] != AT_RAMP; n--)
            out = (out + 1) % TILE_COLOURS;
        if (use & 2 && c->way_in[out][tile] != AT_RAMP)
            d.op = STREAM_RECV, use = 1;
    }
    d.thread |= (uint8_t)(below(c, 4) << 4);
    d.event = below(c, 5) ? TILE_EVENT_NONE : (uint8_t)below(c, 64);
    d.dst = (uint16_t)(use & 2 ? out : DATA + 4 * below(c, 200) + 0x400);
    d.src1 = (uint16_t)(use & 1 ? in : DATA + 0x800 + 4 * below(c, 200));
    d.src0 = (uint16_t)(DATA + 4 * below(c, 200));
    if (d.op == STREAM_SEND && below(c, 3) == 0)
        d.flags = STREAM_CONTROL;
    if (stream_is_product(d.op)) {
        d.count = (uint16_t)below(c, 9);
        d.cols = (uint16_t)below(c, 20);
        d.row_bytes = (uint16_t)(4 * d.cols);
        d.scales = DATA + 0xc00;
        d.scale_row_bytes = 2;
    }
    return d;
}

static void start(struct chaos *c)
{
    uint32_t tile = below(c, c->p.w[0]->tiles), at;
    unsigned k = below(c, TILE_THREADS);
    if (c->p.w[0]->tile[tile].engine.busy >> k & 1)
        return;
    at = DESC + 64 * k;
    struct stream_desc d = random_desc(c, tile, k), next = random_desc(c, tile, k);
    next.thread = d.thread;
    d.next = (uint16_t)(below(c, 3) ? 0 : at + 32);
    if (stream_check(&d) || (d.next && stream_check(&next)))
        return;
    EACH(c, w)
    {
        rig_put(w, tile, at + 32, &next);
        rig_start(w, tile, at, &d);
    }
}

static void enter(struct chaos *c)
{
    const struct wafer *plain = c->p.w[0];
    struct edge_port port = {(enum fabric_port)below(c, 4), 0};
    port.index =
        below(c, port.side == PORT_NORTH || port.side == PORT_SOUTH ? plain->width : plain->height);
    struct wavelet v = {.data = (uint32_t)rng_next(&c->rng),
                        .colour = (uint8_t)(c->wild ? below(c, TILE_COLOURS) : COLOUR_IMAGE),
                        .control = below(c, 8) == 0};
    bool image = port.side == PORT_WEST && port.index == 0;
    CHECK_EQ(wafer_edge_room(c->p.w[0], port, v.colour),
             wafer_edge_room(c->p.w[1], port, v.colour));
    if (wafer_edge_room(plain, port, v.colour) && (c->wild || image))
        EACH(c, w)
    wafer_edge_enter(w, port, v);
}

static void set_register(struct chaos *c)
{
    uint32_t tile = below(c, c->p.w[0]->tiles), value = below(c, 200);
    EACH(c, w)
    {
        (void)regs_store(w, tile, REG_TIMER_EVENT, 4, value % 64);
        (void)regs_store(w, tile, REG_TIMER_START, 4, value);
    }
}

static void rewire(struct chaos *c)
{
    uint32_t tile = below(c, c->p.w[0]->tiles), colour = below(c, TILE_COLOURS);
    uint32_t queue = below(c, TILE_QUEUES), word = wild_route(c);
    bool bind = below(c, 2);
    EACH(c, w)
    {
        if (bind)
            ramp_bind(w, tile, queue, colour);
        else
            route_write(w, tile, colour * TILE_SWITCH_POSITIONS, word);
    }
}

static void act(struct chaos *c)
{
    unsigned what = below(c, 40);
    if (what < 8)
        start(c);
    else if (what < 12)
        enter(c);
    else if (what == 12)
        set_register(c);
    else if (what == 13 && c->wild && !c->p.w[0]->fault.raised)
        rewire(c);
    else if (what == 14) /* events have nobody to take them here */
        EACH(c, w)
    for (uint32_t i = 0; i < w->tiles; i++)
        w->tile[i].events.count = 0;
}

static void run_case(uint64_t seed, bool wild)
{
    struct chaos *c = &(struct chaos){0};
    chaos_open(c, seed, wild);
    unsigned colours = 1 + below(c, TILE_COLOURS - 2), cycles = 100 + below(c, 300);
    for (unsigned k = 0; k < colours; k++) {
        if (wild)
            wild_routes(c, k);
        else
            grow(c, k);
    }
    for (unsigned i = below(c, 200); i; i--)
        start(c);
    /* a look stops all trains (train.h): between two they must get under way */
    unsigned look = below(c, 2) ? 1 : 1 + below(c, 60);
    for (unsigned i = 0; i < cycles && !strstr(c->p.w[0]->fault.text, "REBIND"); i++) {
        act(c);
        pair_step(&c->p, i % look == 0);
    }
    pair_run(&c->p, 5000);
    pair_close(&c->p);
}

TEST(engines_agree_on_orderly_traffic)
{
    for (unsigned n = 0; n < 30; n++)
        run_case(t->seed * 10000 + n, false);
}

TEST(engines_agree_on_anything)
{
    for (unsigned n = 0; n < 30; n++)
        run_case(t->seed * 20000 + n, true);
}

/* ---- cores: the boot ROM and the firmware on every tile ---- */

struct boot {
    struct pair p;
    uint8_t rom[TILE_ROM_BYTES], code[TILE_CODE_BYTES];
    uint32_t image[TILE_CODE_BYTES / 4 + 2], words;
};

static size_t read_binary(const char *name, uint8_t *out, size_t size)
{
    const char *build = getenv("B");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/firmware/%s", build ? build : "build", name);
    FILE *f = fopen(path, "rb");
    CHECK_MSG(f, "no %s", path);
    size_t bytes = fread(out, 1, size, f);
    (void)fclose(f);
    return bytes;
}

static void boot_open(struct boot *b, uint32_t width, uint32_t height, uint32_t threads)
{
    struct machine m = rig_machine();
    struct firmware firmware = {.rom = b->rom, .code = b->code, .entry = TILE_SRAM_BASE};
    memset(b, 0, sizeof *b);
    (void)read_binary("rom.bin", b->rom, sizeof b->rom);
    b->words = (uint32_t)(read_binary("tile.bin", b->code, sizeof b->code) + 3) / 4;
    b->image[0] = b->words << 16;
    memcpy(b->image + 1, b->code, (size_t)b->words * 4);
    b->p.label = "boot";
    pair_open(&b->p, (struct wafer_cfg){.machine = &m,
                                        .firmware = &firmware,
                                        .width = width,
                                        .height = height,
                                        .threads = threads});
}

/* What can enter now: the image at the corner; then the end of each tile's load along its row. */
static void boot_feed(struct boot *b, uint32_t *at, uint32_t *loaded)
{
    const struct wafer *plain = b->p.w[0];
    for (uint32_t y = 0; y < plain->height; y++) {
        struct edge_port port = {PORT_WEST, y};
        struct wavelet image = {.data = b->image[*at], .colour = COLOUR_IMAGE};
        struct wavelet end = {.colour = COLOUR_LOAD, .control = true};
        bool first = y == 0 && *at < b->words + 2;
        if (first ? !wafer_edge_room(plain, port, COLOUR_IMAGE)
                  : loaded[y] == plain->width || !wafer_edge_room(plain, port, COLOUR_LOAD))
            continue;
        wafer_edge_enter(b->p.w[0], port, first ? image : end);
        wafer_edge_enter(b->p.w[1], port, first ? image : end);
        if (first)
            ++*at;
        else
            loaded[y]++;
    }
}

TEST(engines_agree_on_booting)
{
    for (uint32_t threads = 1; threads <= 3; threads++) {
        struct boot *b = &(struct boot){0};
        uint32_t at = 0, loaded[8] = {0};
        boot_open(b, 2 + threads, 6 - threads, threads);
        for (unsigned cycle = 0; cycle < 3000; cycle++) {
            boot_feed(b, &at, loaded);
            wafer_step(b->p.w[0]);
            wafer_step(b->p.w[1]);
            if (cycle % 64 == 0 || (cycle > 2000 && cycle % 8 == 0))
                pair_compare(&b->p);
        }
        pair_run(&b->p, 100000);
        CHECK(!b->p.w[0]->fault.raised);
        CHECK_EQ(b->p.w[0]->tile[0].code, CODE_SHARED);
        CHECK_EQ(b->p.w[1]->tile[b->p.w[1]->tiles - 1].core.waiting, true);
        pair_close(&b->p);
    }
}
