/* SPDX-License-Identifier: Apache-2.0 */
/* split.c - parts of a loop, a thread each. */
#include "model/split.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

struct part {
    split_work *work;
    void *self;
    unsigned worker;
    uint32_t first, count;
    pthread_t thread;
    bool begun;
};

static void *run_part(void *self)
{
    struct part *p = self;
    if (p->count)
        p->work(p->self, p->worker, p->first, p->count);
    return NULL;
}

void split_run(unsigned threads, uint32_t n, split_work *work, void *self)
{
    struct part part[SPLIT_MAX];
    assert(threads >= 1 && threads <= SPLIT_MAX);
    for (unsigned i = 0; i < threads; i++) {
        uint32_t first = (uint32_t)((uint64_t)n * i / threads);
        uint32_t end = (uint32_t)((uint64_t)n * (i + 1) / threads);
        part[i] = (struct part){
            .work = work, .self = self, .worker = i, .first = first, .count = end - first};
        part[i].begun = i && !pthread_create(&part[i].thread, NULL, run_part, &part[i]);
    }
    for (unsigned i = 0; i < threads; i++)
        if (!part[i].begun)
            (void)run_part(&part[i]); /* the caller's own, and those no thread could be had for */
    for (unsigned i = 0; i < threads; i++)
        if (part[i].begun)
            (void)pthread_join(part[i].thread, NULL);
}
