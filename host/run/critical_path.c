/* SPDX-License-Identifier: Apache-2.0 */
/* critical_path.c - the walk back. */
#include "run/critical_path.h"

#include "base/xalloc.h"
#include "hal/stream.h"
#include "run/messages.h"

#include <assert.h>
#include <stdlib.h>

const char *path_part_name(enum path_part part)
{
    static const char *const names[PATH_PARTS] = {"compute", "scheduler",  "hops",   "ramps",
                                                  "words",   "contention", "waiting"};
    return names[part];
}

/* Where the walk is: the first `words` words of a record were done at cycle `at`. */
struct walk {
    const struct critical_path_cfg *cfg;
    struct messages *messages;
    struct critical_path *path; /* the latest piece first */
    uint32_t x, y, record, words;
    const struct stream_record *log; /* of the tile */
    int32_t at;
};

static void go_to(struct walk *k, uint32_t x, uint32_t y, uint32_t record, uint32_t words)
{
    k->x = x, k->y = y;
    k->record = record;
    k->words = words;
    uint32_t count;
    k->log = wafer_stream_records(k->cfg->wafer, x, y, &count);
    assert(k->log && record < count);
}

/* The last `cycles` cycles before k->at belong to the record; the path ends at 0. */
static void spend(struct walk *k, enum path_part part, int32_t cycles)
{
    const struct stream_record *r = &k->log[k->record];
    struct critical_path *p = k->path;
    cycles = cycles < k->at ? cycles : k->at;
    if (cycles <= 0)
        return;
    if (!(p->count & (p->count - 1)))
        p->piece = xrealloc(p->piece, p->count ? 2 * (size_t)p->count : 1, sizeof *p->piece);
    k->at -= cycles;
    p->piece[p->count++] =
        (struct path_piece){.begin = (uint32_t)k->at,
                            .cycles = (uint32_t)cycles,
                            .x = k->x,
                            .y = k->y,
                            .desc = r->desc,
                            .op = r->op,
                            .part = (uint8_t)part,
                            .phase = (uint8_t)k->cfg->phase(k->cfg->self, k->x, k->y, r->desc)};
}

static bool moves_words(const struct stream_record *r)
{
    return r->from != NO_COLOUR || r->to != NO_COLOUR;
}

/* A word that is taken and sent on is issued a cycle after its beat. */
static int32_t combines(const struct walk *k)
{
    const struct stream_record *r = &k->log[k->record];
    return r->from != NO_COLOUR && r->to != NO_COLOUR;
}

/* ---- the step before ---- */

/* The record's begin is where the walk is: what began it? */
static int step_before(struct walk *k, struct err *e)
{
    const struct stream_record *r = &k->log[k->record];
    if (k->at == 0)
        return 0;
    if (k->record == 0)
        return err_set(e, ERR_INTERNAL,
                       "critical path: nothing began the descriptor at 0x%x of tile (%u,%u)",
                       r->desc, k->x, k->y);
    const struct stream_record *before = r - 1;
    int32_t core = r->begin - before->end;
    int32_t dispatch = core ? (int32_t)k->cfg->dispatch(k->cfg->self, k->x, k->y, before->desc) : 0;
    dispatch = dispatch < core ? dispatch : core;
    spend(k, PATH_COMPUTE, core - dispatch);
    spend(k, PATH_SCHEDULER, dispatch);
    go_to(k, k->x, k->y, k->record - 1, before->count);
    return 0;
}

/* Nobody held it up: setup and its beats. */
static int by_itself(struct walk *k, struct err *e)
{
    const struct stream_record *r = &k->log[k->record];
    int32_t setup = (int32_t)k->cfg->machine->stream_setup_cycles;
    enum path_part part = moves_words(r) ? PATH_WORDS : PATH_COMPUTE;
    spend(k, part, k->at - r->begin - setup);
    spend(k, PATH_SCHEDULER, k->at - r->begin);
    return step_before(k, e);
}

/* ---- input ---- */

/* The message that held up a record longest, if nothing else had: its first `words` words were
 * there `after` words before the walk's, at cycle `done`. */
struct bound {
    const struct message *message;
    uint32_t words, after;
    int32_t done;
};

/* Between the issue of a word and its beat at the other end. */
static int32_t links(const struct walk *k, const struct message *m)
{
    return (int32_t)(m->hops * k->cfg->machine->hop_cycles);
}

static int32_t ramps(const struct walk *k, const struct message *m)
{
    return (m->outside ? 1 : 2) * (int32_t)k->cfg->machine->ramp_cycles;
}

static int32_t way(const struct walk *k, const struct message *m)
{
    return links(k, m) + ramps(k, m);
}

static void spend_way(struct walk *k, const struct message *m)
{
    spend(k, PATH_RAMPS, ramps(k, m));
    spend(k, PATH_HOPS, links(k, m));
}

/* When the words of a message had come if only this message counted. */
static int32_t done_at(const struct walk *k, const struct bound *b)
{
    if (b->message->outside)
        return (int32_t)b->words + way(k, b->message) + (int32_t)b->after;
    int32_t issued = b->message->issued - (int32_t)(b->message->words - b->words);
    return issued + way(k, b->message) + (int32_t)b->after;
}

/* Words of this colour that the tile took before the record. */
static uint32_t taken_before(const struct walk *k)
{
    uint32_t words = 0, colour = k->log[k->record].from;
    for (uint32_t i = 0; i < k->record; i++)
        words += k->log[i].from == colour ? k->log[i].count : 0;
    return words;
}

/* Of the messages whose words first .. first + k->words - 1 the record took. */
static struct bound latest_message(struct walk *k, uint32_t first)
{
    const struct message_list *l =
        messages_through(k->messages, k->x, k->y, k->log[k->record].from);
    struct bound best = {.message = NULL};
    uint64_t begin = 0, end = (uint64_t)first + k->words;
    for (uint32_t i = 0; i < l->count && begin < end; i++) {
        const struct message *m = &l->message[i];
        if (!(m->outputs & AT_RAMP))
            continue;
        uint64_t last = begin + m->words < end ? begin + m->words : end;
        struct bound b = {m, (uint32_t)(last - begin), (uint32_t)(end - last), 0};
        begin += m->words;
        b.done = done_at(k, &b);
        if (last > first && (!best.message || b.done >= best.done))
            best = b;
    }
    if (begin < end)
        best.message = NULL;
    return best;
}

/* What came in from outside began where the path does. */
static void by_outside(struct walk *k, const struct bound *b)
{
    spend_way(k, b->message);
    spend(k, PATH_CONTENTION, k->at - (int32_t)b->words);
    spend(k, PATH_WORDS, k->at);
}

static int by_input(struct walk *k, const struct bound *b)
{
    const struct message m = *b->message;
    spend(k, PATH_WORDS, (int32_t)b->after);
    if (m.outside) {
        by_outside(k, b);
        return 0;
    }
    spend_way(k, &m);
    go_to(k, m.x, m.y, m.record, b->words);
    spend(k, PATH_WORDS, combines(k));
    return 0;
}

/* ---- room ---- */

struct taker {
    uint32_t x, y, record;
    int32_t begin;
};

/* The record of a tile that took the last of the walk's words, if it began after `best` and cannot
 * have taken that word before it left. */
static void offer_taker(struct walk *k, uint32_t x, uint32_t y, struct taker *best)
{
    uint8_t colour = k->log[k->record].to;
    const struct message_list *l = messages_through(k->messages, x, y, colour);
    uint64_t word = 0;
    bool found = false;
    for (uint32_t i = 0; i < l->count && !found; i++) {
        const struct message *m = &l->message[i];
        if (!(m->outputs & AT_RAMP) || m->outside)
            continue;
        found = m->x == k->x && m->y == k->y && m->record == k->record;
        word += found ? k->words : m->words;
    }
    uint32_t count;
    const struct stream_record *r = wafer_stream_records(k->cfg->wafer, x, y, &count);
    for (uint32_t i = 0; i < count && found; i++) {
        if (r[i].from != colour)
            continue;
        if (word > r[i].count) {
            word -= r[i].count;
            continue;
        }
        int32_t takes = r[i].begin + (int32_t)k->cfg->machine->stream_setup_cycles + (int32_t)word;
        if (r[i].begin > best->begin && r[i].begin < k->at && takes >= k->at)
            *best = (struct taker){x, y, i, r[i].begin};
        return;
    }
}

struct places {
    uint32_t *tile, count;
};

static void add_outputs(const struct walk *k, uint32_t tile, unsigned outputs, struct places *todo,
                        uint8_t *seen)
{
    uint32_t w = k->cfg->width, x = tile % w, y = tile / w;
    const uint32_t to[4] = {tile - w, tile + 1, tile + w, tile - 1};
    const bool inside[4] = {y > 0, x + 1 < w, y + 1 < k->cfg->height, x > 0};
    for (unsigned p = 0; p < 4; p++) {
        if (!(outputs >> p & 1) || !inside[p] || seen[to[p]])
            continue;
        seen[to[p]] = 1;
        todo->tile[todo->count++] = to[p];
    }
}

/* All outputs of a colour that words from a port may take. */
static unsigned outputs_from(const struct walk *k, uint32_t tile, uint8_t colour, unsigned inputs)
{
    struct colour_route r =
        wafer_route(k->cfg->wafer, tile % k->cfg->width, tile / k->cfg->width, colour);
    unsigned outputs = 0;
    for (unsigned p = 0; p < ROUTE_MODE_COUNT(r.mode); p++)
        if (ROUTE_INPUTS(r.word[p]) & inputs)
            outputs |= ROUTE_OUTPUTS(r.word[p]);
    return outputs;
}

/* Who took the record's words last, having begun after it did. */
static struct taker latest_taker(struct walk *k)
{
    uint32_t tiles = k->cfg->width * k->cfg->height, here = k->y * k->cfg->width + k->x;
    uint8_t colour = k->log[k->record].to, *seen = xcalloc(tiles, 1);
    struct places todo = {xcalloc(tiles, sizeof *todo.tile), 0};
    struct taker best = {.begin = k->log[k->record].begin};
    add_outputs(k, here, outputs_from(k, here, colour, AT_RAMP), &todo, seen);
    for (uint32_t i = 0; i < todo.count; i++) {
        unsigned outputs = outputs_from(k, todo.tile[i], colour, ~(unsigned)AT_RAMP);
        if (outputs & AT_RAMP)
            offer_taker(k, todo.tile[i] % k->cfg->width, todo.tile[i] / k->cfg->width, &best);
        add_outputs(k, todo.tile[i], outputs, &todo, seen);
    }
    free(todo.tile);
    free(seen);
    return best;
}

static int by_room(struct walk *k, const struct taker *t, struct err *e)
{
    spend(k, PATH_WAITING, k->at - t->begin);
    go_to(k, t->x, t->y, t->record, 0);
    return step_before(k, e);
}

/* ---- one step ---- */

/* The cycle in which its words were done if it never had to wait. */
static int32_t alone_at(const struct walk *k)
{
    const struct stream_record *r = &k->log[k->record];
    return r->begin + (int32_t)(k->cfg->machine->stream_setup_cycles + k->words);
}

static int step(struct walk *k, struct err *e)
{
    const struct stream_record *r = &k->log[k->record];
    struct bound b = {.message = NULL};
    if (!moves_words(r) || !k->words)
        return by_itself(k, e);
    if (r->from != NO_COLOUR) {
        b = latest_message(k, taken_before(k));
        if (!b.message)
            return err_set(e, ERR_INTERNAL,
                           "critical path: nobody sent what tile (%u,%u) took of colour %u", k->x,
                           k->y, r->from);
    }
    int32_t alone = alone_at(k), known = b.message && b.done > alone ? b.done : alone;
    if (known < k->at && r->to != NO_COLOUR) {
        struct taker t = latest_taker(k);
        if (t.begin > r->begin)
            return by_room(k, &t, e);
    }
    spend(k, PATH_CONTENTION, k->at - known);
    return b.message && b.done > alone ? by_input(k, &b) : by_itself(k, e);
}

/* ---- the end ---- */

/* The last thing that happened at an end: a record's words, and the cycle in which they were out.
 */
struct finish {
    uint32_t x, y, record, words;
    int32_t at;
    uint32_t links; /* cycles spent on them since */
};

/* The last message that left at a port. */
static bool last_out(const struct walk *k, const struct path_end *end, struct finish *out)
{
    const struct message_list *l = messages_through(k->messages, end->x, end->y, end->colour);
    const struct machine *machine = k->cfg->machine;
    for (uint32_t i = l->count; i--;) {
        const struct message *m = &l->message[i];
        if (!(m->outputs >> end->port & 1) || m->outside)
            continue;
        uint32_t on_links = (m->hops + 1) * machine->hop_cycles;
        int32_t at = m->issued + (int32_t)(machine->ramp_cycles + on_links);
        *out = (struct finish){m->x, m->y, m->record, m->words, at, on_links};
        return true;
    }
    return false;
}

static bool finish_at(const struct walk *k, const struct path_end *end, struct finish *out)
{
    if (end->port != PORT_RAMP)
        return last_out(k, end, out);
    uint32_t n;
    const struct stream_record *r = wafer_stream_records(k->cfg->wafer, end->x, end->y, &n);
    if (n)
        *out = (struct finish){end->x, end->y, n - 1, r[n - 1].count, r[n - 1].end, 0};
    return n;
}

/* To the record that the execution ended with. */
static int begin_at_end(struct walk *k, struct err *e)
{
    struct finish latest = {.at = -1}, f;
    for (uint32_t i = 0; i < k->cfg->end_count; i++)
        if (finish_at(k, &k->cfg->ends[i], &f) && f.at > latest.at)
            latest = f;
    if (latest.at < 0) {
        (void)err_set(e, ERR_INTERNAL, "critical path: nothing came out");
        return -1;
    }
    go_to(k, latest.x, latest.y, latest.record, latest.words);
    spend(k, PATH_CONTENTION, k->at - latest.at);
    spend(k, PATH_HOPS, (int32_t)latest.links);
    spend(k, PATH_RAMPS, k->at - combines(k) - k->log[k->record].end);
    spend(k, PATH_WORDS, k->at - k->log[k->record].end);
    return 0;
}

static void reverse(struct critical_path *p)
{
    for (uint32_t i = 0; i < p->count / 2; i++) {
        struct path_piece late = p->piece[i];
        p->piece[i] = p->piece[p->count - 1 - i];
        p->piece[p->count - 1 - i] = late;
    }
}

int critical_path_find(const struct critical_path_cfg *cfg, struct critical_path *out,
                       struct err *e)
{
    struct walk k = {.cfg = cfg, .path = out, .at = (int32_t)cfg->cycles};
    *out = (struct critical_path){0};
    k.messages = messages_open(cfg->wafer, cfg->width, cfg->height);
    int result = begin_at_end(&k, e);
    while (!result && k.at > 0)
        result = step(&k, e);
    messages_close(k.messages);
    reverse(out);
    if (result)
        critical_path_free(out);
    return result;
}

void critical_path_free(struct critical_path *p)
{
    free(p->piece);
    *p = (struct critical_path){0};
}
