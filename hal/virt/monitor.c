/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - makes QEMU's virt board look like a tile, so that it runs the wafer's own bytes.
 *
 * The boot ROM and the firmware image run unchanged in user mode, behind page tables that show them
 * the address space of tile_map.h. What a plain RISC-V board does not have traps into this monitor,
 * which does it in their place: tile registers (tile.c), control registers, wfi, mret, traps. SRAM
 * and ROM lie in the memory shared with the host. */
#include "hal/virt/monitor.h"

#include "hal/mmio.h"
#include "hal/virt/board.h"
#include "hal/virt/decode.h"
#include "hal/virt/shm.h"

#include <stddef.h>

/* mcause values that a tile's core knows, and those of the machine we run on. */
enum {
    CAUSE_FETCH_FAULT = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_FAULT = 5,
    CAUSE_STORE_FAULT = 7,
    CAUSE_ECALL_USER = 8,
    CAUSE_ECALL_MACHINE = 11,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15
};

#define MSTATUS_MIE (1u << 3)
#define MSTATUS_MPIE (1u << 7)
#define MSTATUS_MPP (3u << 11)
#define MSTATUS_FS_DIRTY (3u << 13)
#define MSTATUS_TW (1u << 21) /* wfi in user mode traps */
#define SATP_SV32 (1u << 31)

/* Physical memory protection: regions 0..3, each from the end of the one before it. */
#define PMP_R 0x01u
#define PMP_W 0x02u
#define PMP_X 0x04u
#define PMP_TOP 0x08u /* the region's address is its end */
#define PMP_CODE(rights) ((rights) << 8)
#define PMP_REST(rights) ((rights) << 16)
#define PMP_ALL(rights) ((rights) << 24)

/* Page table entries: valid, user, accessed, dirty; and rights. */
#define PAGE 4096u
#define PTE_TABLE 0x01u
#define PTE_LEAF 0xd1u
#define PTE_R 0x02u
#define PTE_W 0x04u
#define PTE_X 0x08u
enum { TABLE_ENTRIES = 1024, LEAF_TABLES = 3 };

#define CSR_SET(csr, value)                                                                        \
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrw " #csr                              \
                     ", %0\n.option pop" ::"r"((uint32_t)(value))                                  \
                     : "memory")

/* The control registers the tile's software believes it has. */
struct tile_csrs {
    uint32_t mstatus, mie, mtvec, mscratch, mepc, mcause, mtval;
};

static struct {
    struct tile_core core;
    struct tile_csrs csr;
    struct virt_tile tile;
    uint8_t *rom;
    bool code_locked; /* as protect_code was told */
} monitor;

static _Alignas(PAGE) uint32_t root_table[TABLE_ENTRIES];
static _Alignas(PAGE) uint32_t leaf_table[LEAF_TABLES][TABLE_ENTRIES];

_Noreturn void monitor_broken(uint32_t cause, uint32_t pc, uint32_t value)
{
    board_print("live tile: the monitor trapped, cause ");
    board_print_decimal(cause);
    board_print(" pc ");
    board_print_hex(pc);
    board_print(" value ");
    board_print_hex(value);
    board_print("\n");
    board_exit(1);
}

static void map_page(uint32_t table, uint32_t virtual, uint32_t physical, uint32_t rights)
{
    root_table[virtual >> 22] = (uint32_t)(uintptr_t)leaf_table[table] >> 12 << 10 | PTE_TABLE;
    leaf_table[table][virtual >> 12 & (TABLE_ENTRIES - 1)] =
        physical >> 12 << 10 | PTE_LEAF | rights;
}

/* The code region does not end with a page, so the rights of SRAM are a matter of PMP, which goes
 * by words. It does not bind the monitor. */
static void protect_code(bool locked)
{
    const uint32_t sram = (uint32_t)(uintptr_t)monitor.tile.sram;

    CSR_SET(pmpaddr0, sram >> 2);
    CSR_SET(pmpaddr1, (sram + TILE_CODE_BYTES) >> 2);
    CSR_SET(pmpaddr2, (sram + TILE_SRAM_BYTES) >> 2);
    CSR_SET(pmpaddr3, 0xffffffffu);
    CSR_SET(pmpcfg0, PMP_TOP | PMP_R | PMP_W | PMP_X |
                         PMP_CODE(PMP_TOP | PMP_R | PMP_X | (locked ? 0 : PMP_W)) |
                         PMP_REST(PMP_TOP | PMP_R | PMP_W) |
                         PMP_ALL(PMP_TOP | PMP_R | PMP_W | PMP_X));
    monitor.code_locked = locked;
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* What the tile sees is tile_map.h and nothing else; its registers are left out on purpose. */
static void map_tile(void)
{
    map_page(0, TILE_ROM_BASE, (uint32_t)(uintptr_t)monitor.rom, PTE_R | PTE_X);
    map_page(0, TILE_EXIT_BASE, TILE_EXIT_BASE, PTE_R | PTE_W);
    map_page(1, TILE_UART_BASE, TILE_UART_BASE, PTE_R | PTE_W);
    for (uint32_t at = 0; at < TILE_SRAM_BYTES; at += PAGE)
        map_page(2, TILE_SRAM_BASE + at, (uint32_t)(uintptr_t)monitor.tile.sram + at,
                 PTE_R | PTE_W | PTE_X);
}

static void start_user_mode(void)
{
    CSR_SET(satp, SATP_SV32 | (uint32_t)(uintptr_t)root_table >> 12);
    CSR_SET(mcounteren, 7); /* cycle, time and instret may be read */
    CSR_SET(mstatus, MSTATUS_FS_DIRTY | MSTATUS_TW);
}

_Noreturn void monitor_main(void)
{
    struct ring_header *h = shm_open();
    uint8_t *base = (uint8_t *)h;
    struct virt_tile *t = &monitor.tile;

    monitor.rom = base + RING_ROM;
    virt_tile_reset(t, base + RING_SRAM);
    t->x = h->x;
    t->y = h->y;
    t->width = h->width;
    t->height = h->height;
    shm_wait_for_go(t);
    t->code_locked = h->code_locked;
    map_tile();
    protect_code(t->code_locked);
    start_user_mode();
    monitor.core.pc = h->start;
    if (t->code_locked)
        shm_report(t, RING_RUNNING);
    monitor_enter(&monitor.core);
}

/* The host's view of a tile address, NULL if there is no memory. */
static const uint8_t *memory_at(uint32_t address)
{
    if (address - TILE_SRAM_BASE < TILE_SRAM_BYTES)
        return monitor.tile.sram + (address - TILE_SRAM_BASE);
    if (address - TILE_ROM_BASE < TILE_ROM_BYTES)
        return monitor.rom + (address - TILE_ROM_BASE);
    return NULL;
}

static uint32_t fetch(uint32_t pc)
{
    uint32_t instruction = 0;
    for (uint32_t half = 0; half < 2; half++) {
        const uint8_t *at = memory_at(pc + 2 * half);
        if (at)
            instruction |= (uint32_t)(at[0] | at[1] << 8) << 16 * half;
        if (decode_length(instruction) == 2)
            break;
    }
    return instruction;
}

/* What the tile's core would do with an exception. */
static void raise_trap(struct tile_core *core, uint32_t cause, uint32_t value)
{
    struct tile_csrs *csr = &monitor.csr;
    csr->mepc = core->pc;
    csr->mcause = cause;
    csr->mtval = value;
    csr->mstatus = (csr->mstatus & ~(MSTATUS_MIE | MSTATUS_MPIE)) |
                   (csr->mstatus & MSTATUS_MIE ? MSTATUS_MPIE : 0);
    core->pc = csr->mtvec & ~3u;
}

static void return_from_trap(struct tile_core *core)
{
    struct tile_csrs *csr = &monitor.csr;
    csr->mstatus = (csr->mstatus & ~MSTATUS_MIE) | MSTATUS_MPIE |
                   (csr->mstatus & MSTATUS_MPIE ? MSTATUS_MIE : 0);
    core->pc = csr->mepc;
}

static bool access_register(struct tile_core *core, bool store, uint32_t address)
{
    struct word_access a;
    struct virt_tile *t = &monitor.tile;
    if (address - TILE_REGS_BASE >= TILE_REGS_BYTES || address % 4 ||
        !decode_word_access(fetch(core->pc), &a) || a.store != store)
        return false;
    core->pc += a.bytes;
    if (!store) {
        uint32_t value = virt_tile_read(t, address - TILE_REGS_BASE);
        if (a.reg)
            core->x[a.reg] = value;
        return true;
    }
    virt_tile_write(t, address - TILE_REGS_BASE, core->x[a.reg]);
    if (t->code_locked && !monitor.code_locked) {
        protect_code(true);
        shm_report(t, RING_RUNNING);
    }
    return true;
}

/* The register behind a number; NULL if the tile has none that we keep. */
static uint32_t *csr_at(unsigned number)
{
    struct tile_csrs *csr = &monitor.csr;
    switch (number) {
    case 0x300:
        return &csr->mstatus;
    case 0x304:
        return &csr->mie;
    case 0x305:
        return &csr->mtvec;
    case 0x340:
        return &csr->mscratch;
    case 0x341:
        return &csr->mepc;
    case 0x342:
        return &csr->mcause;
    case 0x343:
        return &csr->mtval;
    default:
        return NULL;
    }
}

static bool csr_read(unsigned number, uint32_t *value)
{
    const uint32_t *kept = csr_at(number);
    if (kept)
        *value = *kept | (number == 0x300 ? MSTATUS_MPP : 0);
    else if (number == 0xb00) /* mcycle */
        *value = board_cycles();
    else if (number == 0x344 || number == 0xf14 || number == 0xb80) /* mip, mhartid, mcycleh */
        *value = 0;
    else
        return false;
    return true;
}

static bool access_csr(struct tile_core *core, const struct csr_access *a)
{
    uint32_t old, operand = a->immediate ? a->source : core->x[a->source];
    uint32_t *kept = csr_at(a->csr);
    if (!csr_read(a->csr, &old))
        return false;
    if (kept && (a->how == 1 || a->source))
        *kept = a->how == 1 ? operand : a->how == 2 ? old | operand : old & ~operand;
    if (a->rd)
        core->x[a->rd] = old;
    core->pc += 4;
    return true;
}

static bool system_instruction(struct tile_core *core, uint32_t instruction)
{
    struct csr_access a;
    if (instruction == INSTRUCTION_WFI) {
        virt_tile_wait(&monitor.tile);
        core->pc += 4;
        return true;
    }
    if (instruction == INSTRUCTION_MRET) {
        return_from_trap(core);
        return true;
    }
    return decode_csr_access(instruction, &a) && access_csr(core, &a);
}

void monitor_trap(struct tile_core *core, uint32_t cause, uint32_t value)
{
    switch (cause) {
    case CAUSE_ILLEGAL:
        value = fetch(core->pc);
        if (!system_instruction(core, value))
            raise_trap(core, CAUSE_ILLEGAL, value);
        return;
    case CAUSE_LOAD_PAGE:
        if (!access_register(core, false, value))
            raise_trap(core, CAUSE_LOAD_FAULT, value);
        return;
    case CAUSE_STORE_PAGE:
        if (!access_register(core, true, value))
            raise_trap(core, CAUSE_STORE_FAULT, value);
        return;
    case CAUSE_FETCH_PAGE:
        raise_trap(core, CAUSE_FETCH_FAULT, value);
        return;
    case CAUSE_BREAKPOINT:
        raise_trap(core, CAUSE_BREAKPOINT, core->pc);
        return;
    case CAUSE_ECALL_USER:
        raise_trap(core, CAUSE_ECALL_MACHINE, 0);
        return;
    default: /* causes both machines have: misaligned and access faults */
        raise_trap(core, cause, value);
    }
}
