/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the closing table of a run. */
#include "run/report.h"

struct totals {
    struct wafer_stats wafer;
    struct io_stats io;
    double clock_hz;
    double ttft, tpot, tpot_p50, tpot_p99; /* cycles */
    double total_rate;                     /* tokens of all users per second of machine time */
    double wall_rate;
    double link_utilisation, core_utilisation,
        stream_utilisation; /* of all cycles, loading included */
    uint64_t tiles;
    struct plan_memory fullest;
    uint64_t phase[PHASES]; /* cycles, summed over strips */
    double phase_tokens;
};

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* Links between routers, one per direction. */
static double link_count(const struct plan *p)
{
    return 2.0 * p->wafers *
           ((double)(p->width - 1) * p->height + (double)p->width * (p->height - 1));
}

static void memory_totals(struct totals *t, const struct plan *p)
{
    for (uint32_t i = 0; i < p->strip_count; i++) {
        struct plan_memory m;
        plan_memory(p, &p->strips[i], &m);
        if (m.total > t->fullest.total)
            t->fullest = m;
    }
}

/* Sums over all wafers; time is that of one. */
static void add_wafers(struct totals *t, struct session *s)
{
    for (uint32_t i = 0; i < session_plan(s)->wafers; i++) {
        struct wafer_stats w;
        struct io_stats io;
        wafer_stats(session_wafer(s, i), &w);
        io_stats(session_io(s, i), &io);
        t->wafer.cycles = w.cycles > t->wafer.cycles ? w.cycles : t->wafer.cycles;
        t->wafer.instructions += w.instructions;
        t->wafer.wavelets_sent += w.wavelets_sent;
        t->wafer.wavelets_received += w.wavelets_received;
        t->wafer.link_moves += w.link_moves;
        t->wafer.core_busy_cycles += w.core_busy_cycles;
        t->wafer.stream_beats += w.stream_beats;
        t->io.bytes_in += io.bytes_in;
        t->io.bytes_out += io.bytes_out;
    }
}

static void collect(struct totals *t, const struct run_report *r, const struct crowd *c)
{
    struct session *s = c->cfg.session;
    const struct plan *p = session_plan(s);
    const struct session_phases *phases = session_phases(s);
    *t = (struct totals){.clock_hz = p->machine->clock_hz, .tiles = session_tiles_used(s)};
    add_wafers(t, s);
    t->ttft = crowd_ttft_mean(c);
    t->tpot = crowd_tpot_mean(c);
    t->tpot_p50 = crowd_tpot_quantile(c, 0.5);
    t->tpot_p99 = crowd_tpot_quantile(c, 0.99);
    t->total_rate = t->clock_hz * ratio((double)c->tokens, (double)(c->end_cycle - c->start_cycle));
    t->wall_rate = ratio((double)c->tokens, r->run_seconds);
    double tile_cycles = (double)t->wafer.cycles * (double)t->tiles;
    t->link_utilisation =
        ratio((double)t->wafer.link_moves, (double)t->wafer.cycles * link_count(p));
    t->core_utilisation = ratio((double)t->wafer.core_busy_cycles, tile_cycles);
    t->stream_utilisation = ratio((double)t->wafer.stream_beats, tile_cycles);
    t->phase_tokens = (double)phases->tokens;
    for (uint32_t i = 0; i < p->strip_count; i++)
        for (int f = 0; f < PHASES; f++)
            t->phase[f] += phases->cycles[i][f];
    memory_totals(t, p);
}

/* How many stages have this phase. */
static double phase_layers(const struct plan *p, enum phase f)
{
    uint32_t experts = p->config->layers - p->config->dense_layers;
    if (f == PHASE_LOGITS)
        return 1;
    return f == PHASE_ROUTER || f == PHASE_TOP_K ? experts : p->config->layers;
}

static void print_phases(const struct totals *t, const struct plan *p, FILE *out)
{
    (void)fprintf(out, "phase          cycles/token  cycles/layer   share  (executed)\n");
    for (int f = 0; f < PHASES; f++) {
        if (!t->phase[f])
            continue;
        double cycles = ratio((double)t->phase[f], t->phase_tokens);
        (void)fprintf(out, "  %-12s %12.0f  %12.0f  %5.1f %%\n", phase_name((enum phase)f), cycles,
                      cycles / phase_layers(p, (enum phase)f), 100 * ratio(cycles, t->tpot));
    }
}

static void print_memory(const struct totals *t, FILE *out)
{
    const struct plan_memory *m = &t->fullest;
    (void)fprintf(out, "SRAM of the fullest tile (%u,%u): %u of %u bytes;", m->x, m->y, m->total,
                  TILE_SRAM_BYTES);
    for (int part = 0; part < IMAGE_PARTS; part++)
        (void)fprintf(out, "%s %s %u", part ? "," : "", image_part_name((enum image_part)part),
                      m->used[part]);
    (void)fprintf(out, "\n");
}

static void print_speed(const struct totals *t, const struct run_report *r, const struct crowd *c,
                        FILE *out)
{
    unsigned long long tokens = c->tokens;
    (void)fprintf(out,
                  "tokens/s for each user   %12.1f  machine time, executed: %.0f cycles per token, "
                  "no speculation\n",
                  ratio(t->clock_hz, t->tpot), t->tpot);
    if (c->cfg.users > 1)
        (void)fprintf(
            out,
            "tokens/s in total        %12.1f  machine time, executed: %u users, prompts included\n",
            t->total_rate, c->cfg.users);
    (void)fprintf(
        out,
        "tokens/s of the emulator %12.2f  wall time: %llu tokens in %.2f s, prompts included\n",
        t->wall_rate, tokens, r->run_seconds);
    (void)fprintf(out,
                  "TTFT / TPOT p50 / p99    %12.0f  / %.0f / %.0f cycles (mean over %u user%s)\n",
                  t->ttft, t->tpot_p50, t->tpot_p99, c->cfg.users, c->cfg.users == 1 ? "" : "s");
    (void)fprintf(out, "boot and load            %12llu  cycles, %.2f s wall\n",
                  (unsigned long long)session_load_cycles(c->cfg.session), r->load_seconds);
}

void report_print(const struct run_report *r, const struct crowd *c, FILE *out)
{
    struct totals t;
    const struct plan *p = session_plan(c->cfg.session);
    collect(&t, r, c);
    (void)fprintf(out, "machine %s: %u wafer%s of %u x %u tiles, %llu used, clock %.2f GHz\n",
                  p->machine->name, p->wafers, p->wafers == 1 ? "" : "s", p->width, p->height,
                  (unsigned long long)t.tiles, t.clock_hz / 1e9);
    print_speed(&t, r, c, out);
    (void)fprintf(out, "streamed in / out        %12llu  / %llu bytes\n",
                  (unsigned long long)t.io.bytes_in, (unsigned long long)t.io.bytes_out);
    (void)fprintf(
        out, "wavelets sent / received %12llu  / %llu by tiles, %llu link moves, conserved\n",
        (unsigned long long)t.wafer.wavelets_sent, (unsigned long long)t.wafer.wavelets_received,
        (unsigned long long)t.wafer.link_moves);
    (void)fprintf(out,
                  "utilisation              links %.2f %%, stream engines %.2f %%, cores %.2f %% "
                  "(whole run)\n",
                  100 * t.link_utilisation, 100 * t.stream_utilisation, 100 * t.core_utilisation);
    print_memory(&t, out);
    if (c->cfg.users == 1)
        print_phases(&t, p, out);
}

static void machine_json(const struct totals *t, const struct plan *p, struct json_out *o)
{
    json_out_string(o, "machine", p->machine->name);
    json_out_uint(o, "wafers", p->wafers);
    json_out_uint(o, "fabric_width", p->width);
    json_out_uint(o, "fabric_height", p->height);
    json_out_uint(o, "tiles_used", t->tiles);
    json_out_double(o, "clock_hz", t->clock_hz);
    json_out_uint(o, "bytes_in", t->io.bytes_in);
    json_out_uint(o, "bytes_out", t->io.bytes_out);
    json_out_uint(o, "wavelets_sent", t->wafer.wavelets_sent);
    json_out_uint(o, "wavelets_received", t->wafer.wavelets_received);
    json_out_uint(o, "link_moves", t->wafer.link_moves);
    json_out_uint(o, "instructions", t->wafer.instructions);
    json_out_double(o, "link_utilisation", t->link_utilisation);
    json_out_double(o, "stream_utilisation", t->stream_utilisation);
    json_out_double(o, "core_utilisation", t->core_utilisation);
    json_out_uint(o, "sram_fullest_tile", t->fullest.total);
}

void report_json(const struct run_report *r, const struct crowd *c, struct json_out *o)
{
    struct totals t;
    collect(&t, r, c);
    machine_json(&t, session_plan(c->cfg.session), o);
    json_out_string(o, "label", "executed");
    json_out_uint(o, "users", c->cfg.users);
    json_out_uint(o, "prompt_tokens", (uint64_t)c->cfg.users * c->cfg.prompt_count);
    json_out_uint(o, "tokens", c->tokens);
    json_out_double(o, "cycles_per_token", t.tpot);
    json_out_double(o, "ttft_cycles_mean", t.ttft);
    json_out_double(o, "tpot_cycles_p50", t.tpot_p50);
    json_out_double(o, "tpot_cycles_p99", t.tpot_p99);
    json_out_double(o, "tokens_per_second_per_user", ratio(t.clock_hz, t.tpot));
    json_out_double(o, "tokens_per_second_total", t.total_rate);
    json_out_double(o, "tokens_per_second_wall", t.wall_rate);
    json_out_uint(o, "run_cycles", c->end_cycle - c->start_cycle);
    json_out_uint(o, "load_cycles", session_load_cycles(c->cfg.session));
    json_out_double(o, "load_wall_seconds", r->load_seconds);
    json_out_double(o, "run_wall_seconds", r->run_seconds);
    json_out_object(o, "phase_cycles_per_token");
    for (int f = 0; f < PHASES; f++)
        json_out_double(o, phase_name((enum phase)f), ratio((double)t.phase[f], t.phase_tokens));
    json_out_end(o);
}
