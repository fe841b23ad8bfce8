/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - the strict JSON reader. The writer is json_out.c. */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *name;
    const char *text;
    size_t at, bytes;
    size_t values;
    unsigned depth;
    struct arena *arena;
    struct err *e;
};

static int parse_value(struct reader *r, struct json *out);

static int fail_at(struct reader *r, size_t at, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < r->bytes; i++) {
        column++;
        if (r->text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return err_input(r->e, "%s: byte %zu (line %zu, column %zu): %s", r->name, at, line, column,
                     what);
}

static int fail(struct reader *r, const char *what)
{
    return fail_at(r, r->at, what);
}

static int peek(const struct reader *r)
{
    return r->at < r->bytes ? (unsigned char)r->text[r->at] : -1;
}

static void skip_space(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' || peek(r) == '\r')
        r->at++;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* ---- strings ---- */

static int hex4(struct reader *r, uint32_t *out)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int c = peek(r);
        uint32_t digit;
        if (is_digit(c))
            digit = (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return fail(r, "\\u needs four hexadecimal digits");
        n = n << 4 | digit;
    }
    *out = n;
    return 0;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* After "\u": one character, from one escape or a surrogate pair. */
static int unicode_escape(struct reader *r, uint32_t *out)
{
    size_t begin = r->at;
    uint32_t high = 0, low = 0;
    if (hex4(r, &high))
        return -1;
    *out = high;
    if (high < 0xd800 || high > 0xdfff)
        return 0;
    if (high > 0xdbff || r->bytes - r->at < 2 || memcmp(r->text + r->at, "\\u", 2) != 0)
        return fail_at(r, begin, "a lone surrogate");
    r->at += 2;
    if (hex4(r, &low))
        return -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fail_at(r, begin, "a lone surrogate");
    *out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 0;
}

static int escape(struct reader *r, char *out, size_t *used)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(r);
    if (c == 'u') {
        r->at++;
        uint32_t character;
        if (unicode_escape(r, &character))
            return -1;
        *used += put_utf8(out + *used, character);
        return 0;
    }
    const char *hit = c > 0 ? strchr(from, c) : NULL;
    if (!hit)
        return fail(r, "an unknown escape");
    out[(*used)++] = to[hit - from];
    r->at++;
    return 0;
}

/* The length of the string that starts behind the quote, escapes counted raw: decoding only
 * shrinks. */
static size_t raw_length(const struct reader *r)
{
    size_t i = r->at;
    while (i < r->bytes && r->text[i] != '"')
        i += r->text[i] == '\\' ? 2 : 1;
    return (i < r->bytes ? i : r->bytes) - r->at;
}

static int parse_string(struct reader *r, const char **out, size_t *bytes)
{
    size_t begin = r->at++, used = 0;
    char *text = arena_alloc(r->arena, raw_length(r) + 1, 1);
    for (;;) {
        int c = peek(r);
        if (c < 0)
            return fail_at(r, begin, "a string without end");
        if (c == '"')
            break;
        if (c < 0x20)
            return fail(r, "a control character in a string");
        if (c == '\\') {
            r->at++;
            if (escape(r, text, &used))
                return -1;
            continue;
        }
        unsigned length = utf8_length(r->text + r->at, r->bytes - r->at);
        if (length == 0)
            return fail(r, "not UTF-8");
        memcpy(text + used, r->text + r->at, length);
        used += length;
        r->at += length;
    }
    r->at++;
    *out = text;
    *bytes = used;
    return 0;
}

/* ---- numbers and words ---- */

static int skip_digits(struct reader *r)
{
    if (!is_digit(peek(r)))
        return fail(r, "a digit expected");
    while (is_digit(peek(r)))
        r->at++;
    return 0;
}

static int scan_number(struct reader *r, bool *whole)
{
    if (peek(r) == '-')
        r->at++;
    if (peek(r) == '0') {
        r->at++;
        if (is_digit(peek(r)))
            return fail(r, "a number with a leading zero");
    } else if (skip_digits(r)) {
        return -1;
    }
    *whole = true;
    if (peek(r) == '.') {
        *whole = false;
        r->at++;
        if (skip_digits(r))
            return -1;
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        *whole = false;
        r->at++;
        if (peek(r) == '+' || peek(r) == '-')
            r->at++;
        if (skip_digits(r))
            return -1;
    }
    return 0;
}

static int parse_number(struct reader *r, struct json *out)
{
    size_t begin = r->at;
    char digits[JSON_NUMBER_MAX + 1];
    bool whole = false;
    if (scan_number(r, &whole))
        return -1;
    if (r->at - begin > JSON_NUMBER_MAX)
        return fail_at(r, begin, "a number that is too long");
    memcpy(digits, r->text + begin, r->at - begin);
    digits[r->at - begin] = 0;
    out->kind = JSON_NUMBER;
    out->number = strtod(digits, NULL);
    if (!isfinite(out->number))
        return fail_at(r, begin, "a number out of range");
    if (whole) {
        errno = 0;
        out->integer = strtoll(digits, NULL, 10);
        out->is_integer = errno == 0;
        if (!out->is_integer)
            out->integer = 0;
    }
    return 0;
}

static int parse_word(struct reader *r, struct json *out)
{
    static const struct {
        const char *text;
        enum json_kind kind;
        bool truth;
    } words[] = {
        {"null", JSON_NULL, false}, {"true", JSON_BOOL, true}, {"false", JSON_BOOL, false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i].text);
        if (r->bytes - r->at >= length && !memcmp(r->text + r->at, words[i].text, length)) {
            r->at += length;
            out->kind = words[i].kind;
            out->truth = words[i].truth;
            return 0;
        }
    }
    return fail(r, "a value expected");
}

/* ---- arrays and objects ---- */

struct member {
    const struct json *value;
};

static int by_key(const void *a, const void *b)
{
    const struct json *x = ((const struct member *)a)->value;
    const struct json *y = ((const struct member *)b)->value;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int check_unique(struct reader *r, const struct json *object)
{
    if (object->count < 2)
        return 0;
    struct member *sorted = xcalloc(object->count, sizeof *sorted);
    const struct json *twin = NULL;
    size_t n = 0;
    for (const struct json *m = object->first; m; m = m->next)
        sorted[n++].value = m;
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 1; i < n && !twin; i++)
        if (!strcmp(sorted[i - 1].value->key, sorted[i].value->key))
            twin = sorted[i].value;
    free(sorted);
    if (!twin)
        return 0;
    char what[160];
    (void)snprintf(what, sizeof what, "a second \"%.100s\" in one object", twin->key);
    return fail_at(r, twin->at, what);
}

static int parse_key(struct reader *r, const char **key)
{
    size_t begin = r->at, bytes;
    if (peek(r) != '"')
        return fail(r, "a key in quotes expected");
    if (parse_string(r, key, &bytes))
        return -1;
    if (strlen(*key) != bytes)
        return fail_at(r, begin, "a zero byte in a key");
    skip_space(r);
    if (peek(r) != ':')
        return fail(r, "':' expected");
    r->at++;
    return 0;
}

static int parse_members(struct reader *r, struct json *out, char close)
{
    const struct json **link = &out->first;
    r->at++;
    skip_space(r);
    if (peek(r) == close) {
        r->at++;
        return 0;
    }
    for (;;) {
        struct json *m = arena_alloc(r->arena, 1, sizeof *m);
        skip_space(r);
        if ((close == '}' && parse_key(r, &m->key)) || parse_value(r, m))
            return -1;
        *link = m;
        link = &m->next;
        out->count++;
        skip_space(r);
        int c = peek(r);
        if (c == close)
            break;
        if (c != ',')
            return fail(r, close == '}' ? "',' or '}' expected" : "',' or ']' expected");
        r->at++;
    }
    r->at++;
    return close == '}' ? check_unique(r, out) : 0;
}

static int parse_value(struct reader *r, struct json *out)
{
    skip_space(r);
    out->at = r->at;
    if (++r->values > JSON_VALUES_MAX)
        return fail(r, "too many values");
    int c = peek(r), result = 0;
    if (c == '{' || c == '[') {
        out->kind = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        if (++r->depth > JSON_DEPTH_MAX)
            return fail(r, "nested too deeply");
        result = parse_members(r, out, c == '{' ? '}' : ']');
        r->depth--;
        return result;
    }
    if (c == '"') {
        out->kind = JSON_STRING;
        if (parse_string(r, &out->text, &out->bytes))
            return -1;
        out->has_nul = strlen(out->text) != out->bytes;
        return 0;
    }
    return c == '-' || is_digit(c) ? parse_number(r, out) : parse_word(r, out);
}

/* ---- the outside ---- */

int json_parse(const struct json **out, struct arena *a, const char *name, const char *text,
               size_t bytes, struct err *e)
{
    struct reader r = {.name = name, .text = text, .bytes = bytes, .arena = a, .e = e};
    struct json *root = arena_alloc(a, 1, sizeof *root);
    if (parse_value(&r, root))
        return -1;
    skip_space(&r);
    if (r.at < bytes)
        return fail(&r, "text after the end of the value");
    *out = root;
    return 0;
}

static int read_text(FILE *f, const char *path, char **out, size_t *bytes, struct err *e)
{
    char *text = NULL;
    size_t used = 0, size = 0;
    for (;;) {
        if (used == size) {
            size = size ? 2 * size : 1 << 16;
            text = xrealloc(text, size, 1);
        }
        size_t got = fread(text + used, 1, size - used, f);
        used += got;
        if (got == 0 || used > JSON_FILE_BYTES_MAX)
            break;
    }
    *out = text;
    *bytes = used;
    if (ferror(f))
        return err_input(e, "%s: cannot be read: %s", path, strerror(errno));
    if (used > JSON_FILE_BYTES_MAX)
        return err_input(e, "%s: larger than %d bytes", path, JSON_FILE_BYTES_MAX);
    return 0;
}

int json_load(const struct json **out, struct arena *a, const char *path, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_input(e, "%s: cannot be opened: %s", path, strerror(errno));
    char *text;
    size_t bytes;
    int result = read_text(f, path, &text, &bytes, e);
    (void)fclose(f);
    if (result == 0)
        result = json_parse(out, a, path, text, bytes, e);
    free(text);
    return result;
}

const struct json *json_member(const struct json *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json *m = object->first; m; m = m->next)
        if (!strcmp(m->key, key))
            return m;
    return NULL;
}

const char *json_kind_name(enum json_kind kind)
{
    switch (kind) {
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "true or false";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "?";
}

static bool continues(const char *text, size_t bytes, unsigned from, unsigned length)
{
    if (bytes < length)
        return false;
    for (unsigned i = from; i < length; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return false;
    return true;
}

unsigned utf8_length(const char *text, size_t bytes)
{
    if (bytes == 0)
        return 0;
    unsigned lead = (unsigned char)text[0], next = bytes > 1 ? (unsigned char)text[1] : 0;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return continues(text, bytes, 1, 2) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        bool overlong = lead == 0xe0 && next < 0xa0, surrogate = lead == 0xed && next > 0x9f;
        return !overlong && !surrogate && continues(text, bytes, 1, 3) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        bool overlong = lead == 0xf0 && next < 0x90, beyond = lead == 0xf4 && next > 0x8f;
        return !overlong && !beyond && continues(text, bytes, 1, 4) ? 4 : 0;
    }
    return 0;
}
