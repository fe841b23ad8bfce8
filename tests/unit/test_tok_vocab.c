/* SPDX-License-Identifier: Apache-2.0 */
/* test_tok_vocab.c - the vocabulary reader's errors, and byte-pair encoding against a plain
 * quadratic one. */
#include "harness.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/xalloc.h"
#include "model/tok_bpe.h"
#include "model/tok_special.h"
#include "model/tok_vocab.h"

/* ---- a vocabulary written by the test: the single bytes, then some more ---- */

struct source {
    char text[65536];
    size_t bytes;
    uint32_t count;
};

static void add_line(struct source *s, const char *token, size_t bytes, uint32_t rank)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = s->text + s->bytes;
    for (size_t i = 0; i < bytes; i += 3, out += 4) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < bytes ? (uint8_t)token[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[k] = digits[bits >> (18 - 6 * k) & 63];
    }
    memset(out - (3 - bytes % 3) % 3, '=', (3 - bytes % 3) % 3);
    s->bytes = (size_t)(out - s->text) + (size_t)sprintf(out, " %u\n", rank);
    s->count++;
}

static void add_text(struct source *s, const char *text)
{
    memcpy(s->text + s->bytes, text, strlen(text));
    s->bytes += strlen(text);
}

static void add_single_bytes(struct source *s)
{
    for (unsigned i = 0; i < 256; i++)
        add_line(s, (const char[]){(char)i}, 1, i);
}

static struct vocab parse(const struct source *s)
{
    struct vocab v;
    struct err e = {0};
    CHECK_MSG(vocab_parse(&v, "v", s->text, s->bytes, 100000, &e) == 0, "%s", e.text);
    return v;
}

static uint32_t find(const struct vocab *v, const char *token)
{
    return vocab_find(v, (const uint8_t *)token, strlen(token));
}

TEST(vocab_finds_its_tokens)
{
    struct source s = {0};
    add_single_bytes(&s);
    add_text(&s, "\n"); /* empty lines do not count */
    add_line(&s, "abc", 3, 258);
    add_line(&s, "ab", 2, 256); /* ranks may come in any order */
    add_line(&s, "some longer token", 17, 257);
    s.bytes--; /* nor must the last line end */
    struct vocab v = parse(&s);
    CHECK_EQ(v.count, 259);
    CHECK_EQ(v.longest, 17);
    CHECK_EQ(find(&v, "ab"), 256);
    CHECK_EQ(find(&v, "abc"), 258);
    CHECK_EQ(find(&v, "some longer token"), 257);
    CHECK_EQ(find(&v, "some longer toke"), VOCAB_NONE);
    CHECK_EQ(find(&v, "some longer token."), VOCAB_NONE);
    CHECK_EQ(find(&v, ""), VOCAB_NONE);
    for (unsigned i = 0; i < 256; i++)
        CHECK_EQ(v.single[i], i);
    CHECK_EQ(vocab_find(&v, (const uint8_t *)"\0\0", 2), VOCAB_NONE);
    vocab_close(&v);
}

/* `lines` after the 256 single bytes (line 257 on) give this error. */
static void check_refused(const char *lines, const char *error)
{
    struct source s = {0};
    struct vocab v;
    struct err e = {0};
    add_single_bytes(&s);
    add_text(&s, lines);
    CHECK(vocab_parse(&v, "v", s.text, s.bytes, 1000, &e) == -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK_STR(e.text, error);
    CHECK(!v.tokens && !v.bytes && !v.slots);
}

TEST(vocab_refuses)
{
    check_refused("YWI=256\n", "v: line 257: no space between token and rank");
    check_refused("YWI 256\n", "v: line 257: bad base64");
    check_refused("YW.= 256\n", "v: line 257: bad base64");
    check_refused("Y=I= 256\n", "v: line 257: bad base64");
    check_refused("==== 256\n", "v: line 257: bad base64");
    check_refused("YWJ= 256\n", "v: line 257: bad base64"); /* a bit set that no byte has */
    check_refused("YW= =256\n", "v: line 257: bad base64");
    check_refused(" 256\n", "v: line 257: bad base64");
    check_refused("YWI= \n", "v: line 257: the rank is no decimal number");
    check_refused("YWI= 25x\n", "v: line 257: the rank is no decimal number");
    check_refused("YWI=  256\n", "v: line 257: the rank is no decimal number");
    check_refused("YWI= -1\n", "v: line 257: the rank is no decimal number");
    check_refused("YWI= 4294967295\n", "v: line 257: the rank is no decimal number");
    check_refused("YWI= 18446744073709551872\n", "v: line 257: the rank is no decimal number");
    check_refused("YWI= 256\r\n", "v: line 257: the rank is no decimal number");
    check_refused("YWI= 257\n",
                  "v: line 257: rank 257, but 257 tokens have ranks 0..256 without gaps");
    check_refused("\nYWI= 17\n", "v: line 258: rank 17 appears twice");
    check_refused("YWI= 256\nYWI= 257\n", "v: line 258: the token of rank 256 again");
    check_refused("QQ== 256\n", "v: line 257: the token of rank 65 again");
}

TEST(vocab_refuses_wrong_wholes)
{
    struct source s = {0};
    struct vocab v;
    struct err e = {0};
    CHECK(vocab_parse(&v, "v", "\n\n", 2, 10, &e) == -1);
    CHECK_STR(e.text, "v: no tokens");
    for (unsigned i = 0; i < 255; i++)
        add_line(&s, (const char[]){(char)(i < 77 ? i : i + 1)}, 1, i);
    e = (struct err){0};
    CHECK(vocab_parse(&v, "v", s.text, s.bytes, 1000, &e) == -1);
    CHECK_STR(e.text, "v: no token for the single byte 0x4d");
    add_line(&s, "\x4d", 1, 255);
    e = (struct err){0};
    CHECK(vocab_parse(&v, "v", s.text, s.bytes, 255, &e) == -1);
    CHECK_STR(e.text, "v: 256 tokens, at most 255 are allowed");
    CHECK(vocab_parse(&v, "v", s.text, s.bytes, 256, &e) == 0);
    vocab_close(&v);
}

TEST(vocab_refuses_long_tokens)
{
    static char token[VOCAB_TOKEN_BYTES_MAX + 1];
    struct source s = {0};
    struct vocab v;
    struct err e = {0};
    add_single_bytes(&s);
    add_line(&s, token, VOCAB_TOKEN_BYTES_MAX, 256);
    v = parse(&s);
    CHECK_EQ(v.longest, VOCAB_TOKEN_BYTES_MAX);
    vocab_close(&v);
    add_line(&s, token, VOCAB_TOKEN_BYTES_MAX + 1, 257);
    CHECK(vocab_parse(&v, "v", s.text, s.bytes, 1000, &e) == -1);
    CHECK_STR(e.text, "v: line 258: the token is too long");
    memset(s.text, '1', 20000);
    e = (struct err){0};
    CHECK(vocab_parse(&v, "v", s.text, 20000, 1000, &e) == -1);
    CHECK_STR(e.text, "v: line 1: too long for a token");
}

/* ---- byte-pair encoding ---- */

/* The definition: look at all neighbours, join the lowest rank, begin again. */
static void encode_plainly(const struct vocab *v, const uint8_t *piece, size_t bytes,
                           struct tok_ids *ids)
{
    size_t ends[256], count = bytes;
    if (vocab_find(v, piece, bytes) != VOCAB_NONE)
        count = 1;
    for (size_t i = 0; i < count; i++)
        ends[i] = count == 1 ? bytes : i + 1;
    for (;;) {
        uint32_t best = VOCAB_NONE;
        size_t where = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            size_t start = i ? ends[i - 1] : 0;
            uint32_t rank = vocab_find(v, piece + start, ends[i + 1] - start);
            if (rank < best) {
                best = rank;
                where = i;
            }
        }
        if (best == VOCAB_NONE)
            break;
        memmove(ends + where, ends + where + 1, (--count - where) * sizeof *ends);
    }
    for (size_t i = 0; i < count; i++) {
        size_t start = i ? ends[i - 1] : 0;
        tok_ids_add(ids, vocab_find(v, piece + start, ends[i] - start));
    }
}

/* Tokens over two letters, also such that no merges lead to. */
static struct vocab random_vocab(struct rng *r)
{
    struct source s = {0};
    uint32_t want = 256 + rng_below(r, 60);
    add_single_bytes(&s);
    char seen[300][9] = {{0}};
    while (s.count < want) {
        char token[9] = {0};
        size_t bytes = 2 + rng_below(r, 1 + rng_below(r, 7));
        for (size_t i = 0; i < bytes; i++)
            token[i] = (char)('a' + rng_below(r, 2));
        bool known = false;
        for (uint32_t i = 256; i < s.count && !known; i++)
            known = !strcmp(seen[i - 256], token);
        if (known)
            want--;
        else
            memcpy(seen[s.count - 256], token, sizeof token);
        if (!known)
            add_line(&s, token, bytes, s.count);
    }
    return parse(&s);
}

TEST(bpe_is_the_definition)
{
    struct rng r = {t->seed};
    struct bpe b = {0};
    for (int round = 0; round < 300; round++) {
        struct vocab v = random_vocab(&r);
        for (int i = 0; i < 30; i++) {
            uint8_t piece[250];
            size_t bytes = 1 + rng_below(&r, i ? 30 : sizeof piece);
            for (size_t k = 0; k < bytes; k++)
                piece[k] = (uint8_t)('a' + (rng_below(&r, 20) ? rng_below(&r, 2) : 2));
            struct tok_ids got = {0}, want = {0};
            bpe_encode(&b, &v, piece, bytes, &got);
            encode_plainly(&v, piece, bytes, &want);
            CHECK_EQ(got.count, want.count);
            CHECK(!memcmp(got.data, want.data, want.count * sizeof *want.data));
            free(got.data);
            free(want.data);
        }
        vocab_close(&v);
    }
    bpe_close(&b);
}

/* 4 MiB of one letter: a quadratic encoder would need hours. Leftmost first, so pairs never shift.
 */
TEST(bpe_long_piece)
{
    enum { LETTERS = (4 << 20) + 5 };
    struct source s = {0};
    struct bpe b = {0};
    struct tok_ids ids = {0};
    uint8_t *piece = xcalloc(LETTERS, 1);
    add_single_bytes(&s);
    add_line(&s, "aa", 2, 256);
    add_line(&s, "aaaa", 4, 257);
    struct vocab v = parse(&s);
    memset(piece, 'a', LETTERS);
    bpe_encode(&b, &v, piece, LETTERS, &ids);
    CHECK_EQ(ids.count, LETTERS / 4 + 1);
    for (size_t i = 0; i + 1 < ids.count; i++)
        CHECK_EQ(ids.data[i], 257);
    CHECK_EQ(ids.data[ids.count - 1], 'a');
    free(ids.data);
    free(piece);
    vocab_close(&v);
    bpe_close(&b);
}

/* A piece that is a token is that token, even if merging could not reach it. */
TEST(bpe_whole_piece_first)
{
    struct source s = {0};
    struct bpe b = {0};
    struct tok_ids ids = {0};
    add_single_bytes(&s);
    add_line(&s, "abc", 3, 256);
    struct vocab v = parse(&s);
    bpe_encode(&b, &v, (const uint8_t *)"abc", 3, &ids);
    CHECK(ids.count == 1 && ids.data[0] == 256);
    bpe_encode(&b, &v, (const uint8_t *)"abcd", 4, &ids);
    CHECK_EQ(ids.count, 5);
    free(ids.data);
    vocab_close(&v);
    bpe_close(&b);
}

/* ---- control tokens ---- */

static int load_specials(struct specials *s, const char *config, struct err *e)
{
    char path[] = "/tmp/tessera-test-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    FILE *f = fdopen(fd, "w");
    CHECK(f && fputs(config, f) >= 0 && fclose(f) == 0);
    *e = (struct err){0};
    int result = specials_load(s, path, 300, 10, e);
    CHECK(remove(path) == 0);
    return result;
}

TEST(specials_longest_match)
{
    struct specials s;
    struct err e;
    CHECK(load_specials(
              &s,
              "{\"added_tokens_decoder\":{\"301\":{\"content\":\"<a\"},\"302\":{\"content\":"
              "\"<a>b\"},\"303\":{\"content\":\"\xc3\xa9\"},\"309\":{\"content\":\"<\","
              "\"special\":false}}}",
              &e) == 0);
    CHECK_EQ(specials_match(&s, "<a>b", 4)->id, 302);
    CHECK_EQ(specials_match(&s, "<a>bc", 5)->id, 302);
    CHECK_EQ(specials_match(&s, "<a>", 3)->id, 301);
    CHECK_EQ(specials_match(&s, "<a>b", 3)->id, 301);
    CHECK_EQ(specials_match(&s, "<b", 2)->id, 309);
    CHECK_EQ(specials_match(&s, "<|reserved_token_300|>", 22)->id, 300);
    CHECK_EQ(specials_match(&s, "\xc3\xa9", 2)->id, 303);
    CHECK(!specials_match(&s, "\xc3", 1) && !specials_match(&s, "a", 1));
    CHECK(!specials_match(&s, "", 0) && !specials_match(&s, "\0<", 2));
    specials_close(&s);
}

static void check_special_error(const char *config, const char *error)
{
    struct specials s;
    struct err e;
    CHECK(load_specials(&s, config, &e) == -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK(!s.arena);
    CHECK_MSG(strstr(e.text, error), "\"%s\" instead of \"%s\"", e.text, error);
}

TEST(specials_refuse)
{
#define ADDED(members) "{\"added_tokens_decoder\":{" members "}}"
    check_special_error("{\"added_tokens_decoder\":[]}", "added_tokens_decoder is ");
    check_special_error(ADDED("\"299\":{\"content\":\"x\"}"), "\"299\" is no id in 300..309");
    check_special_error(ADDED("\"310\":{\"content\":\"x\"}"), "\"310\" is no id in 300..309");
    check_special_error(ADDED("\"x\":{\"content\":\"x\"}"), "\"x\" is no id in 300..309");
    check_special_error(ADDED("\"4294967596\":{\"content\":\"x\"}"), "is no id in 300..309");
    check_special_error(ADDED("\"301\":{\"content\":\"x\"},\"0301\":{\"content\":\"y\"}"),
                        "id 301 appears twice");
    check_special_error(ADDED("\"301\":{\"content\":\"x\"},\"303\":{\"content\":\"x\"}"),
                        "are both \"x\"");
    check_special_error(ADDED("\"301\":{\"content\":\"<|reserved_token_300|>\"}"),
                        "are both \"<|reserved_token_300|>\"");
    check_special_error(ADDED("\"301\":{\"content\":\"\"}"), "\"content\" must be a text");
    check_special_error(ADDED("\"301\":{\"content\":\"a\\u0000\"}"), "\"content\" must be a text");
    check_special_error(ADDED("\"301\":{\"content\":7}"), "\"content\" must be a text");
    check_special_error(ADDED("\"301\":\"x\""), "\"content\" must be a text");
    check_special_error("{", "line 1");
}
