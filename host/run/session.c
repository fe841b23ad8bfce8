/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - booting a placed model and moving tokens through it. */
#include "run/session.h"

#include "base/xalloc.h"
#include "io/link.h"
#include "run/load.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct monitor { /* a tile where a strip's phases are timed */
    uint32_t strip, x, y, count;
    struct phase_end end[IMAGE_MARKS];
};

/* One wafer and its system. */
struct site {
    struct wafer *wafer;
    struct io *io;
    struct linked_wafer linked;
    struct session *session;
    uint32_t first_column; /* of the plan's */
};

/* Where a share of a result comes out, and its words. */
struct outlet {
    struct io *io;
    struct edge_port port;
    uint32_t words;
    struct slice part;
};

struct session {
    struct session_cfg cfg;
    struct plan *plan;
    struct site *sites;           /* [plan->wafers] */
    struct wafer_link **links;    /* [plan->wafers - 1], from one's east to the next one's west */
    struct wafer_member *members; /* [plan->wafers] */
    struct outlet *outlets;       /* [outlet_count]: asked for in every cycle */
    uint32_t outlet_count;
    uint32_t *positions; /* [users]: tokens pushed */
    uint32_t pushed, answered;
    uint32_t *words; /* scratch: one message */
    float *stream;   /* scratch: [hidden] */
    uint64_t load_cycles, push_cycle, token_cycles;
    uint32_t tiles_used;

    struct monitor *monitors; /* at most PLAN_MONITORS a strip */
    uint32_t monitor_count;
    int *monitor_of_column; /* [width]: the first one there, or -1 */
    struct session_phases phases;
    uint64_t last_mark;
    bool alone; /* one token in flight: its phases count */
};

static void progress(void *self, uint32_t rows)
{
    const struct site *at = self;
    const struct session *s = at->session;
    uint32_t wafer = (uint32_t)(at - s->sites);
    if (s->cfg.progress)
        s->cfg.progress(s->cfg.progress_self, wafer * s->plan->height + rows,
                        s->plan->wafers * s->plan->height);
}

static int load_site(struct session *s, struct site *at, struct err *e)
{
    struct loading load = {.plan = s->plan,
                           .images = s->cfg.images,
                           .wafer = at->wafer,
                           .io = at->io,
                           .first_column = at->first_column,
                           .threads = s->cfg.threads,
                           .progress = progress,
                           .progress_self = at};
    if ((s->cfg.load_direct ? load_directly : load_over_fabric)(&load, e))
        return -1;
    s->tiles_used += load.tiles;
    return wafer_run_quiet(at->wafer, s->cfg.max_cycles, e);
}

/* ---- phases ---- */

static void on_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                      uint64_t cycle)
{
    const struct site *at = self;
    struct session *s = at->session;
    int first = s->monitor_of_column[at->first_column + x];
    if (what != STREAM_FINISHED || first < 0 || !s->alone)
        return;
    const struct monitor *m = &s->monitors[first];
    for (; m < s->monitors + s->monitor_count && m->x == at->first_column + x; m++) {
        for (uint32_t i = 0; m->y == y && i < m->count; i++) {
            if (m->end[i].desc == desc) {
                s->phases.cycles[m->strip][m->end[i].phase] += cycle - s->last_mark;
                s->last_mark = cycle;
            }
        }
    }
}

static void watch_phases(struct session *s)
{
    const struct plan *p = s->plan;
    s->monitors = xcalloc((size_t)p->strip_count * PLAN_MONITORS, sizeof *s->monitors);
    s->monitor_of_column = xcalloc((size_t)p->wafers * p->width, sizeof *s->monitor_of_column);
    s->phases.cycles = xcalloc(p->strip_count, sizeof *s->phases.cycles);
    for (uint32_t x = 0; x < p->wafers * p->width; x++)
        s->monitor_of_column[x] = -1;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct tile_place at[PLAN_MONITORS];
        uint32_t n = plan_monitors(p, &p->strips[i], at);
        for (uint32_t k = 0; k < n; k++) {
            struct monitor *m = &s->monitors[s->monitor_count];
            *m = (struct monitor){.strip = i, .x = at[k].x, .y = at[k].y};
            m->count = plan_phase_ends(p, at[k], m->end, sizeof m->end / sizeof m->end[0]);
            if (s->monitor_of_column[m->x] < 0)
                s->monitor_of_column[m->x] = (int)s->monitor_count;
            s->monitor_count++;
        }
    }
    for (uint32_t i = 0; i < p->wafers; i++)
        wafer_set_stream_hook(s->sites[i].wafer, on_stream, &s->sites[i]);
}

/* ---- opening and closing ---- */

static int open_site(struct session *s, uint32_t i, struct err *e)
{
    struct wafer_cfg cfg = {.machine = s->cfg.place.machine,
                            .firmware = &s->cfg.images->firmware,
                            .width = s->plan->width,
                            .height = s->plan->height,
                            .stress_seed = s->cfg.stress_seed,
                            .engine = s->cfg.engine,
                            .threads = s->cfg.threads};
    struct site *at = &s->sites[i];
    if (wafer_open(&at->wafer, &cfg, e))
        return -1;
    at->io = io_open(at->wafer, &cfg);
    at->session = s;
    at->first_column = i * s->plan->width;
    if (i == 0 && s->cfg.prepare && s->cfg.prepare(s->cfg.prepare_self, at->wafer, s->plan, e))
        return -1;
    return load_site(s, at, e);
}

/* Loaded wafers start together, joined east to west. */
static int link_sites(struct session *s, struct err *e)
{
    uint32_t n = s->plan->wafers;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t cycle = wafer_cycle(s->sites[i].wafer);
        s->load_cycles = cycle > s->load_cycles ? cycle : s->load_cycles;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct site *at = &s->sites[i];
        wafer_wait(at->wafer, s->load_cycles);
        at->linked = (struct linked_wafer){.wafer = at->wafer, .io = at->io};
        s->members[i] = linked_wafer_member(&at->linked);
        if (i > 0 && wafer_link_open(
                         &s->links[i - 1], (struct wafer_link_end){s->sites[i - 1].io, PORT_EAST},
                         (struct wafer_link_end){at->io, PORT_WEST}, s->cfg.place.machine, e))
            return -1;
    }
    return 0;
}

/* Words in front of a share of the output. */
static uint32_t output_header(const struct session *s)
{
    return plan_ends_in_head(s->plan) ? 0 : PLAN_HEADER;
}

static void find_outlets(struct session *s)
{
    s->outlet_count = plan_output_count(s->plan);
    s->outlets = xcalloc(s->outlet_count, sizeof *s->outlets);
    for (uint32_t i = 0; i < s->outlet_count; i++) {
        struct plan_port out = plan_output(s->plan, i);
        s->outlets[i] = (struct outlet){.io = s->sites[out.wafer].io,
                                        .port = out.port,
                                        .words = output_header(s) + out.part.count,
                                        .part = out.part};
    }
}

static int open_all(struct session *s, struct err *e)
{
    if (plan_open(&s->plan, &s->cfg.place, e))
        return -1;
    const struct model_config *k = s->plan->config;
    uint32_t n = s->plan->wafers;
    s->words =
        xcalloc((k->hidden > k->vocab ? k->hidden : k->vocab) + PLAN_HEADER, sizeof *s->words);
    s->stream = xcalloc(k->hidden, sizeof *s->stream);
    s->sites = xcalloc(n, sizeof *s->sites);
    s->positions = xcalloc(s->plan->users, sizeof *s->positions);
    for (uint32_t i = 0; i < s->plan->users; i++)
        s->positions[i] = s->plan->filled;
    s->links = xcalloc(n, sizeof(struct wafer_link *));
    s->members = xcalloc(n, sizeof *s->members);
    for (uint32_t i = 0; i < n; i++) {
        if (open_site(s, i, e))
            return -1;
    }
    if (link_sites(s, e))
        return -1;
    find_outlets(s);
    watch_phases(s);
    return 0;
}

int session_open(struct session **out, const struct session_cfg *cfg, struct err *e)
{
    struct session *s = xcalloc(1, sizeof *s);
    s->cfg = *cfg;
    s->cfg.max_cycles = cfg->max_cycles ? cfg->max_cycles : UINT64_C(1) << 40;
    if (open_all(s, e)) {
        session_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    uint32_t n = s->sites ? s->plan->wafers : 0;
    for (uint32_t i = 0; i < n; i++) {
        io_close(s->sites[i].io);
        wafer_close(s->sites[i].wafer);
    }
    for (uint32_t i = 0; i + 1 < n; i++)
        wafer_link_close(s->links[i]);
    plan_close(s->plan);
    free(s->sites);
    free((void *)s->links);
    free(s->members);
    free(s->outlets);
    free(s->positions);
    free(s->words);
    free(s->stream);
    free(s->monitors);
    free(s->monitor_of_column);
    free(s->phases.cycles);
    free(s);
}

/* ---- tokens ---- */

int session_push_stream(struct session *s, uint32_t user, const float *x, struct err *e)
{
    const struct plan *p = s->plan;
    assert(user < p->users);
    if (s->positions[user] >= p->context)
        return err_set(e, ERR_LIMIT, "the context of %u positions is full", p->context);
    float header[PLAN_HEADER] = {(float)s->positions[user]++, (float)user};
    memcpy(s->words, header, sizeof header);
    for (uint32_t i = 0; i < plan_input_count(p); i++) {
        struct plan_port in = plan_input(p, i);
        memcpy(s->words + PLAN_HEADER, x + in.part.first, (size_t)in.part.count * 4);
        io_send(s->sites[in.wafer].io, in.port, in.colour, s->words, in.part.count + PLAN_HEADER,
                0);
    }
    s->alone = s->pushed == s->answered;
    s->push_cycle = s->last_mark = session_cycle(s);
    s->phases.tokens += s->alone;
    s->pushed++;
    return 0;
}

int session_push(struct session *s, uint32_t user, uint32_t token, struct err *e)
{
    const struct plan *p = s->plan;
    struct weight embed;
    if (token >= p->config->vocab)
        return err_set(e, ERR_INPUT, "token id %u is not below the vocabulary size %u", token,
                       p->config->vocab);
    checkpoint_weight(p->checkpoint, ROLE_EMBED, 0, 0, &embed);
    weight_row_f32(&embed, token, 0, p->config->hidden, s->stream);
    return session_push_stream(s, user, s->stream, e);
}

/* Cycles between two looks at whether the logits are there: at most what a word needs to cross. */
static uint64_t stretch(const struct machine *m)
{
    enum { STRETCH_MAX = 256 }; /* what a token's time may be too long by */
    uint64_t cross = wafer_link_cycles(m);
    return cross < STRETCH_MAX ? cross : STRETCH_MAX;
}

/* One wafer is run by itself, cycle by cycle; several in stretches. */
static int run(struct session *s, bool (*done)(void *self), struct err *e)
{
    if (s->plan->wafers == 1)
        return wafer_run(s->sites[0].wafer, done, s, s->cfg.max_cycles, e);
    struct wafer_group group = {
        .members = s->members, .count = s->plan->wafers, .window = stretch(s->cfg.place.machine)};
    return wafer_group_run(&group, done, s, session_cycle(s) + s->cfg.max_cycles, e);
}

static bool output_there(void *self)
{
    const struct session *s = self;
    for (uint32_t i = 0; i < s->outlet_count; i++)
        if (io_available(s->outlets[i].io, s->outlets[i].port) < s->outlets[i].words)
            return false;
    return true;
}

int session_output(struct session *s, float *output, struct err *e)
{
    uint32_t header = output_header(s);
    assert(s->answered < s->pushed);
    if (!output_there(s) && run(s, output_there, e))
        return -1;
    for (uint32_t i = 0; i < s->outlet_count; i++) {
        const struct outlet *out = &s->outlets[i];
        io_take(out->io, out->port, s->words, out->words);
        memcpy(output + out->part.first, s->words + header, (size_t)out->part.count * 4);
    }
    s->answered++;
    s->token_cycles = session_cycle(s) - s->push_cycle;
    return 0;
}

uint64_t session_token_cycles(const struct session *s)
{
    return s->token_cycles;
}

const struct session_phases *session_phases(const struct session *s)
{
    return &s->phases;
}

const struct plan *session_plan(const struct session *s)
{
    return s->plan;
}

uint64_t session_cycle(const struct session *s)
{
    uint64_t latest = 0;
    for (uint32_t i = 0; i < s->plan->wafers; i++) {
        uint64_t cycle = wafer_cycle(s->sites[i].wafer);
        latest = cycle > latest ? cycle : latest;
    }
    return latest;
}

struct wafer *session_wafer(struct session *s, uint32_t i)
{
    assert(i < s->plan->wafers);
    return s->sites[i].wafer;
}

const struct io *session_io(const struct session *s, uint32_t i)
{
    assert(i < s->plan->wafers);
    return s->sites[i].io;
}

int session_check(struct session *s, struct err *e)
{
    for (uint32_t i = 0; i < s->plan->wafers; i++) {
        if (wafer_check_conservation(s->sites[i].wafer, e))
            return -1;
    }
    return 0;
}

uint64_t session_load_cycles(const struct session *s)
{
    return s->load_cycles;
}

uint32_t session_tiles_used(const struct session *s)
{
    return s->tiles_used;
}
