/* SPDX-License-Identifier: Apache-2.0 */
/* native.c - the scripted tile. */
#include "hal/native/native.h"

#include "base/xalloc.h"
#include "hal/event.h"
#include "hal/mmio.h"
#include "hal/sram.h"
#include "hal/stream.h"
#include "hal/tile_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct native_tile *tile_in_use;

static _Noreturn void end_run(enum native_end end)
{
    longjmp(tile_in_use->end, (int)end + 1); /* 0 is setjmp's own */
}

static _Noreturn void wrong(const char *what, uint32_t offset, uint32_t value)
{
    static const char *const access[] = {"a read of", "a write to", "a sleep at"};
    struct native_tile *n = tile_in_use;

    if (n->next < n->step_count)
        (void)snprintf(n->wrong, sizeof n->wrong,
                       "%s 0x%03x value 0x%x; step %zu is %s 0x%03x value 0x%x", what, offset,
                       value, n->next, access[n->step[n->next].access], n->step[n->next].offset,
                       n->step[n->next].value);
    else
        (void)snprintf(n->wrong, sizeof n->wrong,
                       "%s 0x%03x value 0x%x after the end of the script", what, offset, value);
    end_run(NATIVE_WRONG);
}

/* The next step if it is this access to this register, else NULL. */
static const struct native_step *expected(enum native_access access, uint32_t offset)
{
    struct native_tile *n = tile_in_use;
    const struct native_step *s = n->step + n->next;

    if (n->next == n->step_count || s->access != access || s->offset != offset)
        return NULL;
    n->next++;
    return s;
}

uint32_t mmio_read(uint32_t offset)
{
    const struct native_step *s = expected(NATIVE_READ, offset);

    if (!s)
        wrong("a read of", offset, 0);
    return s->value;
}

static int record_fault(struct native_fault *f, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case REG_FAULT_FILE:
        f->file = value;
        return 1;
    case REG_FAULT_LINE:
        f->line = value;
        return 1;
    case REG_FAULT_PC:
        f->pc = value;
        return 1;
    case REG_FAULT_INFO:
        f->info = value;
        return 1;
    case REG_FAULT_STACK_FREE:
        f->stack_free = value;
        return 1;
    case REG_FAULT_CODE:
        f->code = value;
        end_run(NATIVE_FAULT);
    default:
        return 0;
    }
}

void mmio_write(uint32_t offset, uint32_t value)
{
    const struct native_step *s;

    if (record_fault(&tile_in_use->fault, offset, value))
        return;
    s = expected(NATIVE_WRITE, offset);
    if (!s || s->value != value) {
        tile_in_use->next -= s != NULL;
        wrong("a write to", offset, value);
    }
}

void hal_wait_event(void)
{
    if (!expected(NATIVE_SLEEP, 0))
        wrong("a sleep at", 0, 0);
    if (tile_in_use->next == tile_in_use->step_count)
        end_run(NATIVE_ASLEEP);
}

void *hal_sram(uint32_t offset)
{
    return tile_in_use->sram + offset;
}

uint32_t hal_try_event(void)
{
    return mmio_read(REG_EVENT_POP);
}

void hal_post_event(uint32_t event)
{
    mmio_write(REG_EVENT_POST, event);
}

void hal_start_stream(uint32_t desc_offset)
{
    mmio_write(REG_STREAM_START, desc_offset);
}

void native_open(struct native_tile *n, const struct native_step *step, size_t step_count)
{
    const uint32_t paint = TILE_STACK_PAINT;

    memset(n, 0, sizeof *n);
    n->sram = xcalloc(TILE_SRAM_BYTES, 1);
    for (uint32_t at = 0; at < TILE_STACK_BYTES; at += sizeof paint)
        memcpy(n->sram + TILE_STACK_OFFSET + at, &paint, sizeof paint);
    n->step = step;
    n->step_count = step_count;
}

void native_close(struct native_tile *n)
{
    free(n->sram);
    n->sram = NULL;
}

enum native_end native_run(struct native_tile *n, void (*code)(void *), void *arg)
{
    struct native_tile *outer = tile_in_use;
    int end;

    tile_in_use = n;
    end = setjmp(n->end);
    if (!end) {
        code(arg);
        if (n->next < n->step_count) {
            (void)snprintf(n->wrong, sizeof n->wrong, "returned at step %zu of %zu", n->next,
                           n->step_count);
            end = NATIVE_WRONG + 1;
        } else {
            end = NATIVE_RETURNED + 1;
        }
    }
    tile_in_use = outer;
    return (enum native_end)(end - 1);
}
