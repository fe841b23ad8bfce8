/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - the first thing that went wrong on the wafer, as one line. */
#include "fabric/inside.h"

#include <stdarg.h>
#include <string.h>

struct fault_name {
    uint32_t code;
    const char *name, *text;
};

static const struct fault_name names[] = {
#define FAULT(name, code, text) {code, #name, text},
#include "hal/fault.def"
#undef FAULT
};

struct file_name {
    uint32_t number;
    const char *name;
};

static const struct file_name files[] = {
#define FAULT_FILE(name, number) {number, #name},
#include "hal/fault.def"
#undef FAULT_FILE
};

const char *fault_port_name(unsigned port)
{
    static const char *const name[] = {"north", "east", "south", "west", "the ramp"};
    return port < FABRIC_PORTS ? name[port] : "nowhere";
}

static const struct fault_name *name_of(uint32_t code)
{
    static const struct fault_name unknown = {0, "UNKNOWN", "a code that fault.def does not list"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return &names[i];
    return &unknown;
}

/* SCHED_C becomes sched.c, TRAP_S becomes trap.S. */
static void file_text(char *out, size_t size, uint32_t number)
{
    (void)snprintf(out, size, "file %u", number);
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i].number == number)
            (void)snprintf(out, size, "%s", files[i].name);
    char *dot = strrchr(out, '_');
    for (char *c = out; dot && *c; c++)
        if (*c >= 'A' && *c <= 'Z' && strcmp(c, "S") != 0)
            *c = (char)(*c - 'A' + 'a');
    if (dot)
        *dot = '.';
}

/* The record to fill, or NULL if an earlier or lower one stays. */
static struct fault *claim(struct wafer *w, uint32_t tile)
{
    struct fault *f = &w->fault;
    if (f->raised && (f->cycle != w->cycle || f->tile <= tile))
        return NULL;
    *f = (struct fault){.raised = true, .tile = tile, .cycle = w->cycle};
    return f;
}

void fault_hardware(struct wafer *w, uint32_t tile, uint32_t code, const char *fmt, ...)
{
    const struct fault_name *name = name_of(code);
    const struct tile *t = &w->tile[tile];
    struct fault *f = claim(w, tile);
    char detail[128];
    va_list args;
    if (!f)
        return;
    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    char pc[24] = "";
    if (code == FAULT_TRAP || w->running == tile) /* or the core has nothing to do with it */
        (void)snprintf(pc, sizeof pc, "pc 0x%08x ", code == FAULT_TRAP ? t->fault_pc : t->core.pc);
    (void)snprintf(f->text, sizeof f->text, "tile (%u,%u) fault %s (%s): %s; %stask %u cycle %llu",
                   wafer_x(w, tile), wafer_y(w, tile), name->name, name->text, detail, pc, t->task,
                   (unsigned long long)w->cycle);
}

void fault_exit(struct wafer *w, uint32_t tile, uint32_t value)
{
    const struct tile *t = &w->tile[tile];
    struct fault *f = claim(w, tile);
    if (!f)
        return;
    (void)snprintf(f->text, sizeof f->text,
                   "tile (%u,%u) gave 0x%x (code %u) to the exit device; pc 0x%08x task %u "
                   "cycle %llu",
                   wafer_x(w, tile), wafer_y(w, tile), value, value >> 16, t->core.pc, t->task,
                   (unsigned long long)w->cycle);
}

void fault_firmware(struct wafer *w, uint32_t tile, uint32_t code)
{
    const struct fault_name *name = name_of(code);
    const struct tile *t = &w->tile[tile];
    struct fault *f = claim(w, tile);
    char file[32];
    if (!f)
        return;
    file_text(file, sizeof file, t->fault_file);
    (void)snprintf(f->text, sizeof f->text,
                   "tile (%u,%u) fault %s (%s) %s:%u pc 0x%08x task %u cycle %llu info 0x%x%s%s, "
                   "stack free %u",
                   wafer_x(w, tile), wafer_y(w, tile), name->name, name->text, file, t->fault_line,
                   t->fault_pc, t->task, (unsigned long long)w->cycle, t->fault_info,
                   code == FAULT_TRAP ? " " : "",
                   code == FAULT_TRAP ? core_cause_text(t->fault_info) : "", t->fault_stack_free);
}

void fault_foreign(struct wafer *w, uint32_t tile, const char *text)
{
    struct fault *f = claim(w, tile);
    if (f)
        (void)snprintf(f->text, sizeof f->text, "%s", text);
}
