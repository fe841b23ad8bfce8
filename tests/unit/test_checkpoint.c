/* SPDX-License-Identifier: Apache-2.0 */
/* test_checkpoint.c - model folders: all roles found, and each kind of damage refused by name. */
#include "base/xalloc.h"
#include "harness.h"
#include "model/checkpoint.h"
#include "model/safetensors.h"
#include "model/shard_index.h"
#include "tests/fixture/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- damaging a folder ---- */

enum damage { DROP, ADD_ROW, FLATTEN, AS_F16, AS_F32, AS_U8, ZERO, CUT_FILE };

struct copy {
    struct tensor_out list[400];
    size_t count;
    struct arena *arena;
};

static void copy_tensors(struct copy *c, const char *path)
{
    struct safetensors *s;
    struct err e = {0};
    CHECK_MSG(safetensors_open(&s, path, &e) == 0, "%s", e.text);
    for (size_t i = 0; i < safetensors_count(s); i++) {
        const struct tensor *from = safetensors_at(s, i);
        struct tensor_out *to = &c->list[c->count++];
        uint8_t *data = arena_alloc(c->arena, 4 * from->bytes + 4096, 1); /* room to grow */
        memcpy(data, from->data, from->bytes);
        *to = (struct tensor_out){
            arena_strdup(c->arena, from->name), from->dtype, from->dims, {0}, data};
        memcpy(to->shape, from->shape, sizeof to->shape);
    }
    safetensors_close(s);
}

static void damage_tensor(struct copy *c, struct tensor_out *v, enum damage how)
{
    switch (how) {
    case DROP:
        *v = c->list[--c->count];
        break;
    case ADD_ROW:
        v->shape[0]++;
        break;
    case FLATTEN:
        v->shape[0] *= v->shape[1];
        v->dims = 1;
        break;
    case AS_F16:
        v->dtype = DTYPE_F16;
        break;
    case AS_F32:
        v->dtype = DTYPE_F32;
        break;
    case AS_U8:
        v->dtype = DTYPE_U8;
        break;
    case ZERO:
        v->data = arena_alloc(c->arena, 4096, 1);
        break;
    case CUT_FILE:
        break;
    }
}

/* Change one tensor of a file, or cut the file short. */
static void damage_file(const char *folder, const char *file, const char *tensor, enum damage how)
{
    char path[200];
    struct err e = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    if (how == CUT_FILE) {
        CHECK_EQ(truncate(path, 200), 0);
        return;
    }
    struct copy *c = xcalloc(1, sizeof *c);
    c->arena = arena_open();
    copy_tensors(c, path);
    size_t hits = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!strcmp(c->list[i].name, tensor)) {
            damage_tensor(c, &c->list[i], how);
            hits++;
            break;
        }
    }
    CHECK_MSG(hits == 1, "no %s in %s", tensor, file);
    CHECK_MSG(safetensors_write(path, c->list, c->count, &e) == 0, "%s", e.text);
    arena_close(c->arena);
    free(c);
}

static void put_file(const char *folder, const char *file, const char *text)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "wb");
    CHECK(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

static struct fixture_model model_of(const char *const settings[4])
{
    struct fixture_model m = fixture_default();
    struct err e = {0};
    for (size_t i = 0; i < 4 && settings[i]; i++) {
        char key[32];
        const char *value = strchr(settings[i], '=') + 1;
        (void)snprintf(key, sizeof key, "%.*s", (int)(value - 1 - settings[i]), settings[i]);
        CHECK_MSG(fixture_set(&m, key, value, &e) == 0, "%s", e.text);
    }
    return m;
}

/* The folder must be refused with ERR_INPUT and this text, where a leading "@/" stands for the
 * folder. */
static void check_refused(const char *folder, const char *text)
{
    struct checkpoint *ck;
    struct err e = {0};
    char want[400];
    (void)snprintf(want, sizeof want, "%s%s", folder, text + 1);
    CHECK_MSG(checkpoint_open(&ck, folder, &e) == -1, "accepted: %s", text);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK_MSG(!strncmp(e.text, want, strlen(want)), "%s\n# not %s", e.text, want);
}

/* ---- good folders ---- */

static unsigned count_roles(const struct checkpoint *ck, uint64_t *elements)
{
    const struct model_config *c = checkpoint_config(ck);
    unsigned found = 0;
    for (enum weight_role role = 0; role < ROLE_COUNT; role++)
        for (uint32_t layer = 0; layer < c->layers; layer++)
            for (uint32_t expert = 0; expert < (role < ROLE_EXPERT_GATE ? 1 : c->experts);
                 expert++) {
                struct weight w;
                if ((role <= ROLE_LM_HEAD && layer) ||
                    checkpoint_weight(ck, role, layer, expert, &w))
                    continue;
                CHECK(w.rows && w.cols);
                *elements += (uint64_t)w.rows * w.cols;
                found++;
            }
    return found;
}

TEST(checkpoint_opens_the_default_model)
{
    struct checkpoint *ck;
    struct err e = {0};
    struct weight w;
    uint64_t elements = 0;
    CHECK_MSG(checkpoint_open(&ck, "host/models/kimi-nano", &e) == 0, "%s", e.text);
    /* 3 + layer 0: 9 and 3 + layers 1..5: 9, router, bias, 3 shared, 96 of experts */
    CHECK_EQ(count_roles(ck, &elements), 3 + 12 + 5 * (9 + 2 + 3 + 96));
    CHECK_EQ(elements, 8039968);
    CHECK_EQ(checkpoint_bytes(ck),
             7605376 - 5 * 96 * 8); /* the index's total, less the weight_shapes */
    CHECK_EQ(checkpoint_weight(ck, ROLE_EXPERT_DOWN, 5, 31, &w), 0);
    CHECK_EQ(w.kind, WEIGHT_INT4_G32);
    CHECK_EQ(w.rows, 192);
    CHECK_EQ(w.cols, 64);
    CHECK_EQ(checkpoint_weight(ck, ROLE_ROUTER_BIAS, 1, 0, &w), 0);
    CHECK_EQ(w.kind, WEIGHT_F32);
    CHECK_EQ(w.rows, 1);
    CHECK_EQ(w.cols, 32);
    CHECK_EQ(checkpoint_weight(ck, ROLE_KV_B, 0, 0, &w), 0);
    CHECK_EQ(w.kind, WEIGHT_BF16);
    CHECK_EQ(w.rows, 8 * 64);
    CHECK_EQ(checkpoint_weight(ck, ROLE_Q, 0, 0, &w), -1); /* it has a LoRA rank */
    CHECK(w.rows == 0 && !w.data);
    CHECK_EQ(checkpoint_weight(ck, ROLE_ROUTER, 0, 0, &w), -1);   /* a dense layer */
    CHECK_EQ(checkpoint_weight(ck, ROLE_DENSE_UP, 1, 0, &w), -1); /* not a dense layer */
    CHECK_EQ(checkpoint_weight(ck, ROLE_KV_B, 6, 0, &w), -1);
    CHECK_EQ(checkpoint_weight(ck, ROLE_EXPERT_UP, 1, 32, &w), -1);
    CHECK_EQ(checkpoint_weight(ck, ROLE_COUNT, 1, 0, &w), -1);
    char label[80];
    weight_role_label(ROLE_EXPERT_UP, 3, 7, label, sizeof label);
    CHECK_STR(label, "layers.3.mlp.experts.7.up_proj");
    checkpoint_close(ck);
}

TEST(checkpoint_finds_every_kind)
{
    static const struct {
        const char *settings[4];
        enum weight_kind expert, attention;
    } kinds[] = {
        {{"quant=0"}, WEIGHT_BF16, WEIGHT_BF16},
        {{"quant=4", "k25=1", "shards=5"}, WEIGHT_INT4_G32, WEIGHT_BF16},
        {{"quant=8", "shards=2"}, WEIGHT_FP8_BLOCK, WEIGHT_FP8_BLOCK},
        {{"f32=1", "tied=1"}, WEIGHT_F32, WEIGHT_F32},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char folder[FIXTURE_FOLDER_BYTES];
        struct fixture_model m = model_of(kinds[i].settings);
        struct err e = {0};
        struct checkpoint *ck;
        struct weight w, head;
        fixture_folder(folder);
        CHECK_MSG(fixture_write(folder, &m, &e) == 0, "%s", e.text);
        CHECK_MSG(checkpoint_open(&ck, folder, &e) == 0, "%s", e.text);
        fixture_remove(folder); /* mapped files live on */
        CHECK_EQ(checkpoint_weight(ck, ROLE_EXPERT_UP, 2, 3, &w), 0);
        CHECK_EQ(w.kind, kinds[i].expert);
        CHECK_EQ(checkpoint_weight(ck, ROLE_O, 0, 0, &w), 0);
        CHECK_EQ(w.kind, kinds[i].attention);
        CHECK_EQ(checkpoint_weight(ck, ROLE_EMBED, 0, 0, &w), 0);
        CHECK_EQ(checkpoint_weight(ck, ROLE_LM_HEAD, 0, 0, &head), 0);
        CHECK_EQ(w.data == head.data, m.tied);
        checkpoint_close(ck);
    }
}

/* ---- damaged folders ---- */

static const struct {
    const char *settings[4];
    enum damage how;
    const char *tensor, *error; /* file of the damage: the one in the error */
} damaged[] = {
    {{0},
     DROP,
     "model.layers.1.self_attn.q_b_proj.weight",
     "@/model.safetensors: tensor \"model.layers.1.self_attn.q_b_proj.weight\": missing"},
    {{0}, DROP, "lm_head.weight", "@/model.safetensors: tensor \"lm_head.weight\": missing"},
    {{0},
     DROP,
     "model.layers.2.mlp.gate.e_score_correction_bias",
     "@/model.safetensors: tensor \"model.layers.2.mlp.gate.e_score_correction_bias\": "
     "missing"},
    {{0},
     DROP,
     "model.norm.weight",
     "@/model.safetensors: neither \"model.norm.weight\" nor "
     "\"language_model.model.norm.weight\""},
    {{0},
     ADD_ROW,
     "model.layers.0.mlp.up_proj.weight",
     "@/model.safetensors: tensor \"model.layers.0.mlp.up_proj.weight\": its shape is [97,64], "
     "not [96,64]"},
    {{0},
     FLATTEN,
     "model.layers.0.self_attn.o_proj.weight",
     "@/model.safetensors: tensor \"model.layers.0.self_attn.o_proj.weight\": its shape is "
     "[2048], "
     "not [64,32]"},
    {{0},
     ADD_ROW,
     "model.layers.0.input_layernorm.weight",
     "@/model.safetensors: tensor \"model.layers.0.input_layernorm.weight\": its shape is "
     "[65], "
     "not [64]"},
    {{0},
     AS_F16,
     "model.embed_tokens.weight",
     "@/model.safetensors: tensor \"model.embed_tokens.weight\": is F16, which this weight "
     "cannot"},
    {{"quant=8"},
     DROP,
     "model.layers.0.self_attn.o_proj.weight_scale_inv",
     "@/model.safetensors: tensor \"model.layers.0.self_attn.o_proj.weight_scale_inv\": "
     "missing"},
    {{"quant=8"},
     ADD_ROW,
     "model.layers.0.self_attn.o_proj.weight_scale_inv",
     "@/model.safetensors: tensor \"model.layers.0.self_attn.o_proj.weight_scale_inv\": its "
     "shape is "
     "[5,2], not [4,2]"},
    {{"quant=8"},
     AS_U8,
     "model.layers.0.self_attn.o_proj.weight",
     "@/model.safetensors: tensor \"model.layers.0.self_attn.o_proj.weight\": is U8, which"},
    {{"quant=4"},
     DROP,
     "model.layers.1.mlp.experts.7.down_proj.weight_packed",
     "@/model.safetensors: tensor \"model.layers.1.mlp.experts.7.down_proj.weight\": missing"},
    {{"quant=4"},
     DROP,
     "model.layers.1.mlp.experts.7.down_proj.weight_scale",
     "@/model.safetensors: tensor \"model.layers.1.mlp.experts.7.down_proj.weight_scale\": "
     "missing"},
    {{"quant=4"},
     DROP,
     "model.layers.1.mlp.experts.7.down_proj.weight_shape",
     "@/model.safetensors: tensor \"model.layers.1.mlp.experts.7.down_proj.weight_shape\": "
     "missing"},
    {{"quant=4"},
     ZERO,
     "model.layers.1.mlp.experts.7.down_proj.weight_shape",
     "@/model.safetensors: tensor \"model.layers.1.mlp.experts.7.down_proj.weight_shape\": "
     "holds 0 x 0, "
     "not 64 x 32"},
    {{"quant=4"},
     AS_F32,
     "model.layers.1.mlp.experts.7.down_proj.weight_packed",
     "@/model.safetensors: tensor \"model.layers.1.mlp.experts.7.down_proj.weight_packed\": is "
     "F32, "
     "not I32"},
    {{"quant=4"},
     AS_F16,
     "model.layers.1.mlp.experts.7.down_proj.weight_scale",
     "@/model.safetensors: tensor \"model.layers.1.mlp.experts.7.down_proj.weight_scale\": is "
     "F16, "
     "not BF16"},
    {{"quant=4"},
     ADD_ROW,
     "model.layers.1.mlp.experts.7.down_proj.weight_scale",
     "@/model.safetensors: tensor \"model.layers.1.mlp.experts.7.down_proj.weight_scale\": its "
     "shape is "
     "[65,1], not [64,1]"},
    {{"quant=4", "k25=1"},
     DROP,
     "language_model.lm_head.weight",
     "@/model.safetensors: tensor \"language_model.lm_head.weight\": missing"},
    {{0}, CUT_FILE, "", "@/model.safetensors: byte 0: a header of "},
    {{"shards=2"}, CUT_FILE, "", "@/model-00001-of-000002.safetensors: byte 0: a header of "},
    {{"shards=2"},
     DROP,
     "model.layers.0.input_layernorm.weight",
     "@/model-00001-of-000002.safetensors: tensor \"model.layers.0.input_layernorm.weight\": "
     "missing, "
     "although "},
};

TEST(checkpoint_refuses_damaged_tensors)
{
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        char folder[FIXTURE_FOLDER_BYTES], file[100];
        struct fixture_model m = model_of(damaged[i].settings);
        struct err e = {0};
        fixture_folder(folder);
        CHECK_MSG(fixture_write(folder, &m, &e) == 0, "%s", e.text);
        (void)snprintf(file, sizeof file, "%.*s", (int)strcspn(damaged[i].error + 2, ":"),
                       damaged[i].error + 2);
        damage_file(folder, file, damaged[i].tensor, damaged[i].how);
        check_refused(folder, damaged[i].error);
        fixture_remove(folder);
    }
}

TEST(checkpoint_refuses_damaged_folders)
{
    char folder[FIXTURE_FOLDER_BYTES];
    struct fixture_model m = fixture_default();
    struct err e = {0};
    char path[200];
    m.shards = 2;
    fixture_folder(folder);
    check_refused(folder, "@/config.json: cannot be opened: No such file");
    CHECK_EQ(fixture_write(folder, &m, &e), 0);
    (void)snprintf(path, sizeof path, "%s/model-00001-of-000002.safetensors", folder);
    CHECK_EQ(unlink(path), 0);
    check_refused(folder, "@/model-00001-of-000002.safetensors: cannot be opened: No such file");
    put_file(folder, "model-00001-of-000002.safetensors", "");
    check_refused(folder, "@/model-00001-of-000002.safetensors: 0 bytes are too few");
    put_file(folder, "model.safetensors.index.json", "{\"weight_map\":3}");
    check_refused(folder, "@/model.safetensors.index.json: weight_map: missing or not an object");
    put_file(folder, "model.safetensors.index.json", "{\"weight_map\":{}}");
    check_refused(folder, "@/model.safetensors.index.json: neither \"model.norm.weight\"");
    put_file(folder, "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"b\"");
    check_refused(folder,
                  "@/model.safetensors.index.json: byte 22 (line 1, column 23): ',' or '}'");
    (void)snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    CHECK_EQ(unlink(path), 0);
    check_refused(folder, "@/model.safetensors: cannot be opened: No such file");
    put_file(folder, "config.json", "{\"text_config\":{\"text_config\":{}}}");
    check_refused(folder, "@/config.json: text_config.hidden_size: missing");
    fixture_remove(folder);
}

TEST(checkpoint_fp8_needs_the_config_to_say_so)
{
    char folder[FIXTURE_FOLDER_BYTES];
    struct fixture_model m = fixture_default();
    struct err e = {0};
    fixture_folder(folder);
    m.quant = 8;
    CHECK_EQ(fixture_write(folder, &m, &e), 0);
    char path[200], kept[200];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    (void)snprintf(kept, sizeof kept, "%s/kept", folder);
    CHECK_EQ(rename(path, kept), 0);
    m.quant = 0;
    CHECK_EQ(fixture_write(folder, &m, &e), 0);
    CHECK_EQ(rename(kept, path), 0);
    check_refused(folder,
                  "@/model.safetensors: tensor \"model.layers.0.self_attn.q_a_proj.weight\": is "
                  "F8_E4M3, which this weight cannot be");
    fixture_remove(folder);
}

TEST(shard_index_refuses_paths)
{
    static const char *const bad[] = {
        "\"../x.safetensors\"", "\"/etc/passwd\"", "\"\"", "\"a/b\"", "\"a\\u0000b\"", "3", "null",
        "\".hidden\"",          "\"a\\nb\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[100];
        struct shard_index *x;
        struct err e = {0};
        (void)snprintf(text, sizeof text, "{\"weight_map\":{\"model.w\":%s}}", bad[i]);
        CHECK_MSG(shard_index_parse(&x, "i.json", text, strlen(text), &e) == -1, "accepted %s",
                  bad[i]);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK_STR(e.text, "i.json: weight_map: \"model.w\" (byte 25): not the name of a file here");
    }
}

/* ---- models by rule ---- */

TEST(checkpoint_synthetic_has_the_shapes_of_the_real_one)
{
    struct checkpoint *real, *rule, *other;
    struct err e = {0};
    uint64_t elements = 0, same = 0;
    CHECK_EQ(checkpoint_open(&real, "host/models/kimi-nano", &e), 0);
    CHECK_EQ(checkpoint_open_synthetic(&rule, checkpoint_config(real), 1, &e), 0);
    CHECK_EQ(checkpoint_open_synthetic(&other, checkpoint_config(real), 2, &e), 0);
    CHECK_EQ(count_roles(real, &elements), count_roles(rule, &same));
    CHECK_EQ(elements, same);
    CHECK_EQ(checkpoint_bytes(real), checkpoint_bytes(rule));
    struct weight a, b, c;
    float x[192], y[192], z[192];
    CHECK_EQ(checkpoint_weight(rule, ROLE_EXPERT_UP, 1, 2, &a), 0);
    CHECK_EQ(checkpoint_weight(rule, ROLE_EXPERT_UP, 2, 1, &b), 0);
    CHECK_EQ(checkpoint_weight(other, ROLE_EXPERT_UP, 1, 2, &c), 0);
    CHECK_EQ(a.kind, WEIGHT_INT4_G32);
    weight_row_f32(&a, 0, 0, 192, x);
    weight_row_f32(&b, 0, 0, 192, y);
    weight_row_f32(&c, 0, 0, 192, z);
    CHECK(x[0] != y[0] && x[1] != y[1] && x[0] != z[0] && x[1] != z[1]);
    checkpoint_close(other);
    checkpoint_close(rule);
    checkpoint_close(real);
}
