/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - booting a placed model and moving tokens through it. */
#include "run/session.h"

#include "base/xalloc.h"
#include "io/link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct monitor { /* where one strip's phases are timed */
    uint32_t x, y, count;
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

struct session {
    struct session_cfg cfg;
    struct plan *plan;
    struct site *sites;           /* [plan->wafers] */
    struct wafer_link **links;    /* [plan->wafers - 1], from one's east to the next one's west */
    struct wafer_member *members; /* [plan->wafers] */
    struct image *image;          /* scratch for plan_emit */
    uint32_t *positions;          /* [users]: tokens pushed */
    uint32_t pushed, answered;
    uint32_t *words; /* scratch: one message */
    uint64_t load_cycles, push_cycle, token_cycles;
    uint32_t tiles_used;

    struct monitor *monitors; /* [strip_count] */
    int *monitor_of_column;   /* [width]: strip, or -1 */
    struct session_phases phases;
    uint64_t last_mark;
    bool alone; /* one token in flight: its phases count */
};

/* ---- loading ---- */

static uint32_t record_header(uint32_t offset, uint32_t words)
{
    return offset | words << 16;
}

/* Every tile's firmware, as one record and the end word. */
static void send_image(struct session *s, struct site *at)
{
    uint32_t n = s->cfg.images->code_bytes / 4;
    uint32_t *words = xcalloc(n + 2, sizeof *words);
    words[0] = record_header(0, n);
    memcpy(words + 1, s->cfg.images->code, (size_t)n * 4);
    io_send(at->io, (struct edge_port){PORT_WEST, 0}, COLOUR_IMAGE, words, n + 2, 0);
    free(words);
}

static uint32_t program_words(const struct image *m)
{
    return (m->low - TILE_PROGRAM_OFFSET) / 4;
}

/* One tile's share of its row's stream; its last word turns the tile into a wire. */
static void send_program(struct session *s, struct site *at, uint32_t x, uint32_t y)
{
    uint32_t n = 0, used = 0;
    if (plan_emit(s->plan, at->first_column + x, y, false, s->image)) {
        assert(!s->image->overflow);
        n = program_words(s->image);
        s->tiles_used++;
    }
    uint32_t *words = xcalloc(n + 2, sizeof *words);
    if (n) {
        words[used++] = record_header(TILE_PROGRAM_OFFSET, n);
        memcpy(words + used, s->image->sram + TILE_PROGRAM_OFFSET, (size_t)n * 4);
        used += n;
    }
    words[used++] = record_header(0, 0);
    io_send(at->io, (struct edge_port){PORT_WEST, y}, COLOUR_LOAD, words, used, IO_LAST_IS_CONTROL);
    free(words);
}

static void progress(const struct session *s, const struct site *at, uint32_t done)
{
    uint32_t wafer = (uint32_t)(at - s->sites);
    if (s->cfg.progress)
        s->cfg.progress(s->cfg.progress_self, wafer * s->plan->height + done,
                        s->plan->wafers * s->plan->height);
}

static int load_over_fabric(struct session *s, struct site *at, struct err *e)
{
    send_image(s, at);
    for (uint32_t y = 0; y < s->plan->height; y++) {
        for (uint32_t x = 0; x < s->plan->width; x++)
            send_program(s, at, x, y);
        progress(s, at, y + 1);
    }
    return wafer_run_quiet(at->wafer, s->cfg.max_cycles, e);
}

static int load_directly(struct session *s, struct site *at, struct err *e)
{
    for (uint32_t y = 0; y < s->plan->height; y++) {
        for (uint32_t x = 0; x < s->plan->width; x++) {
            if (!plan_emit(s->plan, at->first_column + x, y, false, s->image))
                continue;
            s->tiles_used++;
            if (wafer_load(at->wafer, x, y, TILE_PROGRAM_OFFSET,
                           s->image->sram + TILE_PROGRAM_OFFSET, program_words(s->image) * 4, e))
                return -1;
        }
        progress(s, at, y + 1);
    }
    wafer_start_loaded(at->wafer);
    return wafer_run_quiet(at->wafer, s->cfg.max_cycles, e);
}

/* ---- phases ---- */

static void on_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                      uint64_t cycle)
{
    const struct site *at = self;
    struct session *s = at->session;
    int strip = s->monitor_of_column[at->first_column + x];
    if (what != STREAM_FINISHED || strip < 0 || !s->alone || s->monitors[strip].y != y)
        return;
    const struct monitor *m = &s->monitors[strip];
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->end[i].desc == desc) {
            s->phases.cycles[strip][m->end[i].phase] += cycle - s->last_mark;
            s->last_mark = cycle;
        }
    }
}

static void watch_phases(struct session *s)
{
    const struct plan *p = s->plan;
    s->monitors = xcalloc(p->strip_count, sizeof *s->monitors);
    s->monitor_of_column = xcalloc((size_t)p->wafers * p->width, sizeof *s->monitor_of_column);
    s->phases.cycles = xcalloc(p->strip_count, sizeof *s->phases.cycles);
    for (uint32_t x = 0; x < p->wafers * p->width; x++)
        s->monitor_of_column[x] = -1;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct monitor *m = &s->monitors[i];
        plan_monitor(p, &p->strips[i], &m->x, &m->y);
        m->count = plan_phase_ends(p, &p->strips[i], m->end, sizeof m->end / sizeof m->end[0]);
        s->monitor_of_column[m->x] = (int)i;
    }
    for (uint32_t i = 0; i < p->wafers; i++)
        wafer_set_stream_hook(s->sites[i].wafer, on_stream, &s->sites[i]);
}

/* ---- opening and closing ---- */

static int open_site(struct session *s, uint32_t i, struct err *e)
{
    struct wafer_cfg cfg = {.machine = s->cfg.machine,
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
    return s->cfg.load_direct ? load_directly(s, at, e) : load_over_fabric(s, at, e);
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
        if (i > 0 && wafer_link_open(&s->links[i - 1],
                                     (struct wafer_link_end){s->sites[i - 1].io, PORT_EAST},
                                     (struct wafer_link_end){at->io, PORT_WEST}, s->cfg.machine, e))
            return -1;
    }
    return 0;
}

static int open_plan(struct session *s, struct err *e)
{
    bool own_size = !s->cfg.width && s->cfg.machine->fabric_width;
    struct plan_cfg cfg = {.checkpoint = s->cfg.checkpoint,
                           .machine = s->cfg.machine,
                           .wafers = s->cfg.wafers,
                           .width = own_size ? s->cfg.machine->fabric_width : s->cfg.width,
                           .height = own_size ? s->cfg.machine->fabric_height : s->cfg.height,
                           .context = s->cfg.context,
                           .users = s->cfg.users};
    return plan_open(&s->plan, &cfg, e);
}

static int open_all(struct session *s, struct err *e)
{
    if (open_plan(s, e))
        return -1;
    const struct model_config *k = s->plan->config;
    uint32_t n = s->plan->wafers;
    s->words =
        xcalloc((k->hidden > k->vocab ? k->hidden : k->vocab) + PLAN_HEADER, sizeof *s->words);
    s->sites = xcalloc(n, sizeof *s->sites);
    s->positions = xcalloc(s->plan->users, sizeof *s->positions);
    s->links = xcalloc(n, sizeof(struct wafer_link *));
    s->members = xcalloc(n, sizeof *s->members);
    for (uint32_t i = 0; i < n; i++) {
        if (open_site(s, i, e))
            return -1;
    }
    if (link_sites(s, e))
        return -1;
    watch_phases(s);
    return 0;
}

int session_open(struct session **out, const struct session_cfg *cfg, struct err *e)
{
    struct session *s = xcalloc(1, sizeof *s);
    s->cfg = *cfg;
    s->cfg.max_cycles = cfg->max_cycles ? cfg->max_cycles : UINT64_C(1) << 40;
    s->image = xcalloc(1, sizeof *s->image);
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
    free(s->positions);
    free(s->image);
    free(s->words);
    free(s->monitors);
    free(s->monitor_of_column);
    free(s->phases.cycles);
    free(s);
}

/* ---- tokens ---- */

int session_push(struct session *s, uint32_t user, uint32_t token, struct err *e)
{
    const struct plan *p = s->plan;
    struct weight embed;
    assert(user < p->users);
    if (s->positions[user] >= p->context)
        return err_set(e, ERR_LIMIT, "the context of %u positions is full", p->context);
    if (token >= p->config->vocab)
        return err_set(e, ERR_INPUT, "token id %u is not below the vocabulary size %u", token,
                       p->config->vocab);
    checkpoint_weight(p->checkpoint, ROLE_EMBED, 0, 0, &embed);
    float header[PLAN_HEADER] = {(float)s->positions[user]++, (float)user};
    memcpy(s->words, header, sizeof header);
    for (uint32_t r = 0; r < p->height; r++) {
        struct plan_port in = plan_input(p, r);
        float *share = (float *)(void *)(s->words + PLAN_HEADER);
        weight_row_f32(&embed, token, in.part.first, in.part.count, share);
        io_send(s->sites[in.wafer].io, in.port, in.colour, s->words, in.part.count + PLAN_HEADER,
                0);
    }
    s->alone = s->pushed == s->answered;
    s->push_cycle = s->last_mark = session_cycle(s);
    s->phases.tokens += s->alone;
    s->pushed++;
    return 0;
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
        .members = s->members, .count = s->plan->wafers, .window = stretch(s->cfg.machine)};
    return wafer_group_run(&group, done, s, session_cycle(s) + s->cfg.max_cycles, e);
}

static bool logits_there(void *self)
{
    struct session *s = self;
    for (uint32_t i = 0; i < plan_output_count(s->plan); i++) {
        struct plan_port out = plan_output(s->plan, i);
        if (io_available(s->sites[out.wafer].io, out.port) < out.part.count)
            return false;
    }
    return true;
}

int session_logits(struct session *s, float *logits, struct err *e)
{
    assert(s->answered < s->pushed);
    if (!logits_there(s) && run(s, logits_there, e))
        return -1;
    for (uint32_t i = 0; i < plan_output_count(s->plan); i++) {
        struct plan_port out = plan_output(s->plan, i);
        io_take(s->sites[out.wafer].io, out.port, s->words, out.part.count);
        memcpy(logits + out.part.first, s->words, (size_t)out.part.count * 4);
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
