/* SPDX-License-Identifier: Apache-2.0 */
/* unicode.c - class lookup (ASCII by hand, the rest in unicode_ranges.def) and the UTF-8 reader. */
#include "model/unicode.h"

enum {
    UPPER = UNICODE_UPPER,
    LOWER = UNICODE_LOWER,
    OTHER = UNICODE_OTHER,
    MARK = UNICODE_MARK,
    NUMBER = UNICODE_NUMBER,
    HAN = UNICODE_HAN,
    SPACE = UNICODE_SPACE
};

struct range {
    uint32_t first, last;
    uint32_t classes;
};

static const struct range ranges[] = {
#define R(first, last, classes) {first, last, classes},
#include "model/unicode_ranges.def"
#undef R
};

static unsigned ascii_classes(uint32_t code)
{
    if (code >= 'a' && code <= 'z')
        return UNICODE_LOWER;
    if (code >= 'A' && code <= 'Z')
        return UNICODE_UPPER;
    if (code == '\n' || code == '\r')
        return UNICODE_SPACE | UNICODE_NEWLINE;
    if (code == ' ' || (code >= '\t' && code <= '\r'))
        return UNICODE_SPACE;
    if (code >= '0' && code <= '9')
        return UNICODE_NUMBER;
    return 0;
}

unsigned unicode_classes(uint32_t code)
{
    if (code < 0x80)
        return ascii_classes(code);
    size_t low = 0, high = sizeof ranges / sizeof ranges[0];
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (code > ranges[mid].last)
            low = mid + 1;
        else if (code < ranges[mid].first)
            high = mid;
        else
            return ranges[mid].classes;
    }
    return 0;
}

/* What a lead byte promises: the number of continuation bytes, its own bits of the code point, and
 * the second bytes allowed: narrowing those excludes overlong forms, surrogates and > U+10FFFF. */
struct lead {
    unsigned more;
    uint32_t bits;
    uint8_t low, high;
};

static struct lead lead_of(uint8_t byte)
{
    if (byte >= 0xc2 && byte <= 0xdf)
        return (struct lead){1, byte & 0x1fu, 0x80, 0xbf};
    if (byte >= 0xe0 && byte <= 0xef)
        return (struct lead){2, byte & 0x0fu, byte == 0xe0 ? 0xa0 : 0x80,
                             byte == 0xed ? 0x9f : 0xbf};
    if (byte >= 0xf0 && byte <= 0xf4)
        return (struct lead){3, byte & 0x07u, byte == 0xf0 ? 0x90 : 0x80,
                             byte == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){0, 0, 0, 0};
}

uint32_t utf8_read(const uint8_t *text, size_t bytes, size_t *used)
{
    *used = 1;
    if (text[0] < 0x80)
        return text[0];
    struct lead lead = lead_of(text[0]);
    if (!lead.more)
        return UTF8_INVALID;
    uint32_t code = lead.bits;
    for (size_t i = 1; i <= lead.more; i++) {
        if (i == bytes)
            return UTF8_SHORT;
        uint8_t low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xbf;
        if (text[i] < low || text[i] > high)
            return UTF8_INVALID;
        code = code << 6 | (text[i] & 0x3fu);
        *used = i + 1;
    }
    return code;
}
