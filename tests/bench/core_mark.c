/* SPDX-License-Identifier: Apache-2.0 */
/* core_mark.c - benchmark "mark": the kinds of work CoreMark does (its own code is not used): find
 * and sort in a linked list with two orders, small matrices of 16-bit numbers, a state machine that
 * reads numbers as text, and a CRC-16 over every result. */
#include "core.h"

enum { ITEMS = 40, SIDE = 10, TEXT = 96 };

struct item {
    struct item *next;
    int16_t data, index;
};

static struct item item[ITEMS];
static int16_t ma[SIDE * SIDE], mb[SIDE * SIDE];
static int32_t mc[SIDE * SIDE];
static char text[TEXT];

static uint16_t crc16_byte(uint8_t byte, uint16_t crc)
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t bit = (byte ^ crc) & 1u;
        byte = (uint8_t)(byte >> 1);
        crc = (uint16_t)(crc >> 1);
        if (bit)
            crc ^= 0xa001u;
    }
    return crc;
}

static uint16_t crc16(uint32_t value, uint16_t crc)
{
    for (uint32_t i = 0; i < 4; i++)
        crc = crc16_byte((uint8_t)(value >> 8 * i), crc);
    return crc;
}

/* ---- list ---- */

typedef int32_t item_order(const struct item *x, const struct item *y);

static int32_t by_index(const struct item *x, const struct item *y)
{
    return x->index - y->index;
}

static int32_t by_data(const struct item *x, const struct item *y)
{
    return (int8_t)x->data != (int8_t)y->data ? (int8_t)x->data - (int8_t)y->data
                                              : x->data - y->data;
}

static struct item *insert_sorted(struct item *list, item_order *order)
{
    struct item *sorted = 0;

    while (list) {
        struct item *next = list->next, **at = &sorted;
        while (*at && order(*at, list) <= 0)
            at = &(*at)->next;
        list->next = *at;
        *at = list;
        list = next;
    }
    return sorted;
}

static const struct item *find(const struct item *list, int16_t data)
{
    while (list && (list->data & 0xff) != (data & 0xff))
        list = list->next;
    return list;
}

static uint16_t list_round(uint32_t seed, uint16_t crc)
{
    struct item *list = item;

    for (uint32_t i = 0; i < ITEMS; i++) {
        seed = bench_next(seed);
        item[i] = (struct item){i + 1 < ITEMS ? &item[i + 1] : 0, (int16_t)seed, (int16_t)i};
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        const struct item *found = find(list, (int16_t)(seed >> (i & 15)));
        crc = crc16(found ? (uint32_t)found->index : i, crc);
    }
    list = insert_sorted(list, by_data);
    crc = crc16((uint32_t)list->data, crc);
    list = insert_sorted(list, by_index);
    return crc16((uint32_t)list->next->data, crc);
}

/* ---- matrix ---- */

static uint16_t matrix_round(uint32_t seed, uint16_t crc)
{
    int32_t sum = 0;

    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        seed = bench_next(seed);
        ma[i] = (int16_t)(seed & 0x3ff);
        mb[i] = (int16_t)(seed >> 20);
    }
    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) {
            int32_t v = 0;
            for (uint32_t k = 0; k < SIDE; k++)
                v += ma[i * SIDE + k] * mb[k * SIDE + j];
            mc[i * SIDE + j] = v;
        }
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        int32_t v = mc[i] + ma[i];
        sum += v > 0x1000 ? v >> 4 & 0x7f : 10;
    }
    return crc16((uint32_t)sum, crc);
}

/* ---- state machine ---- */

enum state { START, SIGN, INTEGER, DOT, FRACTION, EXPONENT, SCIENTIFIC, BAD, STATES };

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum state next_state(enum state s, char c)
{
    switch (s) {
    case START:
        return is_digit(c) ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? DOT : BAD;
    case SIGN:
        return is_digit(c) ? INTEGER : c == '.' ? DOT : BAD;
    case INTEGER:
        return is_digit(c) ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : BAD;
    case DOT:
        return is_digit(c) ? FRACTION : BAD;
    case FRACTION:
        return is_digit(c) ? FRACTION : c == 'e' ? EXPONENT : BAD;
    case EXPONENT:
        return is_digit(c) || c == '+' || c == '-' ? SCIENTIFIC : BAD;
    case SCIENTIFIC:
        return is_digit(c) ? SCIENTIFIC : BAD;
    default:
        return BAD;
    }
}

static uint16_t state_round(uint32_t seed, uint16_t crc)
{
    static const char letters[16] = "0123456789+-.e,5";
    uint32_t count[STATES] = {0};
    enum state s = START;

    for (uint32_t i = 0; i < TEXT; i++) {
        seed = bench_next(seed);
        text[i] = i % 12 == 11 ? ',' : letters[seed & 15];
    }
    for (uint32_t i = 0; i < TEXT; i++) {
        if (text[i] == ',') {
            count[s]++;
            s = START;
        } else {
            s = next_state(s, text[i]);
        }
    }
    for (uint32_t i = 0; i < STATES; i++)
        crc = crc16(count[i], crc);
    return crc;
}

uint32_t program(uint32_t rounds)
{
    uint16_t crc = 0;

    for (uint32_t i = 1; i <= rounds; i++) {
        crc = list_round(i * 0x9e3779b9u, crc);
        crc = matrix_round(i * 0x85ebca6bu, crc);
        crc = state_round(i * 0xc2b2ae35u, crc);
    }
    return crc;
}
