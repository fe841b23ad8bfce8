/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - reads and prints machine files. What the keys are is machine_keys.def.
 *
 * The text is hostile: nothing in it is used before its length, characters and range are checked.
 */
#include "fabric/machine.h"

#include "base/xalloc.h"
#include "machines/presets.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum key_kind { TEXT, COUNT, NUMBER };

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset; /* of the field in struct machine */
    double min, max;
    const char *standard; /* the value when a file does not give one */
    const char *unit, *sentence;
};

static const struct key keys[] = {
#define KEY(name, kind, field, min, max, standard, unit, sentence)                                 \
    {#name, kind, offsetof(struct machine, field), min, max, standard, unit, sentence},
#include "fabric/machine_keys.def"
};

enum { KEY_COUNT = sizeof keys / sizeof keys[0], NAME_MAX_CHARS = 63, FILE_BYTES_MAX = 1 << 20 };

/* A piece of the text. */
struct span {
    const char *at;
    size_t n;
};

/* Where we are, for errors. */
struct reader {
    const char *origin;
    unsigned line;
    unsigned set_on[KEY_COUNT]; /* line that set the key; 0: not set */
    struct err *e;
};

static int fail(const struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(const struct reader *r, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_input(r->e, "%s:%u: %s", r->origin, r->line, text);
}

/* For errors: at most 64 characters of the file, none of them unprintable. */
struct shown {
    char text[65];
};

static struct shown show(struct span s)
{
    struct shown out = {{0}};
    for (size_t i = 0; i < s.n && i + 1 < sizeof out.text; i++)
        out.text[i] = s.at[i] >= ' ' && s.at[i] <= '~' ? s.at[i] : '?';
    return out;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct span trim(struct span s)
{
    while (s.n && is_space(s.at[0]))
        s = (struct span){s.at + 1, s.n - 1};
    while (s.n && is_space(s.at[s.n - 1]))
        s.n--;
    return s;
}

/* ---- names ---- */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edits (insert, delete, replace a character) that turn one name into the other. */
static unsigned edit_distance(struct span a, const char *b)
{
    unsigned row[NAME_MAX_CHARS + 1];
    size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; i < a.n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < n; j++) {
            unsigned above = row[j + 1];
            row[j + 1] = min3(above + 1, row[j] + 1, diagonal + (a.at[i] != b[j]));
            diagonal = above;
        }
    }
    return row[n];
}

static const char *nearest_key(struct span name)
{
    const struct key *best = &keys[0];
    if (name.n > NAME_MAX_CHARS)
        name.n = NAME_MAX_CHARS;
    for (const struct key *k = keys; k < keys + KEY_COUNT; k++)
        if (edit_distance(name, k->name) < edit_distance(name, best->name))
            best = k;
    return best->name;
}

static const struct key *find_key(struct span name)
{
    for (const struct key *k = keys; k < keys + KEY_COUNT; k++)
        if (strlen(k->name) == name.n && !memcmp(k->name, name.at, name.n))
            return k;
    return NULL;
}

/* ---- values ---- */

static int read_text(const struct reader *r, const struct key *k, struct span value, char *out)
{
    if ((double)value.n < k->min || (double)value.n > k->max)
        return fail(r, "%s: %zu characters, must be %.0f to %.0f", k->name, value.n, k->min,
                    k->max);
    for (size_t i = 0; i < value.n; i++)
        if (value.at[i] < ' ' || value.at[i] > '~')
            return fail(r, "%s: only printable ASCII is allowed", k->name);
    memcpy(out, value.at, value.n);
    out[value.n] = '\0';
    return 0;
}

/* digits [. digits] [e [sign] digits], no more than strtod would read in every locale. */
static bool is_number(struct span s, bool whole)
{
    size_t i = 0, before = 0, after = 0, exponent = 0;
    for (; i < s.n && is_digit(s.at[i]); i++)
        before++;
    if (whole || !before)
        return before && i == s.n;
    if (i < s.n && s.at[i] == '.') {
        for (i++; i < s.n && is_digit(s.at[i]); i++)
            after++;
        if (!after)
            return false;
    }
    if (i < s.n && (s.at[i] == 'e' || s.at[i] == 'E')) {
        i++;
        if (i < s.n && (s.at[i] == '+' || s.at[i] == '-'))
            i++;
        for (; i < s.n && is_digit(s.at[i]); i++)
            exponent++;
        if (!exponent)
            return false;
    }
    return i == s.n;
}

static int read_number(const struct reader *r, const struct key *k, struct span value, double *out)
{
    char text[64];
    if (!is_number(value, k->kind == COUNT))
        return fail(r, "%s: '%s' is not a %s in %s", k->name, show(value).text,
                    k->kind == COUNT ? "whole number" : "number", k->unit);
    if (value.n >= sizeof text)
        return fail(r, "%s: more than %zu characters", k->name, sizeof text - 1);
    memcpy(text, value.at, value.n);
    text[value.n] = '\0';
    *out = strtod(text, NULL);
    if (!(*out >= k->min && *out <= k->max))
        return fail(r, "%s: %s is outside %.10g to %.10g %s", k->name, text, k->min, k->max,
                    k->unit);
    return 0;
}

static int read_value(const struct reader *r, const struct key *k, struct span value,
                      struct machine *m)
{
    char *field = (char *)m + k->offset;
    double number = 0;
    uint32_t count;
    if (k->kind == TEXT)
        return read_text(r, k, value, field);
    if (read_number(r, k, value, &number))
        return -1;
    count = k->kind == COUNT ? (uint32_t)number : 0;
    if (k->kind == COUNT)
        memcpy(field, &count, sizeof count);
    else
        memcpy(field, &number, sizeof number);
    return 0;
}

/* ---- lines ---- */

static int read_line(struct reader *r, struct span line, struct machine *m)
{
    const char *hash = memchr(line.at, '#', line.n);
    if (hash)
        line.n = (size_t)(hash - line.at);
    line = trim(line);
    if (!line.n)
        return 0;
    const char *equals = memchr(line.at, '=', line.n);
    if (!equals)
        return fail(r, "'%s' is not of the form key = value", show(line).text);
    struct span name = trim((struct span){line.at, (size_t)(equals - line.at)});
    struct span value = trim((struct span){equals + 1, line.n - (size_t)(equals - line.at) - 1});
    const struct key *k = find_key(name);
    if (!k)
        return fail(r, "unknown key '%s', nearest is '%s'", show(name).text, nearest_key(name));
    unsigned *set_on = &r->set_on[k - keys];
    if (*set_on)
        return fail(r, "%s: already set on line %u", k->name, *set_on);
    *set_on = r->line;
    return read_value(r, k, value, m);
}

static int set_defaults(struct machine *m, struct err *e)
{
    struct reader r = {.origin = "defaults", .e = e};
    *m = (struct machine){0};
    for (const struct key *k = keys; k < keys + KEY_COUNT; k++)
        if (read_value(&r, k, (struct span){k->standard, strlen(k->standard)}, m))
            return -1;
    return 0;
}

int machine_parse(struct machine *m, const char *text, size_t bytes, const char *origin,
                  struct err *e)
{
    struct reader r = {.origin = origin, .e = e};
    if (set_defaults(m, e))
        return -1;
    for (size_t at = 0; at < bytes;) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t n = end ? (size_t)(end - text) - at : bytes - at;
        r.line++;
        if (read_line(&r, (struct span){text + at, n}, m))
            return -1;
        at += n + 1;
    }
    if (!m->fabric_width != !m->fabric_height)
        return err_input(e, "%s: fabric_width %u and fabric_height %u: both or none must be 0",
                         origin, m->fabric_width, m->fabric_height);
    return 0;
}

/* ---- files ---- */

static int read_preset(struct machine *m, const char *name, struct err *e)
{
    struct preset p, nearest = {0};
    struct span wanted = {name, strnlen(name, NAME_MAX_CHARS)};
    for (size_t i = 0; preset_get(i, &p); i++) {
        if (!strcmp(p.name, name))
            return machine_parse(m, p.text, p.bytes, p.path, e);
        if (!i || edit_distance(wanted, p.name) < edit_distance(wanted, nearest.name))
            nearest = p;
    }
    return err_input(e,
                     "machine '%s': no such preset, nearest is '%s'; a file needs a '/' or '.' in "
                     "its name",
                     show(wanted).text, nearest.name);
}

static int read_file(struct machine *m, const char *path, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_input(e, "%s: %s", path, strerror(errno));
    char *text = xcalloc(FILE_BYTES_MAX + 1, 1);
    size_t n = fread(text, 1, FILE_BYTES_MAX + 1, f);
    int result;
    if (ferror(f))
        result = err_input(e, "%s: %s", path, strerror(errno));
    else if (n > FILE_BYTES_MAX)
        result = err_input(e, "%s: more than %d bytes is no machine file", path, FILE_BYTES_MAX);
    else
        result = machine_parse(m, text, n, path, e);
    free(text);
    (void)fclose(f);
    return result;
}

int machine_read(struct machine *m, const char *name_or_path, struct err *e)
{
    return strpbrk(name_or_path, "/.") ? read_file(m, name_or_path, e)
                                       : read_preset(m, name_or_path, e);
}

/* ---- printing ---- */

/* The shortest text that reads back as the same number. */
static void number_text(char *out, size_t size, double x)
{
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(out, size, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            return;
    }
}

void machine_print(const struct machine *m, FILE *out)
{
    for (const struct key *k = keys; k < keys + KEY_COUNT; k++) {
        const char *field = (const char *)m + k->offset;
        char text[NAME_MAX_CHARS + 1] = "";
        uint32_t count = 0;
        double number = 0;
        switch (k->kind) {
        case TEXT:
            (void)snprintf(text, sizeof text, "%s", field);
            break;
        case COUNT:
            memcpy(&count, field, sizeof count);
            (void)snprintf(text, sizeof text, "%u", count);
            break;
        case NUMBER:
            memcpy(&number, field, sizeof number);
            number_text(text, sizeof text, number);
            break;
        }
        (void)fprintf(out, "%-26s = %-12s # %s: %s\n", k->name, text, k->unit, k->sentence);
    }
}
