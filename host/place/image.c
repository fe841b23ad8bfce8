/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - the memory, the sequence and the tables of one tile's program. */
#include "place/image.h"
#include "place/kernel_cost.h"
#include "place/trace.h"

#include <assert.h>
#include <string.h>

const char *image_part_name(enum image_part part)
{
    static const char *const names[IMAGE_PARTS] = {"code",    "stack",    "program",
                                                   "buffers", "KV cache", "weights"};
    return names[part];
}

static void set_overflow(struct image *m, enum image_part part, const char *what)
{
    if (!m->overflow) {
        m->overflow = what;
        m->overflow_part = part;
    }
}

/* Nothing is written to SRAM but what is loaded, so a reset clears no more than that. */
void image_reset(struct image *m, bool dry)
{
    if (!m->dry && m->low > m->dirty)
        m->dirty = m->low;
    m->dry = dry;
    if (!dry && m->dirty > TILE_PROGRAM_OFFSET) {
        memset(m->sram + TILE_PROGRAM_OFFSET, 0, m->dirty - TILE_PROGRAM_OFFSET);
        m->dirty = 0;
    }
    m->low = TILE_PROGRAM_OFFSET;
    m->high = TILE_SRAM_BYTES;
    memset(m->used, 0, sizeof m->used);
    m->used[PART_CODE] = TILE_CODE_BYTES;
    m->used[PART_STACK] = TILE_DATA_BYTES + TILE_STACK_BYTES;
    m->overflow = NULL;
    memset(&m->cost, 0, sizeof m->cost);
    m->mark_count = m->desc_count = m->route_count = m->queue_count = m->task_count = 0;
    m->last_desc = m->last_task = m->first_desc = -1;
    uint16_t header;
    (void)image_room(m, PART_PROGRAM, sizeof(struct program_header), &header);
}

/* Take bytes from the low end. Past an overflow, counting goes on (so that "needs N bytes" is true)
 * but offsets point at the start, where nothing is written. */
uint8_t *image_room(struct image *m, enum image_part part, uint32_t bytes, uint16_t *offset)
{
    uint32_t padded = (bytes + 3) & ~3u;
    m->used[part] += padded;
    if (m->high - m->low < padded) {
        set_overflow(m, part, "memory");
        *offset = TILE_PROGRAM_OFFSET;
        return NULL;
    }
    *offset = (uint16_t)m->low;
    m->low += padded;
    return m->dry || m->overflow ? NULL : m->sram + *offset;
}

uint16_t image_data(struct image *m, enum image_part part, const void *data, uint32_t bytes)
{
    uint16_t offset;
    uint8_t *room = image_room(m, part, bytes, &offset);
    if (room && bytes)
        memcpy(room, data, bytes);
    return offset;
}

uint16_t image_words(struct image *m, enum image_part part, uint32_t words)
{
    uint32_t bytes = words * 4;
    m->used[part] += bytes;
    if (words > TILE_SRAM_BYTES / 4 || m->high - m->low < bytes) {
        set_overflow(m, part, "memory");
        return TILE_PROGRAM_OFFSET;
    }
    m->high -= bytes;
    return (uint16_t)(m->high == TILE_SRAM_BYTES ? m->high - 4 : m->high);
}

void image_mark(struct image *m, uint8_t id)
{
    if (m->mark_count < IMAGE_MARKS && m->desc_count > 0) {
        m->mark[m->mark_count].desc = m->desc_at[m->desc_count - 1];
        m->mark[m->mark_count].cost = m->cost;
        m->mark[m->mark_count++].id = id;
        memset(&m->cost, 0, sizeof m->cost);
        trace_mark(m, id);
    }
}

void image_aside(struct image *m)
{
    memset(&m->cost, 0, sizeof m->cost);
}

void image_product(struct image *m, struct stream_desc d)
{
    if (!m->machine)
        return;
    uint64_t beats = stream_beats(&d, &m->machine->lanes);
    m->cost.compute += beats;
    trace_local(m, beats, 0);
}

void image_collective(struct image *m, uint64_t total, uint64_t single, uint64_t hops)
{
    if (!m->machine || !total)
        return;
    hops = hops < single ? hops : single;
    m->cost.dispatch += m->machine->stream_setup_cycles;
    m->cost.hops += hops;
    m->cost.stages += single - hops;
    m->cost.words += total - single;
}

/* Steps that wait for nobody; the others are collectives. */
static void reckon_step(struct image *m, const struct stream_desc *d)
{
    if (!m->machine || stream_fabric_use(d->op))
        return;
    m->cost.dispatch += m->machine->stream_setup_cycles;
    trace_local(m, 0, m->machine->stream_setup_cycles);
    image_product(m, *d);
}

void image_rewrite(struct image *m, uint16_t offset, const void *data, uint32_t bytes)
{
    if (!m->dry && !m->overflow)
        memcpy(m->sram + offset, data, bytes);
}

/* A task for the kernel that follows the last descriptor. */
static int new_task(struct image *m)
{
    if (m->task_count == PROGRAM_TASKS) {
        set_overflow(m, PART_PROGRAM, "tasks");
        return (int)PROGRAM_TASKS - 1;
    }
    int t = (int)m->task_count++;
    m->task[t] = (struct program_task){.need = 1};
    m->task_start[t] = 0;
    return t;
}

/* Make `desc` (an index, or -1) or `task` follow the last step. */
static void tie(struct image *m, int desc, int task)
{
    if (m->last_task >= 0)
        m->task_start[m->last_task] = desc >= 0 ? m->desc_at[desc] : PROGRAM_POST((uint32_t)task);
    else if (m->last_desc >= 0 && desc >= 0)
        m->desc[m->last_desc].next = m->desc_at[desc];
    else if (m->last_desc >= 0 && m->desc[m->last_desc].event == TILE_EVENT_NONE)
        m->desc[m->last_desc].event = (uint8_t)task;
    else if (m->last_desc >= 0)
        m->task_start[m->desc[m->last_desc].event] = PROGRAM_POST((uint32_t)task);
}

uint16_t image_step(struct image *m, struct stream_desc d)
{
    if (m->desc_count == IMAGE_DESCS) {
        set_overflow(m, PART_PROGRAM, "descriptors");
        return TILE_PROGRAM_OFFSET;
    }
    reckon_step(m, &d);
    int index = (int)m->desc_count++;
    d.thread = 0;
    d.event = TILE_EVENT_NONE;
    d.next = 0;
    m->desc[index] = d;
    (void)image_room(m, PART_PROGRAM, sizeof d, &m->desc_at[index]);
    tie(m, index, -1);
    if (m->first_desc < 0)
        m->first_desc = index;
    m->last_desc = index;
    m->last_task = -1;
    return m->desc_at[index];
}

static int kernel_task(struct image *m, enum trace_kind kind, enum kernel kernel, const void *args,
                       uint32_t bytes)
{
    struct kernel_cost cost = kernel_cost(kernel, args, m->cached);
    if (kind == TRACE_KERNEL) {
        m->cost.dispatch += cost.fixed;
        m->cost.compute += cost.items;
    }
    trace_kernel(m, kind, kernel, args);
    int t = new_task(m);
    m->task[t].kernel = (uint8_t)kernel;
    m->task[t].args = image_data(m, PART_PROGRAM, args, bytes);
    return t;
}

uint16_t image_kernel(struct image *m, enum kernel kernel, const void *args, uint32_t bytes)
{
    int t = kernel_task(m, TRACE_KERNEL, kernel, args, bytes);
    tie(m, -1, t);
    m->last_task = t;
    m->last_desc = -1;
    return m->task[t].args;
}

uint16_t image_kernel_beside(struct image *m, enum kernel kernel, const void *args, uint32_t bytes)
{
    if (m->last_desc < 0 || m->desc[m->last_desc].event != TILE_EVENT_NONE)
        return image_kernel(m, kernel, args, bytes);
    int t = kernel_task(m, TRACE_BESIDE, kernel, args, bytes);
    m->desc[m->last_desc].event = (uint8_t)t;
    return m->task[t].args;
}

void image_route(struct image *m, uint8_t colour, uint16_t word, bool receive)
{
    image_switch(m, colour, &word, 1, receive);
}

void image_switch(struct image *m, uint8_t colour, const uint16_t *words, uint32_t count,
                  bool receive)
{
    uint8_t ring = count > 1 ? ROUTE_MODE_RING : 0;
    struct program_route r = {.colour = colour,
                              .mode = (uint8_t)(ROUTE_MODE_POSITIONS(count) | ring)};
    memcpy(r.word, words, count * sizeof r.word[0]);
    for (uint32_t i = 0; i < m->route_count; i++) {
        if (m->route[i].colour == colour) {
            assert(m->route[i].mode == r.mode && !memcmp(m->route[i].word, r.word, sizeof r.word));
            return;
        }
    }
    if (m->route_count == IMAGE_ROUTES || (receive && m->queue_count == TILE_QUEUES)) {
        set_overflow(m, PART_PROGRAM, "colours or input queues");
        return;
    }
    r.queue = receive ? (uint8_t)m->queue_count++ : 0xff;
    m->route[m->route_count++] = r;
}

static void write_tables(struct image *m)
{
    uint16_t starts[1 + PROGRAM_TASKS]; /* the boot's, then one of each task */
    starts[0] = m->desc_at[m->first_desc];
    for (uint32_t t = 0; t < m->task_count; t++)
        starts[1 + t] = m->task_start[t];
    uint16_t list = image_data(m, PART_PROGRAM, starts, (1 + m->task_count) * 2);
    for (uint32_t t = 0; t < m->task_count; t++) {
        m->task[t].start_count = m->task_start[t] != 0;
        m->task[t].starts = (uint16_t)(list + 2 + 2 * t);
    }
    struct program_header h = {.magic = PROGRAM_MAGIC, .version = PROGRAM_VERSION};
    h.starts = list;
    h.start_count = 1;
    h.routes = image_data(m, PART_PROGRAM, m->route, m->route_count * (uint32_t)sizeof m->route[0]);
    h.route_count = (uint16_t)m->route_count;
    h.tasks = image_data(m, PART_PROGRAM, m->task, m->task_count * (uint32_t)sizeof m->task[0]);
    h.task_count = (uint16_t)m->task_count;
    h.bytes = (uint16_t)(m->low - TILE_PROGRAM_OFFSET);
    if (!m->dry && !m->overflow)
        memcpy(m->sram + TILE_PROGRAM_OFFSET, &h, sizeof h);
}

void image_finish(struct image *m)
{
    assert(m->first_desc >= 0);
    tie(m, m->first_desc, -1);
    for (uint32_t i = 0; i < m->desc_count; i++) {
        if (!m->dry && !m->overflow)
            memcpy(m->sram + m->desc_at[i], &m->desc[i], sizeof m->desc[i]);
    }
    write_tables(m);
}
