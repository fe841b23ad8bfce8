/* SPDX-License-Identifier: Apache-2.0 */
/* core_integer.c - the integer mix: int8 dot products, a list that is reversed, summed and merge
 * sorted, an 8 x 8 matrix product, and a CRC-32 bit by bit. */
#include "core.h"

enum { DOT = 64, NODES = 64, SIDE = 8, MESSAGE = 128 };

struct node {
    struct node *next;
    int32_t value;
};

static int8_t left[DOT], right[DOT];
static struct node node[NODES];
static int32_t a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
static uint8_t message[MESSAGE];

static int32_t dot(const int8_t *x, const int8_t *y)
{
    int32_t sum = 0;

    for (uint32_t i = 0; i < DOT; i++)
        sum += x[i] * y[i];
    return sum;
}

static uint32_t dots(uint32_t state)
{
    uint32_t sum = 0;

    for (uint32_t k = 0; k < 4; k++) {
        for (uint32_t i = 0; i < DOT; i++) {
            left[i] = (int8_t)(state + i * k);
            right[i] = (int8_t)(state >> 8 ^ i);
        }
        sum = sum * 31 + (uint32_t)dot(left, right);
    }
    return sum;
}

static struct node *reverse(struct node *n)
{
    struct node *done = 0;

    while (n) {
        struct node *next = n->next;
        n->next = done;
        done = n;
        n = next;
    }
    return done;
}

static struct node *merge(struct node *x, struct node *y)
{
    struct node head, *last = &head;

    while (x && y) {
        if (x->value <= y->value) {
            last->next = x;
            x = x->next;
        } else {
            last->next = y;
            y = y->next;
        }
        last = last->next;
    }
    last->next = x ? x : y;
    return head.next;
}

static struct node *sort(struct node *n, uint32_t count)
{
    struct node *middle = n, *rest;

    if (count < 2)
        return n;
    for (uint32_t i = 1; i < count / 2; i++)
        middle = middle->next;
    rest = middle->next;
    middle->next = 0;
    return merge(sort(n, count / 2), sort(rest, count - count / 2));
}

static uint32_t lists(uint32_t state)
{
    struct node *first;
    uint32_t sum = 0, place = 1;

    for (uint32_t i = 0; i < NODES; i++) {
        state = bench_next(state);
        node[i].value = (int32_t)(state >> 12);
        node[i].next = i + 1 < NODES ? &node[i + 1] : 0;
    }
    for (first = sort(reverse(node), NODES); first; first = first->next)
        sum += (uint32_t)first->value * place++;
    return sum;
}

static uint32_t matrices(uint32_t state)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) {
            a[i][j] = (int32_t)(state >> (i + j) & 0xff);
            b[i][j] = (int32_t)(state >> (i ^ j) & 0xff) - 128;
        }
    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) {
            int32_t v = 0;
            for (uint32_t k = 0; k < SIDE; k++)
                v += a[i][k] * b[k][j];
            c[i][j] = v;
            sum = sum * 3 + (uint32_t)v;
        }
    return sum;
}

static uint32_t crc(uint32_t state)
{
    uint32_t crc = ~0u;

    for (uint32_t i = 0; i < MESSAGE; i++)
        message[i] = (uint8_t)(state >> (i & 15));
    for (uint32_t i = 0; i < MESSAGE; i++) {
        crc ^= message[i];
        for (uint32_t k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

uint32_t integer_round(uint32_t seed)
{
    uint32_t state = bench_next(seed | 1);

    return dots(state) ^ lists(state) ^ matrices(state) ^ crc(state);
}
