/* SPDX-License-Identifier: Apache-2.0 */
/* unicode.h - the character classes the tokenizer's pattern asks for, and strict UTF-8. */
#ifndef TESSERA_MODEL_UNICODE_H
#define TESSERA_MODEL_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* Classes of a character; a character may have several (a Han letter is OTHER | HAN), or none. */
enum unicode_class {
    UNICODE_UPPER = 1,     /* Lu, Lt */
    UNICODE_LOWER = 2,     /* Ll */
    UNICODE_OTHER = 4,     /* Lm, Lo: letters that are neither */
    UNICODE_MARK = 8,      /* M */
    UNICODE_NUMBER = 16,   /* N */
    UNICODE_HAN = 32,      /* Script=Han; not all of them are letters */
    UNICODE_SPACE = 64,    /* White_Space */
    UNICODE_NEWLINE = 128, /* carriage return and line feed only */
    UNICODE_LETTER = UNICODE_UPPER | UNICODE_LOWER | UNICODE_OTHER
};

/* The classes of a code point as a bit set. UTF8_INVALID and everything past U+10FFFF have none. */
unsigned unicode_classes(uint32_t code);

/* Two values that are no code points. */
enum {
    UTF8_INVALID = 0x110000, /* no character starts like this */
    UTF8_SHORT = 0x110001    /* the bytes end inside what may still become a character */
};

/* Read one character. Overlong forms, surrogates and values past U+10FFFF are invalid.
 *   text, bytes  at least one byte
 *   used         set to the number of bytes the answer covers. A character: all of its bytes;
 *                UTF8_INVALID: the longest prefix that a character may have, at least 1;
 *                UTF8_SHORT: all of them, 1..3 */
uint32_t utf8_read(const uint8_t *text, size_t bytes, size_t *used);

#endif
