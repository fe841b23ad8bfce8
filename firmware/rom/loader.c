/* SPDX-License-Identifier: Apache-2.0 */
/* loader.c - the boot ROM: takes the firmware image, then this tile's own data, off the mesh.
 *
 * A load is a stream of records on one colour. A record is a header word, SRAM byte offset in bits
 * 0..15 and word count in bits 16..31, and then that many words; count 0 ends the load. The image
 * comes on COLOUR_IMAGE, the same for all tiles; then the code region is locked; then the tile's
 * own data comes on COLOUR_LOAD, and the firmware starts. The end word of the data is a control
 * wavelet, which turns the switch for the next tile of the row; a tile cannot see that. */
#include "firmware/fault.h"
#include "hal/event.h"
#include "hal/fabric.h"
#include "hal/mmio.h"
#include "hal/sram.h"
#include "hal/stream.h"
#include "hal/tile_map.h"

enum { THIS_FILE = FAULT_FILE_LOADER_C };

/* At the start of the data region, which the firmware clears. */
struct loader {
    struct stream_desc header, data;
    uint32_t word; /* the header received last */
};
_Static_assert(sizeof(struct loader) <= TILE_DATA_BYTES, "the data region must hold it");

_Noreturn void loader_main(void);

static uint32_t offset_of(uint32_t member)
{
    return TILE_DATA_OFFSET + member;
}

static void start_and_wait(uint32_t desc_offset)
{
    hal_start_stream(desc_offset);
    while (hal_try_event() == EVENT_QUEUE_EMPTY)
        hal_wait_event();
}

/* Receive one load; its words must lie in [start, end) of SRAM. The descriptor of a record's words
 * leads on to that of the next header, so each record costs one sleep. */
static void receive(uint16_t colour, uint32_t start, uint32_t end)
{
    struct loader *l = hal_sram(TILE_DATA_OFFSET);
    const uint32_t header = offset_of(__builtin_offsetof(struct loader, header));
    const uint32_t data = offset_of(__builtin_offsetof(struct loader, data));

    l->header = (struct stream_desc){
        .op = STREAM_RECV,
        .count = 1,
        .dst = (uint16_t)offset_of(__builtin_offsetof(struct loader, word)),
        .src1 = colour,
    };
    l->data = (struct stream_desc){
        .op = STREAM_RECV, .event = TILE_EVENT_NONE, .next = (uint16_t)header, .src1 = colour};
    start_and_wait(header);
    while (l->word >> 16) {
        uint32_t offset = l->word & 0xffff, words = l->word >> 16;
        TILE_CHECK(!(offset & 3) && offset >= start && offset + 4 * words <= end, LOAD, l->word);
        l->data.dst = (uint16_t)offset;
        l->data.count = (uint16_t)words;
        start_and_wait(data);
    }
}

void loader_main(void)
{
    void (*firmware)(void);

    receive(COLOUR_IMAGE, 0, TILE_CODE_BYTES);
    mmio_write(REG_CODE_LOCK, 1);
    receive(COLOUR_LOAD, TILE_PROGRAM_OFFSET, TILE_SRAM_BYTES);
    firmware = (void (*)(void))TILE_SRAM_BASE; /* NOLINT(performance-no-int-to-ptr): just loaded */
    firmware();
    __builtin_unreachable();
}
