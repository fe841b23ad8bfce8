/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - parsing long options by table. */
#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(const struct verb *verb, const struct option *table)
{
    (void)printf("  %s\n\ntessera %s: %s\n\n", verb->example, verb->name, verb->summary);
    for (const struct option *o = table; o->name; o++) {
        char left[64];
        if (o->kind == OPTION_WORDS)
            (void)snprintf(left, sizeof left, "%s...", o->value);
        else
            (void)snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "",
                           o->value ? o->value : "");
        (void)printf("  %-26s %s\n", left, o->help);
    }
    (void)printf("  %-26s %s\n", "--help", "this text");
}

static int parse_count(const char *text, const char *end_at, uint64_t *out, const char **end)
{
    char *stop;
    errno = 0;
    if (*text < '0' || *text > '9')
        return -1;
    *out = strtoull(text, &stop, 0);
    *end = stop;
    return errno || (end_at && *stop && !strchr(end_at, *stop)) ? -1 : 0;
}

static int parse_pair(const char *text, uint32_t *out)
{
    uint64_t a, b;
    const char *end;
    if (parse_count(text, "x,", &a, &end) || !*end || parse_count(end + 1, "", &b, &end) || *end ||
        a > UINT32_MAX || b > UINT32_MAX)
        return -1;
    out[0] = (uint32_t)a;
    out[1] = (uint32_t)b;
    return 0;
}

static int add_word(struct option_words *w, const char *text, struct err *e)
{
    if (w->count == OPTION_WORDS_MAX)
        return err_set(e, ERR_USAGE, "more than %d names", OPTION_WORDS_MAX);
    w->word[w->count++] = text;
    return 0;
}

static int parse_value(const struct option *o, const char *text, struct err *e)
{
    const char *end;
    char *stop;
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->out = true;
        return 0;
    case OPTION_TEXT:
    case OPTION_TEXT_OR_NOT:
        *(const char **)o->out = text;
        return 0;
    case OPTION_COUNT:
        if (parse_count(text, "", o->out, &end) || *end)
            return err_set(e, ERR_USAGE, "--%s: '%s' is not a whole number", o->name, text);
        return 0;
    case OPTION_NUMBER:
        *(double *)o->out = strtod(text, &stop);
        if (stop == text || *stop || !isfinite(*(double *)o->out))
            return err_set(e, ERR_USAGE, "--%s: '%s' is not a number", o->name, text);
        return 0;
    case OPTION_PAIR:
        if (parse_pair(text, o->out))
            return err_set(e, ERR_USAGE, "--%s: '%s' is not %s", o->name, text, o->value);
        return 0;
    case OPTION_WORDS:
        return add_word(o->out, text, e);
    }
    return err_set(e, ERR_INTERNAL, "--%s: no such kind of option", o->name);
}

static const struct option *find(const struct option *table, const char *name, size_t length)
{
    const struct option *o = table;
    while (o->name && (*name != '-' ? o->kind != OPTION_WORDS
                                    : o->kind == OPTION_WORDS || strncmp(name, "--", 2) != 0 ||
                                          strlen(o->name) != length - 2 ||
                                          strncmp(name + 2, o->name, length - 2) != 0))
        o++;
    return o;
}

/* Not the next option, nor the end of the line. */
static bool is_value(const char *text)
{
    return text && *text != '-';
}

int options_parse(const struct verb *verb, const struct option *table, int argc, char **argv,
                  struct err *e)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
            print_help(verb, table);
            return 1;
        }
        size_t length = strcspn(name, "=");
        const struct option *o = find(table, name, length);
        if (!o->name)
            return err_set(e, ERR_USAGE, "tessera %s: unknown option '%s' (see tessera %s --help)",
                           verb->name, name, verb->name);
        if (o->kind == OPTION_WORDS) {
            if (parse_value(o, name, e))
                return -1;
            continue;
        }
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        if (o->kind == OPTION_FLAG && value)
            return err_set(e, ERR_USAGE, "--%s takes no value", o->name);
        if (!value && o->kind == OPTION_TEXT_OR_NOT && !is_value(argv[i + 1]))
            value = "";
        if (o->kind != OPTION_FLAG && !value && ++i == argc)
            return err_set(e, ERR_USAGE, "--%s needs a value: %s", o->name, o->value);
        if (parse_value(o, value || o->kind == OPTION_FLAG ? value : argv[i], e))
            return -1;
        if (o->given)
            *o->given = true;
    }
    return 0;
}
