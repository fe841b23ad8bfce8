/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - one RISC-V core: RV32IMFC_Zicsr, ilp32f, machine mode, one hart, in order.
 *
 * This is the plain engine, written to be read; it stays as the oracle for any faster one. The core
 * owns registers and control registers. Memory, devices and time belong to the owner (a tile, a
 * test, a tool), who hands in a bus and two windows of plain memory. What instructions mean is the
 * RISC-V manual, with these choices (the same as QEMU's virt board unless README.md says so):
 *
 *   - misaligned loads and stores work in memory and cost TIMING MISALIGNED more;
 *   - anything outside RV32IMFC_Zicsr raises an illegal-instruction trap, whose mtval is the
 * encoding;
 *   - mstatus.FS is Off at reset, so floating point traps until start-up code turns it on;
 *   - NaN results are canonical (0x7fc00000), tininess is found after rounding.
 *
 * Timing: core_step() returns the cost of the one instruction it executed, from hal/timing.def. */
#ifndef TESSERA_CORE_CORE_H
#define TESSERA_CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>

/* Values of mcause. */
enum core_cause {
    CORE_FETCH_MISALIGNED = 0, /* cannot happen with the C extension */
    CORE_FETCH_FAULT = 1,
    CORE_ILLEGAL = 2,
    CORE_BREAKPOINT = 3,
    CORE_LOAD_MISALIGNED = 4,
    CORE_LOAD_FAULT = 5,
    CORE_STORE_MISALIGNED = 6,
    CORE_STORE_FAULT = 7,
    CORE_ECALL = 11
};
#define CORE_INTERRUPT                                                                             \
    0x80000000u /* mcause of an interrupt: this bit and the bit number of mip                      \
                 */

/* Bits of mip and mie. */
#define CORE_MSIP (1u << 3)  /* software */
#define CORE_MTIP (1u << 7)  /* timer */
#define CORE_MEIP (1u << 11) /* external */

/* Bits of mstatus that exist; MPP always reads 3 (machine), SD follows FS. */
#define CORE_MSTATUS_MIE (1u << 3)
#define CORE_MSTATUS_MPIE (1u << 7)
#define CORE_MSTATUS_MPP (3u << 11)
#define CORE_MSTATUS_FS (3u << 13)
#define CORE_MSTATUS_SD (1u << 31)

/* What a bus function returns: one of these two, or the enum core_cause to raise. */
enum core_bus_result {
    CORE_BUS_OK = 0,      /* done, memory answered: costs LOAD or STORE */
    CORE_BUS_DEVICE = -1, /* done, a device answered: costs DEVICE_LOAD or DEVICE_STORE */
};

/* Where accesses go that fall outside the core's windows. `bytes` is 1, 2 or 4; the value is in the
 * low bytes, little-endian, upper bits zero. `addr` may be misaligned or straddle the end of a
 * window: the owner serves it, or refuses it (a device: the misaligned cause; nothing there: the
 * access-fault cause). A refused access must have no effect. fetch reads the 16 bits of code at an
 * even address. */
struct core_bus {
    void *self;
    int (*load)(void *self, uint32_t addr, unsigned bytes, uint32_t *value);
    int (*store)(void *self, uint32_t addr, unsigned bytes, uint32_t value);
    int (*fetch)(void *self, uint32_t addr, uint32_t *halfword);
};

/* A bus at which nobody answers: for a core that may only use its windows. Every access is a fault.
 */
extern const struct core_bus core_bus_nobody;

/* Plain memory the core reaches without asking the bus: [base, base + bytes) is at host[0..bytes).
 * An access must lie in it whole. bytes = 0 switches it off. Cost and result must be the same as
 * through the bus; the owner keeps the memory. base + bytes must not exceed 2^32. */
struct core_window {
    uint32_t base, bytes;
    uint8_t *host;
};
struct core_rom_window {
    uint32_t base, bytes;
    const uint8_t *host;
};

/* The last exception taken (interrupts are not counted). */
struct core_trap {
    uint32_t count; /* exceptions since core_reset */
    uint32_t pc;    /* of the instruction that trapped */
    uint32_t cause; /* enum core_cause */
    uint32_t tval;  /* address for 1 and 4-7, encoding for 2, else 0 */
    uint64_t cycle; /* core->cycle when it began */
};

struct core_code; /* code decoded once and shared by many cores: code.h */

struct core {
    /* written by the core; the owner may read, and set before the first step */
    uint32_t pc;
    uint32_t x[32]; /* x[0] is 0 */
    uint32_t f[32]; /* bit patterns */
    uint32_t fcsr;  /* frm in 7:5, fflags in 4:0 */
    uint32_t mstatus, mie, mtvec, mscratch, mepc, mcause, mtval;
    uint64_t minstret;    /* instructions retired */
    uint64_t mcycle_bias; /* mcycle reads cycle + bias; a write of mcycle changes the bias */
    struct core_trap trap;
    bool
        waiting; /* in wfi: until core_wake(), or an interrupt that is pending and enabled in mie */
    bool halted; /* trapped while trap_stops was set; pc is the trapping instruction */

    /* written by the owner, at any time between steps */
    uint64_t cycle;  /* the tile's clock */
    uint32_t mip;    /* pending interrupts */
    uint32_t hartid; /* CSR mhartid */
    bool trap_stops; /* an exception halts the core (CSRs are still set) instead of jumping to mtvec
                      */
    const struct core_code *code; /* used where it covers pc, else bus->fetch; NULL is fine */
    struct core_window ram;       /* read and written */
    uint32_t ram_guarded;         /* of its last bytes: there stores ask the bus */
    struct core_rom_window rom;   /* read; a store into it is CORE_STORE_FAULT */
};

/* Set the reset state: everything zero except pc. Keeps nothing, so fill the owner's fields
 * afterwards. */
void core_reset(struct core *c, uint32_t pc);

/* Execute one instruction, or enter one trap.
 * Returns its cost in cycles (> 0), or 0 if the core is halted or waiting and nothing happened.
 * c->cycle is not advanced: the owner owns time. A bus function sees the core as it was before the
 * instruction, with pc at it. */
unsigned core_step(struct core *c, const struct core_bus *bus);

/* Step and advance c->cycle until it reaches `until`, or the core waits or halts. Returns
 * instructions and traps executed. For owners without a finer clock. */
uint64_t core_run(struct core *c, const struct core_bus *bus, uint64_t until);

/* End wfi. Harmless on a core that is not waiting. */
void core_wake(struct core *c);

/* "illegal instruction", ...: a lower-case phrase for mcause; never NULL. */
const char *core_cause_text(uint32_t cause);

#endif
