/* SPDX-License-Identifier: Apache-2.0 */
/* shard_index.c - reads model.safetensors.index.json. */
#include "model/shard_index.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_MAX = 255 };

struct home {
    const char *tensor, *file;
};

struct shard_index {
    struct arena *arena;
    struct home *homes; /* by tensor */
    size_t count;
};

static int by_tensor(const void *a, const void *b)
{
    const struct home *x = a, *y = b;
    return strcmp(x->tensor, y->tensor);
}

static bool is_plain_name(const struct json *v)
{
    if (v->has_nul || v->bytes == 0 || v->bytes > FILE_NAME_MAX || v->text[0] == '.')
        return false;
    for (const char *c = v->text; *c; c++)
        if (*c == '/' || *c == '\\' || (unsigned char)*c < 0x20)
            return false;
    return true;
}

static int read_map(struct shard_index *x, const char *name, const struct json *root, struct err *e)
{
    const struct json *map = json_member(root, "weight_map");
    if (!map || map->kind != JSON_OBJECT)
        return err_input(e, "%s: weight_map: missing or not an object", name);
    x->homes = arena_alloc(x->arena, map->count, sizeof *x->homes);
    for (const struct json *m = map->first; m; m = m->next) {
        if (m->kind != JSON_STRING || !is_plain_name(m))
            return err_input(e,
                             "%s: weight_map: \"%.200s\" (byte %zu): not the name of a file here",
                             name, m->key, m->at);
        x->homes[x->count++] = (struct home){m->key, m->text};
    }
    if (x->count > 1)
        qsort(x->homes, x->count, sizeof *x->homes, by_tensor);
    return 0;
}

static int keep_or_close(struct shard_index **out, struct shard_index *x, int result)
{
    if (result)
        shard_index_close(x);
    else
        *out = x;
    return result;
}

static struct shard_index *new_index(void)
{
    struct shard_index *x = xcalloc(1, sizeof *x);
    x->arena = arena_open();
    return x;
}

int shard_index_parse(struct shard_index **out, const char *name, const char *text, size_t bytes,
                      struct err *e)
{
    struct shard_index *x = new_index();
    const struct json *root;
    int result = json_parse(&root, x->arena, name, text, bytes, e);
    return keep_or_close(out, x, result ? result : read_map(x, name, root, e));
}

int shard_index_load(struct shard_index **out, const char *path, struct err *e)
{
    struct shard_index *x = new_index();
    const struct json *root;
    int result = json_load(&root, x->arena, path, e);
    return keep_or_close(out, x, result ? result : read_map(x, path, root, e));
}

void shard_index_close(struct shard_index *x)
{
    if (!x)
        return;
    arena_close(x->arena);
    free(x);
}

size_t shard_index_count(const struct shard_index *x)
{
    return x->count;
}

const char *shard_index_tensor(const struct shard_index *x, size_t i)
{
    return x->homes[i].tensor;
}

const char *shard_index_file(const struct shard_index *x, const char *tensor)
{
    struct home key = {tensor, NULL};
    const struct home *hit =
        x->count ? bsearch(&key, x->homes, x->count, sizeof key, by_tensor) : NULL;
    return hit ? hit->file : NULL;
}
