/* SPDX-License-Identifier: Apache-2.0 */
/* tok_tokenizer.c - vocabulary, control tokens, pre-tokenizer and byte-pair encoder together. */
#include "model/tok_tokenizer.h"

#include <stdlib.h>
#include <string.h>
#include "base/xalloc.h"
#include "model/tok_pre.h"
#include "model/tok_special.h"
#include "model/unicode.h"

enum { CUT_CHARACTERS = 400000, CUT_RUN_CHARACTERS = 25000 };

struct tokenizer {
    struct vocab vocab;
    struct specials specials;
};

static int load(struct tokenizer *t, const char *model_dir, uint32_t vocab_size, struct err *e)
{
    struct arena *a = arena_open();
    const char *vocab_path = arena_printf(a, "%s/tiktoken.model", model_dir);
    const char *config_path = arena_printf(a, "%s/tokenizer_config.json", model_dir);
    int result = vocab_load(&t->vocab, vocab_path, vocab_size, e);
    if (!result)
        result = specials_load(&t->specials, config_path, t->vocab.count,
                               vocab_size - t->vocab.count, e);
    arena_close(a);
    return result;
}

int tokenizer_open(struct tokenizer **out, const char *model_dir, uint32_t vocab_size,
                   struct err *e)
{
    struct tokenizer *t = xcalloc(1, sizeof *t);
    *out = NULL;
    if (load(t, model_dir, vocab_size, e)) {
        tokenizer_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

void tokenizer_close(struct tokenizer *t)
{
    if (!t)
        return;
    vocab_close(&t->vocab);
    specials_close(&t->specials);
    free(t);
}

/* ---- text to ids ---- */

struct encoder {
    const struct tokenizer *t;
    enum tokenizer_mode mode;
    struct bpe bpe;
    struct tok_ids *ids;
};

static void encode_plain(struct encoder *en, const char *text, size_t bytes)
{
    for (size_t at = 0, end; at < bytes; at = end) {
        end = pretokenize_piece(text, bytes, at);
        bpe_encode(&en->bpe, &en->t->vocab, (const uint8_t *)text + at, end - at, en->ids);
    }
}

/* Control tokens cut the text: what is before one is encoded as if the text ended there. */
static void encode_slice(struct encoder *en, const char *text, size_t bytes)
{
    size_t done = 0;
    for (size_t at = 0; en->mode == TOKENIZER_SPECIALS && at < bytes;) {
        const struct special *special = specials_match(&en->t->specials, text + at, bytes - at);
        if (!special) {
            at++;
            continue;
        }
        encode_plain(en, text + done, at - done);
        tok_ids_add(en->ids, special->id);
        done = at += special->bytes;
    }
    encode_plain(en, text + done, bytes - done);
}

/* White space as Python's str.isspace() has it: the information separators too. */
static bool is_blank(const char *text, size_t bytes, size_t *used)
{
    uint32_t code = utf8_read((const uint8_t *)text, bytes, used);
    if (code >= UTF8_INVALID)
        *used = 1;
    return (code >= 0x1c && code <= 0x1f) || (unicode_classes(code) & UNICODE_SPACE);
}

void tokenizer_encode(const struct tokenizer *t, const char *text, size_t bytes,
                      enum tokenizer_mode mode, struct tok_ids *ids)
{
    struct encoder en = {.t = t, .mode = mode, .ids = ids};
    size_t start = 0, used;
    uint32_t characters = 0, run = 0; /* before `at`, since the cut; of one kind */
    bool was_blank = false;
    for (size_t at = 0; at < bytes; at += used) {
        bool blank = is_blank(text + at, bytes - at, &used), full = characters == CUT_CHARACTERS;
        if (blank != was_blank)
            run = 0;
        if (full || run == CUT_RUN_CHARACTERS) {
            encode_slice(&en, text + start, at - start);
            start = at;
            run = 0;
        }
        characters = full ? 1 : characters + 1;
        run++;
        was_blank = blank;
    }
    encode_slice(&en, text + start, bytes - start);
    bpe_close(&en.bpe);
}

/* ---- ids to text ---- */

uint32_t tokenizer_size(const struct tokenizer *t)
{
    return t->vocab.count + t->specials.count;
}

bool tokenizer_is_special(const struct tokenizer *t, uint32_t id)
{
    return id >= t->vocab.count && id < tokenizer_size(t);
}

uint32_t tokenizer_special(const struct tokenizer *t, const char *name)
{
    size_t bytes = strlen(name);
    const struct special *special = specials_match(&t->specials, name, bytes);
    return special && special->bytes == bytes ? special->id : VOCAB_NONE;
}

const uint8_t *tokenizer_bytes(const struct tokenizer *t, uint32_t id, size_t *bytes)
{
    if (id < t->vocab.count) {
        *bytes = t->vocab.tokens[id].bytes;
        return t->vocab.bytes + t->vocab.tokens[id].at;
    }
    if (!tokenizer_is_special(t, id))
        return NULL;
    const struct special *special = &t->specials.by_id[id - t->vocab.count];
    *bytes = special->bytes;
    return (const uint8_t *)special->text;
}

int tokenizer_decode_one(const struct tokenizer *t, uint32_t id, struct tok_decoder *d,
                         struct tok_text *out)
{
    size_t bytes;
    const uint8_t *data = tokenizer_bytes(t, id, &bytes);
    if (!data)
        return -1;
    tok_decoder_push(d, data, bytes, out);
    return 0;
}
