/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - config.json: what is accepted has sane sizes, finite frequencies and a finite
 * scale. */
#include "fuzz.h"

#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_config(const struct model_config *c)
{
    FUZZ_CHECK(c->hidden && c->layers && c->heads && c->vocab && c->rope_dim % 2 == 0);
    FUZZ_CHECK(c->dense_layers <= c->layers && c->experts_used <= c->experts);
    FUZZ_CHECK(c->dense_layers == c->layers || (c->experts && c->expert_width && c->experts_used));
    FUZZ_CHECK(c->dense_layers == 0 || c->dense_width);
    FUZZ_CHECK(c->experts == 0 || c->experts % c->groups == 0);
    FUZZ_CHECK(c->eos_count <= CONFIG_EOS_MAX);
    double *inv = malloc(c->rope_dim / 2 * sizeof *inv);
    rope_frequencies(c, inv);
    for (uint32_t i = 0; i < c->rope_dim / 2; i++)
        FUZZ_CHECK(isfinite(inv[i]) && inv[i] >= 0.0);
    free(inv);
    FUZZ_CHECK(isfinite(attention_scale(c)) && isfinite(rope_multiplier(c)));
}

void fuzz_one(const uint8_t *p, size_t n)
{
    struct model_config c;
    struct err e = {0};
    if (config_parse(&c, "fuzz", (const char *)p, n, &e))
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz: ", 6));
    else
        check_config(&c);
}

#define SHAPE                                                                                      \
    "\"model_type\":\"kimi_k2\",\"hidden_size\":192,\"num_hidden_layers\":6,"                      \
    "\"num_attention_heads\":8,\"q_lora_rank\":96,\"kv_lora_rank\":64,\"qk_nope_head_dim\":32,"    \
    "\"qk_rope_head_dim\":16,\"v_head_dim\":32,\"n_routed_experts\":32,"                           \
    "\"num_experts_per_tok\":4,\"n_shared_experts\":1,\"first_k_dense_replace\":1,"                \
    "\"moe_layer_freq\":1,\"moe_intermediate_size\":64,\"intermediate_size\":384,"                 \
    "\"vocab_size\":2048,\"max_position_embeddings\":1024,\"rope_theta\":50000.0,"                 \
    "\"routed_scaling_factor\":2.827,\"scoring_func\":\"sigmoid\",\"topk_method\":\"noaux_tc\","   \
    "\"n_group\":4,\"topk_group\":2,\"norm_topk_prob\":true,\"rms_norm_eps\":1e-05,"               \
    "\"hidden_act\":\"silu\",\"tie_word_embeddings\":false,\"eos_token_id\":[5,6]"
#define YARN                                                                                       \
    ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,\"beta_fast\":32.0,\"beta_slow\":1.0,"    \
    "\"mscale\":1.0,\"mscale_all_dim\":1.0,\"original_max_position_embeddings\":256}"
#define INT4                                                                                       \
    ",\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":"                \
    "\"pack-quantized\",\"config_groups\":{\"group_0\":{\"weights\":{\"num_bits\":4,"              \
    "\"group_size\":32,\"type\":\"int\",\"strategy\":\"group\",\"symmetric\":true}}}}"
#define FP8 ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128]}"

const char *fuzz_seed(size_t i, size_t *n)
{
    static const char *const seeds[] = {"{" SHAPE YARN INT4 "}", "{" SHAPE FP8 "}",
                                        "{\"text_config\":{" SHAPE YARN "}" INT4 "}"};
    if (i >= sizeof seeds / sizeof seeds[0])
        return NULL;
    *n = strlen(seeds[i]);
    return seeds[i];
}
