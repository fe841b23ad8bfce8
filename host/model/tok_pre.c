/* SPDX-License-Identifier: Apache-2.0 */
/* tok_pre.c - the Kimi pre-tokenizer pattern as a hand-written matcher.
 *
 * The pattern is an ordered choice: the first alternative that matches wins; each is greedy and
 * gives characters back when it must.
 *   1  Han+
 *   2  X? U* L+ C?
 *   3  X? U+ L* C?
 *   4  N{1,3}
 *   5  SPACE? P+ nl*
 *   6  S* nl+
 *   7  S+ that no other character follows
 *   8  S+
 * X any character but newlines, letters and numbers
 * U upper, title, modifier and other letters and marks, without Han
 * L the same with lower instead of upper and title
 * C an English contraction: 's 't 're 've 'm 'll 'd in either case
 * N numbers, S white space, nl newlines, P neither white space nor letter nor number
 *
 * U and L share the modifier and other letters and the marks; that is where giving back matters. */
#include "model/tok_pre.h"

#include <assert.h>
#include <stdbool.h>
#include "model/unicode.h"

enum {
    SHARED = UNICODE_OTHER | UNICODE_MARK, /* in U and in L */
    U_CLASSES = UNICODE_UPPER | SHARED,
    L_CLASSES = UNICODE_LOWER | SHARED,
    NOT_PREFIX = UNICODE_NEWLINE | UNICODE_LETTER | UNICODE_NUMBER,
    NOT_PUNCTUATION = UNICODE_SPACE | UNICODE_LETTER | UNICODE_NUMBER,
    END = 0x100 /* the class of what follows the last character */
};

struct text {
    const uint8_t *data;
    size_t bytes;
};

static unsigned classes_at(const struct text *t, size_t at, size_t *next)
{
    *next = at;
    if (at >= t->bytes)
        return END;
    size_t used;
    uint32_t code = utf8_read(t->data + at, t->bytes - at, &used);
    *next = at + (code < UTF8_INVALID ? used : 1);
    return unicode_classes(code);
}

/* Where the run of characters ends that have one of the classes `any` and none of `no`. */
static size_t run_end(const struct text *t, size_t at, unsigned any, unsigned no)
{
    for (size_t next;; at = next) {
        unsigned classes = classes_at(t, at, &next);
        if (!(classes & any) || (classes & no))
            return at;
    }
}

/* U* L+ from `at`: the end, or 0. Without a lower case letter after the run of U, the run gives
 * back characters until L+ can take one: exactly one, as what follows that is not in L. */
static size_t match_upper_any_lower(const struct text *t, size_t at)
{
    size_t shared_end = 0;
    for (size_t next;; at = next) {
        unsigned classes = classes_at(t, at, &next);
        if (classes & UNICODE_HAN)
            return shared_end;
        if (classes & UNICODE_LOWER)
            return run_end(t, at, L_CLASSES, UNICODE_HAN);
        if (!(classes & U_CLASSES))
            return shared_end;
        if (classes & SHARED)
            shared_end = next;
    }
}

/* U+ L* from `at`: the end, or 0. */
static size_t match_upper_lower_any(const struct text *t, size_t at)
{
    size_t upper_end = run_end(t, at, U_CLASSES, UNICODE_HAN);
    return upper_end == at ? 0 : run_end(t, upper_end, L_CLASSES, UNICODE_HAN);
}

static bool letter_is(const struct text *t, size_t at, char lower)
{
    return at < t->bytes && (t->data[at] | 0x20) == lower;
}

/* Case is ignored the Unicode way: U+017F, the long s, is an s too. */
static size_t contraction_end(const struct text *t, size_t at)
{
    static const char pairs[][2] = {{'r', 'e'}, {'v', 'e'}, {'l', 'l'}};
    static const char singles[] = {'s', 't', 'm', 'd'};
    if (at >= t->bytes || t->data[at] != '\'')
        return at;
    for (size_t i = 0; i < sizeof singles; i++)
        if (letter_is(t, at + 1, singles[i]))
            return at + 2;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (letter_is(t, at + 1, pairs[i][0]) && letter_is(t, at + 2, pairs[i][1]))
            return at + 3;
    if (t->bytes - at > 2 && t->data[at + 1] == 0xc5 && t->data[at + 2] == 0xbf)
        return at + 3;
    return at;
}

/* Alternatives 2 and 3. With the prefix first; without it only a mark can still match. */
static size_t match_word(const struct text *t, size_t at,
                         size_t (*match)(const struct text *t, size_t at))
{
    size_t after_prefix, end = 0;
    if (!(classes_at(t, at, &after_prefix) & NOT_PREFIX))
        end = match(t, after_prefix);
    if (!end)
        end = match(t, at);
    return end ? contraction_end(t, end) : 0;
}

static size_t match_numbers(const struct text *t, size_t at)
{
    for (int i = 0; i < 3; i++) {
        size_t next;
        if (!(classes_at(t, at, &next) & UNICODE_NUMBER))
            break;
        at = next;
    }
    return at;
}

static size_t match_punctuation(const struct text *t, size_t at)
{
    size_t start = t->data[at] == ' ' ? at + 1 : at, end = start;
    for (size_t next; !(classes_at(t, end, &next) & (NOT_PUNCTUATION | END)); end = next)
        ;
    return end == start ? 0 : run_end(t, end, UNICODE_NEWLINE, 0);
}

/* Alternatives 6, 7 and 8 on a run of white space: up to its last newline; else all of it at the
 * end of the text; else all but its last character, which goes to what follows; else that one. */
static size_t match_space(const struct text *t, size_t at)
{
    size_t newline_end = 0, last = at, end = at;
    for (size_t next;; end = next) {
        unsigned classes = classes_at(t, end, &next);
        if (!(classes & UNICODE_SPACE))
            break;
        if (classes & UNICODE_NEWLINE)
            newline_end = next;
        last = end;
    }
    if (newline_end)
        return newline_end;
    return end == t->bytes || last == at ? end : last;
}

size_t pretokenize_piece(const char *text, size_t bytes, size_t at)
{
    const struct text t = {(const uint8_t *)text, bytes};
    assert(at < bytes);
    size_t next, end;
    unsigned classes = classes_at(&t, at, &next);
    if (classes & UNICODE_HAN)
        return run_end(&t, at, UNICODE_HAN, 0);
    if ((end = match_word(&t, at, match_upper_any_lower)))
        return end;
    if ((end = match_word(&t, at, match_upper_lower_any)))
        return end;
    if (classes & UNICODE_NUMBER)
        return match_numbers(&t, at);
    if ((end = match_punctuation(&t, at)))
        return end;
    return match_space(&t, at);
}
