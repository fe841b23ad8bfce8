/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - a strict JSON reader for hostile files, and a writer that streams.
 *
 * Reader: the whole text becomes a tree in an arena. RFC 8259 and nothing more: strict UTF-8, no
 * lone surrogates, no NaN, no comments, no trailing comma, no duplicate keys; nesting, size of
 * numbers and number of values are limited. Errors (ERR_INPUT) name the file, the byte, the line
 * and the column.
 *
 * Writer: call after call goes to a FILE or a growing buffer; commas and quotes are its business.
 */
#ifndef TESSERA_BASE_JSON_H
#define TESSERA_BASE_JSON_H

#include "base/err.h"
#include "base/xalloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum json_limits {
    JSON_DEPTH_MAX = 64, /* arrays and objects inside each other */
    JSON_VALUES_MAX =
        4000000,           /* in one text: about 20 values per tensor of the largest checkpoint */
    JSON_NUMBER_MAX = 400, /* characters of one number */
    JSON_FILE_BYTES_MAX = 100 << 20
};

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* One value. Everything it points to belongs to the arena. */
struct json {
    enum json_kind kind;
    bool truth;       /* JSON_BOOL */
    bool is_integer;  /* JSON_NUMBER: written without '.' or exponent, and it fits int64 */
    bool has_nul;     /* JSON_STRING: holds a zero byte, so `text` alone would lie */
    size_t at;        /* byte where the value begins */
    double number;    /* JSON_NUMBER, always finite */
    int64_t integer;  /* exact, when is_integer */
    const char *text; /* JSON_STRING: decoded, `bytes` long, a zero byte follows */
    size_t bytes;
    const struct json *first; /* JSON_ARRAY, JSON_OBJECT: its `count` values, linked by `next` */
    size_t count;
    const char *key; /* in an object: this member's name (no zero bytes inside), else NULL */
    const struct json *next;
};

/* Read `bytes` of text; `name` is what errors call it. The text is not needed afterwards.
 * Cost: linear, n log n in the members of an object. */
int json_parse(const struct json **out, struct arena *a, const char *name, const char *text,
               size_t bytes, struct err *e);

/* Read a file of at most JSON_FILE_BYTES_MAX. */
int json_load(const struct json **out, struct arena *a, const char *path, struct err *e);

/* The member called `key`, or NULL: absent, or `object` is NULL or no object. Cost: linear. */
const struct json *json_member(const struct json *object, const char *key);

/* "null", "a number", ...: for error texts. */
const char *json_kind_name(enum json_kind kind);

/* ---- writing ----
 * Every value takes a key: its name inside an object, NULL inside an array and at the top.
 *   struct json_out o;
 *   json_out_file(&o, stdout);
 *   json_out_object(&o, NULL);
 *   json_out_int(&o, "tokens", 12);
 *   json_out_end(&o);                          {"tokens":12} and a newline
 * A wrong nesting is a bug and asserts. */
struct json_out {
    FILE *file;  /* or NULL: the buffer takes it */
    char *bytes; /* buffer: zero-terminated, owned; see json_out_close */
    size_t used, size;
    unsigned depth;
    uint64_t objects; /* bit d: level d is an object */
    bool begun;       /* the current level has a value already */
    bool failed;      /* a write to `file` failed */
};

void json_out_file(struct json_out *o, FILE *file); /* the caller keeps `file` */
void json_out_buffer(struct json_out *o);
void json_out_close(struct json_out *o); /* frees the buffer */

void json_out_object(struct json_out *o, const char *key);
void json_out_array(struct json_out *o, const char *key);
void json_out_end(struct json_out *o); /* closes the innermost; a newline follows the outermost */
void json_out_null(struct json_out *o, const char *key);
void json_out_bool(struct json_out *o, const char *key, bool truth);
void json_out_int(struct json_out *o, const char *key, int64_t n);
void json_out_uint(struct json_out *o, const char *key, uint64_t n);
/* The shortest text that reads back as the same double; not finite becomes null. */
void json_out_double(struct json_out *o, const char *key, double x);
/* Bytes that are not UTF-8 become U+FFFD, one each. */
void json_out_text(struct json_out *o, const char *key, const char *text, size_t bytes);
void json_out_string(struct json_out *o, const char *key, const char *text); /* NULL becomes null */

/* ---- UTF-8 ---- */
/* Length of the well-formed character at the front of `text` (1..4), or 0 if there is none. */
unsigned utf8_length(const char *text, size_t bytes);

#endif
