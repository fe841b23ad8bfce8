/* SPDX-License-Identifier: Apache-2.0 */
/* tool_rvrun.c - runs an ELF32 on the plain core, on a board like QEMU's virt: RAM at 0x80000000, a
 * 16550 transmit register at 0x10000000 (to stdout), the exit device at 0x00100000. The same ELF
 * gives the same console output and exit status on both. */
#include "base/err.h"
#include "base/xalloc.h"
#include "core/code.h"
#include "core/core.h"
#include "core/elf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_MEGABYTES_MAX = 2047, CODE_MAX = 16 << 20 };
#define RAM_BASE 0x80000000u
#define UART_BASE 0x10000000u
#define UART_BYTES 8u
#define UART_LSR 5u
#define UART_LSR_EMPTY 0x60u /* holding register and shifter are free */
#define EXIT_BASE 0x00100000u
#define EXIT_PASS 0x5555u
#define EXIT_FAIL 0x3333u

struct board {
    struct core core;
    struct core_code *code; /* NULL if there is too much of it */
    uint8_t *ram;
    uint32_t ram_bytes;
    uint64_t steps; /* instructions and traps */
    bool exited;
    int status;
};

struct options {
    const char *elf, *state;
    unsigned megabytes;
    uint64_t max_insn;
    bool stats;
};

static const char usage[] =
    "tool_rvrun [options] ELF\n"
    "Runs an RV32IMFC ELF as qemu-system-riscv32 -M virt -bios none would.\n"
    "  --ram N          megabytes of RAM at 0x80000000 (16; at most 2047)\n"
    "  --max-insn N     stop with status 6 after N instructions (1000000000)\n"
    "  --dump-state F   write registers and control registers to F at the end\n"
    "  --stats          instructions and cycles on stderr\n";

static bool in_ram(const struct board *b, uint32_t addr, unsigned bytes)
{
    return addr >= RAM_BASE && (uint64_t)(addr - RAM_BASE) + bytes <= b->ram_bytes;
}

static int board_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    const struct board *b = self;
    *value = 0;
    if (in_ram(b, addr, bytes)) {
        for (unsigned k = 0; k < bytes; k++)
            *value |= (uint32_t)b->ram[addr - RAM_BASE + k] << 8 * k;
        return CORE_BUS_OK;
    }
    if (addr - UART_BASE < UART_BYTES && bytes == 1) {
        *value = addr - UART_BASE == UART_LSR ? UART_LSR_EMPTY : 0;
        return CORE_BUS_DEVICE;
    }
    return CORE_LOAD_FAULT;
}

static int board_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    struct board *b = self;
    if (in_ram(b, addr, bytes)) {
        for (unsigned k = 0; k < bytes; k++)
            b->ram[addr - RAM_BASE + k] = (uint8_t)(value >> 8 * k);
        if (b->code && addr - b->code->base < b->code->bytes)
            core_code_update(b->code, b->ram + (b->code->base - RAM_BASE), addr, bytes);
        return CORE_BUS_OK;
    }
    if (addr - UART_BASE < UART_BYTES && bytes == 1) {
        if (addr == UART_BASE)
            (void)putchar((int)value);
        return CORE_BUS_DEVICE;
    }
    if (addr == EXIT_BASE && bytes >= 2) {
        b->exited = (value & 0xffff) == EXIT_PASS || (value & 0xffff) == EXIT_FAIL;
        b->status = (value & 0xffff) == EXIT_FAIL ? (int)(value >> 16) : 0;
        return CORE_BUS_DEVICE;
    }
    return CORE_STORE_FAULT;
}

static int board_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    return board_load(self, addr, 2, halfword) == CORE_BUS_OK ? CORE_BUS_OK : CORE_FETCH_FAULT;
}

/* Decode the stretch from the first to the last executable segment once. RAM behind it is a window;
 * stores into it go over the bus, which decodes again what they change. */
static void board_decode(struct board *b, const struct elf_image *image)
{
    uint32_t first = UINT32_MAX, end = 0;
    for (unsigned k = 0; k < image->segments; k++) {
        const struct elf_segment *s = &image->segment[k];
        if (!(s->flags & ELF_X))
            continue;
        first = s->addr < first ? s->addr & ~1u : first;
        end = s->addr + s->memory_bytes;
    }
    if (end - first > CODE_MAX)
        return;
    b->code = core_code_open(first, b->ram + (first - RAM_BASE), end - first);
    b->core.code = b->code;
    b->core.ram =
        (struct core_window){end, b->ram_bytes - (end - RAM_BASE), b->ram + (end - RAM_BASE)};
}

/* Returns the exit status of the program, or of what stopped it. */
static int board_run(struct board *b, uint64_t max_insn)
{
    const struct core_bus bus = {b, board_load, board_store, board_fetch};
    for (b->steps = 0; b->steps < max_insn; b->steps++) {
        unsigned cost = core_step(&b->core, &bus);
        if (b->exited)
            return b->status;
        if (!cost) {
            (void)fprintf(stderr, "tool_rvrun: in wfi with nothing to wait for\n");
            return ERR_DEADLOCK;
        }
        b->core.cycle += cost;
    }
    (void)fprintf(stderr, "tool_rvrun: stopped after %llu instructions at pc 0x%x\n",
                  (unsigned long long)max_insn, b->core.pc);
    return ERR_LIMIT;
}

static int dump_state(const struct core *c, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        (void)fprintf(stderr, "tool_rvrun: %s: %s\n", path, strerror(errno));
        return ERR_INPUT;
    }
    (void)fprintf(f, "pc %08x\n", c->pc);
    for (unsigned k = 0; k < 32; k++)
        (void)fprintf(f, "x%u %08x\n", k, c->x[k]);
    for (unsigned k = 0; k < 32; k++)
        (void)fprintf(f, "f%u %08x\n", k, c->f[k]);
    (void)fprintf(f, "fcsr %08x\nmstatus %08x\nmie %08x\nmtvec %08x\nmscratch %08x\n", c->fcsr,
                  c->mstatus, c->mie, c->mtvec, c->mscratch);
    (void)fprintf(f, "mepc %08x\nmcause %08x\nmtval %08x\ntraps %u\n", c->mepc, c->mcause, c->mtval,
                  c->trap.count);
    return fclose(f) ? ERR_INPUT : 0;
}

static void print_stats(const struct board *b)
{
    const struct core *c = &b->core;
    (void)fprintf(stderr, "%llu instructions, %llu cycles, %u traps\n",
                  (unsigned long long)b->steps, (unsigned long long)c->cycle, c->trap.count);
    if (c->trap.count)
        (void)fprintf(stderr, "last trap: %s, pc 0x%x, mtval 0x%x\n",
                      core_cause_text(c->trap.cause), c->trap.pc, c->trap.tval);
}

static int run_elf(const struct options *o)
{
    struct err e = {0};
    struct elf_image image;
    struct board b = {.ram_bytes = o->megabytes << 20};
    b.ram = xcalloc(b.ram_bytes, 1);
    int status = ERR_INPUT;
    if (!elf_open(&image, o->elf, &e) &&
        !elf_place(&image, o->elf, RAM_BASE, b.ram, b.ram_bytes, &e)) {
        core_reset(&b.core, image.entry);
        board_decode(&b, &image);
        status = board_run(&b, o->max_insn);
        (void)fflush(stdout);
        if (o->stats)
            print_stats(&b);
        if (o->state && dump_state(&b.core, o->state))
            status = ERR_INPUT;
    } else {
        (void)fprintf(stderr, "tool_rvrun: %s\n", e.text);
    }
    core_code_close(b.code);
    elf_close(&image);
    free(b.ram);
    return status;
}

static int parse_options(struct options *o, int argc, char **argv)
{
    for (int k = 1; k < argc; k++) {
        const char *name = argv[k], *value = k + 1 < argc ? argv[k + 1] : NULL;
        if (!strcmp(name, "--stats")) {
            o->stats = true;
            continue;
        }
        if (name[0] != '-' && !o->elf) {
            o->elf = name;
            continue;
        }
        if (!value)
            return -1;
        if (!strcmp(name, "--ram"))
            o->megabytes = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(name, "--max-insn"))
            o->max_insn = strtoull(value, NULL, 0);
        else if (!strcmp(name, "--dump-state"))
            o->state = value;
        else
            return -1;
        k++;
    }
    return o->elf && o->megabytes >= 1 && o->megabytes <= RAM_MEGABYTES_MAX ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct options o = {.megabytes = 16, .max_insn = 1000000000};
    if (parse_options(&o, argc, argv)) {
        (void)fputs(usage, stderr);
        return ERR_USAGE;
    }
    return run_elf(&o);
}
