/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - what config.json says about a model of the Kimi K2 / DeepSeek V3 family.
 *
 * Everything is read from the file; a value that is missing, of the wrong type, absurd, or outside
 * what the rest of the program computes correctly is an error (ERR_INPUT) that names the file and
 * the field. K2.5 and K2.6 keep the fields in "text_config"; that is found by itself. */
#ifndef TESSERA_MODEL_CONFIG_H
#define TESSERA_MODEL_CONFIG_H

#include "base/err.h"
#include "hal/stream.h" /* INT4_GROUP */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFIG_EOS_MAX = 8 };

enum quantization {
    QUANT_NONE, /* BF16 (or F32) as stored */
    QUANT_FP8,  /* E4M3 in blocks, one F32 multiplier per block */
    QUANT_INT4  /* compressed-tensors pack-quantized, symmetric, one BF16 scale per 32 columns */
};

struct model_config {
    /* shape */
    uint32_t hidden;        /* hidden_size */
    uint32_t layers;        /* num_hidden_layers */
    uint32_t vocab;         /* vocab_size */
    uint32_t positions_max; /* max_position_embeddings */
    double norm_eps;        /* rms_norm_eps, of every norm */
    bool tied;              /* tie_word_embeddings: lm_head is the embedding */
    /* attention */
    uint32_t heads;       /* num_attention_heads */
    uint32_t q_lora_rank; /* 0: null in the file, one plain q_proj */
    uint32_t kv_lora_rank;
    uint32_t nope_dim; /* qk_nope_head_dim: first in each head */
    uint32_t rope_dim; /* qk_rope_head_dim: last in each head, even */
    uint32_t v_dim;    /* v_head_dim */
    /* position encoding */
    double rope_theta;
    bool yarn; /* else the fields below are 0 */
    double yarn_factor, yarn_beta_fast, yarn_beta_slow, yarn_mscale, yarn_mscale_all_dim;
    uint32_t yarn_original_positions;
    /* feed-forward: layers 0 .. dense_layers-1 are dense, the others have experts */
    uint32_t dense_layers;   /* first_k_dense_replace, at most `layers` */
    uint32_t dense_width;    /* intermediate_size; 0 if no layer is dense */
    uint32_t experts;        /* n_routed_experts; 0 if every layer is dense, then all below are 0 */
    uint32_t experts_used;   /* num_experts_per_tok */
    uint32_t expert_width;   /* moe_intermediate_size */
    uint32_t shared_experts; /* n_shared_experts: one MLP of shared_experts * expert_width */
    uint32_t groups;         /* n_group, divides experts */
    uint32_t groups_used;    /* topk_group */
    bool norm_topk;          /* norm_topk_prob */
    double routed_scale;     /* routed_scaling_factor */
    /* storage */
    enum quantization quant;
    uint32_t fp8_block_rows, fp8_block_cols; /* weight_block_size; 0 unless QUANT_FP8 */
    /* ids that end a text: eos_token_id of config.json and of generation_config.json */
    uint32_t eos[CONFIG_EOS_MAX];
    uint32_t eos_count;
};

/* Read one config.json; `name` is what errors call it. */
int config_parse(struct model_config *out, const char *name, const char *text, size_t bytes,
                 struct err *e);

/* Read `folder`/config.json, and eos ids from `folder`/generation_config.json if that exists. */
int config_load(struct model_config *out, const char *folder, struct err *e);

static inline bool config_has_experts(const struct model_config *c, uint32_t layer)
{
    return layer >= c->dense_layers;
}

/* Rows of one head: of the query, and of kv_b (keys first, then values). */
static inline uint32_t config_query_dim(const struct model_config *c)
{
    return c->nope_dim + c->rope_dim;
}

static inline uint32_t config_kv_dim(const struct model_config *c)
{
    return c->nope_dim + c->v_dim;
}

/* ---- position encoding, in double; angle of pair i at position p is p * inv_freq[i] ----
 * Pairs are elements (2i, 2i+1) of the rope part. */

/* The rope_dim / 2 inverse frequencies, stretched by YaRN if the model uses it. */
void rope_frequencies(const struct model_config *c, double *inv_freq);

/* What cos and sin are multiplied with (1 unless mscale and mscale_all_dim differ). */
double rope_multiplier(const struct model_config *c);

/* What a dot product of query and key is multiplied with before softmax, YaRN's share included. */
double attention_scale(const struct model_config *c);

#endif
