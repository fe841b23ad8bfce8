/* SPDX-License-Identifier: Apache-2.0 */
/* claims.c - each published claim, judged by arithmetic and by executed layers. */
#include "hal/tile_map.h"
#include "model/census.h"
#include "report/audit.h"
#include "report/write.h"

#include <assert.h>
#include <stdarg.h>

const char *verdict_name(enum verdict v)
{
    static const char *const names[VERDICTS] = {
        "holds",     "plausible",         "not reached by us", "not executed yet",
        "would fit", "two things in one", "overtaken",         "impossible"};
    return names[v];
}

__attribute__((format(printf, 4, 5))) static void say(struct claim *c, enum label label,
                                                      enum source_id source, const char *fmt, ...)
{
    va_list args;
    assert(c->count < EVIDENCE_MAX);
    struct evidence *e = &c->evidence[c->count++];
    e->label = label;
    e->source = source;
    va_start(args, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
}

/* ---- the speed ---- */

/* The fastest complete speed of one user at this context, or NULL. */
static const struct speed *fastest(const struct audit *a, double context)
{
    const struct speed *best = NULL;
    for (uint32_t i = 0; i < a->speeds; i++) {
        const struct speed *s = &a->speed[i];
        if (s->complete && s->query.users == 1 && s->query.context == context &&
            (!best || s->tokens_per_second > best->tokens_per_second))
            best = s;
    }
    return best;
}

static void say_budget(const struct audit *a, struct claim *c)
{
    double wafers = figure(FIGURE_FORUM_WAFERS);
    double token = a->machine->clock_hz / figure(FIGURE_CLAIM_SPEED);
    double crossings = wafers * a->machine->wafer_link_latency_seconds * a->machine->clock_hz;
    say(c, LABEL_COMPUTED, SOURCE_MACHINE,
        "at %g GHz a token then takes %s cycles; less %.0f crossings of %g us (%.0f %%), %s for "
        "each "
        "of %u layers",
        a->machine->clock_hz / 1e9, grouped(token).text, wafers,
        1e6 * a->machine->wafer_link_latency_seconds, 100 * crossings / token,
        grouped((token - crossings) / a->shape.layers).text, a->shape.layers);
}

static void judge_speed(const struct audit *a, struct claim *c)
{
    const struct speed *s = fastest(a, figure(FIGURE_CLAIM_PROMPT));
    double bytes = (double)census_bytes_per_token(a->checkpoint);
    c->verdict = !s                                                   ? VERDICT_NOT_EXECUTED
                 : s->tokens_per_second >= figure(FIGURE_CLAIM_SPEED) ? VERDICT_PLAUSIBLE
                                                                      : VERDICT_NOT_REACHED;
    if (s)
        say(c, s->label, SOURCE_RUN,
            "ours: %s tokens/s at context %s on %u wafers, %s cycles, no speculation (%s)",
            grouped(s->tokens_per_second).text, grouped(s->query.context).text, s->query.wafers,
            grouped(s->cycles).text, s->from);
    else
        say(c, LABEL_NOT_EXECUTED, SOURCE_RUN,
            "no complete set of executed layers at context %s, so we claim no speed",
            grouped(figure(FIGURE_CLAIM_PROMPT)).text);
    say_budget(a, c);
    say(c, LABEL_COMPUTED, SOURCE_MODEL,
        "a token reads %.1f GB of weights: %.1f us at %g PB/s, of %s us; memory does not set the "
        "speed",
        bytes / 1e9, 1e6 * bytes / figure(FIGURE_WSE3_BANDWIDTH),
        figure(FIGURE_WSE3_BANDWIDTH) / 1e15, grouped(1e6 / figure(FIGURE_CLAIM_SPEED)).text);
    say(c, LABEL_PUBLISHED, SOURCE_GENTIC,
        "batch size and precision are not disclosed; nothing was found on wafers and speculation");
    say(c, LABEL_ASSUMED, SOURCE_TIMING,
        "cycles of instructions are ours; the real core is not RISC-V");
}

static void judge_ratio(const struct audit *a, struct claim *c)
{
    (void)a;
    double then = figure(FIGURE_CLAIM_SPEED) / figure(FIGURE_CLAIM_RATIO);
    double median = figure(FIGURE_CLAIM_SPEED) / figure(FIGURE_CLAIM_MEDIAN_RATIO);
    double now = figure(FIGURE_LATER_GPU_SPEED);
    c->verdict = now > then ? VERDICT_OVERTAKEN : VERDICT_HOLDS;
    say(c, LABEL_INFERRED, c->source,
        "it puts the next GPU cloud at %.0f tokens/s and the median provider (%.0f times) at %.0f",
        then, figure(FIGURE_CLAIM_MEDIAN_RATIO), median);
    say(c, LABEL_PUBLISHED, figures[FIGURE_LATER_GPU_SPEED].source,
        "a GPU cloud a month later: %.0f tokens/s with speculative decoding; the ratio is then "
        "%.1f",
        now, figure(FIGURE_CLAIM_SPEED) / now);
    say(c, LABEL_ASSUMED, SOURCE_OWN,
        "services are compared by one index on one day; no emulator can check that");
}

/* ---- size ---- */

/* Weights of the experts one token uses, all layers. */
static double routed_bytes_per_token(const struct checkpoint *ck)
{
    struct census all;
    const struct model_config *k = checkpoint_config(ck);
    census_model(ck, &all);
    return k->experts ? (double)all.bytes[CENSUS_ROUTED] / k->experts * k->experts_used : 0;
}

static void judge_one_wafer(const struct audit *a, struct claim *c)
{
    const struct fit *f = &a->fit;
    const struct machine *m = a->machine;
    double weights = (double)f->weight_bytes, wafer = (double)f->wafer_bytes;
    double routed = routed_bytes_per_token(a->checkpoint);
    c->verdict = f->wafers_by_bytes > 1 ? VERDICT_IMPOSSIBLE : VERDICT_HOLDS;
    say(c, LABEL_COMPUTED, SOURCE_MODEL, "the weights of %s are %.1f GB as stored", a->model,
        weights / 1e9);
    say(c, LABEL_COMPUTED, SOURCE_MACHINE, "one wafer: %s tiles x 48 KiB = %.1f GB of SRAM",
        grouped((double)m->fabric_width * m->fabric_height).text, wafer / 1e9);
    say(c, LABEL_COMPUTED, SOURCE_MACHINE,
        "%.1f / %.1f = %.1f: at least %u wafers for the weights alone; %u when each holds whole "
        "layers beside code and cache",
        weights / 1e9, wafer / 1e9, weights / wafer, f->wafers_by_bytes, f->wafers);
    if (routed > 0)
        say(c, LABEL_COMPUTED, SOURCE_MACHINE,
            "streamed in instead: %.1f GB of experts a token through %.0f GB/s of system I/O are "
            "at "
            "most %.1f tokens/s",
            routed / 1e9, m->io_bits_per_second / 8e9, m->io_bits_per_second / 8 / routed);
}

static void judge_wafers(const struct audit *a, struct claim *c)
{
    double said = figure(FIGURE_FORUM_WAFERS);
    const struct fit *f = &a->fit;
    c->verdict = f->wafers && f->wafers <= said ? VERDICT_FITS : VERDICT_IMPOSSIBLE;
    say(c, LABEL_COMPUTED, SOURCE_MODEL,
        "the largest layer with its cache for %s positions: %.2f GB; a wafer has %.1f GB beside "
        "code "
        "and stack: %.1f layers",
        grouped(audit_contexts[CONTEXTS - 1]).text, (double)f->largest_layer / 1e9,
        (double)f->room_bytes / 1e9, (double)f->room_bytes / (double)f->largest_layer);
    say(c, LABEL_COMPUTED, SOURCE_MACHINE, "whole layers in order, and the head: %u wafers",
        f->wafers);
    say(c, LABEL_PUBLISHED, c->source,
        "a remark without a source; no statement of the vendor was found");
}

/* ---- the machine ---- */

struct property {
    const char *name;
    enum figure_id said, wse2, wse3;
};
static const struct property properties[] = {
    {"cores", FIGURE_CLAIM_CORES, FIGURE_WSE2_CORES, FIGURE_WSE3_CORES},
    {"process", FIGURE_CLAIM_PROCESS, FIGURE_WSE2_PROCESS, FIGURE_WSE3_PROCESS},
    {"SRAM", FIGURE_CLAIM_SRAM, FIGURE_WSE2_SRAM, FIGURE_WSE3_SRAM},
    {"bandwidth", FIGURE_CLAIM_BANDWIDTH, FIGURE_WSE2_BANDWIDTH, FIGURE_WSE3_BANDWIDTH},
};
enum { PROPERTIES = sizeof properties / sizeof properties[0] };

/* Which properties of the claim are those of one machine, as a list. */
static unsigned matches(char *out, size_t bytes, bool wse3)
{
    unsigned count = 0;
    size_t at = 0;
    *out = 0;
    for (size_t i = 0; i < PROPERTIES; i++) {
        const struct property *p = &properties[i];
        if (figure(p->said) != figure(wse3 ? p->wse3 : p->wse2))
            continue;
        if (at < bytes)
            at += (size_t)snprintf(out + at, bytes - at, "%s%s", count ? ", " : "", p->name);
        count++;
    }
    return count;
}

static void say_machine(struct claim *c, const char *name, bool wse3)
{
    double value[PROPERTIES];
    for (size_t i = 0; i < PROPERTIES; i++)
        value[i] = figure(wse3 ? properties[i].wse3 : properties[i].wse2);
    enum figure_id cores = wse3 ? FIGURE_WSE3_CORES : FIGURE_WSE2_CORES;
    enum figure_id sram = wse3 ? FIGURE_WSE3_SRAM : FIGURE_WSE2_SRAM;
    say(c, LABEL_PUBLISHED, figures[cores].source, "%s: %s cores, %.0f nm", name,
        grouped(value[0]).text, value[1]);
    say(c, LABEL_PUBLISHED, figures[sram].source, "%s: %.0f GB, %.0f PB/s", name, value[2] / 1e9,
        value[3] / 1e15);
}

static void judge_mixture(const struct audit *a, struct claim *c)
{
    (void)a;
    char two[80], three[80];
    unsigned of_two = matches(two, sizeof two, false),
             of_three = matches(three, sizeof three, true);
    c->verdict =
        of_two == PROPERTIES || of_three == PROPERTIES ? VERDICT_HOLDS : VERDICT_TWO_THINGS;
    say_machine(c, "WSE-2", false);
    say_machine(c, "WSE-3", true);
    say(c, LABEL_COMPUTED, figures[FIGURE_WSE2_CORES].source,
        "WSE-2's in the sentence: %s; WSE-3's: %s", of_two ? two : "nothing",
        of_three ? three : "nothing");
    say(c, LABEL_COMPUTED, figures[FIGURE_WSE3_CORES].source,
        "%s cores x 48 KiB are %.1f GB, %s are %.1f GB", grouped(figure(FIGURE_WSE2_CORES)).text,
        figure(FIGURE_WSE2_CORES) * TILE_SRAM_BYTES / 1e9, grouped(figure(FIGURE_WSE3_CORES)).text,
        figure(FIGURE_WSE3_CORES) * TILE_SRAM_BYTES / 1e9);
}

static void judge_answer(const struct audit *a, struct claim *c)
{
    (void)a;
    double all = figure(FIGURE_CLAIM_ANSWER_TIME);
    double writing = figure(FIGURE_CLAIM_ANSWER) / figure(FIGURE_CLAIM_SPEED);
    c->verdict = writing < all / 2 ? VERDICT_TWO_THINGS : VERDICT_HOLDS;
    say(c, LABEL_INFERRED, c->source,
        "%.0f tokens at %.0f tokens/s are %.2f s; the other %.1f s are reading the prompt, "
        "queueing "
        "and thinking",
        figure(FIGURE_CLAIM_ANSWER), figure(FIGURE_CLAIM_SPEED), writing, all - writing);
    say(c, LABEL_INFERRED, c->source,
        "output speed and time to the answer are two figures; this audit is about the first");
}

/* ---- all ---- */

void audit_judge_claims(struct audit *a)
{
    static const struct {
        const char *id, *text;
        enum source_id source;
        void (*judge)(const struct audit *a, struct claim *c);
    } table[CLAIMS] = {
#define CLAIM(id, source, text) {#id, text, SOURCE_##source, judge_##id},
#include "report/claims.def"
    };
    for (size_t i = 0; i < CLAIMS; i++) {
        struct claim *c = &a->claim[i];
        *c = (struct claim){.id = table[i].id, .text = table[i].text, .source = table[i].source};
        table[i].judge(a, c);
    }
}
