/* SPDX-License-Identifier: Apache-2.0 */
/* tok_vocab.c - reads tiktoken.model and hashes its tokens. */
#include "model/tok_vocab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/xalloc.h"

enum { LINE_BYTES_MAX = (VOCAB_TOKEN_BYTES_MAX + 2) / 3 * 4 + 11 }; /* base64, space, rank */

/* ---- the hash table ---- */

static uint64_t hash_bytes(const uint8_t *bytes, size_t n)
{
    uint64_t hash = n, word;
    for (; n >= sizeof word; n -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = rng_mix(hash ^ word);
    }
    word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return rng_mix(hash + 0x9e3779b97f4a7c15u * (word + 1));
}

/* The slot that holds these bytes, or the empty one where they belong. */
static uint64_t *find_slot(const struct vocab *v, const uint8_t *bytes, size_t n, uint64_t hash)
{
    for (size_t i = hash & v->slot_mask;; i = (i + 1) & v->slot_mask) {
        uint64_t slot = v->slots[i];
        if (!slot)
            return &v->slots[i];
        if ((slot ^ hash) >> 32)
            continue;
        const struct vocab_token *token = &v->tokens[(uint32_t)slot - 1];
        if (token->bytes == n && !memcmp(v->bytes + token->at, bytes, n))
            return &v->slots[i];
    }
}

uint32_t vocab_find(const struct vocab *v, const uint8_t *bytes, size_t n)
{
    if (n == 0 || n > v->longest)
        return VOCAB_NONE;
    uint64_t slot = *find_slot(v, bytes, n, hash_bytes(bytes, n));
    return slot ? (uint32_t)slot - 1 : VOCAB_NONE;
}

/* ---- the file ---- */

struct line {
    const char *name; /* of the file */
    const char *text;
    size_t bytes;
    size_t number; /* from 1 */
};

static int bad_line(const struct line *l, struct err *e, const char *why)
{
    return err_input(e, "%s: line %zu: %s", l->name, l->number, why);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Strict: whole groups of four, padding at the end, unused bits zero. Returns the bytes, or 0. */
static size_t base64_decode(const char *text, size_t chars, uint8_t *out)
{
    if (chars == 0 || chars % 4)
        return 0;
    size_t padding = text[chars - 1] != '=' ? 0 : text[chars - 2] != '=' ? 1 : 2;
    size_t bytes = chars / 4 * 3 - padding, done = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < chars; i++) {
        int digit = i < chars - padding ? base64_digit(text[i]) : 0;
        if (digit < 0)
            return 0;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 3)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8) {
            uint8_t byte = (uint8_t)(bits >> shift);
            if (done < bytes)
                out[done++] = byte;
            else if (byte)
                return 0;
        }
    }
    return bytes;
}

static bool read_rank(const char *text, size_t chars, uint32_t *rank)
{
    uint64_t value = 0;
    if (chars == 0 || chars > 10)
        return false;
    for (size_t i = 0; i < chars; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *rank = (uint32_t)value;
    return value < VOCAB_NONE;
}

/* Cut the next line off the text; false at its end. */
static bool next_line(struct line *l, const char **text, const char *end)
{
    if (*text == end)
        return false;
    const char *stop = memchr(*text, '\n', (size_t)(end - *text));
    l->text = *text;
    l->bytes = (size_t)((stop ? stop : end) - *text);
    l->number++;
    *text = stop ? stop + 1 : end;
    return true;
}

static int add_token(struct vocab *v, const struct line *l, uint32_t *bytes_used, struct err *e)
{
    const char *space = memchr(l->text, ' ', l->bytes);
    uint32_t rank;
    if (l->bytes > LINE_BYTES_MAX)
        return bad_line(l, e, "too long for a token");
    if (!space)
        return bad_line(l, e, "no space between token and rank");
    size_t chars = (size_t)(space - l->text);
    uint8_t *bytes = v->bytes + *bytes_used;
    size_t n = base64_decode(l->text, chars, bytes);
    if (n == 0 || n > VOCAB_TOKEN_BYTES_MAX)
        return bad_line(l, e, n ? "the token is too long" : "bad base64");
    if (!read_rank(space + 1, l->bytes - chars - 1, &rank))
        return bad_line(l, e, "the rank is no decimal number");
    if (rank >= v->count)
        return err_input(e, "%s: line %zu: rank %u, but %u tokens have ranks 0..%u without gaps",
                         l->name, l->number, rank, v->count, v->count - 1);
    if (v->tokens[rank].bytes)
        return err_input(e, "%s: line %zu: rank %u appears twice", l->name, l->number, rank);
    uint64_t hash = hash_bytes(bytes, n), *slot = find_slot(v, bytes, n, hash);
    if (*slot)
        return err_input(e, "%s: line %zu: the token of rank %u again", l->name, l->number,
                         (uint32_t)*slot - 1);
    *slot = (hash >> 32) << 32 | (rank + 1);
    v->tokens[rank] = (struct vocab_token){*bytes_used, (uint32_t)n};
    *bytes_used += (uint32_t)n;
    if (n > v->longest)
        v->longest = (uint32_t)n;
    return 0;
}

static int count_tokens(struct vocab *v, const char *name, const char *text, const char *end,
                        uint32_t count_max, struct err *e)
{
    struct line l = {.name = name};
    size_t count = 0;
    while (next_line(&l, &text, end))
        count += l.bytes > 0;
    if (count == 0)
        return err_input(e, "%s: no tokens", name);
    if (count > count_max || count > VOCAB_COUNT_MAX)
        return err_input(e, "%s: %zu tokens, at most %u are allowed", name, count,
                         count_max < VOCAB_COUNT_MAX ? count_max : VOCAB_COUNT_MAX);
    v->count = (uint32_t)count;
    return 0;
}

static int find_single_bytes(struct vocab *v, const char *name, struct err *e)
{
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        v->single[i] = vocab_find(v, &byte, 1);
        if (v->single[i] == VOCAB_NONE)
            return err_input(e, "%s: no token for the single byte 0x%02x", name, i);
    }
    return 0;
}

static int parse_lines(struct vocab *v, const char *name, const char *text, const char *end,
                       struct err *e)
{
    struct line l = {.name = name};
    uint32_t bytes_used = 0;
    while (next_line(&l, &text, end))
        if (l.bytes && add_token(v, &l, &bytes_used, e))
            return -1;
    return find_single_bytes(v, name, e);
}

int vocab_parse(struct vocab *out, const char *name, const char *text, size_t bytes,
                uint32_t count_max, struct err *e)
{
    *out = (struct vocab){0};
    if (bytes > VOCAB_FILE_BYTES_MAX)
        return err_input(e, "%s: %zu bytes, at most %d are allowed", name, bytes,
                         VOCAB_FILE_BYTES_MAX);
    if (count_tokens(out, name, text, text + bytes, count_max, e))
        return -1;
    size_t slots = 512;
    while (slots < 2 * (size_t)out->count)
        slots *= 2;
    out->slot_mask = slots - 1;
    out->slots = xcalloc(slots, sizeof *out->slots);
    out->tokens = xcalloc(out->count, sizeof *out->tokens);
    out->bytes = xcalloc(bytes, 1); /* base64 is longer than what it decodes to */
    if (parse_lines(out, name, text, text + bytes, e)) {
        vocab_close(out);
        return -1;
    }
    return 0;
}

/* The whole file in memory the caller frees, or NULL. */
static char *read_file(const char *path, size_t *bytes, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        (void)err_input(e, "%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t used = 0, room = 1 << 16;
    char *text = xcalloc(room, 1);
    for (size_t got; used <= VOCAB_FILE_BYTES_MAX; used += got) {
        if (used == room)
            text = xrealloc(text, room *= 2, 1);
        got = fread(text + used, 1, room - used, f);
        if (got == 0)
            break;
    }
    bool failed = ferror(f);
    (void)fclose(f);
    *bytes = used;
    if (!failed)
        return text;
    (void)err_input(e, "%s: cannot be read", path);
    free(text);
    return NULL;
}

int vocab_load(struct vocab *out, const char *path, uint32_t count_max, struct err *e)
{
    size_t bytes;
    *out = (struct vocab){0};
    char *text = read_file(path, &bytes, e);
    if (!text)
        return -1;
    int result = vocab_parse(out, path, text, bytes, count_max, e);
    free(text);
    return result;
}

void vocab_close(struct vocab *v)
{
    free(v->slots);
    free(v->tokens);
    free(v->bytes);
    *v = (struct vocab){0};
}
