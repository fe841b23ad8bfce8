/* SPDX-License-Identifier: Apache-2.0 */
/* test_reference.c - the reference forward pass: against the golden files of the default model, and
 * against a float64 oracle of another structure on models of every kind. */
#include "base/xalloc.h"
#include "harness.h"
#include "model/reference.h"
#include "model/safetensors.h"
#include "tests/fixture/model.h"
#include "tests/fixture/oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Golden values were computed in float64 by an independent program; we keep activations in fp32. */
static const double logit_tolerance = 2e-3, layer_tolerance = 1e-3;

struct golden {
    struct safetensors *file;
    const struct tensor *ids, *logits, *greedy;
    uint32_t layer_mask; /* layers the hook saw in this step */
    uint32_t position;
    double worst_layer;
};

static void compare_layer(void *self, uint32_t layer, const float *x)
{
    struct golden *g = self;
    char name[32];
    (void)snprintf(name, sizeof name, "layer_%02u_out", layer);
    const struct tensor *want = safetensors_find(g->file, name);
    g->layer_mask |= 1u << layer;
    if (!want)
        return;
    uint64_t hidden = want->shape[1];
    for (uint64_t i = 0; i < hidden; i++) {
        double v = (double)load_f32(want->data + 4 * (g->position * hidden + i));
        g->worst_layer = fmax(g->worst_layer, fabs((double)x[i] - v));
    }
}

static double worst_logit(const struct golden *g, uint32_t position, const float *logits)
{
    uint64_t vocab = g->logits->shape[1];
    double worst = 0.0;
    for (uint64_t i = 0; i < vocab; i++) {
        double v = (double)load_f32(g->logits->data + 4 * (position * vocab + i));
        worst = fmax(worst, fabs((double)logits[i] - v));
    }
    return worst;
}

static void check_golden(const char *path, uint32_t prompt_max, uint32_t greedy_max)
{
    struct golden g = {0};
    struct err e = {0};
    struct checkpoint *ck;
    struct reference *r;
    CHECK_MSG(safetensors_open(&g.file, path, &e) == 0, "%s", e.text);
    CHECK_MSG(checkpoint_open(&ck, "host/models/kimi-nano", &e) == 0, "%s", e.text);
    g.ids = safetensors_find(g.file, "token_ids");
    g.logits = safetensors_find(g.file, "logits");
    g.greedy = safetensors_find(g.file, "greedy_ids");
    uint32_t prompt = (uint32_t)g.ids->elements, vocab = checkpoint_config(ck)->vocab;
    uint32_t fed = prompt < prompt_max ? prompt : prompt_max;
    float *logits = xcalloc(vocab, sizeof *logits);
    CHECK_EQ(reference_open(&r, ck, prompt + greedy_max, &e), 0);
    reference_set_hook(r, compare_layer, &g);
    double worst = 0.0;
    for (g.position = 0; g.position < fed; g.position++) {
        g.layer_mask = 0;
        CHECK_EQ(reference_step(r, load_u32(g.ids->data + (size_t)4 * g.position), g.position,
                                logits, &e),
                 0);
        CHECK_EQ(g.layer_mask, 63);
        worst = fmax(worst, worst_logit(&g, g.position, logits));
    }
    CHECK_MSG(worst <= logit_tolerance, "logits differ by %g", worst);
    CHECK_MSG(g.worst_layer <= layer_tolerance, "layers differ by %g", g.worst_layer);
    (void)printf("# %s: logits within %.2g, layers within %.2g\n", path, worst, g.worst_layer);
    reference_set_hook(r, NULL, NULL);
    for (uint32_t i = 0; fed == prompt && i < greedy_max; i++) {
        uint32_t id = logits_argmax(logits, vocab);
        CHECK_EQ(id, load_u32(g.greedy->data + 4 * (size_t)i));
        CHECK_EQ(reference_step(r, id, prompt + i, logits, &e), 0);
    }
    free(logits);
    reference_close(r);
    checkpoint_close(ck);
    safetensors_close(g.file);
}

TEST(reference_matches_golden_1)
{
    check_golden("tests/golden/kimi-nano/golden-1.safetensors", 1000, 48);
}

TEST(reference_matches_golden_2)
{
    check_golden("tests/golden/kimi-nano/golden-2.safetensors", 1000, 8);
}

TEST(reference_matches_start_of_golden_3)
{
    check_golden("tests/golden/kimi-nano/golden-3.safetensors", 48, 0);
}

/* ---- random models ---- */

enum { SEQUENCE = 12 };

/* Write the model, run both, and return the largest difference, relative to the largest logit. */
static double difference(const struct fixture_model *m, uint64_t seed)
{
    char folder[FIXTURE_FOLDER_BYTES];
    uint32_t tokens[SEQUENCE];
    struct rng random = {seed};
    struct err e = {0};
    struct checkpoint *ck;
    struct reference *r;
    fixture_folder(folder);
    CHECK_MSG(fixture_write(folder, m, &e) == 0, "%s", e.text);
    for (uint32_t i = 0; i < SEQUENCE; i++)
        tokens[i] = rng_below(&random, m->vocab);
    double *want = oracle_logits(folder, m, tokens, SEQUENCE), worst = 0.0, largest = 0.0;
    CHECK_MSG(checkpoint_open(&ck, folder, &e) == 0, "%s", e.text);
    CHECK_EQ(reference_open(&r, ck, SEQUENCE, &e), 0);
    float *logits = xcalloc(m->vocab, sizeof *logits);
    for (uint32_t i = 0; i < SEQUENCE; i++) {
        CHECK_EQ(reference_step(r, tokens[i], i, logits, &e), 0);
        for (uint32_t k = 0; k < m->vocab; k++) {
            worst = fmax(worst, fabs((double)logits[k] - want[(size_t)i * m->vocab + k]));
            largest = fmax(largest, fabs(want[(size_t)i * m->vocab + k]));
        }
    }
    free(logits);
    free(want);
    reference_close(r);
    checkpoint_close(ck);
    fixture_remove(folder);
    CHECK(largest > 0.01 && isfinite(largest));
    return worst / largest;
}

TEST(reference_matches_oracle_on_each_kind)
{
    static const struct {
        const char *name, *settings[6];
    } kinds[] = {
        {"default", {0}},
        {"no LoRA on q, as Moonlight", {"q_lora=0", "yarn=0", "shared=2"}},
        {"INT4 experts, K2.5 names, shards", {"quant=4", "k25=1", "shards=4"}},
        {"FP8 blocks that do not divide", {"quant=8", "block_rows=20", "block_cols=28"}},
        {"three dense layers", {"layers=4", "dense_layers=3"}},
        {"all dense, tied", {"experts=0", "tied=1"}},
        {"all experts, none shared", {"dense_layers=0", "shared=0"}},
        {"expert groups as V3", {"experts=12", "groups=4", "groups_used=2", "top_k=4"}},
        {"F32, no normalisation", {"f32=1", "norm_topk=0", "routed_scale=1.3"}},
        {"mscale differs", {"mscale=0.7", "mscale_all=0.3", "beta_fast=1"}},
        {"odd sizes", {"hidden=37", "heads=3", "q_lora=7", "kv_lora=9", "expert_width=11", "v=5"}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct fixture_model m = fixture_default();
        struct err e = {0};
        for (size_t s = 0; s < 6 && kinds[i].settings[s]; s++) {
            char key[32];
            const char *value = strchr(kinds[i].settings[s], '=') + 1;
            (void)snprintf(key, sizeof key, "%.*s", (int)(value - 1 - kinds[i].settings[s]),
                           kinds[i].settings[s]);
            CHECK_MSG(fixture_set(&m, key, value, &e) == 0, "%s", e.text);
        }
        double d = difference(&m, t->seed);
        CHECK_MSG(d < 1e-5, "%s: logits differ by %g of the largest", kinds[i].name, d);
    }
}

TEST(reference_matches_oracle_on_random_models)
{
    struct rng r = {t->seed};
    double worst = 0.0;
    for (int i = 0; i < 12; i++) {
        struct fixture_model m = fixture_random(&r);
        double d = difference(&m, rng_next(&r));
        CHECK_MSG(d < 1e-4, "model %d: logits differ by %g of the largest", i, d);
        worst = fmax(worst, d);
    }
    (void)printf("# worst of 12 random models: %.2g of the largest logit\n", worst);
}

TEST(reference_can_go_back)
{
    struct err e = {0};
    struct checkpoint *ck;
    struct reference *r;
    static const uint32_t story[] = {5, 77, 300, 12};
    CHECK_EQ(checkpoint_open(&ck, "host/models/kimi-nano", &e), 0);
    CHECK_EQ(reference_open(&r, ck, 4, &e), 0);
    uint32_t vocab = checkpoint_config(ck)->vocab;
    float *once = xcalloc(vocab, sizeof *once), *again = xcalloc(vocab, sizeof *again);
    for (uint32_t i = 0; i < 4; i++)
        CHECK_EQ(reference_step(r, story[i], i, i == 2 ? once : NULL, &e), 0);
    CHECK_EQ(reference_step(r, 1000, 1, NULL, &e), 0); /* another second token */
    CHECK_EQ(reference_step(r, story[2], 3, NULL, &e), -1);
    CHECK_EQ(e.kind, ERR_USAGE);
    CHECK_STR(e.text, "position 3: the next one is 2");
    CHECK_EQ(reference_step(r, story[2], 2, again, &e), 0);
    CHECK(memcmp(once, again, vocab * sizeof *once) != 0);
    CHECK_EQ(reference_step(r, story[1], 1, NULL, &e), 0);
    CHECK_EQ(reference_step(r, story[2], 2, again, &e), 0);
    CHECK(!memcmp(once, again, vocab * sizeof *once));
    e = (struct err){0};
    CHECK_EQ(reference_step(r, vocab, 0, NULL, &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    e = (struct err){0};
    CHECK_EQ(reference_step(r, 1, 4, NULL, &e), -1);
    CHECK_EQ(e.kind, ERR_LIMIT);
    free(once);
    free(again);
    reference_close(r);
    e = (struct err){0};
    CHECK_EQ(reference_open(&r, ck, 1025, &e), -1);
    CHECK_EQ(e.kind, ERR_USAGE);
    checkpoint_close(ck);
}
