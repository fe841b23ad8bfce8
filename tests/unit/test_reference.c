/* SPDX-License-Identifier: Apache-2.0 */
/* test_reference.c - the reference forward pass against the golden files of the default model. */
#include "base/xalloc.h"
#include "harness.h"
#include "model/reference.h"
#include "model/safetensors.h"

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
        CHECK_EQ(reference_step(r, load_u32(g.ids->data + 4 * g.position), g.position, logits, &e),
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
