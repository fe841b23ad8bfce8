/* SPDX-License-Identifier: Apache-2.0 */
/* machine_sources.c - reading the comments of a machine file. fabric/machine.c has checked the rest
 * of it. */
#include "report/machine_sources.h"

#include "base/xalloc.h"
#include "machines/presets.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1024, TEXT_MAX_BYTES = 1 << 20, AS_DEPTH_MAX = 4 };

struct reader {
    struct machine_sources *out;
    int depth;                                           /* of "as NAME" */
    bool in_comment;                                     /* the line before was a comment */
    char block[sizeof((struct machine_value *)0)->note]; /* the comment that still speaks */
};

static int read_from(struct machine_sources *out, const char *name_or_path, int depth,
                     struct err *e);

static void copy(char *out, size_t bytes, const char *text, size_t count)
{
    while (count && isspace((unsigned char)*text)) {
        text++;
        count--;
    }
    while (count && isspace((unsigned char)text[count - 1]))
        count--;
    (void)snprintf(out, bytes, "%.*s", (int)count, text);
}

static struct machine_value *find(struct machine_sources *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->value[i].key, key))
            return &s->value[i];
    return NULL;
}

/* "as wse3": the label and note that machine has for the same key. */
static int follow(struct reader *r, struct machine_value *v, struct err *e)
{
    char name[64];
    struct machine_sources *other = xcalloc(1, sizeof *other);
    copy(name, sizeof name, v->note + 3, strcspn(v->note + 3, ",;: "));
    int result = r->depth < AS_DEPTH_MAX ? read_from(other, name, r->depth + 1, e) : 0;
    const struct machine_value *same = find(other, v->key);
    if (!result && same) {
        v->label = same->label;
        (void)snprintf(v->note, sizeof v->note, "as %.30s: %.190s", name, same->note);
    }
    free(other);
    return result;
}

static bool is_preset(const char *name)
{
    struct preset p;
    for (size_t i = 0; preset_get(i, &p); i++)
        if (!strncmp(name, p.name, strlen(p.name)) && !isalnum((unsigned char)name[strlen(p.name)]))
            return true;
    return false;
}

static int judge(struct reader *r, struct machine_value *v, struct err *e)
{
    static const struct {
        const char *word;
        enum label label;
    } words[] = {
        {"public", LABEL_PUBLISHED}, {"inferred", LABEL_INFERRED}, {"assumed", LABEL_ASSUMED}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strncmp(v->note, words[i].word, strlen(words[i].word)))
            v->label = words[i].label;
    return !strncmp(v->note, "as ", 3) && is_preset(v->note + 3) ? follow(r, v, e) : 0;
}

static void add_comment(struct reader *r, const char *text)
{
    char line[LINE_MAX_BYTES];
    if (!r->in_comment)
        r->block[0] = 0;
    r->in_comment = true;
    copy(line, sizeof line, text, strlen(text));
    size_t used = strlen(r->block);
    (void)snprintf(r->block + used, sizeof r->block - used, "%s%s", used ? " " : "", line);
}

static int read_line(struct reader *r, const char *line, struct err *e)
{
    char key[sizeof((struct machine_value *)0)->key];
    line += strspn(line, " \t");
    if (*line == '#') {
        add_comment(r, line + 1);
        return 0;
    }
    r->in_comment = false;
    const char *equals = strchr(line, '='), *hash = strchr(line, '#');
    if (!equals) {
        r->block[0] = 0; /* an empty line */
        return 0;
    }
    copy(key, sizeof key, line, (size_t)(equals - line));
    struct machine_value *v = find(r->out, key);
    if (!v)
        return 0; /* the name */
    copy(v->value, sizeof v->value, equals + 1, strcspn(equals + 1, "#"));
    if (hash)
        copy(v->note, sizeof v->note, hash + 1, strlen(hash + 1));
    else
        (void)snprintf(v->note, sizeof v->note, "%s", r->block);
    return judge(r, v, e);
}

static int read_text(struct machine_sources *out, const char *text, size_t bytes, int depth,
                     struct err *e)
{
    struct reader r = {.out = out, .depth = depth};
    for (size_t at = 0; at < bytes;) {
        char line[LINE_MAX_BYTES];
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t n = end ? (size_t)(end - text) - at : bytes - at;
        copy(line, sizeof line, text + at, n);
        if (read_line(&r, line, e))
            return -1;
        at += n + 1;
    }
    return 0;
}

static void list_keys(struct machine_sources *out)
{
    static const char *const keys[] = {
#define KEY(name, kind, field, min, max, value, unit, sentence) #name,
#include "fabric/machine_keys.def"
    };
    static const char *const values[] = {
#define KEY(name, kind, field, min, max, value, unit, sentence) value,
#include "fabric/machine_keys.def"
    };
    *out = (struct machine_sources){.count = 0};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct machine_value *v = &out->value[out->count];
        if (!strcmp(keys[i], "name"))
            continue;
        (void)snprintf(v->key, sizeof v->key, "%s", keys[i]);
        (void)snprintf(v->value, sizeof v->value, "%s", values[i]);
        v->label = LABEL_NOT_EXECUTED;
        out->count++;
    }
}

static int read_file(struct machine_sources *out, const char *path, int depth, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_input(e, "%s: %s", path, strerror(errno));
    char *text = xcalloc(TEXT_MAX_BYTES, 1);
    size_t n = fread(text, 1, TEXT_MAX_BYTES, f);
    int result = read_text(out, text, n, depth, e);
    (void)fclose(f);
    free(text);
    return result;
}

static int read_from(struct machine_sources *out, const char *name_or_path, int depth,
                     struct err *e)
{
    struct preset p;
    list_keys(out);
    for (size_t i = 0; preset_get(i, &p); i++)
        if (!strcmp(p.name, name_or_path))
            return read_text(out, p.text, p.bytes, depth, e);
    return read_file(out, name_or_path, depth, e);
}

int machine_sources_read(struct machine_sources *out, const char *name_or_path, struct err *e)
{
    return read_from(out, name_or_path, 0, e);
}
