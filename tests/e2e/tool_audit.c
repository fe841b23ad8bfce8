/* SPDX-License-Identifier: Apache-2.0 */
/* tool_audit.c - what tests/e2e/audit.sh cannot do in a shell:
 *
 *   tool_audit records FOLDER VERSION CONTEXT WAFERS [ERROR [USERS]]
 *                            made-up layers of kimi-k2.6 on wse3: 0, 5 (for 1..60) and the head
 *   tool_audit page FILE     is it well-formed, and does it need nothing from elsewhere?
 *   tool_audit shape FILE    has the JSON the members it promises? prints the first speeds */
#include "base/json.h"
#include "fixture/record.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "%s: %s\n", what, detail);
    return 1;
}

/* ---- records ---- */

static int write_layer(struct record r, char **argv, struct err *e)
{
    (void)snprintf(r.model, sizeof r.model, "kimi-k2.6");
    (void)snprintf(r.machine, sizeof r.machine, "wse3");
    (void)snprintf(r.phases[0].name, sizeof r.phases[0].name, "<q> & \"kv\""); /* for HTML */
    (void)snprintf(r.version, sizeof r.version, "%s", argv[3]);
    r.context = (uint32_t)strtoul(argv[4], NULL, 10);
    r.wafers = (uint32_t)strtoul(argv[5], NULL, 10);
    if (argv[6])
        r.relative_error = strtod(argv[6], NULL);
    if (argv[6] && argv[7])
        r.users = (uint32_t)strtoul(argv[7], NULL, 10);
    return record_write(&r, argv[2], e);
}

static int write_records(char **argv)
{
    struct err e = {0};
    if (write_layer(fixture_record(RECORD_DENSE, 0, 0, 0, 9), argv, &e) ||
        write_layer(fixture_record(RECORD_EXPERTS, 1, 60, 5, 12), argv, &e) ||
        write_layer(fixture_record(RECORD_HEAD, 61, 61, 61, 2), argv, &e))
        return fail("records", e.text);
    return 0;
}

/* ---- pages ---- */

enum { DEPTH_MAX = 64, NAME_MAX_CHARS = 32 };

struct page {
    const char *at;
    char open[DEPTH_MAX][NAME_MAX_CHARS];
    int depth;
};

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]))
        n++;
    return n;
}

/* Past ` name="value"` again and again, to '>' or '/'. NULL: something else. */
static const char *skip_attributes(const char *at)
{
    while (*at != '>' && *at != '/') {
        at += strspn(at, " \n");
        size_t n = strcspn(at, "=<>\"");
        if (!n || at[n] != '=' || at[n + 1] != '"')
            return NULL;
        at += n + 2;
        at += strcspn(at, "\"<");
        if (*at++ != '"')
            return NULL;
    }
    return at;
}

static int close_element(struct page *p)
{
    size_t n = name_length(p->at + 2);
    if (!p->depth || strlen(p->open[p->depth - 1]) != n ||
        strncmp(p->open[p->depth - 1], p->at + 2, n) != 0 || p->at[2 + n] != '>')
        return fail("closes what is not open", p->at);
    p->depth--;
    p->at += 3 + n;
    return 0;
}

static int open_element(struct page *p)
{
    size_t n = name_length(p->at + 1);
    const char *end = n ? skip_attributes(p->at + 1 + n) : NULL;
    if (!end || n >= NAME_MAX_CHARS || p->depth == DEPTH_MAX)
        return fail("not an element", p->at);
    (void)snprintf(p->open[p->depth++], NAME_MAX_CHARS, "%.*s", (int)n, p->at + 1);
    if (*end == '/') {
        p->depth--;
        end++;
    }
    if (*end != '>')
        return fail("not the end of an element", end);
    p->at = end + 1;
    return 0;
}

static bool is_entity(const char *text)
{
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strncmp(text, names[i], strlen(names[i])))
            return true;
    return false;
}

static int check_page(const char *text)
{
    static const char doctype[] = "<!DOCTYPE html>\n";
    static const char *const needs[] = {"<script", "src=", "<link", "url(", "@import"};
    struct page p = {.at = text + sizeof doctype - 1};
    if (strncmp(text, doctype, sizeof doctype - 1) != 0)
        return fail("no doctype", text);
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (strstr(text, needs[i]))
            return fail("needs something from elsewhere", needs[i]);
    while (*p.at) {
        if (*p.at == '<' && (p.at[1] == '/' ? close_element(&p) : open_element(&p)))
            return 1;
        if (*p.at == '&' && !is_entity(p.at))
            return fail("not an entity", p.at);
        if (*p.at && *p.at != '<')
            p.at++;
    }
    return p.depth ? fail("left open", p.open[p.depth - 1]) : 0;
}

static int read_page(const char *path)
{
    enum { PAGE_BYTES_MAX = 1 << 22 };
    static char text[PAGE_BYTES_MAX];
    FILE *f = fopen(path, "r");
    if (!f)
        return fail("cannot be read", path);
    (void)fread(text, 1, PAGE_BYTES_MAX - 1, f);
    (void)fclose(f);
    return check_page(text);
}

/* ---- JSON ---- */

static const struct json *need(const struct json *o, const char *key, enum json_kind kind)
{
    const struct json *v = json_member(o, key);
    if (!v || v->kind != kind) {
        (void)fail(key, v ? json_kind_name(v->kind) : "missing");
        exit(1);
    }
    return v;
}

static void check_speed(const struct json *s)
{
    const struct json *rate = json_member(s, "tokens_per_second_per_user");
    const struct json *cycles = json_member(s, "cycles_per_token");
    const char *label = need(s, "label", JSON_STRING)->text;
    bool figure = strncmp(label, "not executed", 12) != 0;
    (void)need(s, "model", JSON_STRING);
    (void)need(s, "machine", JSON_STRING);
    if (!rate || !cycles || (rate->kind == JSON_NUMBER) != figure || rate->kind != cycles->kind ||
        s->count != 8)
        exit(fail("a speed has a wrong shape", label));
    (void)printf("context %lld wafers %lld users %lld cycles %.0f rate %.2f %s\n",
                 (long long)need(s, "context", JSON_NUMBER)->integer,
                 (long long)need(s, "wafers", JSON_NUMBER)->integer,
                 (long long)need(s, "users", JSON_NUMBER)->integer, cycles->number, rate->number,
                 label);
}

static int check_shape(const char *path)
{
    const struct json *root;
    struct err e = {0};
    struct arena *a = arena_open();
    if (json_load(&root, a, path, &e))
        return fail("JSON", e.text);
    for (const struct json *s = need(root, "speeds", JSON_ARRAY)->first; s; s = s->next)
        check_speed(s);
    for (const struct json *c = need(root, "claims", JSON_ARRAY)->first; c; c = c->next) {
        (void)printf("claim %s: %s\n", need(c, "id", JSON_STRING)->text,
                     need(c, "verdict", JSON_STRING)->text);
        if (!need(c, "evidence", JSON_ARRAY)->count)
            return fail("no evidence", need(c, "id", JSON_STRING)->text);
    }
    const struct json *users = json_member(root, "many_users");
    if (!users || (users->kind == JSON_OBJECT && !need(users, "users", JSON_ARRAY)->count))
        return fail("many_users", "missing or empty");
    (void)need(root, "changes", JSON_ARRAY);
    (void)need(root, "figures", JSON_ARRAY);
    (void)need(root, "missing", JSON_ARRAY);
    arena_close(a);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 6 && !strcmp(argv[1], "records"))
        return write_records(argv);
    if (argc == 3 && !strcmp(argv[1], "page"))
        return read_page(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "shape"))
        return check_shape(argv[2]);
    return fail("usage", "tool_audit records|page|shape ...");
}
