/* SPDX-License-Identifier: Apache-2.0 */
/* crew.c - strips, letters between them, and the threads. */
#include "fabric/crew.h"

#include "base/xalloc.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPINS = 4096,       /* looks at the start signal before a thread sleeps */
    WORTH_WAKING = 1500 /* active parts in a cycle */
};

struct crew {
    unsigned strips;
    struct wafer *view[CREW_MAX];
    uint8_t *strip_of_row;
    pthread_t thread[CREW_MAX];
    atomic_uint start, done; /* cycles begun, strips finished since */
    atomic_uint asleep;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

struct worker {
    struct crew *crew;
    unsigned strip;
};

unsigned crew_strips(const struct wafer *w)
{
    return w->crew ? w->crew->strips : 1;
}

struct wafer *crew_strip(const struct wafer *w, unsigned strip)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the same pointer without its const */
    return w->crew ? w->crew->view[strip] : (struct wafer *)(uintptr_t)w;
}

struct wafer *crew_of(struct wafer *w, uint32_t tile)
{
    if (!w->crew)
        return w;
    struct wafer *v = w->crew->view[w->crew->strip_of_row[wafer_y(w, tile)]];
    v->cycle = w->cycle;
    return v;
}

/* ---- the threads ---- */

static void wait_for_start(struct crew *c, unsigned seen)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (atomic_load(&c->start) != seen)
            return;
        if (i % 64 == 63)
            (void)sched_yield();
    }
    (void)pthread_mutex_lock(&c->lock);
    atomic_fetch_add(&c->asleep, 1);
    while (atomic_load(&c->start) == seen)
        (void)pthread_cond_wait(&c->wake, &c->lock);
    atomic_fetch_sub(&c->asleep, 1);
    (void)pthread_mutex_unlock(&c->lock);
}

static void *work(void *self)
{
    struct worker me = *(struct worker *)self;
    struct crew *c = me.crew;
    free(self);
    for (unsigned seen = 0;; seen++) {
        wait_for_start(c, seen);
        if (atomic_load(&c->stop))
            return NULL;
        fast_work(c->view[me.strip]);
        atomic_fetch_add(&c->done, 1);
    }
}

static void signal_start(struct crew *c)
{
    atomic_store(&c->done, 0);
    atomic_fetch_add(&c->start, 1);
    if (!atomic_load(&c->asleep))
        return;
    (void)pthread_mutex_lock(&c->lock);
    (void)pthread_cond_broadcast(&c->wake);
    (void)pthread_mutex_unlock(&c->lock);
}

static void run_together(struct crew *c)
{
    signal_start(c);
    fast_work(c->view[0]);
    for (unsigned i = 1; atomic_load(&c->done) != c->strips - 1; i++)
        if (i % 1024 == 0)
            (void)sched_yield();
}

static void start_threads(struct crew *c)
{
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->wake, NULL);
    for (unsigned i = 1; i < c->strips; i++) {
        struct worker *me = xcalloc(1, sizeof *me);
        *me = (struct worker){c, i};
        if (pthread_create(&c->thread[i], NULL, work, me))
            abort();
    }
}

/* ---- opening ---- */

static struct wafer *view_open(struct wafer *w, uint32_t first_row, uint32_t rows)
{
    struct wafer *v = xcalloc(1, sizeof *v);
    struct fast *f = xcalloc(1, sizeof *f);
    *v = *w;
    *f = *w->fast;
    f->moment = xcalloc(f->mask + 1, sizeof *f->moment);
    f->freed = f->letters = f->freed_letters = (struct keys){0};
    f->late = v->alarms = (struct alarms){0};
    f->trains = (struct trains){0};
    f->first = first_row * w->width;
    f->span = rows * w->width;
    v->fast = f;
    v->crew = NULL;
    v->whole = w;
    v->edge_entered = false;
    v->notes = xcalloc(1, sizeof *v->notes);
    v->fault.raised = false;
    memset(&v->stats, 0, sizeof v->stats);
    v->consumed = 0;
    v->bus.self = v;
    set_open(&v->routers, w->tiles);
    set_open(&v->engines, w->tiles);
    set_open(&v->cores, w->tiles);
    return v;
}

static void hand_out_set(struct wafer *w, struct set *all, size_t which)
{
    for (uint32_t i = set_next(all, 0); i != SET_END; i = set_next(all, i + 1)) {
        set_add((struct set *)((char *)crew_of(w, i) + which), i);
        set_remove(all, i);
    }
}

static void hand_out_moment(struct wafer *w, struct moment *m, uint64_t cycle)
{
    for (uint32_t i = 0; i < m->arrive.count; i++)
        keys_put(&fast_moment(crew_of(w, m->arrive.key[i] >> 8)->fast, cycle)->arrive,
                 m->arrive.key[i]);
    for (uint32_t i = 0; i < m->deliver.count; i++) {
        uint32_t key = (uint32_t)(m->deliver.word[i] >> 32);
        words_put(&fast_moment(crew_of(w, key >> 8)->fast, cycle)->deliver, key,
                  (uint32_t)m->deliver.word[i]);
    }
    for (uint32_t i = 0; i < m->alarms.count; i++)
        keys_put(&fast_moment(crew_of(w, m->alarms.key[i])->fast, cycle)->alarms, m->alarms.key[i]);
    for (uint32_t i = 0; i < m->cores.count; i++)
        keys_put(&fast_moment(crew_of(w, m->cores.key[i])->fast, cycle)->cores, m->cores.key[i]);
    for (uint32_t i = 0; i < m->leave.count; i++)
        parcels_put(&fast_moment(crew_of(w, m->leave.parcel[i].tile)->fast, cycle)->leave,
                    m->leave.parcel[i]);
    m->arrive.count = m->deliver.count = m->alarms.count = m->cores.count = m->leave.count = 0;
}

static void hand_out(struct wafer *w)
{
    struct alarms *a = &w->alarms, *late = &w->fast->late;
    hand_out_set(w, &w->routers, offsetof(struct wafer, routers));
    hand_out_set(w, &w->engines, offsetof(struct wafer, engines));
    hand_out_set(w, &w->cores, offsetof(struct wafer, cores));
    for (uint64_t at = w->cycle; at <= w->cycle + w->fast->mask; at++)
        hand_out_moment(w, fast_moment(w->fast, at), at);
    for (; a->count; alarms_drop(a))
        alarms_put(&crew_of(w, a->heap[0].tile)->alarms, a->heap[0].cycle, a->heap[0].tile);
    for (; late->count; alarms_drop(late))
        alarms_put(&crew_of(w, late->heap[0].tile)->fast->late, late->heap[0].cycle,
                   late->heap[0].tile);
}

void crew_open(struct wafer *w)
{
    struct crew *c = xcalloc(1, sizeof *c);
    trains_stop_all(w);
    c->strips = w->threads < w->height ? w->threads : w->height;
    c->strips = c->strips < CREW_MAX ? c->strips : CREW_MAX;
    c->strip_of_row = xcalloc(w->height, 1);
    for (unsigned i = 0; i < c->strips; i++) {
        uint32_t first = w->height * i / c->strips, end = w->height * (i + 1) / c->strips;
        c->view[i] = view_open(w, first, end - first);
        memset(c->strip_of_row + first, (int)i, end - first);
    }
    w->crew = c;
    hand_out(w);
    start_threads(c);
}

static void view_close(struct wafer *v)
{
    fast_close_moments(v->fast);
    free(v->fast->letters.key);
    free(v->fast->freed_letters.key);
    free(v->fast);
    free(v->notes->note);
    free(v->notes);
    set_close(&v->routers);
    set_close(&v->engines);
    set_close(&v->cores);
    alarms_close(&v->alarms);
    free(v);
}

void crew_close(struct wafer *w)
{
    struct crew *c = w->crew;
    if (!c)
        return;
    atomic_store(&c->stop, true);
    signal_start(c);
    for (unsigned i = 1; i < c->strips; i++)
        (void)pthread_join(c->thread[i], NULL);
    for (unsigned i = 0; i < c->strips; i++)
        view_close(c->view[i]);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->wake);
    free(c->strip_of_row);
    free(c);
    w->crew = NULL;
}

/* ---- between cycles ---- */

static void deliver_letters(struct wafer *w, struct wafer *from)
{
    struct fast *f = from->fast;
    for (uint32_t i = 0; i < f->letters.count; i++) {
        uint32_t key = f->letters.key[i];
        keys_put(&fast_moment(crew_of(w, key >> 8)->fast, w->cycle + w->hop)->arrive, key);
    }
    f->letters.count = 0;
    for (uint32_t i = 0; i < f->freed_letters.count; i++) {
        uint32_t key = f->freed_letters.key[i];
        fast_free(crew_of(w, (key >> 8) + (uint32_t)f->step[key & 7u]), key);
    }
    f->freed_letters.count = 0;
}

void crew_note(struct wafer *view, uint32_t tile, unsigned kind, uint32_t what)
{
    struct crew_notes *n = view->notes;
    if (n->count == n->size) {
        n->size = n->size ? n->size * 2 : 64;
        n->note = xrealloc(n->note, n->size, sizeof *n->note);
    }
    n->note[n->count++] = (struct crew_note){kind, tile, what};
}

static void read_note(struct wafer *w, const struct crew_note *n)
{
    uint32_t x = wafer_x(w, n->tile), y = wafer_y(w, n->tile);
    switch (n->kind) {
    case NOTE_STREAM:
        w->stream_hook(w->stream_self, x, y, (uint16_t)(n->what >> 1),
                       (enum stream_moment)(n->what & 1), w->cycle);
        break;
    case NOTE_TASK:
        w->task_hook(w->task_self, x, y, n->what, w->cycle);
        break;
    case NOTE_PRINT:
        console_put(w, n->tile, (char)n->what);
        break;
    }
}

/* Engines come before cores in a cycle. */
static void read_notes(struct wafer *w, bool streams)
{
    for (unsigned i = 0; i < w->crew->strips; i++) {
        const struct crew_notes *n = w->crew->view[i]->notes;
        for (uint32_t k = 0; k < n->count; k++)
            if ((n->note[k].kind == NOTE_STREAM) == streams)
                read_note(w, &n->note[k]);
    }
}

static void add_counters(struct wafer *w, struct wafer *v)
{
    struct wafer_stats *a = &w->stats, *b = &v->stats;
    a->instructions += b->instructions;
    a->wavelets_sent += b->wavelets_sent;
    a->wavelets_received += b->wavelets_received;
    a->wavelets_copied += b->wavelets_copied;
    a->link_moves += b->link_moves;
    a->core_busy_cycles += b->core_busy_cycles;
    a->stream_beats += b->stream_beats;
    w->consumed += v->consumed;
    v->consumed = 0;
    memset(b, 0, sizeof *b);
}

void crew_count(const struct wafer *w)
{
    for (unsigned i = 0; w->crew && i < w->crew->strips; i++) {
        struct wafer *v = w->crew->view[i];
        add_counters(v->whole, v);
    }
}

/* Strips are in the order of tiles, so the first one's fault is that of the lowest tile. */
static void collect(struct wafer *w)
{
    struct crew *c = w->crew;
    for (unsigned i = 0; i < c->strips; i++) {
        struct wafer *v = c->view[i];
        add_counters(w, v);
        if (v->fault.raised && (!w->fault.raised || (w->fault.cycle == v->fault.cycle &&
                                                     v->fault.tile < w->fault.tile)))
            w->fault = v->fault;
        deliver_letters(w, v);
    }
    read_notes(w, true);
    read_notes(w, false);
    for (unsigned i = 0; i < c->strips; i++)
        c->view[i]->notes->count = 0;
}

static void note_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                        uint64_t cycle)
{
    struct wafer *v = self;
    (void)cycle;
    crew_note(v, y * v->width + x, NOTE_STREAM, (uint32_t)desc << 1 | what);
}

static void note_task(void *self, uint32_t x, uint32_t y, uint32_t task, uint64_t cycle)
{
    struct wafer *v = self;
    (void)cycle;
    crew_note(v, y * v->width + x, NOTE_TASK, task);
}

/* What the views know of the whole. */
static uint32_t prepare(struct wafer *w)
{
    struct crew *c = w->crew;
    uint32_t active = 0;
    for (unsigned i = 0; i < c->strips; i++) {
        struct wafer *v = c->view[i];
        const struct moment *m = fast_moment(v->fast, w->cycle);
        v->cycle = w->cycle;
        v->test_no_skip = w->test_no_skip;
        v->console = w->console;
        v->log = w->log;
        v->task_hook = w->task_hook ? note_task : NULL;
        v->stream_hook = w->stream_hook ? note_stream : NULL;
        v->task_self = v->stream_self = v;
        active += v->routers.count + v->engines.count + v->cores.count + m->arrive.count +
                  m->deliver.count + m->cores.count;
    }
    return active;
}

void crew_step(struct wafer *w)
{
    struct crew *c = w->crew;
    for (unsigned i = 0; i < c->strips; i++)
        fast_let_leave(w, &fast_moment(c->view[i]->fast, w->cycle)->leave);
    w->edge_entered = false;
    uint32_t active = prepare(w);
    if (w->outside.cycle)
        w->outside.cycle(w->outside.self, w, w->cycle);
    if (active >= WORTH_WAKING || w->test_crew)
        run_together(c);
    else
        for (unsigned i = 0; i < c->strips; i++)
            fast_work(c->view[i]);
    collect(w);
    w->cycle++;
}

uint64_t crew_next(struct wafer *w)
{
    uint64_t first = w->edge_entered ? w->cycle : NEVER;
    for (unsigned i = 0; i < w->crew->strips && first > w->cycle; i++) {
        struct wafer *v = w->crew->view[i];
        v->cycle = w->cycle;
        uint64_t next = fast_next(v);
        first = next < first ? next : first;
    }
    return first;
}
