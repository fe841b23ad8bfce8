/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - config.json: the published models, every refusal, and the RoPE numbers. */
#include "base/json.h"
#include "harness.h"
#include "model/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define YARN_64                                                                                    \
    "{\"type\":\"yarn\",\"factor\":64.0,\"beta_fast\":32.0,\"beta_slow\":1.0,\"mscale\":1.0,"      \
    "\"mscale_all_dim\":1.0,\"original_max_position_embeddings\":4096}"
#define INT4(bits, group)                                                                          \
    "{\"quant_method\":\"compressed-tensors\",\"format\":\"pack-quantized\",\"config_groups\":{"   \
    "\"group_0\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":" bits                        \
    ",\"group_size\":" group                                                                       \
    ",\"type\":\"int\",\"strategy\":\"group\",\"symmetric\":true,\"actorder\":null}}}}"
#define FP8                                                                                        \
    "{\"quant_method\":\"fp8\",\"fmt\":\"e4m3\",\"activation_scheme\":\"dynamic\","                \
    "\"weight_block_size\":[128,128]}"

/* Kimi K2.6's text_config, as far as the loader looks. */
static const char *const k26[][2] = {
    {"model_type", "\"kimi_k2\""},
    {"hidden_size", "7168"},
    {"num_hidden_layers", "61"},
    {"num_attention_heads", "64"},
    {"q_lora_rank", "1536"},
    {"kv_lora_rank", "512"},
    {"qk_nope_head_dim", "128"},
    {"qk_rope_head_dim", "64"},
    {"v_head_dim", "128"},
    {"n_routed_experts", "384"},
    {"num_experts_per_tok", "8"},
    {"n_shared_experts", "1"},
    {"first_k_dense_replace", "1"},
    {"moe_layer_freq", "1"},
    {"moe_intermediate_size", "2048"},
    {"intermediate_size", "18432"},
    {"vocab_size", "163840"},
    {"max_position_embeddings", "262144"},
    {"rope_theta", "50000.0"},
    {"rope_scaling", YARN_64},
    {"routed_scaling_factor", "2.827"},
    {"scoring_func", "\"sigmoid\""},
    {"topk_method", "\"noaux_tc\""},
    {"n_group", "1"},
    {"topk_group", "1"},
    {"norm_topk_prob", "true"},
    {"rms_norm_eps", "1e-05"},
    {"hidden_act", "\"silu\""},
    {"attention_bias", "false"},
    {"tie_word_embeddings", "false"},
    {"eos_token_id", "163585"},
    {"quantization_config", INT4("4", "32")},
};

struct change {
    const char *key, *value; /* value NULL: leave the key out */
};

enum { CHANGES_MAX = 8 };

static char *config_text(const struct change *changes)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    const char *comma = "{";
    for (size_t i = 0; i < sizeof k26 / sizeof k26[0]; i++) {
        const char *value = k26[i][1];
        for (size_t j = 0; changes && j < CHANGES_MAX && changes[j].key; j++)
            if (!strcmp(changes[j].key, k26[i][0]))
                value = changes[j].value;
        if (value)
            (void)fprintf(f, "%s\"%s\":%s", comma, k26[i][0], value);
        comma = value ? ",\n" : comma;
    }
    (void)fprintf(f, "}\n");
    (void)fclose(f);
    return text;
}

static int read_changed(struct model_config *c, const struct change *changes, struct err *e)
{
    char *text = config_text(changes);
    int result = config_parse(c, "config.json", text, strlen(text), e);
    free(text);
    return result;
}

TEST(config_reads_k26)
{
    struct model_config c;
    struct err e = {0};
    CHECK_MSG(read_changed(&c, NULL, &e) == 0, "%s", e.text);
    CHECK_EQ(c.hidden, 7168);
    CHECK_EQ(c.layers, 61);
    CHECK_EQ(c.heads, 64);
    CHECK_EQ(c.q_lora_rank, 1536);
    CHECK_EQ(c.kv_lora_rank, 512);
    CHECK_EQ(c.nope_dim, 128);
    CHECK_EQ(c.rope_dim, 64);
    CHECK_EQ(c.v_dim, 128);
    CHECK_EQ(c.experts, 384);
    CHECK_EQ(c.experts_used, 8);
    CHECK_EQ(c.shared_experts, 1);
    CHECK_EQ(c.dense_layers, 1);
    CHECK_EQ(c.expert_width, 2048);
    CHECK_EQ(c.dense_width, 18432);
    CHECK_EQ(c.vocab, 163840);
    CHECK_EQ(c.positions_max, 262144);
    CHECK(c.rope_theta == 50000.0 && c.yarn && c.yarn_factor == 64.0);
    CHECK(c.routed_scale == 2.827 && c.norm_topk && c.norm_eps == 1e-5 && !c.tied);
    CHECK_EQ(c.groups, 1);
    CHECK_EQ(c.quant, QUANT_INT4);
    CHECK_EQ(c.eos_count, 1);
    CHECK_EQ(c.eos[0], 163585);
}

/* The published checkpoint: 1,026,408,232,448 parameters in 594.2 GB, without vision. */
TEST(config_k26_has_the_published_size)
{
    struct model_config c;
    struct checkpoint *ck;
    struct err e = {0};
    uint64_t parameters = 0;
    CHECK_EQ(read_changed(&c, NULL, &e), 0);
    CHECK_EQ(checkpoint_open_synthetic(&ck, &c, 1, &e), 0);
    for (enum weight_role role = 0; role < ROLE_COUNT; role++) {
        uint32_t layers = role <= ROLE_LM_HEAD ? 1 : c.layers;
        uint32_t experts = role < ROLE_EXPERT_GATE ? 1 : c.experts;
        for (uint32_t i = 0; i < layers * experts; i++) {
            struct weight w;
            if (checkpoint_weight(ck, role, i / experts, i % experts, &w) == 0)
                parameters += (uint64_t)w.rows * w.cols;
        }
    }
    CHECK_EQ(parameters, 1026408232448);
    CHECK_EQ(checkpoint_bytes(ck), 594205351936);
    checkpoint_close(ck);
}

TEST(config_reads_nested_text_config)
{
    char *inner = config_text((struct change[CHANGES_MAX]){{"quantization_config", NULL}});
    char *text = NULL;
    CHECK(asprintf(&text,
                   "{\"model_type\":\"kimi_k25\",\"text_config\":%s,"
                   "\"quantization_config\":" INT4("4", "32") "}",
                   inner) > 0);
    struct model_config c;
    struct err e = {0};
    CHECK_MSG(config_parse(&c, "config.json", text, strlen(text), &e) == 0, "%s", e.text);
    CHECK_EQ(c.hidden, 7168);
    CHECK_EQ(c.quant, QUANT_INT4); /* from the outer level */
    free(text);
    free(inner);
    inner = config_text((struct change[CHANGES_MAX]){{"hidden_size", "0"}});
    CHECK(asprintf(&text, "{\"text_config\":%s}", inner) > 0);
    CHECK_EQ(config_parse(&c, "config.json", text, strlen(text), &e), -1);
    CHECK_STR(e.text, "config.json: text_config.hidden_size: 0 is outside 1..1048576");
    free(text);
    free(inner);
}

TEST(config_reads_the_relatives)
{
    struct model_config c;
    struct err e = {0};
    const struct change moonlight[CHANGES_MAX] = {
        {"q_lora_rank", "null"},           {"rope_scaling", "null"},  {"quantization_config", NULL},
        {"model_type", "\"deepseek_v3\""}, {"n_shared_experts", "2"}, {"eos_token_id", "[1,2,1]"}};
    CHECK_MSG(read_changed(&c, moonlight, &e) == 0, "%s", e.text);
    CHECK_EQ(c.q_lora_rank, 0);
    CHECK(!c.yarn && c.quant == QUANT_NONE);
    CHECK_EQ(c.shared_experts, 2);
    CHECK_EQ(c.eos_count, 2);
    const struct change v3[CHANGES_MAX] = {{"quantization_config", FP8},
                                           {"n_routed_experts", "256"},
                                           {"n_group", "8"},
                                           {"topk_group", "4"},
                                           {"first_k_dense_replace", "3"},
                                           {"tie_word_embeddings", "true"}};
    CHECK_MSG(read_changed(&c, v3, &e) == 0, "%s", e.text);
    CHECK_EQ(c.quant, QUANT_FP8);
    CHECK_EQ(c.fp8_block_rows, 128);
    CHECK_EQ(c.groups, 8);
    CHECK_EQ(c.groups_used, 4);
    CHECK(c.tied && !config_has_experts(&c, 2) && config_has_experts(&c, 3));
    const struct change dense[CHANGES_MAX] = {{"n_routed_experts", "0"}, {"scoring_func", NULL}};
    CHECK_MSG(read_changed(&c, dense, &e) == 0, "%s", e.text);
    CHECK_EQ(c.dense_layers, 61);
    CHECK(!config_has_experts(&c, 60));
}

static const struct {
    struct change changes[3];
    const char *error; /* after "config.json: " */
} refused[] = {
    {{{"hidden_size", NULL}}, "hidden_size: missing"},
    {{{"hidden_size", "null"}}, "hidden_size: missing"},
    {{{"hidden_size", "0"}}, "hidden_size: 0 is outside 1..1048576"},
    {{{"hidden_size", "-7168"}}, "hidden_size: -7168 is outside"},
    {{{"hidden_size", "4294974464"}}, "hidden_size: 4294974464 is outside"}, /* 7168 mod 2^32 */
    {{{"hidden_size", "7168.0"}}, "hidden_size: must be an integer, not 7168"},
    {{{"hidden_size", "1e99"}}, "hidden_size: must be an integer"},
    {{{"hidden_size", "\"7168\""}}, "hidden_size: must be a number, not a string"},
    {{{"hidden_size", "[7168]"}}, "hidden_size: must be a number, not an array"},
    {{{"num_hidden_layers", "5000"}}, "num_hidden_layers: 5000 is outside 1..4096"},
    {{{"num_attention_heads", "0"}}, "num_attention_heads: 0 is outside"},
    {{{"q_lora_rank", "0"}}, "q_lora_rank: 0 is outside"},
    {{{"kv_lora_rank", NULL}}, "kv_lora_rank: missing"},
    {{{"qk_rope_head_dim", "63"}}, "qk_rope_head_dim: 63 is odd"},
    {{{"qk_rope_head_dim", "0"}}, "qk_rope_head_dim: 0 is outside"},
    {{{"v_head_dim", "true"}}, "v_head_dim: must be a number, not true or false"},
    {{{"vocab_size", "100000000"}}, "vocab_size: 100000000 is outside"},
    {{{"max_position_embeddings", "0"}}, "max_position_embeddings: 0 is outside"},
    {{{"num_experts_per_tok", "385"}}, "num_experts_per_tok: 385 of 384 experts"},
    {{{"num_experts_per_tok", "0"}}, "num_experts_per_tok: 0 is outside"},
    {{{"n_group", "5"}}, "n_group: 5 groups do not divide 384 experts"},
    {{{"n_group", "384"}}, "n_group: 384 groups leave less than 2"},
    {{{"n_group", "4"}, {"topk_group", "5"}}, "topk_group: 5 of 4 groups"},
    {{{"n_group", "96"}}, "num_experts_per_tok: 8 from 1 groups of 4 experts"},
    {{{"n_shared_experts", "-1"}}, "n_shared_experts: -1 is outside"},
    {{{"n_routed_experts", "65536"}}, "n_routed_experts: 65536 in each of 60 layers are more"},
    {{{"moe_layer_freq", "2"}}, "moe_layer_freq: only 1 is supported"},
    {{{"intermediate_size", NULL}}, "intermediate_size: missing"},
    {{{"moe_intermediate_size", "0"}}, "moe_intermediate_size: 0 is outside"},
    {{{"routed_scaling_factor", "0"}}, "routed_scaling_factor: 0 is outside"},
    {{{"scoring_func", "\"softmax\""}}, "scoring_func: \"softmax\" is not supported"},
    {{{"scoring_func", NULL}}, "scoring_func: missing"},
    {{{"topk_method", "\"greedy\""}}, "topk_method: \"greedy\" is not supported"},
    {{{"hidden_act", "\"gelu\""}}, "hidden_act: \"gelu\" is not supported"},
    {{{"attention_bias", "true"}}, "attention_bias: true is not supported"},
    {{{"model_type", "\"deepseek_v32\""}}, "model_type: \"deepseek_v32\" is not supported"},
    {{{"rms_norm_eps", "0"}}, "rms_norm_eps: 0 is outside"},
    {{{"rms_norm_eps", "\"1e-5\""}}, "rms_norm_eps: must be a number, not a string"},
    {{{"rope_theta", "1"}}, "rope_theta: 1 is outside"},
    {{{"rope_theta", NULL}}, "rope_theta: missing"},
    {{{"rope_scaling", "{}"}}, "rope_scaling.type: missing"},
    {{{"rope_scaling", "3"}}, "rope_scaling: must be an object, not a number"},
    {{{"rope_scaling", "{\"type\":\"linear\",\"factor\":2}"}},
     "rope_scaling.type: \"linear\" is not supported"},
    {{{"rope_scaling", "{\"type\":\"yarn\"}"}}, "rope_scaling.factor: missing"},
    {{{"rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":0.5}"}},
     "rope_scaling.factor: 0.5 is outside"},
    {{{"rope_scaling", "{\"type\":\"yarn\",\"factor\":2,\"beta_fast\":1,\"beta_slow\":32,"
                       "\"original_max_position_embeddings\":4096}"}},
     "rope_scaling.beta_fast: 1 is less than beta_slow"},
    {{{"tie_word_embeddings", "1"}}, "tie_word_embeddings: must be true or false"},
    {{{"eos_token_id", "163840"}}, "eos_token_id: 163840 is outside 0..163839"},
    {{{"eos_token_id", "[1,2,3,4,5,6,7,8,9]"}}, "eos_token_id: more than 8 ids"},
    {{{"eos_token_id", "\"x\""}}, "eos_token_id: must be a number"},
    {{{"quantization_config", "[]"}}, "quantization_config: must be an object"},
    {{{"quantization_config", "{}"}}, "quantization_config.quant_method: missing"},
    {{{"quantization_config", "{\"quant_method\":\"awq\"}"}},
     "quantization_config.quant_method: \"awq\" is not supported"},
    {{{"quantization_config", "{\"quant_method\":\"fp8\"}"}},
     "quantization_config.weight_block_size: must be two integers"},
    {{{"quantization_config", "{\"quant_method\":\"fp8\",\"weight_block_size\":[128,0]}"}},
     "quantization_config.weight_block_size: 0 is outside"},
    {{{"quantization_config", INT4("8", "32")}},
     "quantization_config.config_groups.group_0.weights.num_bits: 8 is outside 4..4"},
    {{{"quantization_config", INT4("4", "128")}},
     "quantization_config.config_groups.group_0.weights.group_size: 128 is outside 32..32"},
    {{{"quantization_config", "{\"quant_method\":\"compressed-tensors\","
                              "\"format\":\"pack-quantized\",\"config_groups\":{}}"}},
     "quantization_config.config_groups: must be an object with one group"},
    {{{"quantization_config", "{\"quant_method\":\"compressed-tensors\",\"format\":"
                              "\"pack-quantized\",\"config_groups\":{\"g\":{}}}"}},
     "quantization_config.config_groups.g.weights.num_bits: missing"},
    {{{"moe_intermediate_size", "2040"}},
     "quantization_config.group_size: 32 does not divide hidden_size 7168 and"},
};

TEST(config_refuses_absurd_values)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct change changes[CHANGES_MAX] = {0};
        memcpy(changes, refused[i].changes, sizeof refused[i].changes);
        struct model_config c;
        struct err e = {0};
        CHECK_MSG(read_changed(&c, changes, &e) == -1, "accepted: %s", refused[i].error);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK_MSG(!strncmp(e.text, "config.json: ", 13), "%s", e.text);
        CHECK_MSG(!strncmp(e.text + 13, refused[i].error, strlen(refused[i].error)), "%s, not %s",
                  e.text, refused[i].error);
    }
}

TEST(config_refuses_what_is_no_object)
{
    struct model_config c;
    struct err e = {0};
    CHECK_EQ(config_parse(&c, "config.json", "[1]", 3, &e), -1);
    CHECK_STR(e.text, "config.json: must hold an object, not an array");
    e = (struct err){0};
    CHECK_EQ(config_parse(&c, "config.json", "{\"text_config\":3}", 17, &e), -1);
    CHECK_STR(e.text, "config.json: text_config: must be an object, not a number");
}

TEST(config_load_reads_both_files)
{
    struct model_config c;
    struct err e = {0};
    CHECK_MSG(config_load(&c, "host/models/kimi-nano", &e) == 0, "%s", e.text);
    CHECK_EQ(c.hidden, 192);
    CHECK_EQ(c.quant, QUANT_INT4);
    CHECK_EQ(config_load(&c, "no/such", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK_MSG(!strncmp(e.text, "no/such/config.json: ", 21), "%s", e.text);
}

/* ---- RoPE: values computed for the published models with an independent program ---- */

static void check_near(double got, double want, double relative)
{
    CHECK_MSG(fabs(got - want) <= relative * fabs(want), "%.12g, not %.12g", got, want);
}

TEST(rope_matches_k26)
{
    static const struct {
        int pair;
        double inv;
    } want[] = {{0, 1.0},
                {1, 7.1311108491e-01},
                {8, 6.6874030498e-02},
                {9, 4.3776655951e-02},
                {10, 2.8427959083e-02},
                {14, 4.4658487486e-03},
                {19, 1.5837499103e-04},
                {20, 1.8070233868e-05},
                {31, 4.3822064558e-07}};
    struct model_config c;
    struct err e = {0};
    CHECK_EQ(read_changed(&c, NULL, &e), 0);
    double inv[32];
    rope_frequencies(&c, inv);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        check_near(inv[want[i].pair], want[i].inv, 1e-9);
    check_near(attention_scale(&c), 0.1446796258, 1e-9);
    CHECK(rope_multiplier(&c) == 1.0);
}

TEST(rope_matches_k2_thinking)
{
    static const char yarn[] =
        "{\"type\":\"yarn\",\"factor\":64.0,\"beta_fast\":1.0,\"beta_slow\":1.0,\"mscale\":1.0,"
        "\"mscale_all_dim\":1.0,\"original_max_position_embeddings\":4096}";
    struct model_config c;
    struct err e = {0};
    CHECK_EQ(read_changed(&c, (struct change[CHANGES_MAX]){{"rope_scaling", yarn}}, &e), 0);
    double inv[32];
    rope_frequencies(&c, inv);
    check_near(inv[19], 1.6217599081e-03, 1e-9); /* a hard step between 19 and 20 */
    check_near(inv[20], 1.8070233868e-05, 1e-9);
    check_near(inv[31], 4.3822064558e-07, 1e-9);
}

TEST(rope_scales_of_the_relatives)
{
    static const struct {
        const char *factor;
        double scale;
    } want[] = {{"32", 0.1308607996}, {"40", 0.1352337789}, {"1", 0.0721687836}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        char yarn[200];
        (void)snprintf(yarn, sizeof yarn,
                       "{\"type\":\"yarn\",\"factor\":%s,\"mscale\":1.0,\"mscale_all_dim\":1.0,"
                       "\"original_max_position_embeddings\":4096}",
                       want[i].factor);
        struct model_config c;
        struct err e = {0};
        CHECK_EQ(read_changed(&c, (struct change[CHANGES_MAX]){{"rope_scaling", yarn}}, &e), 0);
        check_near(attention_scale(&c), want[i].scale, 1e-8);
    }
    struct model_config c;
    struct err e = {0};
    CHECK_EQ(read_changed(&c, (struct change[CHANGES_MAX]){{"rope_scaling", "null"}}, &e), 0);
    check_near(attention_scale(&c), 0.0721687836, 1e-9);
    double inv[32];
    rope_frequencies(&c, inv);
    check_near(inv[31], 64 * 4.3822064558e-07, 1e-9);
    static const char plain_yarn[] = "{\"type\":\"yarn\",\"factor\":64,\"mscale\":1.0,"
                                     "\"original_max_position_embeddings\":4096}";
    CHECK_EQ(read_changed(&c, (struct change[CHANGES_MAX]){{"rope_scaling", plain_yarn}}, &e), 0);
    check_near(attention_scale(&c), 0.0721687836, 1e-9);
    check_near(rope_multiplier(&c), 1.4158883083, 1e-9);
}

TEST(rope_step_without_width_stays_finite)
{
    /* both ends of the ramp fall on pair 0 */
    static const char yarn[] =
        "{\"type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":6}";
    struct model_config c;
    struct err e = {0};
    CHECK_EQ(read_changed(&c, (struct change[CHANGES_MAX]){{"rope_scaling", yarn}}, &e), 0);
    double inv[32];
    rope_frequencies(&c, inv);
    CHECK(inv[0] == 1.0);
    check_near(inv[1], 7.1311108491e-01 / 4, 1e-9);
}

TEST(config_merges_eos_of_generation_config)
{
    char folder[] = "/tmp/tessera-test-XXXXXX", config[64], generation[64];
    CHECK(mkdtemp(folder));
    (void)snprintf(config, sizeof config, "%s/config.json", folder);
    (void)snprintf(generation, sizeof generation, "%s/generation_config.json", folder);
    char *text = config_text(NULL);
    FILE *f = fopen(config, "w");
    (void)fputs(text, f);
    (void)fclose(f);
    f = fopen(generation, "w");
    (void)fputs("{\"eos_token_id\":[163586,163585]}", f);
    (void)fclose(f);
    struct model_config c;
    struct err e = {0};
    CHECK_MSG(config_load(&c, folder, &e) == 0, "%s", e.text);
    CHECK_EQ(c.eos_count, 2);
    CHECK_EQ(c.eos[0], 163585);
    CHECK_EQ(c.eos[1], 163586);
    f = fopen(generation, "w");
    (void)fputs("{\"eos_token_id\":-1}", f);
    (void)fclose(f);
    CHECK_EQ(config_load(&c, folder, &e), -1);
    CHECK_MSG(strstr(e.text, "/generation_config.json: eos_token_id: -1 is outside"), "%s", e.text);
    (void)unlink(config);
    (void)unlink(generation);
    (void)rmdir(folder);
    free(text);
}
