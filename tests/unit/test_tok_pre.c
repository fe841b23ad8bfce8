/* SPDX-License-Identifier: Apache-2.0 */
/* test_tok_pre.c - character classes, UTF-8, and the pre-tokenizer against a generic backtracking
 * matcher. */
#include "harness.h"

#include <stdbool.h>
#include <string.h>
#include "base/rng.h"
#include "model/tok_pre.h"
#include "model/unicode.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Counted over all code points by a regular expression engine that has its own copy of Unicode 17.
 */
TEST(unicode_class_sizes)
{
    static const struct {
        unsigned all;
        int count;
    } facts[] = {
        {UNICODE_UPPER, 1917},
        {UNICODE_LOWER, 2283},
        {UNICODE_OTHER, 141472},
        {UNICODE_MARK, 2543},
        {UNICODE_NUMBER, 1924},
        {UNICODE_HAN, 103351},
        {UNICODE_SPACE, 25},
        {UNICODE_NEWLINE, 2},
        {UNICODE_HAN | UNICODE_OTHER, 103003},
        {UNICODE_HAN | UNICODE_NUMBER, 16},
        {UNICODE_UPPER | UNICODE_LOWER, 0},
    };
    int counts[COUNT(facts)] = {0};
    for (uint32_t code = 0; code <= 0x110001; code++)
        for (size_t i = 0; i < COUNT(facts); i++)
            counts[i] += (unicode_classes(code) & facts[i].all) == facts[i].all;
    for (size_t i = 0; i < COUNT(facts); i++)
        CHECK_EQ(counts[i], facts[i].count);
}

TEST(unicode_single_characters)
{
    CHECK_EQ(unicode_classes('a'), UNICODE_LOWER);
    CHECK_EQ(unicode_classes('Z'), UNICODE_UPPER);
    CHECK_EQ(unicode_classes('\n'), UNICODE_SPACE | UNICODE_NEWLINE);
    CHECK_EQ(unicode_classes('\v'), UNICODE_SPACE);
    CHECK_EQ(unicode_classes(0x1c), 0);
    CHECK_EQ(unicode_classes(0xa0), UNICODE_SPACE);
    CHECK_EQ(unicode_classes(0x1c5), UNICODE_UPPER);                 /* title case */
    CHECK_EQ(unicode_classes(0x301), UNICODE_MARK);                  /* combining acute */
    CHECK_EQ(unicode_classes(0x3005), UNICODE_OTHER | UNICODE_HAN);  /* iteration mark */
    CHECK_EQ(unicode_classes(0x3007), UNICODE_NUMBER | UNICODE_HAN); /* ideographic zero */
    CHECK_EQ(unicode_classes(0x2e80), UNICODE_HAN);                  /* radical: no letter */
    CHECK_EQ(unicode_classes(0x3042), UNICODE_OTHER);                /* hiragana */
    CHECK_EQ(unicode_classes(0x1f600), 0);                           /* emoji */
}

static size_t utf8_write(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = bytes; i-- > 1; code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    out[0] = (uint8_t)((0xf00u >> bytes) | code);
    return bytes;
}

TEST(utf8_reads_every_code_point)
{
    for (uint32_t code = 0; code < 0x110000; code++) {
        uint8_t text[4];
        size_t used, bytes = utf8_write(code, text);
        bool surrogate = code >= 0xd800 && code < 0xe000;
        uint32_t got = utf8_read(text, bytes, &used);
        CHECK_EQ(got, surrogate ? UTF8_INVALID : code);
        CHECK_EQ(used, surrogate ? 1 : bytes);
        if (bytes > 1 && !surrogate) {
            CHECK_EQ(utf8_read(text, bytes - 1, &used), UTF8_SHORT);
            CHECK_EQ(used, bytes - 1);
        }
    }
}

/* No sequence of three bytes is read as a three-byte character twice or from a wrong form: 2^16
 * code points without the 2^11 shorter ones and the 2^11 surrogates. */
TEST(utf8_accepts_nothing_else)
{
    int whole = 0;
    for (uint32_t i = 0; i < 1u << 24; i++) {
        uint8_t text[3] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        size_t used;
        uint32_t code = utf8_read(text, 3, &used);
        whole += code < UTF8_INVALID && used == 3;
    }
    CHECK_EQ(whole, 65536 - 2048 - 2048);
}

/* Tables 3-8 to 3-11 of the Unicode standard (one replacement per maximal subpart). */
TEST(utf8_maximal_subparts)
{
    static const struct {
        const char *bytes;
        const char *lengths; /* of the invalid parts; a = a valid ASCII character */
    } facts[] = {
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "11111111a"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "11111111a"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "11111a11a"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "2132a"},
    };
    for (size_t i = 0; i < COUNT(facts); i++) {
        const uint8_t *text = (const uint8_t *)facts[i].bytes;
        size_t bytes = strlen(facts[i].bytes), at = 0, used;
        for (const char *l = facts[i].lengths; *l; l++, at += used) {
            CHECK(at < bytes);
            uint32_t code = utf8_read(text + at, bytes - at, &used);
            CHECK_EQ(code < 0x80 ? 'a' : (char)('0' + used), *l);
            CHECK(code < 0x80 || code == UTF8_INVALID);
        }
        CHECK_EQ(at, bytes);
    }
}

/* ---- the oracle: each alternative written as the pattern is, run by backtracking ---- */

enum atom {
    STOP,
    HAN,
    PREFIX,
    UPPERISH,
    LOWERISH,
    DIGIT,
    BLANK,
    PUNCTUATION,
    NEWLINE,
    WHITE,
    NOT_WHITE
};

struct item {
    enum atom atom;
    size_t min, max;
};

enum { MANY = 1000000 };
#define LETTER_AHEAD                                                                               \
    {                                                                                              \
        NOT_WHITE, 0, 0                                                                            \
    } /* 0 times: a look-ahead that must not match */
static const struct item alternatives[8][5] = {
    {{HAN, 1, MANY}},
    {{PREFIX, 0, 1}, {UPPERISH, 0, MANY}, {LOWERISH, 1, MANY}},
    {{PREFIX, 0, 1}, {UPPERISH, 1, MANY}, {LOWERISH, 0, MANY}},
    {{DIGIT, 1, 3}},
    {{BLANK, 0, 1}, {PUNCTUATION, 1, MANY}, {NEWLINE, 0, MANY}},
    {{WHITE, 0, MANY}, {NEWLINE, 1, MANY}},
    {{WHITE, 1, MANY}, LETTER_AHEAD},
    {{WHITE, 1, MANY}},
};

struct subject {
    uint32_t codes[64];
    size_t count;
};

static bool atom_takes(enum atom atom, uint32_t code)
{
    unsigned c = unicode_classes(code);
    bool letter = c & (UNICODE_UPPER | UNICODE_LOWER | UNICODE_OTHER), digit = c & UNICODE_NUMBER;
    bool white = c & UNICODE_SPACE, han = c & UNICODE_HAN, newline = code == '\r' || code == '\n';
    switch (atom) {
    case STOP:
        break;
    case HAN:
        return han;
    case PREFIX:
        return !newline && !letter && !digit;
    case UPPERISH:
        return (c & (UNICODE_UPPER | UNICODE_OTHER | UNICODE_MARK)) && !han;
    case LOWERISH:
        return (c & (UNICODE_LOWER | UNICODE_OTHER | UNICODE_MARK)) && !han;
    case DIGIT:
        return digit;
    case BLANK:
        return code == ' ';
    case PUNCTUATION:
        return !white && !letter && !digit;
    case NEWLINE:
        return newline;
    case WHITE:
        return white;
    case NOT_WHITE:
        return !white;
    }
    return false;
}

/* The end of the match, or 0. */
static size_t match_items(const struct subject *s, const struct item *item, size_t at)
{
    if (item->atom == STOP)
        return at;
    size_t most = 0;
    while (at + most < s->count && most < item->max && atom_takes(item->atom, s->codes[at + most]))
        most++;
    if (item->max == 0 && at < s->count && atom_takes(item->atom, s->codes[at]))
        return 0;
    for (size_t n = most + 1; n-- > item->min;) {
        size_t end = match_items(s, item + 1, at + n);
        if (end)
            return end;
    }
    return 0;
}

static bool letters_follow(const struct subject *s, size_t at, const char *lower)
{
    for (; *lower; lower++, at++) {
        if (at >= s->count)
            return false;
        uint32_t c = s->codes[at];
        uint32_t folded = c == 0x17f ? 's' : c >= 'A' && c <= 'Z' ? c + 32 : c;
        if (folded != (uint32_t)*lower)
            return false;
    }
    return true;
}

static size_t oracle_piece(const struct subject *s, size_t at)
{
    static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < 8; i++) {
        size_t end = match_items(s, alternatives[i], at);
        for (size_t k = 0; end && (i == 1 || i == 2) && k < COUNT(contractions); k++)
            if (letters_follow(s, end, contractions[k]))
                return end + strlen(contractions[k]);
        if (end)
            return end;
    }
    return 0;
}

static uint32_t random_code(struct rng *r)
{
    static const uint32_t chosen[] = {
        'a',    'b',     'A',     'S',    's',   't',    'r',   'E',    'v',    'l',    'L',
        '\'',   ' ',     ' ',     '\t',   '\n',  '\r',   '.',   '-',    '0',    '7',    0xa0,
        0x2003, 0x17f,   0x1c5,   0x2b0,  0x301, 0x5d0,  0x661, 0x4e2d, 0x3005, 0x3007, 0x2e80,
        0x3042, 0x16ff0, 0x1f600, 0xfffd, 0x85,  0x2028, 0xdf,  0x1e9e, 0xaa,   0x212a, 0x130};
    uint32_t code = rng_below(r, 8) ? chosen[rng_below(r, COUNT(chosen))] : rng_below(r, 0x110000);
    return code >= 0xd800 && code < 0xe000 ? 'x' : code;
}

TEST(pretokenize_is_the_pattern)
{
    struct rng r = {t->seed};
    for (int round = 0; round < 200000; round++) {
        struct subject s = {{0}, 1 + rng_below(&r, round % 16 ? 10 : 64)};
        uint8_t text[4 * COUNT(s.codes)];
        size_t ends[COUNT(s.codes) + 1] = {0}; /* byte where character i begins */
        for (size_t i = 0; i < s.count; i++) {
            s.codes[i] = random_code(&r);
            ends[i + 1] = ends[i] + utf8_write(s.codes[i], text + ends[i]);
        }
        for (size_t at = 0; at < s.count;) {
            size_t next = oracle_piece(&s, at);
            CHECK(next > at);
            CHECK_EQ(pretokenize_piece((char *)text, ends[s.count], ends[at]), ends[next]);
            at = next;
        }
    }
}

/* `pieces` are separated by |; the text is what remains without them. */
static void check_pieces(const char *pieces)
{
    char text[256];
    size_t bytes = 0, at = 0;
    for (const char *p = pieces; *p; p++)
        if (*p != '|')
            text[bytes++] = *p;
    for (const char *p = pieces; at < bytes; p++) {
        size_t length = strcspn(p, "|"), end = pretokenize_piece(text, bytes, at);
        CHECK_MSG(end == at + length, "\"%s\": piece at byte %zu ends at %zu", pieces, at, end);
        at = end;
        p += length;
    }
}

/* Cut by a regular expression engine from the published pattern. */
TEST(pretokenize_cases)
{
    static const char *const facts[] = {
        "I'm| you'RE| we|'l| don't| o|'clock| NASA's| it'\xc5\xbf|x",
        "HELLOworld| Mc|Donald| IPhone|12",
        "123|456|789|0| |3|.|14| |1|,|000",
        "a| | b|\n\n| | c| \r\n|\t|\t|--\n\n|x",
        "   ",
        "  \n|  ",
        "\xe4\xb8\xad\xe6\x96\x87|abc|\xe4\xb8\xad|,|\xe6\x96\x87| |\xe3\x80\x85\xe3\x80\x87|x",
        "e\xcc\x81t\xc3\xa9| \xcc\x81| |1|\xcc\x81|A",
        "\xcc\x81|ABC| ABC\xcc\x81|DEF| a|B\xcc\x81\xcc\x81|C",
        "\xc7\x85ungla| \xca\xb0XYZ\xca\xb0| DEF\xca\xb0",
        "!!!|hello| ...\r\n\r\n|x| ,.\n| !",
        "\xc2\xa0word|\xe2\x80\x83|\xe2\x80\x83word",
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e|\xe3\x83\x86\xe3\x82\xb9| \xe3\x82\xab\xe3\x82\xbf",
        "(it's|)| [|THEY'LL|]| \"|We've|'d|'\"",
        "x'S|'T'M|'LL'RE|'VE'D",
        "\xe2\xba\x80\xe2\xba\x81| .\xe2\xba\x80!",
        "1\xc2\xb2\xd9\xa3|\xd9\xa4\xe0\xa5\xab| a|1|b|22",
        "\xf0\x9f\x98\x80\xf0\x9f\x98\x80| ok|\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80|s",
        "\t|\tif| (|x|)\n|\t\t|\treturn|;\n",
    };
    for (size_t i = 0; i < COUNT(facts); i++)
        check_pieces(facts[i]);
}

/* Our own rule: a stray byte is a character without class, so it behaves like punctuation. */
TEST(pretokenize_invalid_bytes)
{
    check_pieces("abc|\xff\xfe| d|\xe4"
                 "e");                              /* one stray byte may lead a word... */
    check_pieces("\xe4\xb8|\xe4\xb8\xad|\xe4\xb8"); /* ...a cut character is two of them */
    check_pieces("1| \xc3\n\n|x");
}
