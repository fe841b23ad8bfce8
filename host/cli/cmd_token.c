/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_token.c - `tessera token`: a token through all layers of a model at true size, one after the
 * other. */
#include "base/json.h"
#include "base/memory.h"
#include "cli/alone.h"
#include "cli/verbs.h"
#include "report/speed_out.h"
#include "report/version.h"
#include "report/write.h"
#include "run/token_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int run_token(int argc, char **argv, struct err *e);
const struct verb verb_token = {
    .name = "token",
    .summary = "run a token through all layers of a placed model, one after the other",
    .example = "tessera token --model kimi-k2.6 --machine wse3 --wafers 20 --context 1000 "
               "--token 1 --threads 2",
    .run = run_token,
};

struct token_options {
    struct alone_options alone;
    const char *layers, *state;
    uint64_t token;
    bool restart;
};

/* A token on its way. */
struct way {
    struct alone alone;
    struct token_cfg cfg;
    struct token_folder state;
    uint32_t run;   /* stages, by this program */
    double seconds; /* they took */
    struct speed speed;
    struct speed_users users;
    uint32_t next; /* the most likely token, when the head is finished */
};

/* ---- what is asked for ---- */

/* "A..B" or "A". */
static int parse_layers(const char *text, struct way *w, struct err *e)
{
    struct token_cfg *cfg = &w->cfg;
    const char *at = text ? alone_stage(&w->alone, text, &cfg->first) : NULL;
    uint32_t head = w->alone.plan->config->layers;
    cfg->last = head;
    if (!text)
        return 0;
    if (at && !*at)
        cfg->last = cfg->first;
    else if (at && !strncmp(at, "..", 2))
        at = alone_stage(&w->alone, at + 2, &cfg->last);
    if (!at || *at || cfg->first > cfg->last)
        return err_set(e, ERR_USAGE, "--layers: '%s' is not A..B, of 0 to %u and head", text,
                       head - 1);
    return 0;
}

/* A digest of all values of a machine. */
static uint64_t machine_digest(const struct machine *m)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    uint64_t digest = VERSION_SEED;
    if (f) {
        machine_print(m, f);
        (void)fclose(f);
        digest = version_add(digest, text, bytes);
    }
    free(text);
    return digest;
}

/* What the token's results depend on, besides the version. */
static void made_with(char *out, size_t bytes, const struct token_options *o, const struct way *w)
{
    const struct plan *p = w->alone.plan;
    (void)snprintf(out, bytes,
                   "--model %.200s --weights %.40s --machine %.60s (%016" PRIx64
                   ") --fabric %ux%u --wafers %u --context %u --cache %.8s --band %u --blocks %u "
                   "--tokens %u --token %u",
                   w->cfg.model, o->alone.place.weights ? o->alone.place.weights : "-",
                   p->machine->name, machine_digest(p->machine), p->width, p->height, p->wafers,
                   w->cfg.layer.context, o->alone.place.cache, p->band_rows, p->blocks, p->users,
                   w->cfg.token);
}

/* ---- on the way ---- */

static void show_time(double seconds)
{
    if (seconds >= 6000)
        (void)fprintf(stderr, "%.1f h", seconds / 3600);
    else if (seconds >= 100)
        (void)fprintf(stderr, "%.0f min", seconds / 60);
    else
        (void)fprintf(stderr, "%.0f s", seconds);
}

static void show_finished(void *self, const struct record *r, double seconds)
{
    struct way *w = self;
    w->run++;
    w->seconds += seconds;
    uint32_t left = w->cfg.last - r->executed_layer;
    (void)fprintf(stderr, "%s %u of %u: %s cycles, error %.1e; ", r->kind, r->executed_layer,
                  w->cfg.layer.plan->config->layers, grouped((double)r->cycles).text,
                  r->relative_error);
    show_time(seconds);
    if (left) {
        (void)fprintf(stderr, ", about ");
        show_time(w->seconds / w->run * left);
        (void)fprintf(stderr, " left");
    }
    (void)fprintf(stderr, "\n");
}

/* ---- what came out ---- */

static double worst_error(const struct records *r)
{
    double worst = 0;
    for (size_t i = 0; i < r->count; i++)
        worst = fmax(worst, r->record[i].relative_error);
    return worst;
}

static void print_text(const struct way *w)
{
    const struct plan *p = w->alone.plan;
    const struct records *r = &w->state.records;
    (void)printf("%s on machine %s, %u wafers; %u positions cached, token %u\n", w->cfg.model,
                 p->machine->name, p->wafers, w->cfg.layer.context, w->cfg.token);
    (void)printf("%zu of %u stages finished, worst relative error %.2e; kept in %s\n", r->count,
                 w->state.stages, worst_error(r), w->state.folder);
    (void)printf("%u run now in %.1f s; host memory at most %.2f GB\n\n", w->run, w->seconds,
                 (double)memory_peak() / 1e9);
    if (r->count < w->state.stages)
        return;
    (void)printf("most likely next token %u\n%.0f cycles (%s; crossings assumed), %.1f us at %.2f "
                 "GHz: %.1f tokens/s per user\n\n",
                 w->next, w->speed.cycles, label_name(w->speed.label),
                 1e6 * w->speed.cycles / p->machine->clock_hz, p->machine->clock_hz / 1e9,
                 w->speed.tokens_per_second);
    speed_text(&w->speed, stdout);
    (void)printf("\nmany users and prompts\n");
    speed_users_text(&w->users, stdout);
}

static void json_result(const struct way *w, struct json_out *o)
{
    bool all = w->state.records.count == w->state.stages;
    if (!all) {
        json_out_null(o, "next_token");
        json_out_null(o, "cycles_per_token");
        json_out_null(o, "tokens_per_second_per_user");
        json_out_null(o, "many_users");
        return;
    }
    json_out_uint(o, "next_token", w->next);
    json_out_double(o, "cycles_per_token", w->speed.cycles);
    json_out_double(o, "tokens_per_second_per_user", w->speed.tokens_per_second);
    json_out_string(o, "label", label_name(w->speed.label));
    speed_json(&w->speed, o);
    json_out_object(o, "many_users");
    speed_users_json(&w->users, o);
    json_out_end(o);
}

static void print_json(const struct way *w)
{
    struct json_out o;
    const struct records *r = &w->state.records;
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    json_out_string(&o, "model", w->cfg.model);
    json_out_string(&o, "machine", w->alone.plan->machine->name);
    json_out_uint(&o, "wafers", w->alone.plan->wafers);
    json_out_uint(&o, "context", w->cfg.layer.context);
    json_out_uint(&o, "users", w->alone.plan->users);
    json_out_uint(&o, "token", w->cfg.token);
    json_out_string(&o, "version", version_digest());
    json_out_uint(&o, "stages", w->state.stages);
    json_out_uint(&o, "stages_finished", r->count);
    json_out_double(&o, "worst_relative_error", worst_error(r));
    json_result(w, &o);
    json_out_array(&o, "records");
    for (size_t i = 0; i < r->count; i++)
        record_json(&r->record[i], NULL, &o);
    json_out_end(&o);
    json_out_double(&o, "wall_seconds", w->seconds);
    json_out_uint(&o, "memory_peak_bytes", memory_peak());
    json_out_end(&o);
}

/* ---- all of it ---- */

static void take_speed(struct way *w)
{
    const struct model_config *k = w->alone.plan->config;
    struct speed_shape shape = {w->cfg.model, k->layers, k->dense_layers, k->hidden};
    struct speed_query query = {w->alone.plan->machine->name, w->cfg.layer.context,
                                w->alone.plan->users, w->alone.plan->wafers};
    struct speed_options o = speed_options_of(w->alone.plan->machine, w->alone.plan->wafers);
    speed_of_token(&w->speed, &w->state.records, &shape, &query, &o);
    speed_of_users(&w->users, &w->state.records, &shape, &query, &o);
}

/* With the model placed. */
static int walk(const struct token_options *o, struct way *w, struct err *e)
{
    char folder[4096], name[200], with[1024];
    uint32_t head = w->alone.plan->config->layers;
    (void)snprintf(name, sizeof name, "token-%.100s-%u", w->cfg.model, w->cfg.layer.context);
    beside_program(folder, sizeof folder, name);
    made_with(with, sizeof with, o, w);
    if (parse_layers(o->layers, w, e) ||
        token_folder_open(&w->state, o->state ? o->state : folder, head + 1, with, o->restart, e) ||
        token_run(&w->cfg, &w->state, e))
        return -1;
    take_speed(w);
    if (w->state.records.count == w->state.stages && token_argmax(&w->cfg, &w->state, &w->next, e))
        return -1;
    if (o->alone.json)
        print_json(w);
    else
        print_text(w);
    return 0;
}

static int open_and_walk(const struct token_options *o, struct way *w, struct err *e)
{
    if (alone_open(&w->alone, &o->alone, e))
        return -1;
    if (o->token >= w->alone.plan->config->vocab)
        return err_set(e, ERR_USAGE, "--token: the vocabulary has %u",
                       w->alone.plan->config->vocab);
    w->cfg = (struct token_cfg){.layer = w->alone.cfg,
                                .model = model_label(w->alone.stage.model),
                                .token = (uint32_t)o->token,
                                .finished = show_finished,
                                .self = w};
    return walk(o, w, e);
}

static int run_token(int argc, char **argv, struct err *e)
{
    struct token_options o = {.alone = ALONE_DEFAULTS, .token = 1};
    struct way w = {.run = 0};
    const struct option table[] = {
        {"token", "ID", "the token that goes in (default 1)", OPTION_COUNT, &o.token, NULL},
        {"layers", "A..B", "only these, of 0 to head; A takes what the one before gave",
         OPTION_TEXT, &o.layers, NULL},
        {"state", "DIR",
         "where results are kept (default: token-MODEL-CONTEXT beside the program); another run "
         "goes on after the last finished layer, and audit --records DIR reads it",
         OPTION_TEXT, &o.state, NULL},
        {"restart", NULL, "begin anew", OPTION_FLAG, &o.restart, NULL},
        ALONE_OPTIONS(&o.alone),
        {0},
    };
    int result = options_parse(&verb_token, table, argc, argv, e);
    if (result == 0)
        result = open_and_walk(&o, &w, e);
    token_folder_close(&w.state);
    alone_close(&w.alone);
    return result < 0 ? -1 : 0;
}
