/* SPDX-License-Identifier: Apache-2.0 */
/* shm.c - the link of a live tile: rings in the memory of an ivshmem-plain device.
 *
 * The board starts without firmware, so nobody has given the PCI device an address yet; that is a
 * dozen lines on this board, because its configuration space is plain memory. */
#include "hal/virt/shm.h"

#include "hal/virt/board.h"
#include "hal/virt/link.h"

/* The virt board's PCI express host. */
#define PCI_CONFIG 0x30000000u
#define PCI_WINDOW 0x40000000u
#define PCI_DEVICES 32u
#define PCI_DEVICE_BYTES 0x8000u
#define PCI_ID 0x00u
#define PCI_COMMAND 0x04u
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_BAR2 0x18u
#define PCI_BAR3 0x1cu /* high half of BAR2 */
#define IVSHMEM_ID 0x11101af4u

/* Its timer: 10 MHz. */
#define CLINT_TIMECMP 0x02004000u
#define CLINT_TIME 0x0200bff8u

#define MIE_TIMER (1u << 7)

enum { SPINS = 20000, NAP_TICKS = 500 }; /* a nap is 50 us */

static struct {
    uint8_t *base;
    struct ring_header *header;
    struct ring *in, *out;
    uint32_t looked_at; /* host_steps before the last look for work */
} link;

static _Noreturn void stop(const char *why)
{
    board_print(why);
    board_exit(1);
}

static uint32_t find_device(void)
{
    for (uint32_t i = 0; i < PCI_DEVICES; i++) {
        uint32_t at = PCI_CONFIG + i * PCI_DEVICE_BYTES;
        if (*board_word(at + PCI_ID) == IVSHMEM_ID)
            return at;
    }
    stop("live tile: no ivshmem device\n");
}

struct ring_header *shm_open(void)
{
    uint32_t device = find_device();
    *board_word(device + PCI_BAR2) = PCI_WINDOW;
    *board_word(device + PCI_BAR3) = 0;
    *board_word(device + PCI_COMMAND) |= PCI_COMMAND_MEMORY;

    link.base = board_at(PCI_WINDOW);
    link.header = board_at(PCI_WINDOW);
    link.in = board_at(PCI_WINDOW + RING_TO_TILE);
    link.out = board_at(PCI_WINDOW + RING_FROM_TILE);
    if (link.header->magic != RING_MAGIC || link.header->version != RING_VERSION)
        stop("live tile: the shared memory is not ours, or of another version\n");
    return link.header;
}

static void step(void)
{
    ring_set(&link.header->tile_steps, link.header->tile_steps + 1);
}

void shm_report(const struct virt_tile *t, enum ring_state state)
{
    link.header->task = t->task;
    ring_set(&link.header->state, state);
    step();
}

bool virt_link_room(uint8_t colour)
{
    return ring_room(&link.out[colour]);
}

void virt_link_send(uint8_t colour, uint32_t word, bool control)
{
    ring_put(&link.out[colour], word, control);
    step();
}

bool virt_link_waiting(uint8_t colour)
{
    return ring_waiting(&link.in[colour]);
}

bool virt_link_try_receive(uint8_t colour, uint32_t *word, bool *control)
{
    if (!virt_link_waiting(colour))
        return false;
    struct ring_slot s = ring_take(&link.in[colour]);
    *word = s.word;
    *control = s.control != 0;
    step();
    return true;
}

/* Sleep a little, or until the host has done something. */
static void nap(uint32_t steps)
{
    for (uint32_t i = 0; i < SPINS; i++)
        if (ring_get(&link.header->host_steps) != steps)
            return;
    uint32_t soon = *board_word(CLINT_TIME) + NAP_TICKS;
    *board_word(CLINT_TIMECMP + 4) = *board_word(CLINT_TIME + 4);
    *board_word(CLINT_TIMECMP) = soon;
    /* Only here: in user mode an enabled machine interrupt cannot be masked. */
    __asm__ volatile(".option push\n.option arch, +zicsr\n"
                     "csrw mie, %0\nwfi\ncsrw mie, zero\n.option pop" ::"r"(MIE_TIMER)
                     : "memory");
}

void shm_wait_for_go(const struct virt_tile *t)
{
    shm_report(t, RING_STARTED);
    while (!ring_get(&link.header->go))
        nap(ring_get(&link.header->host_steps));
}

void virt_link_configure(uint32_t offset, uint32_t value)
{
    struct ring_header *h = link.header;
    while (h->config_written - ring_get(&h->config_read) >= RING_CONFIG_WORDS)
        nap(ring_get(&h->host_steps));
    h->config[h->config_written % RING_CONFIG_WORDS] = (struct ring_slot){offset, value};
    ring_set(&h->config_written, h->config_written + 1);
    step();
}

void virt_link_quiet(struct virt_tile *t)
{
    (void)t;
    struct ring_header *h = link.header;
    uint32_t steps = ring_get(&h->host_steps);
    if (steps == link.looked_at) { /* nothing has come since the look that found nothing */
        ring_set(&h->asleep_at, steps);
        while (ring_get(&h->host_steps) == steps)
            nap(steps);
    }
    link.looked_at = ring_get(&h->host_steps);
}

_Noreturn void virt_link_fault(struct virt_tile *t)
{
    for (uint32_t i = 0; i < VIRT_FAULT_WORDS; i++)
        link.header->fault[i] = t->fault[i];
    shm_report(t, RING_FAULTED);
    for (;;)
        __asm__ volatile("wfi");
}
