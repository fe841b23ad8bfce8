/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - the JSON reader: what it accepts, written out and read again, is the same tree. */
#include "fuzz.h"

#include "base/json.h"

#include <string.h>

static void write_tree(struct json_out *o, const struct json *v)
{
    switch (v->kind) {
    case JSON_NULL:
        json_out_null(o, v->key);
        break;
    case JSON_BOOL:
        json_out_bool(o, v->key, v->truth);
        break;
    case JSON_NUMBER:
        if (v->is_integer)
            json_out_int(o, v->key, v->integer);
        else
            json_out_double(o, v->key, v->number);
        break;
    case JSON_STRING:
        json_out_text(o, v->key, v->text, v->bytes);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        if (v->kind == JSON_ARRAY)
            json_out_array(o, v->key);
        else
            json_out_object(o, v->key);
        for (const struct json *m = v->first; m; m = m->next)
            write_tree(o, m);
        json_out_end(o);
        break;
    }
}

static void check_same(const struct json *a, const struct json *b)
{
    FUZZ_CHECK(a->kind == b->kind && a->count == b->count && a->truth == b->truth);
    FUZZ_CHECK(a->number == b->number && a->bytes == b->bytes);
    FUZZ_CHECK(!a->is_integer || (b->is_integer && a->integer == b->integer));
    FUZZ_CHECK(!a->key == !b->key && (!a->key || !strcmp(a->key, b->key)));
    FUZZ_CHECK(a->bytes == 0 || !memcmp(a->text, b->text, a->bytes));
    const struct json *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        check_same(x, y);
    FUZZ_CHECK(!x && !y);
}

void fuzz_one(const uint8_t *p, size_t n)
{
    struct arena *a = arena_open();
    struct err e = {0};
    const struct json *once = NULL, *twice = NULL;
    if (json_parse(&once, a, "fuzz", (const char *)p, n, &e)) {
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz: byte ", 11));
    } else {
        struct json_out o;
        json_out_buffer(&o);
        write_tree(&o, once);
        FUZZ_CHECK(json_parse(&twice, a, "again", o.bytes, o.used, &e) == 0);
        check_same(once, twice);
        json_out_close(&o);
    }
    arena_close(a);
}

const char *fuzz_seed(size_t i, size_t *n)
{
    static const char *const seeds[] = {
        "{\"a\":[1,-2.5e2,\"x\"],\"b\":{\"c\":null,\"d\":true},\"e\":false}\n",
        "[0.1,1e-300,-0,9223372036854775807,\"\\ud83d\\ude00\\u0041\\n\\\"\"]",
        "{\"weight_map\":{\"model.norm.weight\":\"model-00001-of-000002.safetensors\"}}",
        "[[[[[[[[[{\"\xc3\xa9\":\"\xe2\x82\xac\xf0\x9f\x98\x80\"}]]]]]]]]]",
    };
    if (i >= sizeof seeds / sizeof seeds[0])
        return NULL;
    *n = strlen(seeds[i]);
    return seeds[i];
}
