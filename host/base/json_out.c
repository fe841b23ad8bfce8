/* SPDX-License-Identifier: Apache-2.0 */
/* json_out.c - the streaming JSON writer. */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_out_file(struct json_out *o, FILE *file)
{
    *o = (struct json_out){.file = file};
}

void json_out_buffer(struct json_out *o)
{
    *o = (struct json_out){.size = 256};
    o->bytes = xcalloc(o->size, 1);
}

void json_out_close(struct json_out *o)
{
    free(o->bytes);
    *o = (struct json_out){0};
}

static void put(struct json_out *o, const char *text, size_t bytes)
{
    if (o->file) {
        if (fwrite(text, 1, bytes, o->file) != bytes)
            o->failed = true;
        return;
    }
    if (o->size - o->used <= bytes) {
        o->size = 2 * o->size + bytes;
        o->bytes = xrealloc(o->bytes, o->size, 1);
    }
    memcpy(o->bytes + o->used, text, bytes);
    o->used += bytes;
    o->bytes[o->used] = 0;
}

static void put_char(struct json_out *o, char c)
{
    put(o, &c, 1);
}

static void put_escaped(struct json_out *o, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *hit = c ? strchr(from, c) : NULL;
    char text[8];
    if (hit)
        (void)snprintf(text, sizeof text, "\\%c", to[hit - from]);
    else
        (void)snprintf(text, sizeof text, "\\u%04x", c);
    put(o, text, strlen(text));
}

static void put_quoted(struct json_out *o, const char *text, size_t bytes)
{
    put_char(o, '"');
    for (size_t i = 0; i < bytes;) {
        unsigned char c = (unsigned char)text[i];
        unsigned length = utf8_length(text + i, bytes - i);
        if (length == 0)
            put(o, "\xef\xbf\xbd", 3);
        else if (c < 0x20 || c == '"' || c == '\\')
            put_escaped(o, c);
        else
            put(o, text + i, length);
        i += length ? length : 1;
    }
    put_char(o, '"');
}

/* What comes before a value: a comma, and its key. */
static void begin(struct json_out *o, const char *key)
{
    bool in_object = o->depth > 0 && (o->objects >> (o->depth - 1) & 1);
    assert(in_object == (key != NULL));
    if (o->begun)
        put_char(o, ',');
    if (key) {
        put_quoted(o, key, strlen(key));
        put_char(o, ':');
    }
    o->begun = true;
}

static void finish_top(struct json_out *o)
{
    if (o->depth == 0) {
        put_char(o, '\n');
        o->begun = false;
    }
}

static void put_value(struct json_out *o, const char *key, const char *text)
{
    begin(o, key);
    put(o, text, strlen(text));
    finish_top(o);
}

static void open_level(struct json_out *o, const char *key, bool object)
{
    assert(o->depth < JSON_DEPTH_MAX);
    begin(o, key);
    put_char(o, object ? '{' : '[');
    uint64_t bit = (uint64_t)1 << o->depth++;
    o->objects = object ? o->objects | bit : o->objects & ~bit;
    o->begun = false;
}

void json_out_object(struct json_out *o, const char *key)
{
    open_level(o, key, true);
}

void json_out_array(struct json_out *o, const char *key)
{
    open_level(o, key, false);
}

void json_out_end(struct json_out *o)
{
    assert(o->depth > 0);
    o->depth--;
    put_char(o, o->objects >> o->depth & 1 ? '}' : ']');
    o->begun = true;
    finish_top(o);
}

void json_out_null(struct json_out *o, const char *key)
{
    put_value(o, key, "null");
}

void json_out_bool(struct json_out *o, const char *key, bool truth)
{
    put_value(o, key, truth ? "true" : "false");
}

void json_out_int(struct json_out *o, const char *key, int64_t n)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, n);
    put_value(o, key, text);
}

void json_out_uint(struct json_out *o, const char *key, uint64_t n)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, n);
    put_value(o, key, text);
}

void json_out_double(struct json_out *o, const char *key, double x)
{
    char text[40] = "null";
    for (int digits = 15; isfinite(x) && digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    put_value(o, key, text);
}

void json_out_text(struct json_out *o, const char *key, const char *text, size_t bytes)
{
    begin(o, key);
    put_quoted(o, text, bytes);
    finish_top(o);
}

void json_out_string(struct json_out *o, const char *key, const char *text)
{
    if (text)
        json_out_text(o, key, text, strlen(text));
    else
        json_out_null(o, key);
}
