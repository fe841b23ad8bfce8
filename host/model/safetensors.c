/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.c - opens and checks one safetensors file. The writer is safetensors_out.c. */
#include "model/safetensors.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LENGTH_BYTES = 8 }; /* the header's length comes first */

struct safetensors {
    struct arena *arena;
    const char *name;
    const uint8_t *bytes;
    size_t size;
    void *map;              /* what to unmap, or NULL */
    struct tensor *tensors; /* by name */
    size_t count;
};

static const struct {
    const char *name;
    size_t bytes;
} dtypes[DTYPE_COUNT] = {
#define DTYPE(name, bytes) {#name, bytes},
    DTYPES(DTYPE)
#undef DTYPE
};

const char *dtype_name(enum dtype type)
{
    return dtypes[type].name;
}

size_t dtype_bytes(enum dtype type)
{
    return dtypes[type].bytes;
}

/* ---- one header entry ---- */

struct entry {
    const struct safetensors *file;
    const struct json *json;
    struct err *e;
};

static int bad_entry(const struct entry *in, const char *what)
{
    return err_input(in->e, "%s: tensor \"%.200s\" (byte %zu): %s", in->file->name, in->json->key,
                     LENGTH_BYTES + in->json->at, what);
}

static bool is_count(const struct json *v)
{
    return v && v->kind == JSON_NUMBER && v->is_integer && v->integer >= 0;
}

static int read_dtype(const struct entry *in, struct tensor *t)
{
    const struct json *v = json_member(in->json, "dtype");
    if (!v || v->kind != JSON_STRING)
        return bad_entry(in, "no dtype");
    for (int i = 0; i < DTYPE_COUNT; i++) {
        if (!strcmp(v->text, dtypes[i].name)) {
            t->dtype = (enum dtype)i;
            return 0;
        }
    }
    char what[80];
    (void)snprintf(what, sizeof what, "unknown dtype \"%.32s\"", v->text);
    return bad_entry(in, what);
}

static int read_shape(const struct entry *in, struct tensor *t)
{
    const struct json *v = json_member(in->json, "shape");
    if (!v || v->kind != JSON_ARRAY)
        return bad_entry(in, "no shape");
    if (v->count > TENSOR_DIMS_MAX)
        return bad_entry(in, "too many dimensions");
    t->elements = 1;
    for (const struct json *n = v->first; n; n = n->next) {
        if (!is_count(n))
            return bad_entry(in, "a dimension that is no count");
        t->shape[t->dims++] = (uint64_t)n->integer;
        if (__builtin_mul_overflow(t->elements, (uint64_t)n->integer, &t->elements))
            return bad_entry(in, "its shape overflows");
    }
    if (__builtin_mul_overflow(t->elements, (uint64_t)dtype_bytes(t->dtype), &t->bytes))
        return bad_entry(in, "its shape overflows");
    return 0;
}

static int read_offsets(const struct entry *in, struct tensor *t, size_t data_at)
{
    const struct json *v = json_member(in->json, "data_offsets");
    if (!v || v->kind != JSON_ARRAY || v->count != 2 || !is_count(v->first) ||
        !is_count(v->first->next))
        return bad_entry(in, "no data_offsets of two counts");
    uint64_t begin = (uint64_t)v->first->integer, end = (uint64_t)v->first->next->integer;
    if (begin > end)
        return bad_entry(in, "its data ends before it begins");
    if (end > in->file->size - data_at)
        return bad_entry(in, "its data lies outside the file");
    if (end - begin != t->bytes)
        return bad_entry(in, "its data is not as long as dtype and shape say");
    t->begin = begin;
    t->data = in->file->bytes + data_at + begin;
    return 0;
}

static int read_entry(const struct entry *in, struct tensor *t, size_t data_at)
{
    if (in->json->kind != JSON_OBJECT)
        return bad_entry(in, "not an object");
    for (const struct json *m = in->json->first; m; m = m->next)
        if (strcmp(m->key, "dtype") != 0 && strcmp(m->key, "shape") != 0 &&
            strcmp(m->key, "data_offsets") != 0)
            return bad_entry(in, "an unknown field");
    t->name = in->json->key;
    return read_dtype(in, t) || read_shape(in, t) || read_offsets(in, t, data_at) ? -1 : 0;
}

/* ---- the whole header ---- */

static int check_metadata(const struct safetensors *s, const struct json *metadata, struct err *e)
{
    if (metadata->kind != JSON_OBJECT)
        return err_input(e, "%s: __metadata__: not an object", s->name);
    for (const struct json *m = metadata->first; m; m = m->next)
        if (m->kind != JSON_STRING)
            return err_input(e, "%s: __metadata__: \"%.200s\" is not a string", s->name, m->key);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_place(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* The tensors, in order of place, must tile the data exactly. */
static int check_tiling(const struct safetensors *s, uint64_t data_bytes, struct err *e)
{
    uint64_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct tensor *t = &s->tensors[i];
        if (t->begin != at)
            return err_input(e, "%s: tensor \"%.200s\" (data byte %llu): %s", s->name, t->name,
                             (unsigned long long)t->begin,
                             t->begin < at ? "overlaps another" : "a hole before it");
        at += t->bytes;
    }
    if (at != data_bytes)
        return err_input(e, "%s: data byte %llu: belongs to no tensor", s->name,
                         (unsigned long long)at);
    return 0;
}

static int read_header(struct safetensors *s, struct err *e)
{
    if (!s->bytes || s->size < LENGTH_BYTES)
        return err_input(e, "%s: %zu bytes are too few for a safetensors file", s->name, s->size);
    uint64_t length = load_u64(s->bytes);
    if (length > SAFETENSORS_HEADER_MAX || length > s->size - LENGTH_BYTES)
        return err_input(e, "%s: byte 0: a header of %llu bytes in a file of %zu", s->name,
                         (unsigned long long)length, s->size);
    size_t data_at = LENGTH_BYTES + (size_t)length;
    char *label = arena_printf(s->arena, "%.1000s: header", s->name);
    const struct json *header;
    const char *text = (const char *)s->bytes + LENGTH_BYTES;
    if (length == 0 || text[0] != '{')
        return err_input(e, "%s: byte 8: the header does not begin with '{'", s->name);
    if (json_parse(&header, s->arena, label, text, (size_t)length, e))
        return -1;
    s->tensors = arena_alloc(s->arena, header->count, sizeof *s->tensors);
    for (const struct json *m = header->first; m; m = m->next) {
        struct entry in = {s, m, e};
        if (!strcmp(m->key, "__metadata__")) {
            if (check_metadata(s, m, e))
                return -1;
        } else if (read_entry(&in, &s->tensors[s->count++], data_at)) {
            return -1;
        }
    }
    if (s->count > 1)
        qsort(s->tensors, s->count, sizeof *s->tensors, by_place);
    if (check_tiling(s, s->size - data_at, e))
        return -1;
    if (s->count > 1)
        qsort(s->tensors, s->count, sizeof *s->tensors, by_name);
    return 0;
}

/* ---- the outside ---- */

int safetensors_parse(struct safetensors **out, const char *name, const void *bytes, size_t n,
                      struct err *e)
{
    struct safetensors *s = xcalloc(1, sizeof *s);
    s->arena = arena_open();
    s->name = arena_strdup(s->arena, name);
    s->bytes = bytes;
    s->size = n;
    if (read_header(s, e)) {
        safetensors_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

static int map_file(const char *path, void **map, size_t *size, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return err_input(e, "%s: cannot be opened: %s", path, strerror(errno));
    int result = 0;
    *map = NULL;
    if (fstat(fd, &st)) {
        result = err_input(e, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        result = err_input(e, "%s: not a file", path);
    } else if (st.st_size > 0) {
        *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (*map == MAP_FAILED)
            result = err_input(e, "%s: cannot be mapped: %s", path, strerror(errno));
    }
    *size = (size_t)st.st_size;
    (void)close(fd);
    return result;
}

int safetensors_open(struct safetensors **out, const char *path, struct err *e)
{
    void *map = NULL;
    size_t size = 0;
    if (map_file(path, &map, &size, e))
        return -1;
    if (safetensors_parse(out, path, map, size, e)) {
        if (map)
            (void)munmap(map, size);
        return -1;
    }
    (*out)->map = map;
    return 0;
}

void safetensors_close(struct safetensors *s)
{
    if (!s)
        return;
    if (s->map)
        (void)munmap(s->map, s->size);
    arena_close(s->arena);
    free(s);
}

const char *safetensors_name(const struct safetensors *s)
{
    return s->name;
}

size_t safetensors_count(const struct safetensors *s)
{
    return s->count;
}

const struct tensor *safetensors_at(const struct safetensors *s, size_t i)
{
    return &s->tensors[i];
}

const struct tensor *safetensors_find(const struct safetensors *s, const char *name)
{
    struct tensor key = {.name = name};
    return s->count ? bsearch(&key, s->tensors, s->count, sizeof key, by_name) : NULL;
}
