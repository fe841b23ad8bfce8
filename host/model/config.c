/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - reads config.json. Every field goes through one of the get_ functions, which leave the
 * first complaint in the reader, so that the lists of fields below stay lists. */
#include "model/config.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXPERTS_MAX = 1 << 20 }; /* of all layers: the tables of weights have a row for each */

struct fields {
    const char *file;
    const char *path; /* of `object` in the file: "" or "text_config." ... */
    const struct json *object;
    struct err *e;
    bool failed;
};

static void complain(struct fields *f, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct fields *f, const char *key, const char *fmt, ...)
{
    char reason[300];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    if (!f->failed)
        (void)err_input(f->e, "%s: %s%s: %s", f->file, f->path, key, reason);
    f->failed = true;
}

/* The member, or NULL if it is absent or null. */
static const struct json *find(const struct fields *f, const char *key)
{
    const struct json *v = json_member(f->object, key);
    return v && v->kind != JSON_NULL ? v : NULL;
}

static struct fields inside(struct fields *f, const char *key, const char *path)
{
    struct fields inner = {f->file, path, find(f, key), f->e, f->failed};
    if (inner.object && inner.object->kind != JSON_OBJECT) {
        complain(f, key, "must be an object, not %s", json_kind_name(inner.object->kind));
        inner.failed = true;
    }
    return inner;
}

/* ---- one value ---- */

static uint32_t count_in(struct fields *f, const char *key, const struct json *v, uint32_t min,
                         uint32_t max)
{
    if (v->kind != JSON_NUMBER)
        complain(f, key, "must be a number, not %s", json_kind_name(v->kind));
    else if (!v->is_integer)
        complain(f, key, "must be an integer, not %g", v->number);
    else if (v->integer < min || v->integer > max)
        complain(f, key, "%lld is outside %u..%u", (long long)v->integer, min, max);
    else
        return (uint32_t)v->integer;
    return min;
}

static uint32_t get_count(struct fields *f, const char *key, uint32_t min, uint32_t max)
{
    const struct json *v = find(f, key);
    if (v)
        return count_in(f, key, v, min, max);
    complain(f, key, "missing");
    return min;
}

static uint32_t get_count_or(struct fields *f, const char *key, uint32_t max, uint32_t otherwise)
{
    const struct json *v = find(f, key);
    return v ? count_in(f, key, v, 0, max) : otherwise;
}

static double get_real_or(struct fields *f, const char *key, double min, double max,
                          double otherwise)
{
    const struct json *v = find(f, key);
    if (!v)
        return otherwise;
    if (v->kind != JSON_NUMBER)
        complain(f, key, "must be a number, not %s", json_kind_name(v->kind));
    else if (v->number < min || v->number > max)
        complain(f, key, "%g is outside %g..%g", v->number, min, max);
    else
        return v->number;
    return min;
}

static double get_real(struct fields *f, const char *key, double min, double max)
{
    if (!find(f, key))
        complain(f, key, "missing");
    return get_real_or(f, key, min, max, min);
}

static bool get_bool_or(struct fields *f, const char *key, bool otherwise)
{
    const struct json *v = find(f, key);
    if (!v)
        return otherwise;
    if (v->kind != JSON_BOOL)
        complain(f, key, "must be true or false, not %s", json_kind_name(v->kind));
    return v->truth;
}

/* One of the `|`-separated words of `allowed`; absent is fine when `optional`. Returns its number,
 * -1 for absent. */
static int get_word(struct fields *f, const char *key, const char *allowed, bool optional)
{
    const struct json *v = find(f, key);
    if (!v) {
        if (!optional)
            complain(f, key, "missing");
        return -1;
    }
    if (v->kind != JSON_STRING) {
        complain(f, key, "must be a string, not %s", json_kind_name(v->kind));
        return -1;
    }
    int number = 0;
    for (const char *word = allowed; *word; number++) {
        size_t length = strcspn(word, "|");
        if (v->bytes == length && !memcmp(v->text, word, length))
            return number;
        word += length + (word[length] == '|');
    }
    complain(f, key, "\"%.60s\" is not supported (known: %s)", v->text, allowed);
    return -1;
}

/* ---- the parts of the config ---- */

static void read_shape(struct fields *f, struct model_config *c)
{
    (void)get_word(f, "model_type", "kimi_k2|deepseek_v3", true);
    c->hidden = get_count(f, "hidden_size", 1, 1 << 20);
    c->layers = get_count(f, "num_hidden_layers", 1, 4096);
    c->vocab = get_count(f, "vocab_size", 1, 1 << 24);
    c->positions_max = get_count(f, "max_position_embeddings", 1, 1 << 24);
    c->norm_eps = get_real(f, "rms_norm_eps", 1e-12, 1e-1);
    c->tied = get_bool_or(f, "tie_word_embeddings", false);
    (void)get_word(f, "hidden_act", "silu", true);
    if (get_bool_or(f, "attention_bias", false))
        complain(f, "attention_bias", "true is not supported");
}

static void read_attention(struct fields *f, struct model_config *c)
{
    c->heads = get_count(f, "num_attention_heads", 1, 4096);
    c->q_lora_rank = find(f, "q_lora_rank") ? get_count(f, "q_lora_rank", 1, 1 << 16) : 0;
    c->kv_lora_rank = get_count(f, "kv_lora_rank", 1, 1 << 16);
    c->nope_dim = get_count(f, "qk_nope_head_dim", 1, 8192);
    c->rope_dim = get_count(f, "qk_rope_head_dim", 2, 8192);
    c->v_dim = get_count(f, "v_head_dim", 1, 8192);
    if (c->rope_dim % 2)
        complain(f, "qk_rope_head_dim", "%u is odd", c->rope_dim);
}

static void read_rope(struct fields *f, struct model_config *c)
{
    c->rope_theta = get_real(f, "rope_theta", 1.001, 1e15);
    struct fields y = inside(f, "rope_scaling", "rope_scaling.");
    if (!y.object || y.failed)
        return;
    const char *key = find(&y, "rope_type") ? "rope_type" : "type";
    c->yarn = get_word(&y, key, "yarn|none|default", false) == 0;
    if (c->yarn) {
        c->yarn_factor = get_real(&y, "factor", 1.0, 1e6);
        c->yarn_beta_fast = get_real_or(&y, "beta_fast", 1e-3, 1e6, 32.0);
        c->yarn_beta_slow = get_real_or(&y, "beta_slow", 1e-3, 1e6, 1.0);
        c->yarn_mscale = get_real_or(&y, "mscale", 0.0, 100.0, 1.0);
        c->yarn_mscale_all_dim = get_real_or(&y, "mscale_all_dim", 0.0, 100.0, 0.0);
        c->yarn_original_positions = get_count(&y, "original_max_position_embeddings", 1, 1 << 24);
        if (!y.failed && c->yarn_beta_fast < c->yarn_beta_slow)
            complain(&y, "beta_fast", "%g is less than beta_slow", c->yarn_beta_fast);
    }
    f->failed |= y.failed;
}

static void read_router(struct fields *f, struct model_config *c)
{
    (void)get_word(f, "scoring_func", "sigmoid", false);
    (void)get_word(f, "topk_method", "noaux_tc", false);
    c->norm_topk = get_bool_or(f, "norm_topk_prob", true);
    c->routed_scale = get_real(f, "routed_scaling_factor", 1e-3, 1e3);
    c->experts_used = get_count(f, "num_experts_per_tok", 1, 1 << 16);
    c->groups = find(f, "n_group") ? get_count(f, "n_group", 1, 1 << 16) : 1;
    c->groups_used = find(f, "topk_group") ? get_count(f, "topk_group", 1, 1 << 16) : 1;
    uint32_t members = c->experts / c->groups;
    if (c->experts_used > c->experts)
        complain(f, "num_experts_per_tok", "%u of %u experts", c->experts_used, c->experts);
    else if (c->experts % c->groups)
        complain(f, "n_group", "%u groups do not divide %u experts", c->groups, c->experts);
    else if (c->groups > 1 && members < 2)
        complain(f, "n_group", "%u groups leave less than 2 of %u experts in each", c->groups,
                 c->experts);
    else if (c->groups_used > c->groups)
        complain(f, "topk_group", "%u of %u groups", c->groups_used, c->groups);
    else if (c->experts_used > c->groups_used * members)
        complain(f, "num_experts_per_tok", "%u from %u groups of %u experts", c->experts_used,
                 c->groups_used, members);
}

static void read_feed_forward(struct fields *f, struct model_config *c)
{
    c->experts = get_count_or(f, "n_routed_experts", 1 << 16, 0);
    c->dense_layers = c->experts ? get_count(f, "first_k_dense_replace", 0, 4096) : c->layers;
    if (c->dense_layers >= c->layers) { /* no layer has experts */
        c->dense_layers = c->layers;
        c->experts = 0;
    }
    if (c->dense_layers)
        c->dense_width = get_count(f, "intermediate_size", 1, 1 << 20);
    if (c->experts == 0)
        return;
    if (get_count_or(f, "moe_layer_freq", UINT32_MAX, 1) != 1)
        complain(f, "moe_layer_freq", "only 1 is supported");
    c->expert_width = get_count(f, "moe_intermediate_size", 1, 1 << 20);
    c->shared_experts = get_count_or(f, "n_shared_experts", 64, 0);
    if (c->experts > EXPERTS_MAX / (c->layers - c->dense_layers))
        complain(f, "n_routed_experts", "%u in each of %u layers are more than %d in all",
                 c->experts, c->layers - c->dense_layers, EXPERTS_MAX);
    read_router(f, c);
}

/* ---- quantization_config ---- */

static void read_fp8(struct fields *q, struct model_config *c)
{
    c->quant = QUANT_FP8;
    (void)get_word(q, "fmt", "e4m3", true);
    (void)get_word(q, "activation_scheme", "dynamic", true);
    const struct json *block = find(q, "weight_block_size");
    if (!block || block->kind != JSON_ARRAY || block->count != 2) {
        complain(q, "weight_block_size", "must be two integers");
        return;
    }
    c->fp8_block_rows = count_in(q, "weight_block_size", block->first, 1, 1 << 16);
    c->fp8_block_cols = count_in(q, "weight_block_size", block->first->next, 1, 1 << 16);
}

static void read_int4_weights(struct fields *w)
{
    if (!w->object || w->failed) {
        complain(w, "num_bits", "missing");
        return;
    }
    (void)get_count(w, "num_bits", 4, 4);
    (void)get_count(w, "group_size", INT4_GROUP, INT4_GROUP);
    (void)get_word(w, "type", "int", false);
    (void)get_word(w, "strategy", "group", false);
    if (!get_bool_or(w, "symmetric", true))
        complain(w, "symmetric", "false is not supported");
    if (find(w, "actorder"))
        complain(w, "actorder", "must be null");
}

static void read_int4(struct fields *q, struct model_config *c)
{
    c->quant = QUANT_INT4;
    (void)get_word(q, "format", "pack-quantized", false);
    struct fields groups = inside(q, "config_groups", "quantization_config.config_groups.");
    if (!groups.object || groups.failed || groups.object->count != 1) {
        complain(q, "config_groups", "must be an object with one group");
        return;
    }
    char path[120];
    const char *name = groups.object->first->key;
    (void)snprintf(path, sizeof path, "quantization_config.config_groups.%.40s.weights.", name);
    struct fields group = inside(&groups, name, groups.path);
    struct fields weights = inside(&group, "weights", path);
    read_int4_weights(&weights);
    q->failed |= groups.failed || group.failed || weights.failed;
    if (c->experts && (c->hidden % INT4_GROUP || c->expert_width % INT4_GROUP))
        complain(q, "group_size", "%d does not divide hidden_size %u and moe_intermediate_size %u",
                 INT4_GROUP, c->hidden, c->expert_width);
}

static void read_quantization(struct fields *f, const struct fields *top, struct model_config *c)
{
    struct fields q = inside(f, "quantization_config", "quantization_config.");
    if (!q.object && !q.failed)
        q.object = find(top, "quantization_config");
    if (!q.object || q.failed)
        return;
    int method = get_word(&q, "quant_method", "fp8|compressed-tensors", false);
    if (method == 0)
        read_fp8(&q, c);
    else if (method == 1)
        read_int4(&q, c);
    f->failed |= q.failed;
}

/* ---- ids that end a text ---- */

static void add_eos(struct fields *f, struct model_config *c, const struct json *v)
{
    uint32_t id = count_in(f, "eos_token_id", v, 0, c->vocab - 1);
    for (uint32_t i = 0; i < c->eos_count; i++)
        if (c->eos[i] == id)
            return;
    if (c->eos_count == CONFIG_EOS_MAX)
        complain(f, "eos_token_id", "more than %d ids", CONFIG_EOS_MAX);
    else if (!f->failed)
        c->eos[c->eos_count++] = id;
}

static void read_eos(struct fields *f, struct model_config *c)
{
    const struct json *v = find(f, "eos_token_id");
    if (!v || f->failed)
        return;
    if (v->kind != JSON_ARRAY) {
        add_eos(f, c, v);
        return;
    }
    for (const struct json *id = v->first; id; id = id->next)
        add_eos(f, c, id);
}

/* ---- the outside ---- */

static int read_config(struct model_config *c, const char *name, const struct json *root,
                       struct err *e)
{
    struct fields top = {name, "", root, e, false};
    *c = (struct model_config){0};
    if (root->kind != JSON_OBJECT)
        return err_input(e, "%s: must hold an object, not %s", name, json_kind_name(root->kind));
    struct fields f = inside(&top, "text_config", "text_config.");
    if (f.failed)
        return -1;
    if (!f.object)
        f = top;
    read_shape(&f, c);
    read_attention(&f, c);
    read_rope(&f, c);
    read_feed_forward(&f, c);
    read_quantization(&f, &top, c);
    read_eos(&f, c);
    return f.failed ? -1 : 0;
}

int config_parse(struct model_config *out, const char *name, const char *text, size_t bytes,
                 struct err *e)
{
    struct arena *a = arena_open();
    const struct json *root;
    int result = json_parse(&root, a, name, text, bytes, e);
    if (result == 0)
        result = read_config(out, name, root, e);
    arena_close(a);
    return result;
}

static int load_generation(struct model_config *c, struct arena *a, const char *folder,
                           struct err *e)
{
    const char *path = arena_printf(a, "%s/generation_config.json", folder);
    const struct json *root;
    if (access(path, F_OK))
        return 0; /* it is optional */
    if (json_load(&root, a, path, e))
        return -1;
    struct fields f = {path, "", root, e, false};
    read_eos(&f, c);
    return f.failed ? -1 : 0;
}

int config_load(struct model_config *out, const char *folder, struct err *e)
{
    struct arena *a = arena_open();
    const struct json *root;
    const char *path = arena_printf(a, "%s/config.json", folder);
    int result = json_load(&root, a, path, e);
    if (result == 0)
        result = read_config(out, path, root, e);
    if (result == 0)
        result = load_generation(out, a, folder, e);
    arena_close(a);
    return result;
}
