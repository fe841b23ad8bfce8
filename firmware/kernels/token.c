/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - what a new token changes on a tile: its position, the share of the KV cache in use, and
 * every length and angle that follows from it. It runs beside the token's first products. */
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"
#include "hal/stream.h"

enum { THIS_FILE = FAULT_FILE_TOKEN_C };
enum { OFFSET_MAX = 0xffff };

/* Numbers up to 2^24 are exact in the fp32 word they arrive in. */
static uint32_t read_count(float x)
{
    TILE_CHECK(x >= 0.0f && x <= 0x1p24f, ARGUMENT, 0);
    return (uint32_t)x;
}

static void patch_all(const struct args_token *a, uint32_t cached, uint32_t user)
{
    const struct token_patch *patch = hal_sram(a->patches), *end = patch + a->patch_count;

    for (; patch != end; patch++) {
        uint32_t value = cached * patch->times + user * patch->per_user + patch->plus;
        uint16_t *at = hal_sram(patch->at);
        TILE_CHECK(value <= OFFSET_MAX, ARGUMENT, value);
        *at = (uint16_t)value;
    }
}

static void turn(struct rope_pair *pair, uint32_t position)
{
    uint64_t turns = (uint64_t)position * pair->turns_low +
                     ((uint64_t)(position * pair->turns_high) << 32); /* mod 2^64: whole turns */

    math_sincos_turns(turns, &pair->sine, &pair->cosine);
}

static void turn_all(const struct args_token *a, uint32_t position)
{
    const struct rope_table *table = hal_sram(a->tables), *end = table + a->table_count;

    for (; table != end; table++) {
        struct rope_pair *pair = hal_sram(table->pairs);
        for (uint32_t n = table->count; n; n--)
            turn(pair++, position);
    }
}

/* Point the descriptor that stores the token's cache entry at its slot, or switch it off. */
static void place_entry(const struct args_token *a, uint32_t user, uint32_t slot, int here)
{
    struct stream_desc *store = hal_sram(a->store);
    uint32_t dst = a->cache + user * a->user_bytes + slot * a->slot_bytes;

    if (!here) {
        store->count = 0;
        return;
    }
    TILE_CHECK(dst <= OFFSET_MAX, ARGUMENT, dst);
    store->count = a->store_words;
    store->dst = (uint16_t)dst;
}

void kernel_token(uint32_t args)
{
    const struct args_token *a = hal_sram(args);
    struct token_state *state = hal_sram(a->state);
    const float *x = words(a->x);
    uint32_t position = read_count(x[0]), user = a->users > 1 ? read_count(x[1]) : 0;
    uint32_t slot, row, cached;

    TILE_CHECK(a->row < a->rows, ARGUMENT, a->rows);
    TILE_CHECK(user == 0 || user < a->users, ARGUMENT, user);
    slot = position / a->rows;
    OPAQUE(slot); /* or the remainder would be a second division */
    row = position - slot * a->rows;
    cached = slot + (row >= a->row);
    TILE_CHECK(row != a->row || slot < a->slots, CONTEXT, position);
    state->position = position;
    state->cached = cached;
    patch_all(a, cached, user);
    turn_all(a, position);
    if (a->store)
        place_entry(a, user, slot, row == a->row);
}
