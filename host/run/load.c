/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - programs made tile by tile, and brought in over the mesh or directly. */
#include "run/load.h"

#include "base/xalloc.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static uint32_t record_header(uint32_t offset, uint32_t words)
{
    return offset | words << 16;
}

/* Every tile's firmware, as one record and the end word. */
static void send_image(const struct loading *l)
{
    uint32_t n = l->images->code_bytes / 4;
    uint32_t *words = xcalloc(n + 2, sizeof *words);
    words[0] = record_header(0, n);
    memcpy(words + 1, l->images->code, (size_t)n * 4);
    io_send(l->io, (struct edge_port){PORT_WEST, 0}, COLOUR_IMAGE, words, n + 2, 0);
    free(words);
}

static uint32_t program_words(const struct image *m)
{
    return (m->low - TILE_PROGRAM_OFFSET) / 4;
}

static int check(const struct image *m, uint32_t x, uint32_t y, struct err *e)
{
    if (!m->overflow)
        return 0;
    return err_set(e, ERR_INPUT, "plan: does not fit: tile (%u,%u): %s (%s)", x, y,
                   image_part_name(m->overflow_part), m->overflow);
}

/* One tile's share of its row's stream; its last word turns the tile into a wire. */
static int send_program(struct loading *l, uint32_t x, uint32_t y, struct image *m, struct err *e)
{
    uint32_t n = 0, used = 0;
    if (plan_emit(l->plan, l->first_column + x, y, false, m)) {
        if (check(m, x, y, e))
            return -1;
        n = program_words(m);
        l->tiles++;
    }
    uint32_t *words = xcalloc(n + 2, sizeof *words);
    if (n) {
        words[used++] = record_header(TILE_PROGRAM_OFFSET, n);
        memcpy(words + used, m->sram + TILE_PROGRAM_OFFSET, (size_t)n * 4);
        used += n;
    }
    words[used++] = record_header(0, 0);
    io_send(l->io, (struct edge_port){PORT_WEST, y}, COLOUR_LOAD, words, used, IO_LAST_IS_CONTROL);
    free(words);
    return 0;
}

int load_over_fabric(struct loading *l, struct err *e)
{
    struct image *m = xcalloc(1, sizeof *m);
    int result = 0;
    send_image(l);
    for (uint32_t y = 0; y < l->plan->height && !result; y++) {
        for (uint32_t x = 0; x < l->plan->width && !result; x++)
            result = send_program(l, x, y, m, e);
        l->progress(l->progress_self, y + 1);
    }
    free(m);
    return result;
}

/* ---- directly: rows are dealt out to threads, every one with an image of its own ---- */

struct crew {
    struct loading *load;
    atomic_uint next_row, tiles, done;
    atomic_bool failed;
    pthread_mutex_t lock; /* of `err` and of progress */
    struct err *err;
};

static int load_row(struct crew *c, uint32_t y, struct image *m, struct err *e)
{
    const struct loading *l = c->load;
    for (uint32_t x = 0; x < l->plan->width; x++) {
        if (!plan_emit(l->plan, l->first_column + x, y, false, m))
            continue;
        if (check(m, x, y, e) || wafer_load(l->wafer, x, y, TILE_PROGRAM_OFFSET,
                                            m->sram + TILE_PROGRAM_OFFSET, program_words(m) * 4, e))
            return -1;
        atomic_fetch_add(&c->tiles, 1);
    }
    return 0;
}

static void *load_rows(void *self)
{
    struct crew *c = self;
    struct image *m = xcalloc(1, sizeof *m);
    for (;;) {
        struct err e = {0};
        uint32_t y = atomic_fetch_add(&c->next_row, 1);
        if (y >= c->load->plan->height || atomic_load(&c->failed))
            break;
        int result = load_row(c, y, m, &e);
        (void)pthread_mutex_lock(&c->lock);
        if (result && !atomic_exchange(&c->failed, true))
            *c->err = e;
        c->load->progress(c->load->progress_self, atomic_fetch_add(&c->done, 1) + 1);
        (void)pthread_mutex_unlock(&c->lock);
    }
    free(m);
    return NULL;
}

int load_directly(struct loading *l, struct err *e)
{
    enum { THREADS_MOST = 64 };
    pthread_t thread[THREADS_MOST];
    uint32_t n = 0, wanted = l->threads < THREADS_MOST ? l->threads : THREADS_MOST;
    struct crew c = {.load = l, .lock = PTHREAD_MUTEX_INITIALIZER, .err = e};
    while (n + 1 < wanted && !pthread_create(&thread[n], NULL, load_rows, &c))
        n++;
    (void)load_rows(&c);
    while (n > 0)
        (void)pthread_join(thread[--n], NULL);
    (void)pthread_mutex_destroy(&c.lock);
    l->tiles = atomic_load(&c.tiles);
    if (atomic_load(&c.failed))
        return -1;
    wafer_start_loaded(l->wafer);
    return 0;
}
