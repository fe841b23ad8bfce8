/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c - `tessera eval`: token ids through the wafer (or the reference), logits to a file,
 * comparison. */
#include "base/json.h"
#include "base/xalloc.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "model/reference.h"
#include "model/safetensors.h"
#include "model/tok_tokenizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int run_eval(int argc, char **argv, struct err *e);
const struct verb verb_eval = {
    .name = "eval",
    .summary = "feed token ids, write logits as safetensors, compare with golden ones",
    .example = "tessera eval --model DIR --tokens ids.json --greedy 8 --logits out.safetensors",
    .run = run_eval,
};

struct eval {
    struct place_options place;
    const char *tokens_path, *prompt, *logits_path, *compare_path;
    uint64_t greedy;
    double tolerance;
    bool reference, json;

    struct stage stage;
    struct reference *model; /* with --reference */
    uint32_t *ids;
    size_t count;
    float *logits; /* [steps][vocab] */
    uint32_t *greedy_ids;
    float largest;        /* difference, with --compare */
    size_t different_ids; /* greedy ids that differ */
    double seconds, nll;  /* wall; mean negative log likelihood of the tokens given */
    uint64_t cycles;
};

/* ---- tokens in ---- */

static int add_ids(struct eval *v, const char *path, const struct json *list, struct err *e)
{
    if (list->kind != JSON_ARRAY || list->count == 0)
        return err_input(e, "%s: not a JSON list of token ids", path);
    v->ids = xcalloc(list->count, sizeof *v->ids);
    for (const struct json *id = list->first; id; id = id->next) {
        if (id->kind != JSON_NUMBER || !id->is_integer || id->integer < 0 ||
            id->integer > UINT32_MAX)
            return err_input(e, "%s: byte %zu: not a token id", path, id->at);
        v->ids[v->count++] = (uint32_t)id->integer;
    }
    return 0;
}

static int ids_from_json(struct eval *v, const char *path, struct err *e)
{
    struct arena *a = arena_open();
    const struct json *list;
    int result = json_load(&list, a, path, e) ? -1 : add_ids(v, path, list, e);
    arena_close(a);
    return result;
}

static int ids_from_tensor(struct eval *v, const char *path, struct err *e)
{
    struct safetensors *file;
    if (safetensors_open(&file, path, e))
        return -1;
    const struct tensor *t = safetensors_find(file, "token_ids");
    int result = 0;
    if (!t || t->dtype != DTYPE_I32 || t->elements == 0) {
        result = err_input(e, "%s: no tensor token_ids of I32", path);
    } else {
        v->count = t->elements;
        v->ids = xcalloc(v->count, sizeof *v->ids);
        memcpy(v->ids, t->data, t->bytes);
    }
    safetensors_close(file);
    return result;
}

static int ids_from_prompt(struct eval *v, struct err *e)
{
    struct tokenizer *tok;
    struct tok_ids ids = {0};
    if (tokenizer_open(&tok, v->stage.model, checkpoint_config(v->stage.checkpoint)->vocab, e))
        return -1;
    tokenizer_encode(tok, v->prompt, strlen(v->prompt), TOKENIZER_SPECIALS, &ids);
    tokenizer_close(tok);
    v->ids = ids.data;
    v->count = ids.count;
    return v->count ? 0 : err_set(e, ERR_USAGE, "--prompt: no tokens in it");
}

static int read_tokens(struct eval *v, struct err *e)
{
    if (v->prompt)
        return ids_from_prompt(v, e);
    if (!v->tokens_path)
        v->tokens_path = v->compare_path;
    size_t n = v->tokens_path ? strlen(v->tokens_path) : 0;
    if (!n)
        return err_set(e, ERR_USAGE, "--tokens FILE or --prompt TEXT is needed");
    bool tensor = n > 12 && !strcmp(v->tokens_path + n - 12, ".safetensors");
    if (tensor ? ids_from_tensor(v, v->tokens_path, e) : ids_from_json(v, v->tokens_path, e))
        return -1;
    uint32_t vocab = checkpoint_config(v->stage.checkpoint)->vocab;
    for (size_t i = 0; i < v->count; i++) {
        if (v->ids[i] >= vocab)
            return err_input(e, "%s: token %zu is %u, the vocabulary has %u", v->tokens_path, i,
                             v->ids[i], vocab);
    }
    return 0;
}

/* ---- the forward pass, by either engine ---- */

/* Steps to make: the last greedy token is not fed back. */
static size_t step_count(const struct eval *v)
{
    return v->count + (v->greedy ? v->greedy - 1 : 0);
}

/* After step i: the next greedy token, once the given ones are used up. */
static void note_greedy(struct eval *v, size_t i, const float *logits)
{
    if (i + 1 >= v->count && i + 1 - v->count < v->greedy)
        v->greedy_ids[i + 1 - v->count] =
            logits_argmax(logits, checkpoint_config(v->stage.checkpoint)->vocab);
}

static int forward_reference(struct eval *v, struct err *e)
{
    uint32_t vocab = checkpoint_config(v->stage.checkpoint)->vocab;
    if (reference_open(&v->model, v->stage.checkpoint, (uint32_t)step_count(v), e))
        return -1;
    for (size_t i = 0; i < step_count(v); i++) {
        uint32_t id = i < v->count ? v->ids[i] : v->greedy_ids[i - v->count];
        float *logits = v->logits + i * vocab;
        if (reference_step(v->model, id, (uint32_t)i, logits, e))
            return -1;
        note_greedy(v, i, logits);
    }
    return 0;
}

/* All given tokens are pushed first: the strips work on several at once. */
static int forward_wafer(struct eval *v, struct err *e)
{
    uint32_t vocab = checkpoint_config(v->stage.checkpoint)->vocab;
    struct session *s = v->stage.session;
    for (size_t i = 0; i < v->count; i++) {
        if (session_push(s, 0, v->ids[i], e))
            return -1;
    }
    for (size_t i = 0; i < step_count(v); i++) {
        float *logits = v->logits + i * vocab;
        if (i >= v->count && session_push(s, 0, v->greedy_ids[i - v->count], e))
            return -1;
        if (session_output(s, logits, e))
            return -1;
        note_greedy(v, i, logits);
    }
    v->cycles = session_cycle(s) - session_load_cycles(s);
    return session_check(s, e);
}

static int forward(struct eval *v, struct err *e)
{
    uint32_t vocab = checkpoint_config(v->stage.checkpoint)->vocab;
    if (v->greedy > UINT32_MAX / 2 || v->count > UINT32_MAX / 2)
        return err_set(e, ERR_USAGE, "--greedy: too many tokens");
    v->logits = xcalloc(step_count(v) * vocab, sizeof *v->logits);
    v->greedy_ids = xcalloc(v->greedy + 1, sizeof *v->greedy_ids);
    double start = wall_seconds();
    if (v->reference ? forward_reference(v, e)
                     : stage_open_session(&v->stage, &v->place, (uint32_t)step_count(v), e) ||
                           forward_wafer(v, e))
        return -1;
    v->seconds = wall_seconds() - start;
    return 0;
}

/* ---- results ---- */

static int write_logits(const struct eval *v, struct err *e)
{
    uint32_t vocab = checkpoint_config(v->stage.checkpoint)->vocab;
    struct tensor_out list[3] = {
        {.name = "token_ids", .dtype = DTYPE_I32, .dims = 1, .shape = {v->count}, .data = v->ids},
        {.name = "logits",
         .dtype = DTYPE_F32,
         .dims = 2,
         .shape = {v->count, vocab},
         .data = v->logits},
        {.name = "greedy_ids",
         .dtype = DTYPE_I32,
         .dims = 1,
         .shape = {v->greedy},
         .data = v->greedy_ids},
    };
    return safetensors_write(v->logits_path, list, v->greedy ? 3 : 2, e);
}

static int compare_tensors(struct eval *v, const struct safetensors *golden, struct err *e)
{
    uint32_t vocab = checkpoint_config(v->stage.checkpoint)->vocab;
    const struct tensor *t = safetensors_find(golden, "logits");
    if (!t || t->dtype != DTYPE_F32 || t->dims != 2 || t->shape[0] != v->count ||
        t->shape[1] != vocab)
        return err_input(e, "%s: no tensor logits of F32 [%zu, %u]", v->compare_path, v->count,
                         vocab);
    for (size_t i = 0; i < v->count * vocab; i++) {
        float d = fabsf(load_f32(t->data + 4 * i) - v->logits[i]);
        if (!(d <= v->largest)) /* NaN is the largest difference of all */
            v->largest = d;
    }
    t = safetensors_find(golden, "greedy_ids");
    if (!v->greedy)
        return 0;
    if (!t || t->dtype != DTYPE_I32)
        return err_input(e, "%s: no tensor greedy_ids of I32", v->compare_path);
    if (t->elements < v->greedy)
        return err_input(e, "%s: greedy_ids holds %llu ids, --greedy asks for %llu",
                         v->compare_path, (unsigned long long)t->elements,
                         (unsigned long long)v->greedy);
    for (size_t i = 0; i < v->greedy; i++)
        v->different_ids += load_u32(t->data + 4 * i) != v->greedy_ids[i];
    return 0;
}

static int compare(struct eval *v, struct err *e)
{
    struct safetensors *golden;
    if (safetensors_open(&golden, v->compare_path, e))
        return -1;
    int result = compare_tensors(v, golden, e);
    safetensors_close(golden);
    return result;
}

/* Mean over the tokens after the first. */
static double mean_nll(const struct eval *v)
{
    uint32_t vocab = checkpoint_config(v->stage.checkpoint)->vocab;
    double sum = 0;
    for (size_t i = 0; i + 1 < v->count; i++) {
        const float *logits = v->logits + i * vocab;
        double top = (double)logits[logits_argmax(logits, vocab)], total = 0;
        for (uint32_t j = 0; j < vocab; j++)
            total += exp((double)logits[j] - top);
        sum += log(total) + top - (double)logits[v->ids[i + 1]];
    }
    return v->count > 1 ? sum / (double)(v->count - 1) : 0;
}

static void print_json(const struct eval *v)
{
    struct json_out o;
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    json_out_string(&o, "engine", v->reference ? "reference" : "wafer");
    json_out_uint(&o, "tokens", v->count);
    json_out_array(&o, "greedy_ids");
    for (size_t i = 0; i < v->greedy; i++)
        json_out_uint(&o, NULL, v->greedy_ids[i]);
    json_out_end(&o);
    json_out_double(&o, "mean_nll", v->nll);
    json_out_double(&o, "perplexity", exp(v->nll));
    json_out_double(&o, "wall_seconds", v->seconds);
    if (!v->reference)
        json_out_uint(&o, "cycles", v->cycles);
    if (v->compare_path) {
        json_out_double(&o, "largest_difference", (double)v->largest);
        json_out_uint(&o, "different_greedy_ids", v->different_ids);
    }
    json_out_end(&o);
}

static void print_text(const struct eval *v)
{
    (void)printf("%zu tokens by the %s in %.2f s: %.4f nats/token, perplexity %.3f\n", v->count,
                 v->reference ? "reference forward" : "emulated wafer", v->seconds, v->nll,
                 exp(v->nll));
    if (!v->reference)
        (void)printf("%llu cycles after loading (executed)\n", (unsigned long long)v->cycles);
    for (size_t i = 0; i < v->greedy; i++)
        (void)printf("%s%u%s", i ? " " : "greedy: ", v->greedy_ids[i],
                     i + 1 == v->greedy ? "\n" : "");
    if (v->compare_path)
        (void)printf("largest difference %.3g (tolerance %.3g), %zu greedy ids differ\n",
                     (double)v->largest, v->tolerance, v->different_ids);
}

static int eval(struct eval *v, struct err *e)
{
    if (stage_open_model(&v->stage, &v->place, e) || read_tokens(v, e) || forward(v, e))
        return -1;
    if (v->logits_path && write_logits(v, e))
        return -1;
    if (v->compare_path && compare(v, e))
        return -1;
    v->nll = mean_nll(v);
    if (v->json)
        print_json(v);
    else
        print_text(v);
    if (v->compare_path && (!((double)v->largest <= v->tolerance) || v->different_ids))
        return err_set(e, ERR_COMPARE,
                       "%s: the logits differ by %.3g (tolerance %.3g), %zu greedy ids differ",
                       v->compare_path, (double)v->largest, v->tolerance, v->different_ids);
    return 0;
}

static int run_eval(int argc, char **argv, struct err *e)
{
    struct eval v = {.tolerance = 2e-3};
    struct place_options *p = &v.place;
    const struct option table[] = {
        PLACE_OPTIONS(p),
        {"tokens", "FILE", "token ids: a JSON list, or a safetensors file with token_ids",
         OPTION_TEXT, &v.tokens_path, NULL},
        {"prompt", "TEXT", "take the tokens from a text instead", OPTION_TEXT, &v.prompt, NULL},
        {"greedy", "N", "go on with the N most likely tokens", OPTION_COUNT, &v.greedy, NULL},
        {"logits", "FILE", "write token_ids, logits [tokens, vocab] (and greedy_ids) here",
         OPTION_TEXT, &v.logits_path, NULL},
        {"compare", "FILE",
         "compare with the logits (and greedy_ids) of this file, whose token_ids are the default; "
         "exit 1 if off",
         OPTION_TEXT, &v.compare_path, NULL},
        {"tolerance", "X", "largest absolute difference allowed (default 2e-3)", OPTION_NUMBER,
         &v.tolerance, NULL},
        {"reference", NULL, "use the plain fp32 forward on the host instead of the wafer",
         OPTION_FLAG, &v.reference, NULL},
        {"json", NULL, "results as JSON", OPTION_FLAG, &v.json, NULL},
        RUN_OPTIONS(p),
        {0},
    };
    int result = options_parse(&verb_eval, table, argc, argv, e);
    if (result == 0)
        result = eval(&v, e);
    reference_close(v.model);
    stage_close(&v.stage);
    free(v.ids);
    free(v.logits);
    free(v.greedy_ids);
    return result < 0 ? -1 : 0;
}
