/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_files.c - opens a model folder: finds each weight's tensors in the shards and checks
 * them. */
#include "model/checkpoint_internal.h"

#include "base/xalloc.h"
#include "model/shard_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 200, FULL_MAX_BYTES = NAME_MAX_BYTES + 32, PATH_MAX_BYTES = 4096 };

struct loader {
    struct checkpoint *ck;
    const char *folder;
    char where[PATH_MAX_BYTES]; /* the index, or the only file */
    struct shard_index *index;  /* NULL: there is only one file */
    const char *prefix;         /* before "model." and "lm_head" */
};

/* ---- tensors by name ---- */

static int open_shard(struct loader *l, const char *shard, const struct safetensors **out,
                      struct err *e)
{
    struct checkpoint *ck = l->ck;
    for (size_t i = 0; i < ck->shard_count; i++) {
        if (!strcmp(ck->shards[i].name, shard)) {
            *out = ck->shards[i].file;
            return 0;
        }
    }
    char path[PATH_MAX_BYTES];
    struct safetensors *s;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", l->folder, shard) >= sizeof path)
        return err_input(e, "%s: the path is too long", l->folder);
    if (safetensors_open(&s, path, e))
        return -1;
    ck->shards = xrealloc(ck->shards, ck->shard_count + 1, sizeof *ck->shards);
    ck->shards[ck->shard_count++] = (struct shard){xstrdup(shard), s};
    *out = s;
    return 0;
}

struct found {
    const struct tensor *tensor; /* NULL: no such tensor */
    const struct safetensors *file;
};

static int find_tensor(struct loader *l, const char *name, struct found *out, struct err *e)
{
    *out = (struct found){0};
    const char *shard = l->index ? shard_index_file(l->index, name) : "model.safetensors";
    if (!shard)
        return 0;
    if (open_shard(l, shard, &out->file, e))
        return -1;
    out->tensor = safetensors_find(out->file, name);
    if (!out->tensor && l->index)
        return err_input(e, "%s: tensor \"%s\": missing, although %s says it is here",
                         safetensors_name(out->file), name, l->where);
    return 0;
}

static int find_required(struct loader *l, const char *name, struct found *out, struct err *e)
{
    if (find_tensor(l, name, out, e))
        return -1;
    if (out->tensor)
        return 0;
    (void)err_input(e, "%s: tensor \"%s\": missing", l->where, name);
    return -1;
}

/* ---- checks ---- */

static int bad_tensor(const struct found *f, const char *what, struct err *e)
{
    return err_input(e, "%s: tensor \"%s\": %s", safetensors_name(f->file), f->tensor->name, what);
}

static int check_shape(const struct found *f, uint32_t dims, uint64_t rows, uint64_t cols,
                       struct err *e)
{
    const struct tensor *t = f->tensor;
    uint64_t want[2] = {dims == 2 ? rows : cols, cols};
    if (t->dims == dims && t->shape[0] == want[0] && (dims < 2 || t->shape[1] == want[1]))
        return 0;
    char what[300], *at = what;
    at += snprintf(what, 30, "its shape is [");
    for (uint32_t i = 0; i < t->dims; i++)
        at += snprintf(at, 24, "%s%llu", i ? "," : "", (unsigned long long)t->shape[i]);
    if (dims == 2)
        (void)snprintf(at, 70, "], not [%llu,%llu]", (unsigned long long)rows,
                       (unsigned long long)cols);
    else
        (void)snprintf(at, 70, "], not [%llu]", (unsigned long long)cols);
    return bad_tensor(f, what, e);
}

static int check_dtype(const struct found *f, enum dtype want, struct err *e)
{
    char what[80];
    if (f->tensor->dtype == want)
        return 0;
    (void)snprintf(what, sizeof what, "is %s, not %s", dtype_name(f->tensor->dtype),
                   dtype_name(want));
    return bad_tensor(f, what, e);
}

/* A tensor that belongs to another: NAME with the suffix, required, typed and shaped. */
static int find_part(struct loader *l, const char *name, const char *suffix, enum dtype type,
                     struct found *out, struct err *e)
{
    char full[FULL_MAX_BYTES];
    (void)snprintf(full, sizeof full, "%s%s", name, suffix);
    if (find_required(l, full, out, e))
        return -1;
    return check_dtype(out, type, e);
}

/* ---- one weight ---- */

static int use_plain(const struct found *f, struct weight *w, struct err *e)
{
    switch (f->tensor->dtype) {
    case DTYPE_BF16:
        w->kind = WEIGHT_BF16;
        break;
    case DTYPE_F32:
        w->kind = WEIGHT_F32;
        break;
    default: {
        char what[80];
        (void)snprintf(what, sizeof what, "is %s, which this weight cannot be",
                       dtype_name(f->tensor->dtype));
        return bad_tensor(f, what, e);
    }
    }
    w->data = f->tensor->data;
    return 0;
}

static int use_fp8(struct loader *l, const struct found *f, const char *name, struct weight *w,
                   struct err *e)
{
    const struct model_config *c = &l->ck->config;
    struct found scale;
    w->kind = WEIGHT_FP8_BLOCK;
    w->block_rows = c->fp8_block_rows;
    w->block_cols = c->fp8_block_cols;
    w->data = f->tensor->data;
    if (find_part(l, name, ".weight_scale_inv", DTYPE_F32, &scale, e))
        return -1;
    w->scales = scale.tensor->data;
    return check_shape(&scale, 2, ((uint64_t)w->rows + w->block_rows - 1) / w->block_rows,
                       ((uint64_t)w->cols + w->block_cols - 1) / w->block_cols, e);
}

static int check_int4_shape(struct loader *l, const char *name, const struct weight *w,
                            struct err *e)
{
    char full[FULL_MAX_BYTES];
    struct found f;
    (void)snprintf(full, sizeof full, "%s.weight_shape", name);
    if (find_required(l, full, &f, e))
        return -1;
    uint64_t rows, cols;
    if (f.tensor->dtype != DTYPE_I64 && check_dtype(&f, DTYPE_I32, e))
        return -1;
    if (check_shape(&f, 1, 1, 2, e))
        return -1;
    if (f.tensor->dtype == DTYPE_I64) {
        rows = load_u64(f.tensor->data);
        cols = load_u64(f.tensor->data + 8);
    } else {
        rows = load_u32(f.tensor->data);
        cols = load_u32(f.tensor->data + 4);
    }
    if (rows == w->rows && cols == w->cols)
        return 0;
    char what[120];
    (void)snprintf(what, sizeof what, "holds %llu x %llu, not %u x %u", (unsigned long long)rows,
                   (unsigned long long)cols, w->rows, w->cols);
    return bad_tensor(&f, what, e);
}

static int use_int4(struct loader *l, const struct found *f, const char *name, struct weight *w,
                    struct err *e)
{
    struct found scale;
    w->kind = WEIGHT_INT4_G32;
    w->data = f->tensor->data;
    if (w->cols % INT4_GROUP)
        return bad_tensor(f, "its columns are not a multiple of 32", e);
    if (check_dtype(f, DTYPE_I32, e) || check_shape(f, 2, w->rows, w->cols / 8, e) ||
        find_part(l, name, ".weight_scale", DTYPE_BF16, &scale, e) ||
        check_shape(&scale, 2, w->rows, w->cols / INT4_GROUP, e))
        return -1;
    w->scales = scale.tensor->data;
    return check_int4_shape(l, name, w, e);
}

static void tensor_name(const struct loader *l, enum weight_role role, uint32_t layer,
                        uint32_t expert, char *out)
{
    char label[NAME_MAX_BYTES / 2];
    weight_role_label(role, layer, expert, label, sizeof label);
    (void)snprintf(out, NAME_MAX_BYTES, "%s%s%s", l->prefix, role == ROLE_LM_HEAD ? "" : "model.",
                   label);
}

static int find_in_files(void *self, enum weight_role role, uint32_t layer, uint32_t expert,
                         struct weight *out, struct err *e)
{
    struct loader *l = self;
    enum role_storage storage = role_storage(role);
    enum quantization quant = storage == STORAGE_LINEAR ? l->ck->config.quant : QUANT_NONE;
    char name[NAME_MAX_BYTES], full[FULL_MAX_BYTES];
    struct found f;
    role_shape(&l->ck->config, role, &out->rows, &out->cols);
    tensor_name(l, role, layer, expert, name);
    if (quant == QUANT_INT4) {
        (void)snprintf(full, sizeof full, "%s.weight_packed", name);
        if (find_tensor(l, full, &f, e))
            return -1;
        if (f.tensor)
            return use_int4(l, &f, name, out, e);
    }
    (void)snprintf(full, sizeof full, "%s%s", name, role == ROLE_ROUTER_BIAS ? "" : ".weight");
    if (find_required(l, full, &f, e))
        return -1;
    if (check_shape(&f, storage == STORAGE_VECTOR ? 1 : 2, out->rows, out->cols, e))
        return -1;
    if (quant == QUANT_FP8 && f.tensor->dtype == DTYPE_F8_E4M3)
        return use_fp8(l, &f, name, out, e);
    return use_plain(&f, out, e);
}

/* ---- the folder ---- */

static int find_prefix(struct loader *l, struct err *e)
{
    static const char *const prefixes[] = {"", "language_model."};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        char name[NAME_MAX_BYTES];
        struct found f;
        l->prefix = prefixes[i];
        (void)snprintf(name, sizeof name, "%smodel.norm.weight", l->prefix);
        if (find_tensor(l, name, &f, e))
            return -1;
        if (f.tensor)
            return 0;
    }
    return err_input(
        e, "%s: neither \"model.norm.weight\" nor \"language_model.model.norm.weight\" is here",
        l->where);
}

static int load(struct loader *l, struct err *e)
{
    struct weight_source source = {find_in_files, l};
    if (config_load(&l->ck->config, l->folder, e))
        return -1;
    const char *name = "model.safetensors.index.json";
    if ((size_t)snprintf(l->where, sizeof l->where, "%s/%s", l->folder, name) >= sizeof l->where)
        return err_input(e, "%s: the path is too long", l->folder);
    if (access(l->where, F_OK) == 0) {
        if (shard_index_load(&l->index, l->where, e))
            return -1;
    } else {
        (void)snprintf(l->where, sizeof l->where, "%s/model.safetensors", l->folder);
    }
    return find_prefix(l, e) || checkpoint_fill(l->ck, &source, e) ? -1 : 0;
}

int checkpoint_open(struct checkpoint **out, const char *folder, struct err *e)
{
    struct checkpoint *ck = xcalloc(1, sizeof *ck);
    struct loader *l = xcalloc(1, sizeof *l);
    l->ck = ck;
    l->folder = folder;
    int result = load(l, e);
    shard_index_close(l->index);
    free(l);
    if (result) {
        checkpoint_close(ck);
        return -1;
    }
    *out = ck;
    return 0;
}
