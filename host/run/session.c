/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - booting a placed model and moving tokens through it. */
#include "run/session.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct monitor { /* where one strip's phases are timed */
    uint32_t x, y, count;
    struct phase_end end[IMAGE_MARKS];
};

struct session {
    struct session_cfg cfg;
    struct plan *plan;
    struct wafer *wafer;
    struct io *io;
    struct image *image; /* scratch for plan_emit */
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

static uint64_t limit(const struct session *s)
{
    return wafer_cycle(s->wafer) + (s->cfg.max_cycles ? s->cfg.max_cycles : UINT64_C(1) << 40);
}

static uint32_t record_header(uint32_t offset, uint32_t words)
{
    return offset | words << 16;
}

/* Every tile's firmware, as one record and the end word. */
static void send_image(struct session *s)
{
    uint32_t n = s->cfg.images->code_bytes / 4;
    uint32_t *words = xcalloc(n + 2, sizeof *words);
    words[0] = record_header(0, n);
    memcpy(words + 1, s->cfg.images->code, (size_t)n * 4);
    io_send(s->io, (struct edge_port){PORT_WEST, 0}, COLOUR_IMAGE, words, n + 2, 0);
    free(words);
}

static uint32_t program_words(const struct image *m)
{
    return (m->low - TILE_PROGRAM_OFFSET) / 4;
}

/* One tile's share of its row's stream; its last word turns the tile into a wire. */
static void send_program(struct session *s, uint32_t x, uint32_t y)
{
    uint32_t n = 0, used = 0;
    if (plan_emit(s->plan, x, y, false, s->image)) {
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
    io_send(s->io, (struct edge_port){PORT_WEST, y}, COLOUR_LOAD, words, used, IO_LAST_IS_CONTROL);
    free(words);
}

static void progress(const struct session *s, uint32_t done)
{
    if (s->cfg.progress)
        s->cfg.progress(s->cfg.progress_self, done, s->plan->height);
}

static int load_over_fabric(struct session *s, struct err *e)
{
    send_image(s);
    for (uint32_t y = 0; y < s->plan->height; y++) {
        for (uint32_t x = 0; x < s->plan->width; x++)
            send_program(s, x, y);
        progress(s, y + 1);
    }
    return wafer_run_quiet(s->wafer, limit(s), e);
}

static int load_directly(struct session *s, struct err *e)
{
    for (uint32_t y = 0; y < s->plan->height; y++) {
        for (uint32_t x = 0; x < s->plan->width; x++) {
            if (!plan_emit(s->plan, x, y, false, s->image))
                continue;
            s->tiles_used++;
            if (wafer_load(s->wafer, x, y, TILE_PROGRAM_OFFSET,
                           s->image->sram + TILE_PROGRAM_OFFSET, program_words(s->image) * 4, e))
                return -1;
        }
        progress(s, y + 1);
    }
    wafer_start_loaded(s->wafer);
    return wafer_run_quiet(s->wafer, limit(s), e);
}

/* ---- phases ---- */

static void on_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                      uint64_t cycle)
{
    struct session *s = self;
    int strip = s->monitor_of_column[x];
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
    s->monitor_of_column = xcalloc(p->width, sizeof *s->monitor_of_column);
    s->phases.cycles = xcalloc(p->strip_count, sizeof *s->phases.cycles);
    for (uint32_t x = 0; x < p->width; x++)
        s->monitor_of_column[x] = -1;
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct monitor *m = &s->monitors[i];
        plan_monitor(p, &p->strips[i], &m->x, &m->y);
        m->count = plan_phase_ends(p, &p->strips[i], m->end, sizeof m->end / sizeof m->end[0]);
        s->monitor_of_column[m->x] = (int)i;
    }
    wafer_set_stream_hook(s->wafer, on_stream, s);
}

/* ---- opening and closing ---- */

static int open_wafer(struct session *s, struct err *e)
{
    struct wafer_cfg cfg = {.machine = s->cfg.machine,
                            .firmware = &s->cfg.images->firmware,
                            .width = s->plan->width,
                            .height = s->plan->height,
                            .stress_seed = s->cfg.stress_seed};
    if (wafer_open(&s->wafer, &cfg, e))
        return -1;
    s->io = io_open(s->wafer, &cfg);
    return s->cfg.prepare ? s->cfg.prepare(s->cfg.prepare_self, s->wafer, s->plan, e) : 0;
}

static int open_all(struct session *s, struct err *e)
{
    bool own_size = !s->cfg.width && s->cfg.machine->fabric_width;
    struct plan_cfg cfg = {.checkpoint = s->cfg.checkpoint,
                           .machine = s->cfg.machine,
                           .width = own_size ? s->cfg.machine->fabric_width : s->cfg.width,
                           .height = own_size ? s->cfg.machine->fabric_height : s->cfg.height,
                           .context = s->cfg.context};
    if (plan_open(&s->plan, &cfg, e) || open_wafer(s, e))
        return -1;
    const struct model_config *k = s->plan->config;
    s->words = xcalloc((k->hidden > k->vocab ? k->hidden : k->vocab) + 1, sizeof *s->words);
    if (s->cfg.load_direct ? load_directly(s, e) : load_over_fabric(s, e))
        return -1;
    s->load_cycles = wafer_cycle(s->wafer);
    watch_phases(s);
    return 0;
}

int session_open(struct session **out, const struct session_cfg *cfg, struct err *e)
{
    struct session *s = xcalloc(1, sizeof *s);
    s->cfg = *cfg;
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
    io_close(s->io);
    wafer_close(s->wafer);
    plan_close(s->plan);
    free(s->image);
    free(s->words);
    free(s->monitors);
    free(s->monitor_of_column);
    free(s->phases.cycles);
    free(s);
}

/* ---- tokens ---- */

int session_push(struct session *s, uint32_t token, struct err *e)
{
    const struct plan *p = s->plan;
    struct weight embed;
    if (s->pushed >= p->context)
        return err_set(e, ERR_LIMIT, "the context of %u positions is full", p->context);
    if (token >= p->config->vocab)
        return err_set(e, ERR_INPUT, "token id %u is not below the vocabulary size %u", token,
                       p->config->vocab);
    checkpoint_weight(p->checkpoint, ROLE_EMBED, 0, 0, &embed);
    float position = (float)s->pushed;
    memcpy(s->words, &position, 4);
    for (uint32_t r = 0; r < p->height; r++) {
        struct plan_port in = plan_input(p, r);
        float *share = (float *)(void *)(s->words + 1);
        weight_row_f32(&embed, token, in.part.first, in.part.count, share);
        io_send(s->io, in.port, in.colour, s->words, in.part.count + 1, 0);
    }
    s->alone = s->pushed == s->answered;
    s->push_cycle = s->last_mark = wafer_cycle(s->wafer);
    s->phases.tokens += s->alone;
    s->pushed++;
    return 0;
}

static bool logits_there(void *self)
{
    struct session *s = self;
    for (uint32_t i = 0; i < plan_output_count(s->plan); i++) {
        struct plan_port out = plan_output(s->plan, i);
        if (io_available(s->io, out.port) < out.part.count)
            return false;
    }
    return true;
}

int session_logits(struct session *s, float *logits, struct err *e)
{
    assert(s->answered < s->pushed);
    if (!logits_there(s) && wafer_run(s->wafer, logits_there, s, limit(s), e))
        return -1;
    for (uint32_t i = 0; i < plan_output_count(s->plan); i++) {
        struct plan_port out = plan_output(s->plan, i);
        io_take(s->io, out.port, s->words, out.part.count);
        memcpy(logits + out.part.first, s->words, (size_t)out.part.count * 4);
    }
    s->answered++;
    s->token_cycles = wafer_cycle(s->wafer) - s->push_cycle;
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

struct wafer *session_wafer(struct session *s)
{
    return s->wafer;
}

const struct io *session_io(const struct session *s)
{
    return s->io;
}

uint64_t session_load_cycles(const struct session *s)
{
    return s->load_cycles;
}

uint32_t session_tiles_used(const struct session *s)
{
    return s->tiles_used;
}
