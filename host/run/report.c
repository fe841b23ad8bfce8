/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the closing table of a run. */
#include "run/report.h"

struct totals {
    struct wafer_stats wafer;
    struct io_stats io;
    double clock_hz, cycles_per_token;
    double link_utilisation, core_utilisation, stream_utilisation; /* of the cycles after loading */
    uint64_t sram_used, tiles;
    struct plan_memory fullest;
    uint64_t phase[PHASES]; /* cycles per token, summed over strips */
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

static void collect(struct totals *t, const struct run_report *r, struct session *s)
{
    const struct plan *p = session_plan(s);
    const struct session_phases *phases = session_phases(s);
    *t = (struct totals){.clock_hz = p->machine->clock_hz, .tiles = session_tiles_used(s)};
    add_wafers(t, s);
    t->cycles_per_token = ratio((double)r->decode_cycles, (double)r->tokens);
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
                      cycles / phase_layers(p, (enum phase)f),
                      100 * ratio(cycles, t->cycles_per_token));
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

void report_print(const struct run_report *r, struct session *s, FILE *out)
{
    struct totals t;
    const struct plan *p = session_plan(s);
    collect(&t, r, s);
    double machine = t.cycles_per_token / t.clock_hz;
    (void)fprintf(out, "machine %s: %u wafer%s of %u x %u tiles, %llu used, clock %.2f GHz\n",
                  p->machine->name, p->wafers, p->wafers == 1 ? "" : "s", p->width, p->height,
                  (unsigned long long)t.tiles, t.clock_hz / 1e9);
    (void)fprintf(out,
                  "tokens/s, machine time   %12.1f  (executed: %.0f cycles per token, one user, no "
                  "speculation)\n",
                  ratio(1, machine), t.cycles_per_token);
    (void)fprintf(out, "tokens/s, wall time      %12.2f  (the emulator, %.2f s for %llu tokens)\n",
                  ratio((double)r->tokens, r->decode_seconds), r->decode_seconds,
                  (unsigned long long)r->tokens);
    (void)fprintf(out, "prompt                   %12llu  tokens, %llu cycles, %.2f s wall\n",
                  (unsigned long long)r->prompt_tokens, (unsigned long long)r->prompt_cycles,
                  r->prompt_seconds);
    (void)fprintf(out, "boot and load            %12llu  cycles, %.2f s wall\n",
                  (unsigned long long)session_load_cycles(s), r->load_seconds);
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
    print_phases(&t, p, out);
}

void report_json(const struct run_report *r, struct session *s, struct json_out *o)
{
    struct totals t;
    const struct plan *p = session_plan(s);
    collect(&t, r, s);
    json_out_string(o, "machine", p->machine->name);
    json_out_uint(o, "wafers", p->wafers);
    json_out_uint(o, "fabric_width", p->width);
    json_out_uint(o, "fabric_height", p->height);
    json_out_uint(o, "tiles_used", t.tiles);
    json_out_double(o, "clock_hz", t.clock_hz);
    json_out_uint(o, "prompt_tokens", r->prompt_tokens);
    json_out_uint(o, "tokens", r->tokens);
    json_out_string(o, "label", "executed");
    json_out_double(o, "cycles_per_token", t.cycles_per_token);
    json_out_double(o, "tokens_per_second_machine", ratio(t.clock_hz, t.cycles_per_token));
    json_out_double(o, "tokens_per_second_wall", ratio((double)r->tokens, r->decode_seconds));
    json_out_uint(o, "prompt_cycles", r->prompt_cycles);
    json_out_uint(o, "decode_cycles", r->decode_cycles);
    json_out_uint(o, "load_cycles", session_load_cycles(s));
    json_out_double(o, "load_wall_seconds", r->load_seconds);
    json_out_double(o, "decode_wall_seconds", r->decode_seconds);
    json_out_uint(o, "bytes_in", t.io.bytes_in);
    json_out_uint(o, "bytes_out", t.io.bytes_out);
    json_out_uint(o, "wavelets_sent", t.wafer.wavelets_sent);
    json_out_uint(o, "wavelets_received", t.wafer.wavelets_received);
    json_out_uint(o, "link_moves", t.wafer.link_moves);
    json_out_uint(o, "instructions", t.wafer.instructions);
    json_out_double(o, "link_utilisation", t.link_utilisation);
    json_out_double(o, "stream_utilisation", t.stream_utilisation);
    json_out_double(o, "core_utilisation", t.core_utilisation);
    json_out_uint(o, "sram_fullest_tile", t.fullest.total);
    json_out_object(o, "phase_cycles_per_token");
    for (int f = 0; f < PHASES; f++)
        json_out_double(o, phase_name((enum phase)f), ratio((double)t.phase[f], t.phase_tokens));
    json_out_end(o);
}
