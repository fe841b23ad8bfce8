/* SPDX-License-Identifier: Apache-2.0 */
/* test_shapes.c - models that exist only as shapes: the configurations in host/models, and weights
 * made by rule, which must be the same in every version, from everywhere, and keep a deep model
 * alive. */
#include "base/rng.h"
#include "harness.h"
#include "model/census.h"
#include "model/reference.h"
#include "model/router.h"
#include "model/weight_rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct checkpoint *open_shape(const char *name)
{
    char folder[64];
    struct model_config c;
    struct checkpoint *ck = NULL;
    struct err e = {0};
    (void)snprintf(folder, sizeof folder, "host/models/%s", name);
    CHECK_MSG(config_load(&c, folder, &e) == 0, "%s", e.text);
    CHECK_EQ(checkpoint_open_synthetic(&ck, &c, 1, &e), 0);
    return ck;
}

/* ---- the configurations ---- */

/* Sums made by a separate program from the published dimensions. */
TEST(shapes_have_the_published_sizes)
{
    static const struct {
        const char *name;
        uint64_t parameters, bytes, kv_bytes;
        enum quantization quant;
        double query_scale; /* before softmax */
    } want[] = {
        {"kimi-k2.6", 1026408232448, 594205351936, 70272, QUANT_INT4, 0.1446796258},
        {"kimi-k2-thinking", 1026408232448, 594205351936, 70272, QUANT_INT4, 0.1446796258},
        {"kimi-k2", 1026408232448, 1029173249888, 70272, QUANT_FP8, 0.1308607996},
        {"moonlight-16b-a3b", 15960110208, 31920223744, 31104, QUANT_NONE, 0.0721687836},
        {"deepseek-v3", 671026419200, 673150611808, 70272, QUANT_FP8, 0.1352337789},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct checkpoint *ck = open_shape(want[i].name);
        const struct model_config *c = checkpoint_config(ck);
        struct census all;
        census_model(ck, &all);
        CHECK_EQ(census_parameters(&all), want[i].parameters);
        CHECK_EQ(census_bytes(&all), want[i].bytes);
        CHECK_EQ(checkpoint_bytes(ck), want[i].bytes);
        CHECK_EQ(census_kv_bytes(c), want[i].kv_bytes);
        CHECK_EQ(c->quant, want[i].quant);
        CHECK(fabs(attention_scale(c) - want[i].query_scale) < 1e-9);
        checkpoint_close(ck);
    }
}

TEST(shapes_of_the_relatives_differ_where_they_should)
{
    struct checkpoint *ck = open_shape("deepseek-v3");
    const struct model_config *c = checkpoint_config(ck);
    CHECK(c->dense_layers == 3 && c->groups == 8 && c->groups_used == 4 && c->heads == 128);
    CHECK(c->rope_theta == 10000.0 && c->yarn_factor == 40.0 && c->norm_eps == 1e-6);
    checkpoint_close(ck);
    ck = open_shape("moonlight-16b-a3b");
    c = checkpoint_config(ck);
    struct weight w;
    CHECK(c->q_lora_rank == 0 && !c->yarn && c->routed_scale == 2.446);
    CHECK_EQ(checkpoint_weight(ck, ROLE_SHARED_UP, 1, 0, &w), 0);
    CHECK(w.rows == 2816 && w.cols == 2048);
    checkpoint_close(ck);
    double k26[32], thinking[32];
    ck = open_shape("kimi-k2.6");
    rope_frequencies(checkpoint_config(ck), k26);
    checkpoint_close(ck);
    ck = open_shape("kimi-k2-thinking");
    rope_frequencies(checkpoint_config(ck), thinking);
    checkpoint_close(ck);
    CHECK(fabs(k26[10] - 2.8427959083e-2) < 1e-11 && fabs(k26[19] - 1.5837499103e-4) < 1e-13);
    CHECK(fabs(thinking[19] - 1.6217599081e-3) < 1e-12);
}

TEST(shapes_census_of_k26)
{
    struct checkpoint *ck = open_shape("kimi-k2.6");
    struct census dense, moe, rest;
    census_layer(ck, 0, &dense);
    census_layer(ck, 60, &moe);
    census_layer(ck, 61, &rest);
    CHECK_EQ(moe.parameters[CENSUS_MLA], 101124096);
    CHECK_EQ(moe.bytes[CENSUS_MLA], 202248192);
    CHECK_EQ(moe.bytes[CENSUS_ROUTED], 9512681472);
    CHECK_EQ(moe.bytes[CENSUS_SHARED], 88080384);
    CHECK_EQ(moe.bytes[CENSUS_ROUTER], 5506560);
    CHECK_EQ(moe.bytes[CENSUS_DENSE], 0);
    CHECK_EQ(census_bytes(&moe), 9808545280);
    CHECK_EQ(census_bytes(&dense), 995000320);
    CHECK_EQ(rest.bytes[CENSUS_EMBEDDING], 2348810240);
    CHECK_EQ(rest.bytes[CENSUS_HEAD], 2348810240);
    CHECK_EQ(census_bytes_per_token(ck) / 10000000, 3298); /* 32.99 GB */
    checkpoint_close(ck);
}

/* ---- the rule ---- */

/* Made by a separate program from the text of weight_rule.h: recorded results stay valid only while
 * these numbers do. */
TEST(shapes_weights_never_change)
{
    static const uint8_t nibbles[32] = {9,  3, 13, 1,  8, 14, 10, 9,  10, 8, 11, 7, 9, 5, 9, 11,
                                        12, 2, 5,  13, 3, 13, 12, 11, 6,  4, 7,  3, 1, 4, 1, 6};
    static const uint16_t scales[6] = {0x3b1c, 0x3b3d, 0x3b2f, 0x3af2, 0x3b6b, 0x3ae7};
    static const uint16_t values[9] = {0xbbfc, 0xbc53, 0x3b89, 0x3a01, 0x3c66,
                                       0x3c0f, 0xbb2c, 0xbc58, 0xba23};
    static const uint32_t biases[3] = {0xbc6408f5, 0x3bd6d47b, 0xbc1c5333};
    struct checkpoint *ck = open_shape("kimi-k2.6");
    struct weight up, o, bias;
    uint8_t codes[16];
    uint16_t got[9];
    CHECK_EQ(checkpoint_weight(ck, ROLE_EXPERT_UP, 3, 7, &up), 0);
    CHECK_EQ(checkpoint_weight(ck, ROLE_O, 60, 0, &o), 0);
    CHECK(up.rule == 0x9c605abc968f3bf4 && up.kind == WEIGHT_INT4_G32 && o.kind == WEIGHT_BF16);
    weight_codes(&up, 5, 30, 32, codes);
    for (int i = 0; i < 32; i++)
        CHECK_EQ(codes[i / 2] >> 4 * (i % 2) & 15, nibbles[i]);
    for (uint32_t g = 0; g < 6; g++)
        CHECK_EQ(weight_int4_scale(&up, 5, g), scales[g]);
    weight_codes(&o, 7, 1021, 9, (uint8_t *)got);
    for (int i = 0; i < 9; i++)
        CHECK_EQ(got[i], values[i]);
    uint32_t words[3];
    CHECK_EQ(checkpoint_weight(ck, ROLE_ROUTER_BIAS, 9, 0, &bias), 0);
    weight_codes(&bias, 0, 381, 3, (uint8_t *)words);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(words[i], biases[i]);
    checkpoint_close(ck);
}

static const enum weight_kind kinds[] = {WEIGHT_BF16, WEIGHT_F32, WEIGHT_FP8_BLOCK,
                                         WEIGHT_INT4_G32};
enum { COLS = 1056 };

static struct weight some_weight(enum weight_kind kind)
{
    return (struct weight){.kind = kind,
                           .rows = 3000000,
                           .cols = COLS,
                           .block_rows = 128,
                           .block_cols = 128,
                           .rule = 12345,
                           .spread = 1.0f};
}

TEST(shapes_any_range_is_a_slice_of_its_row)
{
    struct rng r = {t->seed};
    for (size_t i = 0; i < 4; i++) {
        struct weight w = some_weight(kinds[i]);
        uint8_t codes[4 * COLS], part[4 * COLS];
        float values[COLS], some[COLS];
        uint32_t row = rng_below(&r, w.rows), step = kinds[i] == WEIGHT_INT4_G32 ? 2 : 1;
        weight_codes(&w, row, 0, COLS, codes);
        weight_row_f32(&w, row, 0, COLS, values);
        for (int tries = 0; tries < 300; tries++) {
            uint32_t first = rng_below(&r, COLS + 1);
            uint32_t n = rng_below(&r, tries % 2 ? 40 : COLS);
            n = n > COLS - first ? COLS - first : n;
            weight_row_f32(&w, row, first, n, some);
            CHECK(n == 0 || !memcmp(some, values + first, n * sizeof *some));
            first -= first % step;
            n -= n % step;
            weight_codes(&w, row, first, n, part);
            CHECK(!memcmp(part, codes + weight_code_bytes(w.kind, first),
                          weight_code_bytes(w.kind, n)));
        }
        weight_codes(&w, row ^ 1, 0, COLS, part);
        CHECK(memcmp(part, codes, weight_code_bytes(w.kind, COLS)) != 0);
    }
}

/* Code k of a row that begins in the low bits of `codes`. */
static uint32_t code_at(enum weight_kind kind, const uint8_t *codes, uint32_t k)
{
    uint32_t code = 0;
    if (kind == WEIGHT_INT4_G32)
        return codes[k / 2] >> 4 * (k % 2) & 15;
    memcpy(&code, codes + weight_code_bytes(kind, k), weight_code_bytes(kind, 1));
    return code;
}

static void check_block(const struct weight *w, struct rng *r)
{
    uint32_t most = rng_below(r, 2) ? 20 : 90;
    struct weight_block b = {.rows = rng_below(r, 4), .cols = rng_below(r, most)};
    b.row = rng_below(r, w->rows - b.rows);
    b.col = rng_below(r, w->cols - b.cols + 1);
    size_t row_bytes = (weight_code_bytes(w->kind, b.cols + 1) + 3) & ~(size_t)3;
    uint8_t *out = calloc(4 * row_bytes + 1, 1), whole[4 * COLS], scales[4 * 2 * 5];
    weight_block_codes(w, &b, row_bytes, out);
    if (w->kind == WEIGHT_INT4_G32)
        weight_block_scales(w, &b, scales);
    uint32_t group = b.col / 32, groups = b.cols ? (b.col + b.cols - 1) / 32 - group + 1 : 0;
    for (uint32_t i = 0; i < b.rows; i++) {
        weight_codes(w, b.row + i, 0, w->cols, whole);
        for (uint32_t k = 0; k < b.cols; k++)
            CHECK_EQ(code_at(w->kind, out + i * row_bytes, k), code_at(w->kind, whole, b.col + k));
        if (w->kind == WEIGHT_INT4_G32 && b.cols % 2)
            CHECK_EQ(out[i * row_bytes + b.cols / 2] >> 4, 0);
        for (uint32_t g = 0; g < groups && w->kind == WEIGHT_INT4_G32; g++)
            CHECK_EQ(scales[2 * (i * groups + g)] | scales[2 * (i * groups + g) + 1] << 8,
                     weight_int4_scale(w, b.row + i, group + g));
    }
    CHECK_EQ(out[4 * row_bytes], 0);
    free(out);
}

/* A tile's block is what the rows say, whether the weight is a rule or lies in memory. */
TEST(shapes_blocks_are_parts_of_rows)
{
    enum { ROWS = 9 };
    struct rng r = {t->seed};
    for (size_t i = 0; i < 4; i++) {
        struct weight w = some_weight(kinds[i]);
        for (int tries = 0; tries < 400; tries++)
            check_block(&w, &r);
        uint8_t *codes = malloc((size_t)4 * ROWS * COLS), scales[ROWS * (COLS / 32) * 2];
        struct weight_block all = {0, ROWS, 0, COLS};
        w.rows = ROWS;
        weight_block_codes(&w, &all, weight_code_bytes(w.kind, COLS), codes);
        if (w.kind == WEIGHT_INT4_G32)
            weight_block_scales(&w, &all, scales);
        w.data = codes;
        w.scales = scales;
        for (int tries = 0; tries < 200; tries++)
            check_block(&w, &r);
        free(codes);
    }
}

/* Whatever the kind: mean 0 and a standard deviation of spread / sqrt(3). */
TEST(shapes_kinds_have_the_same_spread)
{
    for (size_t i = 0; i < 4; i++) {
        struct weight w = some_weight(kinds[i]);
        double sum = 0.0, squares = 0.0;
        enum { ROWS = 512 };
        for (uint32_t row = 0; row < ROWS; row++) {
            float x[COLS];
            weight_row_f32(&w, 97 * row, 0, COLS, x);
            for (int k = 0; k < COLS; k++) {
                sum += (double)x[k];
                squares += (double)x[k] * (double)x[k];
            }
        }
        double n = (double)ROWS * COLS, deviation = sqrt(squares / n) * sqrt(3.0);
        CHECK_MSG(fabs(sum / n) < 0.004, "%s: mean %g", weight_kind_name(kinds[i]), sum / n);
        CHECK_MSG(fabs(deviation - 1.0) < 0.02, "%s: %g of the spread", weight_kind_name(kinds[i]),
                  deviation);
    }
}

/* What packed checkpoints of the family look like: -8 never, 0 most often. */
TEST(shapes_int4_codes_are_those_of_the_family)
{
    struct weight w = some_weight(WEIGHT_INT4_G32);
    uint32_t count[16] = {0};
    uint8_t codes[COLS / 2];
    for (uint32_t row = 0; row < 200; row++) {
        weight_codes(&w, row, 0, COLS, codes);
        for (int i = 0; i < COLS / 2; i++) {
            count[codes[i] & 15]++;
            count[codes[i] >> 4]++;
        }
    }
    CHECK_EQ(count[0], 0);
    for (int code = 1; code < 16; code++) {
        double share = count[code] / (200.0 * COLS) * 16;
        CHECK_MSG(fabs(share - (code == 8 ? 2 : 1)) < 0.06, "code %d: %g / 16", code - 8, share);
    }
}

TEST(shapes_fp8_codes_are_numbers)
{
    struct weight w = some_weight(WEIGHT_FP8_BLOCK);
    uint8_t codes[COLS];
    bool seen[256] = {false};
    for (uint32_t row = 0; row < 50; row++) {
        weight_codes(&w, row, 0, COLS, codes);
        for (int i = 0; i < COLS; i++)
            seen[codes[i]] = true;
    }
    for (int code = 0; code < 256; code++)
        CHECK_EQ(seen[code], (code & 0x7f) != 0x7f);
}

/* ---- sizes ---- */

static double draw(struct rng *r) /* variance 1 */
{
    return sqrt(3.0) * (2.0 * rng_unit(r) - 1.0);
}

/* The size of y = W x over the first rows of a true-size matrix, x of variance 1. */
static double product_size(const struct checkpoint *ck, enum weight_role role, uint32_t layer,
                           struct rng *r)
{
    enum { ROWS = 256 };
    struct weight w;
    CHECK_EQ(checkpoint_weight(ck, role, layer, 5, &w), 0);
    float *row = calloc(w.cols, sizeof *row), *x = calloc(w.cols, sizeof *x);
    double squares = 0.0;
    for (uint32_t k = 0; k < w.cols; k++)
        x[k] = (float)draw(r);
    for (uint32_t i = 0; i < ROWS; i++) {
        double sum = 0.0;
        weight_row_f32(&w, i, 0, w.cols, row);
        for (uint32_t k = 0; k < w.cols; k++)
            sum += (double)row[k] * (double)x[k];
        squares += sum * sum;
    }
    free(row);
    free(x);
    return sqrt(squares / ROWS);
}

TEST(shapes_true_size_products_keep_their_size)
{
    static const struct {
        enum weight_role role;
        uint32_t layer;
        double gain;
    } want[] = {
        {ROLE_Q_A, 1, 1.0},         {ROLE_Q_B, 1, 1.247},       {ROLE_KV_A, 2, 1.0},
        {ROLE_KV_B, 2, 1.0},        {ROLE_O, 60, 0.75},         {ROLE_DENSE_UP, 0, 1.0},
        {ROLE_DENSE_DOWN, 0, 0.5},  {ROLE_SHARED_DOWN, 7, 0.5}, {ROLE_EXPERT_GATE, 7, 1.0},
        {ROLE_EXPERT_DOWN, 7, 0.5}, {ROLE_ROUTER, 7, 1.0},      {ROLE_LM_HEAD, 0, 3.0},
    };
    struct checkpoint *k26 = open_shape("kimi-k2.6"), *k2 = open_shape("kimi-k2");
    struct rng r = {t->seed};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        double size = product_size(k26, want[i].role, want[i].layer, &r) / want[i].gain;
        CHECK_MSG(size > 0.8 && size < 1.2, "role %d: %g of the intended", (int)want[i].role, size);
    }
    double fp8 = product_size(k2, ROLE_EXPERT_DOWN, 7, &r) / 0.5;
    CHECK_MSG(fp8 > 0.8 && fp8 < 1.2, "FP8: %g of the intended", fp8);
    checkpoint_close(k26);
    checkpoint_close(k2);
}

/* Sixteen unrelated tokens at a true-size router: 8 of 384 drawn at random would touch 110. */
TEST(shapes_router_chooses_by_token)
{
    enum { TOKENS = 16, EXPERTS = 384, HIDDEN = 7168 };
    struct checkpoint *ck = open_shape("kimi-k2.6");
    struct rng r = {t->seed};
    struct weight router, bias;
    float *x = calloc(TOKENS * HIDDEN, sizeof *x), *row = calloc(HIDDEN, sizeof *row);
    float *score = calloc(TOKENS * EXPERTS, sizeof *score);
    float biases[EXPERTS], scratch[EXPERTS + 1], weights[8];
    uint32_t chosen[8], uses[EXPERTS] = {0}, touched = 0, most = 0;
    CHECK_EQ(checkpoint_weight(ck, ROLE_ROUTER, 30, 0, &router), 0);
    CHECK_EQ(checkpoint_weight(ck, ROLE_ROUTER_BIAS, 30, 0, &bias), 0);
    weight_row_f32(&bias, 0, 0, EXPERTS, biases);
    for (int i = 0; i < TOKENS * HIDDEN; i++)
        x[i] = (float)draw(&r);
    for (uint32_t expert = 0; expert < EXPERTS; expert++) {
        weight_row_f32(&router, expert, 0, HIDDEN, row);
        for (int token = 0; token < TOKENS; token++) {
            float z = 0.0f;
            for (int k = 0; k < HIDDEN; k++)
                z += row[k] * x[token * HIDDEN + k];
            score[token * EXPERTS + (int)expert] = 1.0f / (1.0f + expf(-z));
        }
    }
    for (int token = 0; token < TOKENS; token++) {
        router_choose(checkpoint_config(ck), score + (size_t)token * EXPERTS, biases, chosen,
                      weights, scratch);
        for (int k = 0; k < 8; k++) {
            CHECK(weights[k] > 0.25f && weights[k] < 0.45f);
            touched += uses[chosen[k]]++ == 0;
            most = uses[chosen[k]] > most ? uses[chosen[k]] : most;
        }
    }
    CHECK_MSG(touched >= 85 && most <= 6, "%u experts, one of them %u times", touched, most);
    free(x);
    free(row);
    free(score);
    checkpoint_close(ck);
}

/* ---- depth ---- */

enum { DEPTH = 61, DEEP_TOKENS = 8, DEEP_HIDDEN = 224 };

/* Kimi K2 with everything but its depth divided by 8 to 32. */
static struct model_config deep_config(void)
{
    struct err e = {0};
    struct model_config c;
    CHECK_EQ(config_load(&c, "host/models/kimi-k2.6", &e), 0);
    c.hidden = DEEP_HIDDEN;
    c.vocab = 512;
    c.heads = 8;
    c.q_lora_rank = 48;
    c.kv_lora_rank = 64;
    c.nope_dim = c.v_dim = 32;
    c.rope_dim = 16;
    c.dense_width = 576;
    c.experts = 24;
    c.expert_width = 64;
    c.experts_used = 4;
    c.eos_count = 0;
    return c;
}

struct deep {
    double size[DEPTH];
    float x[DEEP_HIDDEN]; /* after the last layer */
};

static double size_of(const float *x, uint32_t n)
{
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    return sqrt(squares / n);
}

static void note_layer(void *self, uint32_t layer, const float *x)
{
    struct deep *d = self;
    d->size[layer] = size_of(x, DEEP_HIDDEN);
    memcpy(d->x, x, sizeof d->x);
}

static void check_growth(const struct deep *d)
{
    CHECK_MSG(d->size[0] > 1.0 && d->size[0] < 2.5, "after layer 0: %g", d->size[0]);
    for (int layer = 1; layer < DEPTH; layer++) {
        double growth = d->size[layer] / d->size[layer - 1];
        CHECK_MSG(growth > 0.9 && growth < 1.6, "layer %d grows by %g", layer, growth);
    }
    double last = d->size[DEPTH - 1];
    CHECK_MSG(last > 3.5 && last < 9.0, "after the last layer: %g", last);
}

/* Through all 61 layers the stream neither explodes nor dies, and tokens stay themselves. */
TEST(shapes_deep_models_stay_alive)
{
    struct model_config c = deep_config();
    struct checkpoint *ck;
    struct reference *r;
    struct err e = {0};
    struct deep d[DEEP_TOKENS];
    float logits[512];
    uint32_t best[DEEP_TOKENS], alike = 0;
    CHECK_EQ(checkpoint_open_synthetic(&ck, &c, t->seed, &e), 0);
    CHECK_EQ(reference_open(&r, ck, DEEP_TOKENS, &e), 0);
    for (uint32_t i = 0; i < DEEP_TOKENS; i++) {
        reference_set_hook(r, note_layer, &d[i]);
        CHECK_EQ(reference_step(r, 37 * i, i, logits, &e), 0);
        check_growth(&d[i]);
        double width = size_of(logits, 512);
        CHECK_MSG(width > 2.0 && width < 4.5, "logits of size %g", width);
        best[i] = logits_argmax(logits, 512);
        for (uint32_t j = 0; j < i; j++) {
            double sum = 0.0;
            for (int k = 0; k < DEEP_HIDDEN; k++)
                sum += (double)d[i].x[k] * (double)d[j].x[k];
            sum /= DEEP_HIDDEN * d[i].size[DEPTH - 1] * d[j].size[DEPTH - 1];
            CHECK_MSG(sum < 0.85, "tokens %u and %u: cosine %g", j, i, sum);
            alike += best[i] == best[j];
        }
    }
    CHECK_MSG(alike <= 20, "%u pairs of tokens go on alike", alike);
    reference_close(r);
    checkpoint_close(ck);
}
