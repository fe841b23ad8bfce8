/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `tessera run`: text in, text out, and a closing table. */
#include "base/xalloc.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "model/tok_tokenizer.h"
#include "run/report.h"
#include "run/sampler.h"

#include <stdlib.h>
#include <string.h>

static int run_run(int argc, char **argv, struct err *e);
const struct verb verb_run = {
    .name = "run",
    .summary = "boot the wafer, load the model, generate text",
    .example =
        "tessera run --model host/models/kimi-nano --prompt \"Once upon a time\" --tokens 64",
    .run = run_run,
};

struct generation {
    struct place_options place;
    const char *prompt;
    uint64_t tokens, seed;
    double temperature, top_p;
    bool json, ignore_eos, plain;

    struct stage stage;
    struct tokenizer *tokenizer;
    struct sampler sampler;
    struct tok_ids ids; /* the prompt's */
    struct tok_decoder decoder;
    struct tok_text text; /* everything generated */
    float *logits;
    struct run_report report;
};

static bool is_end(const struct model_config *k, uint32_t id)
{
    for (uint32_t i = 0; i < k->eos_count; i++) {
        if (k->eos[i] == id)
            return true;
    }
    return false;
}

/* Text appears as it becomes certain; with --json it is only kept. */
static void show(struct generation *g, size_t from)
{
    if (g->json)
        return;
    (void)fwrite(g->text.data + from, 1, g->text.bytes - from, stdout);
    (void)fflush(stdout);
}

static int feed_prompt(struct generation *g, struct err *e)
{
    struct session *s = g->stage.session;
    uint64_t start = session_cycle(s);
    double wall = wall_seconds();
    for (size_t i = 0; i < g->ids.count; i++) {
        if (session_push(s, 0, g->ids.data[i], e))
            return -1;
    }
    for (size_t i = 0; i < g->ids.count; i++) {
        if (session_logits(s, g->logits, e))
            return -1;
    }
    g->report.prompt_tokens = g->ids.count;
    g->report.prompt_cycles = session_cycle(s) - start;
    g->report.prompt_seconds = wall_seconds() - wall;
    return 0;
}

static int generate(struct generation *g, struct err *e)
{
    const struct model_config *k = checkpoint_config(g->stage.checkpoint);
    struct session *s = g->stage.session;
    uint64_t start = session_cycle(s);
    double wall = wall_seconds();
    for (uint64_t i = 0; i < g->tokens; i++) {
        uint32_t id;
        if (sampler_next(&g->sampler, g->logits, k->vocab, &id, e))
            return -1;
        if (is_end(k, id) && !g->ignore_eos)
            break;
        size_t from = g->text.bytes;
        if (tokenizer_decode_one(g->tokenizer, id, &g->decoder, &g->text))
            return err_set(e, ERR_INTERNAL, "token %u cannot be decoded", id);
        show(g, from);
        if (session_push(s, 0, id, e) || session_logits(s, g->logits, e))
            return -1;
        g->report.tokens++;
    }
    size_t from = g->text.bytes;
    tok_decoder_end(&g->decoder, &g->text);
    show(g, from);
    g->report.decode_cycles = session_cycle(s) - start;
    g->report.decode_seconds = wall_seconds() - wall;
    return session_check(s, e);
}

static int prepare(struct generation *g, struct err *e)
{
    struct sampler_config sampling = {
        .temperature = g->temperature, .top_p = g->top_p, .seed = g->seed};
    if (sampler_open(&g->sampler, &sampling, e) || stage_open_model(&g->stage, &g->place, e))
        return -1;
    const struct model_config *k = checkpoint_config(g->stage.checkpoint);
    if (tokenizer_open(&g->tokenizer, g->stage.model, k->vocab, e))
        return -1;
    tokenizer_encode(g->tokenizer, g->prompt, strlen(g->prompt),
                     g->plain ? TOKENIZER_PLAIN : TOKENIZER_SPECIALS, &g->ids);
    if (g->ids.count == 0)
        return err_set(e, ERR_USAGE, "--prompt: no tokens in it");
    if (g->tokens > k->positions_max || g->ids.count + g->tokens > k->positions_max)
        return err_set(e, ERR_USAGE,
                       "%zu prompt tokens and --tokens %llu: the model has %u positions",
                       g->ids.count, (unsigned long long)g->tokens, k->positions_max);
    g->logits = xcalloc(k->vocab, sizeof *g->logits);
    double wall = wall_seconds();
    if (stage_open_session(&g->stage, &g->place, (uint32_t)(g->ids.count + g->tokens), e))
        return -1;
    g->report.load_seconds = wall_seconds() - wall;
    return 0;
}

static void finish(struct generation *g)
{
    if (!g->json) {
        (void)printf("\n");
        (void)fflush(stdout);
        (void)fprintf(stderr, "\n");
        report_print(&g->report, g->stage.session, stderr);
        return;
    }
    struct json_out o;
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    json_out_string(&o, "prompt", g->prompt);
    json_out_text(&o, "text", g->text.data ? g->text.data : "", g->text.bytes);
    report_json(&g->report, g->stage.session, &o);
    json_out_end(&o);
}

static int run(struct generation *g, struct err *e)
{
    if (prepare(g, e))
        return -1;
    const struct plan *p = session_plan(g->stage.session);
    (void)fprintf(
        stderr,
        "%u wafer%s of %u x %u tiles, %u strips, context %u; booted and loaded in %llu cycles\n",
        p->wafers, p->wafers == 1 ? "" : "s", p->width, p->height, p->strip_count, p->context,
        (unsigned long long)session_load_cycles(g->stage.session));
    if (!g->json) {
        (void)printf("%s", g->prompt);
        (void)fflush(stdout);
    }
    if (feed_prompt(g, e) || generate(g, e))
        return -1;
    finish(g);
    return 0;
}

static int run_run(int argc, char **argv, struct err *e)
{
    struct generation g = {
        .prompt = "Once upon a time", .tokens = 64, .temperature = 0.7, .top_p = 0.9, .seed = 1};
    struct place_options *p = &g.place;
    const struct option table[] = {
        PLACE_OPTIONS(p),
        {"prompt", "TEXT", "where the text begins", OPTION_TEXT, &g.prompt, NULL},
        {"tokens", "N", "how many to generate (default 64)", OPTION_COUNT, &g.tokens, NULL},
        {"temperature", "X", "0 takes the most likely token (default 0.7)", OPTION_NUMBER,
         &g.temperature, NULL},
        {"top-p", "X", "keep the most likely tokens with this probability (default 0.9)",
         OPTION_NUMBER, &g.top_p, NULL},
        {"seed", "N", "of the sampling (default 1)", OPTION_COUNT, &g.seed, NULL},
        {"ignore-eos", NULL, "do not stop at the end-of-text tokens", OPTION_FLAG, &g.ignore_eos,
         NULL},
        {"plain", NULL, "names of control tokens in the prompt are just text", OPTION_FLAG,
         &g.plain, NULL},
        {"json", NULL, "text and statistics as JSON", OPTION_FLAG, &g.json, NULL},
        RUN_OPTIONS(p),
        {0},
    };
    int result = options_parse(&verb_run, table, argc, argv, e);
    if (result == 0)
        result = run(&g, e);
    stage_close(&g.stage);
    tokenizer_close(g.tokenizer);
    sampler_close(&g.sampler);
    free(g.ids.data);
    free(g.text.data);
    free(g.logits);
    return result < 0 ? -1 : 0;
}
