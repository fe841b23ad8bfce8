/* SPDX-License-Identifier: Apache-2.0 */
/* test_tokenizer.c - text to ids and back with the small default model; cuts, control tokens,
 * streamed text. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/rng.h"
#include "base/xalloc.h"
#include "model/tok_pre.h"
#include "model/tok_tokenizer.h"

#define MODEL "host/models/kimi-nano"
enum { MODEL_VOCAB = 2048, MODEL_BASE = 2032, IM_END = 2034 };

static struct tokenizer *open_model(void)
{
    struct tokenizer *k;
    struct err e = {0};
    CHECK_MSG(tokenizer_open(&k, MODEL, MODEL_VOCAB, &e) == 0, "%s", e.text);
    return k;
}

/* ---- against the golden file, made by an independent implementation ---- */

static void check_golden_case(const struct tokenizer *k, size_t number, const struct json *c)
{
    const struct json *text = json_member(c, "text");
    size_t at = 0, i = 0;
    for (const struct json *p = json_member(c, "pieces")->first; p; p = p->next, i++) {
        CHECK(at < text->bytes);
        size_t end = pretokenize_piece(text->text, text->bytes, at);
        CHECK_MSG(end - at == p->bytes && !memcmp(text->text + at, p->text, p->bytes),
                  "case %zu: piece %zu differs at byte %zu", number, i, at);
        at = end;
    }
    CHECK_EQ(at, text->bytes);
    struct tok_ids ids = {0};
    tokenizer_encode(k, text->text, text->bytes, TOKENIZER_PLAIN, &ids);
    const struct json *id = json_member(c, "ids")->first;
    for (i = 0; id && i < ids.count; i++, id = id->next)
        CHECK_MSG(ids.data[i] == id->integer, "case %zu: id %zu is %u, not %lld", number, i,
                  ids.data[i], (long long)id->integer);
    CHECK_EQ(ids.count, json_member(c, "ids")->count);
    free(ids.data);
}

TEST(tokenizer_golden)
{
    struct arena *a = arena_open();
    struct err e = {0};
    const struct json *cases;
    CHECK_MSG(json_load(&cases, a, "tests/golden/kimi-nano/tokenizer-golden.json", &e) == 0, "%s",
              e.text);
    CHECK_EQ(cases->count, 180);
    struct tokenizer *k = open_model();
    size_t number = 0;
    for (const struct json *c = cases->first; c; c = c->next)
        check_golden_case(k, number++, c);
    tokenizer_close(k);
    arena_close(a);
}

/* ---- bytes come back ---- */

static void check_round_trip(const struct tokenizer *k, const char *text, size_t bytes,
                             enum tokenizer_mode mode)
{
    struct tok_ids ids = {0};
    size_t at = 0;
    tokenizer_encode(k, text, bytes, mode, &ids);
    for (size_t i = 0; i < ids.count; i++) {
        size_t n;
        const uint8_t *token = tokenizer_bytes(k, ids.data[i], &n);
        CHECK(token && n > 0 && n <= bytes - at && !memcmp(token, text + at, n));
        at += n;
    }
    CHECK_EQ(at, bytes);
    free(ids.data);
}

TEST(tokenizer_round_trip_any_bytes)
{
    static const char *const words[] = {"<|im_end|>",   "<|im_", "[BOS]", " the", "\n\n",
                                        "\xe4\xb8\xad", "\xc3",  "'s",    "  ",   "Once upon"};
    struct tokenizer *k = open_model();
    struct rng r = {t->seed};
    for (int round = 0; round < 3000; round++) {
        struct tok_text text = {0};
        size_t want = rng_below(&r, 300);
        while (text.bytes < want) {
            const char *word = words[rng_below(&r, 10)], byte = (char)rng_next(&r);
            if (rng_below(&r, 2))
                tok_text_add(&text, &byte, 1);
            else
                tok_text_add(&text, word, strlen(word));
        }
        check_round_trip(k, text.data, text.bytes,
                         round % 2 ? TOKENIZER_PLAIN : TOKENIZER_SPECIALS);
        free(text.data);
    }
    tokenizer_close(k);
}

/* ---- control tokens ---- */

static void check_ids(const struct tokenizer *k, const char *text, enum tokenizer_mode mode,
                      const uint32_t *want, size_t count)
{
    struct tok_ids ids = {0};
    tokenizer_encode(k, text, strlen(text), mode, &ids);
    CHECK_EQ(ids.count, count);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(ids.data[i], want[i]);
    free(ids.data);
}

#define CHECK_IDS(k, text, mode, ...)                                                              \
    do {                                                                                           \
        const uint32_t want[] = {__VA_ARGS__};                                                     \
        check_ids(k, text, mode, want, sizeof want / sizeof want[0]);                              \
    } while (0)

TEST(tokenizer_control_tokens)
{
    struct tokenizer *k = open_model();
    CHECK_IDS(k, "!<|im_end|>", TOKENIZER_SPECIALS, '!', IM_END);
    CHECK_IDS(k, "[BOS][EOS]<|im_end|>![BO]", TOKENIZER_SPECIALS, 2032, 2033, IM_END, '!', '[', 'B',
              'O', ']');
    CHECK_IDS(k, "<|reserved_token_2039|>", TOKENIZER_SPECIALS, 2039);
    /* white space before a control token is one piece, as at the end of the text */
    CHECK_IDS(k, "  [BOS]", TOKENIZER_SPECIALS, ' ', ' ', 2032);
    struct tok_ids ids = {0};
    tokenizer_encode(k, "<|im_end|>", 10, TOKENIZER_PLAIN, &ids);
    for (size_t i = 0; i < ids.count; i++)
        CHECK(ids.data[i] < MODEL_BASE);
    free(ids.data);
    CHECK_EQ(tokenizer_special(k, "<|im_end|>"), IM_END);
    CHECK_EQ(tokenizer_special(k, "[PAD]"), 2047);
    CHECK_EQ(tokenizer_special(k, "[PAD"), VOCAB_NONE);
    CHECK_EQ(tokenizer_special(k, "[PAD]x"), VOCAB_NONE);
    CHECK_EQ(tokenizer_size(k), MODEL_VOCAB);
    CHECK(!tokenizer_is_special(k, 2031) && tokenizer_is_special(k, 2032));
    CHECK(tokenizer_is_special(k, 2047) && !tokenizer_is_special(k, 2048));
    size_t n;
    CHECK(tokenizer_bytes(k, 2048, &n) == NULL && tokenizer_bytes(k, UINT32_MAX, &n) == NULL);
    tokenizer_close(k);
}

TEST(tokenizer_names_ids_the_config_leaves_out)
{
    struct tokenizer *k;
    struct err e = {0};
    CHECK(tokenizer_open(&k, MODEL, 2100, &e) == 0);
    CHECK_EQ(tokenizer_special(k, "<|reserved_token_2099|>"), 2099);
    CHECK_EQ(tokenizer_special(k, "<|reserved_token_2100|>"), VOCAB_NONE);
    CHECK_EQ(tokenizer_special(k, "<|reserved_token_2045|>"), 2045);
    CHECK_EQ(tokenizer_special(k, "<|reserved_token_2046|>"), VOCAB_NONE); /* it is [UNK] */
    tokenizer_close(k);
}

static void check_open_fails(const char *dir, uint32_t vocab_size, const char *text)
{
    struct tokenizer *k;
    struct err e = {0};
    CHECK(tokenizer_open(&k, dir, vocab_size, &e) == -1);
    CHECK(k == NULL && e.kind == ERR_INPUT);
    CHECK_MSG(!strcmp(e.text, text), "%s", e.text);
}

TEST(tokenizer_refuses_wrong_sizes)
{
    check_open_fails(MODEL, 2031, MODEL "/tiktoken.model: 2032 tokens, at most 2031 are allowed");
    check_open_fails(MODEL, 2040,
                     MODEL "/tokenizer_config.json: added_tokens_decoder: \"2040\" is no id in "
                           "2032..2039");
    check_open_fails(MODEL, UINT32_MAX,
                     MODEL "/tokenizer_config.json: 4294965263 control tokens above id 2032, at "
                           "most 65536 are allowed");
    check_open_fails("no/such", 2048, "no/such/tiktoken.model: No such file or directory");
}

/* ---- the cuts of long input ---- */

/* Does <|im_end|> count as one token after `count` times `unit`? */
static bool recognised_after(const struct tokenizer *k, const char *unit, size_t count)
{
    struct tok_text text = {0};
    struct tok_ids ids = {0};
    for (size_t i = 0; i < count; i++)
        tok_text_add(&text, unit, strlen(unit));
    tok_text_add(&text, "<|im_end|>", 10);
    tokenizer_encode(k, text.data, text.bytes, TOKENIZER_SPECIALS, &ids);
    bool result = ids.data[ids.count - 1] == IM_END;
    free(ids.data);
    free(text.data);
    return result;
}

TEST(tokenizer_cuts_every_400000_characters)
{
    struct tokenizer *k = open_model();
    CHECK(recognised_after(k, "\xc3\xa9 ", 199995));  /* ends at the cut */
    CHECK(!recognised_after(k, "\xc3\xa9 ", 199996)); /* lies across it */
    CHECK(!recognised_after(k, "\xc3\xa9 ", 199999));
    CHECK(recognised_after(k, "\xc3\xa9 ", 200000));  /* begins there */
    CHECK(!recognised_after(k, "\xc3\xa9 ", 399999)); /* the second cut */
    CHECK(recognised_after(k, "\xc3\xa9 ", 400000));
    tokenizer_close(k);
}

TEST(tokenizer_cuts_runs_of_25000_characters)
{
    struct tokenizer *k = open_model();
    CHECK(recognised_after(k, "\xe4\xb8\xad", 24990));
    CHECK(!recognised_after(k, "\xe4\xb8\xad", 24991));
    CHECK(!recognised_after(k, "\xe4\xb8\xad", 24999));
    CHECK(recognised_after(k, "\xe4\xb8\xad", 25000));
    CHECK(!recognised_after(k, "\xe4\xb8\xad", 49999));
    CHECK(recognised_after(k, " ", 24999)); /* another run begins */
    tokenizer_close(k);
}

/* A run of blanks is cut too: 25,001 of them are two pieces, not one. */
TEST(tokenizer_cuts_blank_runs)
{
    struct tokenizer *k = open_model();
    struct tok_ids ids = {0};
    enum { RUN = 25000, TABS = 2 * RUN + 1 };
    char *text = xcalloc(TABS, 1);
    memset(text, '\n', TABS);
    tokenizer_encode(k, text, RUN, TOKENIZER_PLAIN, &ids);
    size_t one = ids.count;
    tokenizer_encode(k, text, TABS, TOKENIZER_PLAIN, &ids);
    CHECK_EQ(ids.count, 3 * one + 1);
    CHECK_EQ(ids.data[ids.count - 1], '\n');
    CHECK(one < RUN);
    free(ids.data);
    free(text);
    tokenizer_close(k);
}

/* ---- streamed text ---- */

static void check_decoded(const char *stream, size_t bytes, const char *want)
{
    for (size_t step = 1; step <= bytes; step++) {
        struct tok_decoder d = {0};
        struct tok_text out = {0};
        for (size_t at = 0; at < bytes; at += step)
            tok_decoder_push(&d, (const uint8_t *)stream + at,
                             bytes - at < step ? bytes - at : step, &out);
        tok_decoder_end(&d, &out);
        tok_text_add(&out, "", 1);
        CHECK_STR(out.data, want);
        free(out.data);
    }
}

#define FFFD "\xef\xbf\xbd"
TEST(decoder_replaces_what_is_no_text)
{
    check_decoded("plain \xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", 15,
                  "plain \xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80");
    check_decoded("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", 9,
                  FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
    check_decoded("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9, FFFD FFFD FFFD FFFD "A");
    check_decoded("a\xf0\x9f\x98", 4, "a" FFFD);
    check_decoded("\xf0\x9f\xf0\x9f\x98\x80", 6, FFFD "\xf0\x9f\x98\x80");
}

TEST(decoder_holds_back_unfinished_characters)
{
    struct tok_decoder d = {0};
    struct tok_text out = {0};
    static const uint8_t emoji[] = {0xf0, 0x9f, 0x98, 0x80};
    for (size_t i = 0; i < 3; i++) {
        tok_decoder_push(&d, emoji + i, 1, &out);
        CHECK_EQ(out.bytes, 0);
    }
    tok_decoder_push(&d, emoji + 3, 1, &out);
    CHECK(out.bytes == 4 && !memcmp(out.data, emoji, 4));
    tok_decoder_push(&d, (const uint8_t *)"x\xe4\xb8y", 4, &out); /* broken off: known at the y */
    CHECK(out.bytes == 9 && !memcmp(out.data + 4, "x" FFFD "y", 5));
    free(out.data);
}

TEST(decoder_prints_tokens_as_they_come)
{
    struct tokenizer *k = open_model();
    static const char text[] = "\xe4\xb8\xad\xe6\x96\x87 said: \xf0\x9f\x98\x80!";
    struct tok_ids ids = {0};
    struct tok_decoder d = {0};
    struct tok_text out = {0};
    tokenizer_encode(k, text, sizeof text - 1, TOKENIZER_PLAIN, &ids);
    for (size_t i = 0; i < ids.count; i++) {
        CHECK_EQ(tokenizer_decode_one(k, ids.data[i], &d, &out), 0);
        CHECK(out.bytes <= sizeof text - 1 && !memcmp(out.data ? out.data : "", text, out.bytes));
        CHECK(out.bytes == sizeof text - 1 || (text[out.bytes] & 0xc0) != 0x80);
    }
    CHECK_EQ(out.bytes, sizeof text - 1);
    CHECK_EQ(tokenizer_decode_one(k, MODEL_VOCAB, &d, &out), -1);
    free(ids.data);
    free(out.data);
    tokenizer_close(k);
}
