/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - the strict JSON reader and the writer. */
#include "base/json.h"
#include "harness.h"

#include <math.h>
#include <string.h>

struct parsed {
    struct arena *arena;
    const struct json *root;
    struct err e;
    int result;
};

static struct parsed parse_bytes(const char *text, size_t bytes)
{
    struct parsed p = {.arena = arena_open()};
    p.result = json_parse(&p.root, p.arena, "x.json", text, bytes, &p.e);
    return p;
}

static struct parsed parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

TEST(json_reads_every_kind)
{
    struct parsed p =
        parse(" {\"a\":[1,-2.5e2,\"x\"],\"b\":{\"c\":null,\"d\":true},\"e\":false}\n");
    CHECK_EQ(p.result, 0);
    const struct json *a = json_member(p.root, "a"), *b = json_member(p.root, "b");
    CHECK_EQ(p.root->count, 3);
    CHECK_EQ(a->kind, JSON_ARRAY);
    CHECK_EQ(a->count, 3);
    CHECK(a->first->is_integer && a->first->integer == 1);
    CHECK(!a->first->next->is_integer && a->first->next->number == -250.0);
    CHECK_STR(a->first->next->next->text, "x");
    CHECK_EQ(json_member(b, "c")->kind, JSON_NULL);
    CHECK(json_member(b, "d")->truth);
    CHECK(!json_member(p.root, "e")->truth);
    CHECK(!json_member(p.root, "zz"));
    CHECK(!json_member(a, "a"));
    CHECK_EQ(a->at, 6);
    arena_close(p.arena);
}

TEST(json_integers_are_exact)
{
    struct parsed p = parse("[9223372036854775807,-9223372036854775808,9223372036854775808,1.0]");
    CHECK_EQ(p.result, 0);
    const struct json *v = p.root->first;
    CHECK(v->is_integer && v->integer == INT64_MAX);
    v = v->next;
    CHECK(v->is_integer && v->integer == INT64_MIN);
    v = v->next;
    CHECK(!v->is_integer && v->number == 0x1p63);
    CHECK(!v->next->is_integer);
    arena_close(p.arena);
}

TEST(json_decodes_escapes)
{
    struct parsed p =
        parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\u0000!\"");
    static const char want[] = "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0!";
    CHECK_EQ(p.result, 0);
    CHECK_EQ(p.root->bytes, sizeof want - 1);
    CHECK(!memcmp(p.root->text, want, sizeof want));
    CHECK(p.root->has_nul);
    arena_close(p.arena);
}

TEST(json_refuses_what_is_not_json)
{
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"", "byte 0 (line 1, column 1): a value expected"},
        {"{\"a\":1,}", "byte 7 (line 1, column 8): a key in quotes"},
        {"{\"a\":1\n ,\n\"b\" 2}", "byte 14 (line 3, column 5): ':' expected"},
        {"[1 2]", "byte 3 (line 1, column 4): ',' or ']'"},
        {"[1,2", "',' or ']'"},
        {"{\"a\":1", "',' or '}'"},
        {"01", "leading zero"},
        {"-", "a digit expected"},
        {"1.", "a digit expected"},
        {"1e", "a digit expected"},
        {"+1", "a value expected"},
        {".5", "a value expected"},
        {"1e999", "out of range"},
        {"NaN", "a value expected"},
        {"nul", "a value expected"},
        {"1 1", "byte 2 (line 1, column 3): text after the end"},
        {"\"abc", "byte 0 (line 1, column 1): a string without end"},
        {"\"a\\", "an unknown escape"},
        {"\"\\x\"", "an unknown escape"},
        {"\"\\u12g4\"", "four hexadecimal digits"},
        {"\"\\ud800\"", "a lone surrogate"},
        {"\"\\udc00\\ud800\"", "a lone surrogate"},
        {"\"\\ud800\\u0041\"", "a lone surrogate"},
        {"\"a\nb\"", "a control character"},
        {"\"\xff\"", "not UTF-8"},
        {"\"\xc0\x80\"", "not UTF-8"},
        {"\"\xe0\x80\x80\"", "not UTF-8"},
        {"\"\xed\xa0\x80\"", "not UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "not UTF-8"},
        {"\"\xe2\x82\"", "not UTF-8"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "byte 17 (line 1, column 18): a second \"a\""},
        {"{\"a\":1,\"\\u0061\":3}", "a second \"a\""},
        {"{\"a\\u0000b\":1}", "a zero byte in a key"},
        {"{1:2}", "a key in quotes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct parsed p = parse(bad[i].text);
        CHECK_MSG(p.result == -1, "accepted: %s", bad[i].text);
        CHECK_EQ(p.e.kind, ERR_INPUT);
        CHECK_MSG(!strncmp(p.e.text, "x.json: ", 8), "%s", p.e.text);
        CHECK_MSG(strstr(p.e.text, bad[i].reason), "%s: %s", bad[i].text, p.e.text);
        arena_close(p.arena);
    }
}

TEST(json_limits_depth_and_digits)
{
    char text[2 * JSON_DEPTH_MAX + 8] = {0};
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    struct parsed p = parse(text);
    CHECK_EQ(p.result, 0);
    arena_close(p.arena);
    memset(text, '[', sizeof text);
    p = parse_bytes(text, sizeof text);
    CHECK_EQ(p.result, -1);
    CHECK_MSG(strstr(p.e.text, "nested too deeply"), "%s", p.e.text);
    arena_close(p.arena);
    char digits[JSON_NUMBER_MAX + 2];
    memset(digits, '1', sizeof digits);
    p = parse_bytes(digits, sizeof digits);
    CHECK_EQ(p.result, -1);
    CHECK_MSG(strstr(p.e.text, "too long"), "%s", p.e.text);
    arena_close(p.arena);
}

TEST(json_load_names_the_file)
{
    struct err e = {0};
    struct arena *a = arena_open();
    const struct json *root;
    CHECK_EQ(json_load(&root, a, "no/such.json", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK_MSG(!strncmp(e.text, "no/such.json: cannot be opened", 30), "%s", e.text);
    e = (struct err){0};
    CHECK_EQ(json_load(&root, a, "host/models", &e), -1); /* a folder opens but cannot be read */
    CHECK_EQ(e.kind, ERR_INPUT);
    e = (struct err){0};
    CHECK_EQ(json_load(&root, a, "host/models/kimi-nano/config.json", &e), 0);
    CHECK_EQ(json_member(root, "hidden_size")->integer, 192);
    arena_close(a);
}

static void write_sample(struct json_out *o)
{
    json_out_object(o, NULL);
    json_out_int(o, "n", -5);
    json_out_uint(o, "u", UINT64_MAX);
    json_out_array(o, "list");
    json_out_double(o, NULL, 0.1);
    json_out_double(o, NULL, 1.0 / 3.0);
    json_out_double(o, NULL, (double)NAN);
    json_out_object(o, NULL);
    json_out_end(o);
    json_out_array(o, NULL);
    json_out_end(o);
    json_out_end(o);
    json_out_string(o, "s", "a\"\\\n\x01\xc3\xa9\xff");
    json_out_bool(o, "t", true);
    json_out_string(o, "z", NULL);
    json_out_end(o);
}

static const char sample[] =
    "{\"n\":-5,\"u\":18446744073709551615,\"list\":[0.1,0.3333333333333333,null,{},[]],"
    "\"s\":\"a\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\",\"t\":true,\"z\":null}\n";

TEST(json_out_writes_what_the_reader_reads)
{
    struct json_out o;
    json_out_buffer(&o);
    write_sample(&o);
    CHECK_STR(o.bytes, sample);
    struct parsed p = parse(o.bytes);
    CHECK_EQ(p.result, 0);
    CHECK(json_member(p.root, "list")->first->next->number == 1.0 / 3.0);
    arena_close(p.arena);
    json_out_close(&o);
}

TEST(json_out_streams_to_a_file)
{
    char text[256] = {0};
    FILE *f = fmemopen(text, sizeof text, "w");
    struct json_out o;
    json_out_file(&o, f);
    write_sample(&o);
    (void)fclose(f);
    CHECK(!o.failed);
    CHECK_STR(text, sample);
    f = fopen("/dev/full", "w");
    (void)setvbuf(f, NULL, _IONBF, 0);
    json_out_file(&o, f);
    write_sample(&o);
    CHECK(o.failed);
    (void)fclose(f);
}
