/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - records to JSON files and back. */
#include "report/record.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum field_kind { TEXT, COUNT, CYCLES, NUMBER };

struct field {
    const char *name;
    enum field_kind kind;
    size_t at;
    double min, max;
};

static const struct field record_fields[] = {
#define RECORD(kind, name, min, max) {#name, kind, offsetof(struct record, name), min, max},
#define PHASE(kind, name, min, max)
#include "report/record_fields.def"
};
static const struct field phase_fields[] = {
#define RECORD(kind, name, min, max)
#define PHASE(kind, name, min, max) {#name, kind, offsetof(struct record_phase, name), min, max},
#include "report/record_fields.def"
};
enum {
    RECORD_FIELDS = sizeof record_fields / sizeof record_fields[0],
    PHASE_FIELDS = sizeof phase_fields / sizeof phase_fields[0]
};

const char *record_kind_name(enum record_kind kind)
{
    static const char *const names[RECORD_KINDS] = {"dense", "experts", "head"};
    return names[kind];
}

static bool is_kind(const char *name)
{
    for (int kind = 0; kind < RECORD_KINDS; kind++)
        if (!strcmp(name, record_kind_name((enum record_kind)kind)))
            return true;
    return false;
}

/* ---- what must hold ---- */

static uint64_t phase_parts(const struct record_phase *p)
{
    return p->compute + p->hops + p->serialisation + p->contention + p->scheduler + p->waiting;
}

static int check_phase(const struct record_phase *p, uint32_t i, const char *origin, struct err *e)
{
    if (phase_parts(p) > p->cycles)
        return err_input(e, "%s: phases[%u].cycles: %llu, less than its parts, %llu", origin, i,
                         (unsigned long long)p->cycles, (unsigned long long)phase_parts(p));
    if (p->ramps > p->hops)
        return err_input(e, "%s: phases[%u].ramps: %llu, more than its hops, %llu", origin, i,
                         (unsigned long long)p->ramps, (unsigned long long)p->hops);
    return 0;
}

bool record_is_alike(const struct record *r, uint32_t layer)
{
    if (layer < r->layer_first || layer > r->layer_last)
        return false;
    return !r->alike[0] || r->alike[layer - r->layer_first] == '1';
}

static int check_alike(const struct record *r, const char *origin, struct err *e)
{
    size_t layers = (size_t)r->layer_last - r->layer_first + 1, length = strlen(r->alike);
    if (!length)
        return 0;
    if (length != layers || strspn(r->alike, "01") != length)
        return err_input(e, "%s: alike: not 0 or 1 for each of %zu layers", origin, layers);
    if (!record_is_alike(r, r->executed_layer))
        return err_input(e, "%s: alike: not so of executed_layer, %u", origin, r->executed_layer);
    return 0;
}

/* `origin` names the record in errors. */
static int check(const struct record *r, const char *origin, struct err *e)
{
    uint64_t sum = 0;
    if (!is_kind(r->kind))
        return err_input(e, "%s: kind: '%s' is not dense, experts or head", origin, r->kind);
    if (r->executed_layer < r->layer_first || r->executed_layer > r->layer_last)
        return err_input(e, "%s: executed_layer: %u is not in layer_first..layer_last, %u..%u",
                         origin, r->executed_layer, r->layer_first, r->layer_last);
    if (check_alike(r, origin, e))
        return -1;
    if (r->tiles > (uint64_t)r->width * r->height)
        return err_input(e, "%s: tiles: %u are more than %u x %u", origin, r->tiles, r->width,
                         r->height);
    for (uint32_t i = 0; i < r->phase_count; i++) {
        const struct record_phase *p = &r->phases[i];
        sum += p->cycles;
        if (check_phase(p, i, origin, e))
            return -1;
    }
    if (sum > r->cycles)
        return err_input(e, "%s: cycles: %llu, less than those of the phases, %llu", origin,
                         (unsigned long long)r->cycles, (unsigned long long)sum);
    return 0;
}

/* ---- reading ---- */

/* Where a member is, for errors: "FILE: phases[2].cycles". */
struct place {
    const char *file;
    int phase; /* -1: the record itself */
};

static int bad_member(const struct place *at, const char *name, const char *what, struct err *e)
{
    if (at->phase < 0)
        return err_input(e, "%s: %s: %s", at->file, name, what);
    return err_input(e, "%s: phases[%d].%s: %s", at->file, at->phase, name, what);
}

static int out_of_range(const struct place *at, const struct field *f, struct err *e)
{
    char what[96];
    (void)snprintf(what, sizeof what, "%s%.17g..%.17g",
                   f->kind == TEXT ? "its length is outside " : "outside ", f->min, f->max);
    return bad_member(at, f->name, what, e);
}

static int read_text(void *out, const struct field *f, const struct json *v, const struct place *at,
                     struct err *e)
{
    if (v->kind != JSON_STRING || v->has_nul)
        return bad_member(at, f->name, "not a text", e);
    if ((double)v->bytes < f->min || (double)v->bytes > f->max)
        return out_of_range(at, f, e);
    memcpy(out, v->text, v->bytes + 1);
    return 0;
}

static int read_number(void *out, const struct field *f, const struct json *v,
                       const struct place *at, struct err *e)
{
    if (v->kind != JSON_NUMBER || (f->kind != NUMBER && !v->is_integer))
        return bad_member(at, f->name, f->kind == NUMBER ? "not a number" : "not a whole number",
                          e);
    if (v->number < f->min || v->number > f->max)
        return out_of_range(at, f, e);
    uint32_t count = (uint32_t)v->integer;
    uint64_t cycles = (uint64_t)v->integer;
    if (f->kind == COUNT)
        memcpy(out, &count, sizeof count);
    else if (f->kind == CYCLES)
        memcpy(out, &cycles, sizeof cycles);
    else
        memcpy(out, &v->number, sizeof v->number);
    return 0;
}

static bool known(const char *name, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(name, fields[i].name))
            return true;
    return false;
}

/* All fields of a table from an object that holds nothing else (but a list called `list`). */
static int read_fields(void *out, const struct field *fields, size_t count, const struct json *o,
                       const struct place *at, struct err *e)
{
    const char *list = at->phase < 0 ? "phases" : "";
    if (o->kind != JSON_OBJECT)
        return at->phase < 0 ? err_input(e, "%s: not an object", at->file)
                             : err_input(e, "%s: phases[%d]: not an object", at->file, at->phase);
    for (const struct json *m = o->first; m; m = m->next)
        if (!known(m->key, fields, count) && strcmp(m->key, list) != 0)
            return bad_member(at, m->key, "no such member", e);
    for (size_t i = 0; i < count; i++) {
        const struct field *f = &fields[i];
        const struct json *v = json_member(o, f->name);
        char *to = (char *)out + f->at;
        if (!v)
            return bad_member(at, f->name, "missing", e);
        if (f->kind == TEXT ? read_text(to, f, v, at, e) : read_number(to, f, v, at, e))
            return -1;
    }
    return 0;
}

static int read_record(struct record *r, const struct json *o, const char *path, struct err *e)
{
    struct place at = {path, -1};
    if (read_fields(r, record_fields, RECORD_FIELDS, o, &at, e))
        return -1;
    const struct json *phases = json_member(o, "phases");
    if (!phases || phases->kind != JSON_ARRAY)
        return bad_member(&at, "phases", phases ? "not a list" : "missing", e);
    if (phases->count > RECORD_PHASES_MAX)
        return bad_member(&at, "phases", "too many", e);
    for (const struct json *p = phases->first; p; p = p->next) {
        at.phase = (int)r->phase_count;
        if (read_fields(&r->phases[r->phase_count++], phase_fields, PHASE_FIELDS, p, &at, e))
            return -1;
    }
    return check(r, path, e);
}

int record_parse(struct record *out, const char *name, const char *text, size_t bytes,
                 struct err *e)
{
    const struct json *root;
    struct arena *a = arena_open();
    memset(out, 0, sizeof *out);
    int result = json_parse(&root, a, name, text, bytes, e);
    if (!result)
        result = read_record(out, root, name, e);
    arena_close(a);
    return result;
}

int record_read(struct record *out, const char *path, struct err *e)
{
    const struct json *root;
    struct arena *a = arena_open();
    memset(out, 0, sizeof *out);
    int result = json_load(&root, a, path, e);
    if (!result)
        result = read_record(out, root, path, e);
    arena_close(a);
    return result;
}

/* ---- writing ---- */

static void write_fields(struct json_out *o, const void *from, const struct field *fields,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct field *f = &fields[i];
        const char *at = (const char *)from + f->at;
        uint32_t n = 0;
        uint64_t cycles = 0;
        double number = 0;
        switch (f->kind) {
        case TEXT:
            json_out_string(o, f->name, at);
            break;
        case COUNT:
            memcpy(&n, at, sizeof n);
            json_out_uint(o, f->name, n);
            break;
        case CYCLES:
            memcpy(&cycles, at, sizeof cycles);
            json_out_uint(o, f->name, cycles);
            break;
        case NUMBER:
            memcpy(&number, at, sizeof number);
            json_out_double(o, f->name, number);
            break;
        }
    }
}

void record_json(const struct record *r, const char *key, struct json_out *o)
{
    json_out_object(o, key);
    write_fields(o, r, record_fields, RECORD_FIELDS);
    json_out_array(o, "phases");
    for (uint32_t i = 0; i < r->phase_count; i++) {
        json_out_object(o, NULL);
        write_fields(o, &r->phases[i], phase_fields, PHASE_FIELDS);
        json_out_end(o);
    }
    json_out_end(o);
    json_out_end(o);
}

/* Names of models and machines may come from paths: only plain characters reach a file name. */
static void file_name(char *out, size_t bytes, const struct record *r)
{
    (void)snprintf(out, bytes, "%s-%s-%s-%u-context%u-users%u-wafers%u.json", r->model, r->machine,
                   r->kind, r->executed_layer, r->context, r->users, r->wafers);
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && (*c != '.' || c == out))
            *c = '_';
}

int record_write_file(const struct record *r, const char *path, struct err *e)
{
    char part[4096 + 8];
    struct record back;
    struct json_out o;
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return err_input(e, "%s: the name is too long", path);
    FILE *f = fopen(part, "w");
    if (!f)
        return err_input(e, "%s: %s", part, strerror(errno));
    json_out_file(&o, f);
    record_json(r, NULL, &o);
    if (fclose(f))
        return err_input(e, "%s: %s", part, strerror(errno));
    if (record_read(&back, part, e)) {
        (void)remove(part);
        return -1;
    }
    return rename(part, path) ? err_input(e, "%s: %s", path, strerror(errno)) : 0;
}

int record_write(const struct record *r, const char *folder, struct err *e)
{
    char name[256], path[4096];
    file_name(name, sizeof name, r);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return err_input(e, "%s: the name is too long", folder);
    if (mkdir(folder, 0777) && errno != EEXIST)
        return err_input(e, "%s: %s", folder, strerror(errno));
    return record_write_file(r, path, e);
}
