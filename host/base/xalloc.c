/* SPDX-License-Identifier: Apache-2.0 */
/* xalloc.c - allocation that ends the process when memory is gone, and the arena. */
#include "base/xalloc.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_CHUNK_BYTES = 1 << 20, ARENA_ALIGN = 16 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(ARENA_ALIGN) unsigned char bytes[];
};

struct arena {
    struct chunk *chunks; /* the newest first */
};

static size_t product_or_die(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total) || total > PTRDIFF_MAX) {
        (void)fprintf(stderr, "tessera: out of memory (%zu x %zu bytes asked for)\n", count, bytes);
        exit(ERR_INTERNAL);
    }
    return total;
}

static void *found_or_die(void *p, size_t bytes)
{
    if (!p) {
        (void)fprintf(stderr, "tessera: out of memory (%zu bytes asked for)\n", bytes);
        exit(ERR_INTERNAL);
    }
    return p;
}

void *xcalloc(size_t count, size_t bytes)
{
    size_t total = product_or_die(count, bytes);
    return found_or_die(calloc(1, total ? total : 1), total);
}

void *xrealloc(void *old, size_t count, size_t bytes)
{
    size_t total = product_or_die(count, bytes);
    return found_or_die(realloc(old, total ? total : 1), total);
}

char *xstrdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(xcalloc(bytes, 1), text, bytes);
}

struct arena *arena_open(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_close(struct arena *a)
{
    if (!a)
        return;
    for (struct chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(a);
}

void *arena_alloc(struct arena *a, size_t count, size_t bytes)
{
    size_t total = product_or_die(count, bytes);
    total = product_or_die((total + ARENA_ALIGN - 1) / ARENA_ALIGN, ARENA_ALIGN);
    struct chunk *c = a->chunks;
    if (!c || c->size - c->used < total) {
        size_t size = total > ARENA_CHUNK_BYTES ? total : ARENA_CHUNK_BYTES;
        c = xcalloc(1, sizeof *c + size);
        c->size = size;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *p = c->bytes + c->used;
    c->used += total;
    return p;
}

char *arena_strdup(struct arena *a, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(arena_alloc(a, bytes, 1), text, bytes);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    char text[4096];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return arena_strdup(a, text);
}
