/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `tessera run`: text in, text out, and a closing table. */
#include "base/xalloc.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "model/tok_tokenizer.h"
#include "run/report.h"

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

enum { USERS_MAX = 4096 };

struct generation {
    struct place_options place;
    const char *prompt;
    uint64_t tokens, users;
    struct sampler_config sampling;
    bool json, ignore_eos, plain;

    struct stage stage;
    struct tokenizer *tokenizer;
    struct tok_ids ids; /* the prompt's */
    struct crowd crowd;
    struct run_report report;
};

/* One user's text appears as it becomes certain; several would mix, theirs is printed at the end.
 */
static void show(void *self, uint32_t user, const char *text, size_t bytes)
{
    (void)self;
    (void)user;
    (void)fwrite(text, 1, bytes, stdout);
    (void)fflush(stdout);
}

static int read_prompt(struct generation *g, struct err *e)
{
    const struct model_config *k = checkpoint_config(g->stage.checkpoint);
    if (g->users == 0 || g->users > USERS_MAX)
        return err_set(e, ERR_USAGE, "--users: 1 to %d", USERS_MAX);
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
    return 0;
}

static int open_crowd(struct generation *g, struct err *e)
{
    double wall = wall_seconds();
    g->place.users = (uint32_t)g->users;
    if (stage_open_session(&g->stage, &g->place, (uint32_t)(g->ids.count + g->tokens), e))
        return -1;
    g->report.load_seconds = wall_seconds() - wall;
    struct crowd_cfg cfg = {.session = g->stage.session,
                            .tokenizer = g->tokenizer,
                            .config = checkpoint_config(g->stage.checkpoint),
                            .prompt = g->ids.data,
                            .prompt_count = (uint32_t)g->ids.count,
                            .users = (uint32_t)g->users,
                            .tokens = g->tokens,
                            .ignore_eos = g->ignore_eos,
                            .sampling = g->sampling,
                            .show = g->json || g->users > 1 ? NULL : show};
    return crowd_open(&g->crowd, &cfg, e);
}

static void print_text(struct generation *g)
{
    for (uint32_t u = 0; g->users > 1 && u < g->users; u++) {
        const struct tok_text *text = &g->crowd.users[u].text;
        (void)printf("[user %u] %s", u, g->prompt);
        (void)fwrite(text->data, 1, text->bytes, stdout);
        (void)printf("\n");
    }
    if (g->users == 1)
        (void)printf("\n");
    (void)fflush(stdout);
    (void)fprintf(stderr, "\n");
    report_print(&g->report, &g->crowd, stderr);
}

static void print_json(struct generation *g)
{
    struct json_out o;
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    json_out_string(&o, "prompt", g->prompt);
    json_out_array(&o, "texts");
    for (uint32_t u = 0; u < g->users; u++)
        json_out_text(&o, NULL, g->crowd.users[u].text.bytes ? g->crowd.users[u].text.data : "",
                      g->crowd.users[u].text.bytes);
    json_out_end(&o);
    report_json(&g->report, &g->crowd, &o);
    json_out_end(&o);
}

static int run(struct generation *g, struct err *e)
{
    if (stage_open_model(&g->stage, &g->place, e) || read_prompt(g, e) || open_crowd(g, e))
        return -1;
    const struct plan *p = session_plan(g->stage.session);
    (void)fprintf(
        stderr,
        "%u wafer%s of %u x %u tiles, %u strips, context %u; booted and loaded in %llu cycles\n",
        p->wafers, p->wafers == 1 ? "" : "s", p->width, p->height, p->strip_count, p->context,
        (unsigned long long)session_load_cycles(g->stage.session));
    if (g->crowd.cfg.show) {
        (void)printf("%s", g->prompt);
        (void)fflush(stdout);
    }
    double wall = wall_seconds();
    if (crowd_run(&g->crowd, e))
        return -1;
    g->report.run_seconds = wall_seconds() - wall;
    if (g->json)
        print_json(g);
    else
        print_text(g);
    return 0;
}

static int run_run(int argc, char **argv, struct err *e)
{
    struct generation g = {.prompt = "Once upon a time",
                           .tokens = 64,
                           .users = 1,
                           .sampling = {.temperature = 0.7, .top_p = 0.9, .seed = 1}};
    struct place_options *p = &g.place;
    const struct option table[] = {
        PLACE_OPTIONS(p),
        {"prompt", "TEXT", "where the text begins", OPTION_TEXT, &g.prompt, NULL},
        {"tokens", "N", "how many to generate (default 64)", OPTION_COUNT, &g.tokens, NULL},
        {"users", "N", "users with this prompt side by side, each with its own seed (default 1)",
         OPTION_COUNT, &g.users, NULL},
        {"temperature", "X", "0 takes the most likely token (default 0.7)", OPTION_NUMBER,
         &g.sampling.temperature, NULL},
        {"top-p", "X", "keep the most likely tokens with this probability (default 0.9)",
         OPTION_NUMBER, &g.sampling.top_p, NULL},
        {"seed", "N", "of the sampling; user u takes N + u (default 1)", OPTION_COUNT,
         &g.sampling.seed, NULL},
        {"ignore-eos", NULL, "do not stop at the end-of-text tokens", OPTION_FLAG, &g.ignore_eos,
         NULL},
        {"plain", NULL, "names of control tokens in the prompt are just text", OPTION_FLAG,
         &g.plain, NULL},
        {"json", NULL, "texts and statistics as JSON", OPTION_FLAG, &g.json, NULL},
        RUN_OPTIONS(p),
        {0},
    };
    int result = options_parse(&verb_run, table, argc, argv, e);
    if (result == 0)
        result = run(&g, e);
    crowd_close(&g.crowd);
    stage_close(&g.stage);
    tokenizer_close(g.tokenizer);
    free(g.ids.data);
    return result < 0 ? -1 : 0;
}
