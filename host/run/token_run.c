/* SPDX-License-Identifier: Apache-2.0 */
/* token_run.c - stage after stage. */
#include "run/token_run.h"

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/reference.h"
#include "report/facts.h"
#include "run/layer_record.h"

#include <stdlib.h>

/* What stage `stage` takes, for every user. */
static int take(const struct token_cfg *cfg, const struct token_folder *s, uint32_t stage, float *x,
                struct err *e)
{
    const struct plan *p = cfg->layer.plan;
    uint32_t hidden = p->config->hidden;
    struct weight embed;
    if (stage > 0)
        return token_folder_output(s, stage - 1, x, (size_t)p->users * hidden, e);
    checkpoint_weight(p->checkpoint, ROLE_EMBED, 0, 0, &embed);
    for (uint32_t u = 0; u < p->users; u++)
        weight_row_f32(&embed, cfg->token, 0, hidden, x + (size_t)u * hidden);
    return 0;
}

static int run_stage(const struct token_cfg *cfg, struct token_folder *s, float *x, float *y,
                     struct err *e)
{
    struct layer_cfg layer = cfg->layer;
    struct layer_result result = {.cycles = 0};
    struct record record;
    double start = wall_seconds();
    layer.stage = (uint32_t)s->records.count;
    layer.input = x;
    layer.output = y;
    if (take(cfg, s, layer.stage, x, e) || layer_run(&layer, &result, e)) {
        layer_result_free(&result);
        return -1;
    }
    layer_record(&layer, cfg->model, &result, &record);
    layer_result_free(&result);
    if (!(result.error <= figure(FIGURE_OUTPUT_ERROR)))
        return err_set(e, ERR_COMPARE, "layer %u: relative error %.2e is above %.0e", layer.stage,
                       result.error, figure(FIGURE_OUTPUT_ERROR));
    size_t count = (size_t)layer.plan->users * layer_output_count(layer.plan, layer.stage);
    if (token_folder_add(s, &record, y, count, e))
        return -1;
    if (cfg->finished)
        cfg->finished(cfg->self, &record, wall_seconds() - start);
    return 0;
}

static size_t widest(const struct plan *p)
{
    const struct model_config *k = p->config;
    return (size_t)p->users * (k->hidden > k->vocab ? k->hidden : k->vocab);
}

int token_run(const struct token_cfg *cfg, struct token_folder *s, struct err *e)
{
    const struct plan *p = cfg->layer.plan;
    int result = 0;
    if (cfg->first > s->records.count)
        return err_set(e, ERR_USAGE, "layer %u takes what layer %u gives, which has not been run",
                       cfg->first, cfg->first - 1);
    float *x = xcalloc(widest(p), sizeof *x), *y = xcalloc(widest(p), sizeof *y);
    while (!result && s->records.count <= cfg->last)
        result = run_stage(cfg, s, x, y, e);
    free(x);
    free(y);
    return result;
}

int token_argmax(const struct token_cfg *cfg, const struct token_folder *s, uint32_t *out,
                 struct err *e)
{
    const struct plan *p = cfg->layer.plan;
    uint32_t head = p->config->layers;
    size_t count = (size_t)p->users * layer_output_count(p, head);
    float *logits = xcalloc(count, sizeof *logits);
    int result = token_folder_output(s, head, logits, count, e);
    if (!result)
        *out = logits_argmax(logits, p->config->vocab);
    free(logits);
    return result;
}
