/* SPDX-License-Identifier: Apache-2.0 */
/* bench_model.c - bench items of the small model: tokens a second by wall time, one after the other
 * (each needs the one before, as when it generates) on the smallest fabric that holds it. */
#include "run/bench.h"

#include "base/clock.h"
#include "base/xalloc.h"
#include "run/session.h"

#include <stdlib.h>

enum { TOKENS_FAST = 6, TOKENS_PLAIN = 2, CONTEXT = 64 };

struct decoding {
    double seconds;
    uint64_t cycles, instructions;
    float last; /* logit 0 of the last token */
};

static int decode(struct session *s, uint32_t vocab, unsigned tokens, struct decoding *d,
                  struct err *e)
{
    float *logits = xcalloc(vocab, sizeof *logits);
    struct wafer_stats before, after;
    int result = 0;
    wafer_stats(session_wafer(s, 0), &before);
    d->seconds = wall_seconds();
    for (unsigned i = 0; i < tokens && !result; i++)
        result = session_push(s, 0, i + 1, e) || session_output(s, logits, e) ? -1 : 0;
    d->seconds = wall_seconds() - d->seconds;
    wafer_stats(session_wafer(s, 0), &after);
    d->cycles = after.cycles - before.cycles;
    d->instructions = after.instructions - before.instructions;
    d->last = logits[0];
    free(logits);
    return result;
}

static int run_decode(const struct bench_env *env, enum wafer_engine engine, unsigned threads,
                      unsigned tokens, struct decoding *d, struct err *e)
{
    struct checkpoint *c;
    if (checkpoint_open(&c, env->model, e))
        return -1;
    struct session_cfg cfg = {
        .place = {.checkpoint = c, .machine = env->machine, .context = CONTEXT},
        .images = env->images,
        .load_direct = true,
        .engine = engine,
        .threads = threads};
    struct session *s = NULL;
    int result = session_open(&s, &cfg, e);
    if (!result)
        result = decode(s, checkpoint_config(c)->vocab, tokens, d, e);
    session_close(s);
    checkpoint_close(c);
    return result;
}

static int run_tokens(const struct bench_item *i, const struct bench_env *env, double *value,
                      struct err *e)
{
    unsigned tokens = i->a == WAFER_FAST ? TOKENS_FAST : TOKENS_PLAIN;
    struct decoding d;
    if (run_decode(env, (enum wafer_engine)i->a, i->b, tokens, &d, e))
        return -1;
    *value = tokens / d.seconds;
    return 0;
}

/* Both in one run on the same tokens; their results must be the same. */
static int run_ratio(const struct bench_item *i, const struct bench_env *env, double *value,
                     struct err *e)
{
    struct decoding fast, plain;
    (void)i;
    if (run_decode(env, WAFER_FAST, 1, TOKENS_PLAIN, &fast, e) ||
        run_decode(env, WAFER_PLAIN, 1, TOKENS_PLAIN, &plain, e))
        return -1;
    if (fast.cycles != plain.cycles || fast.last != plain.last)
        return err_set(e, ERR_COMPARE, "bench: the engines differ: %llu and %llu cycles",
                       (unsigned long long)fast.cycles, (unsigned long long)plain.cycles);
    *value = plain.seconds / fast.seconds;
    return 0;
}

/* Firmware as it comes: what the tiles' cores executed, by the time of the whole emulator. */
static int run_mips(const struct bench_item *i, const struct bench_env *env, double *value,
                    struct err *e)
{
    struct decoding d;
    if (run_decode(env, WAFER_FAST, i->b, TOKENS_FAST, &d, e))
        return -1;
    *value = (double)d.instructions / d.seconds / 1e6;
    return 0;
}

void bench_items_model(struct bench_list *l)
{
    struct bench_item i = {.unit = "tokens/s",
                           .text = "kimi-nano, generated, by wall time",
                           .run = run_tokens,
                           .a = WAFER_FAST,
                           .b = 1};
    bench_add(l, i, "model/tokens");
    i.b = 2;
    bench_add(l, i, "model/tokens/2-threads");
    i.a = WAFER_PLAIN;
    i.b = 1;
    bench_add(l, i, "model/tokens/plain");
    i.unit = "times";
    i.text = "fast over plain engine, the same tokens and cycles";
    i.run = run_ratio;
    bench_add(l, i, "model/speed-up");
    i.unit = "MIPS";
    i.text = "tile instructions, in the time of the whole emulator";
    i.run = run_mips;
    bench_add(l, i, "model/instructions");
}
