/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_validate.c - `tessera validate`: published cases beside what the emulated wafer does. */
#include "base/json.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "run/validate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run_validate(int argc, char **argv, struct err *e);
const struct verb verb_validate = {
    .name = "validate",
    .summary = "run published cases and print ours beside them",
    .example = "tessera validate chain gemv",
    .run = run_validate,
};

/* What a case amounts to, for the summary. */
struct outcome {
    const struct validate_case *c;
    unsigned rows, failed;
    double worst; /* the difference of largest magnitude */
};

static void show_progress(void *self, const char *what)
{
    (void)self;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K%.60s", what);
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K");
}

static struct outcome weigh(const struct validation *v)
{
    struct outcome o = {.c = v->at};
    for (size_t i = 0; i < v->rows; i++) {
        double d = validate_difference(&v->row[i]);
        o.rows++;
        o.failed += !validate_passes(&v->row[i]);
        if (fabs(d) > fabs(o.worst))
            o.worst = d;
    }
    return o;
}

/* ---- text ---- */

static void print_number(double x)
{
    (void)printf(fabs(x) < 100 ? " %10.2f" : " %10.0f", x);
}

static void print_case(const struct validation *v, const char *machine)
{
    bool differs = false; /* some row of those with the same reason */
    (void)printf("\n%s: %s; machine %s\n", v->at->name, v->at->summary, machine);
    if (v->at->assumes)
        (void)printf("assumed: %s\n", v->at->assumes);
    (void)printf("  %-54s %-11s %10s %-8s %10s %-8s %8s\n", "", "unit", "published", "from", "ours",
                 "how", "diff");
    for (size_t i = 0; i < v->rows; i++) {
        const struct validate_row *r = &v->row[i];
        (void)printf("  %-54s %-11s", r->what, r->unit);
        print_number(r->published);
        (void)printf(" %-8s", source_kind_name(r->source));
        print_number(r->ours);
        (void)printf(" %-8s %+7.2f%%%s\n", run_kind_name(r->run), 100 * validate_difference(r),
                     validate_passes(r) ? "" : "  OUTSIDE ITS LIMIT");
        differs |= validate_differs(r);
        if (i + 1 < v->rows && v->row[i + 1].why == r->why)
            continue;
        if (r->why && differs)
            (void)printf("      ^ %s\n", r->why);
        differs = false;
    }
}

static const char *verdict(const struct outcome *o)
{
    if (o->failed)
        return "FAILS";
    if (fabs(o->worst) < 0.05)
        return "agrees";
    return fabs(o->worst) < 0.15 ? "close" : "breaks";
}

static void print_summary(const struct outcome *o, size_t count)
{
    (void)printf("\nwhere accuracy breaks\n  %-14s %6s %10s\n", "case", "points", "worst");
    for (size_t i = 0; i < count; i++)
        (void)printf("  %-14s %6u %9.2f%%  %-7s %s\n", o[i].c->name, o[i].rows, 100 * o[i].worst,
                     verdict(&o[i]), o[i].c->breaks ? o[i].c->breaks : "");
    (void)printf("\n%s", validate_notes);
}

/* ---- JSON ---- */

static void json_row(struct json_out *o, const struct validate_row *r)
{
    json_out_object(o, NULL);
    json_out_string(o, "what", r->what);
    json_out_string(o, "unit", r->unit);
    json_out_double(o, "published", r->published);
    json_out_string(o, "source", source_kind_name(r->source));
    json_out_double(o, "ours", r->ours);
    json_out_string(o, "run", run_kind_name(r->run));
    json_out_double(o, "difference", validate_difference(r));
    if (r->limit > 0)
        json_out_double(o, "limit", r->limit);
    json_out_bool(o, "passes", validate_passes(r));
    json_out_string(o, "why", r->why);
    json_out_end(o);
}

static void json_case(struct json_out *o, const struct validation *v, const char *machine)
{
    json_out_object(o, NULL);
    json_out_string(o, "case", v->at->name);
    json_out_string(o, "summary", v->at->summary);
    json_out_string(o, "machine", machine);
    json_out_string(o, "assumes", v->at->assumes);
    json_out_string(o, "breaks", v->at->breaks);
    json_out_array(o, "rows");
    for (size_t i = 0; i < v->rows; i++)
        json_row(o, &v->row[i]);
    json_out_end(o);
    json_out_end(o);
}

/* ---- the verb ---- */

struct options {
    const char *machine, *firmware, *markdown;
    bool json, list, quick;
    struct option_words words;
};

static bool chosen(const struct options *o, const struct validate_case *c)
{
    for (uint32_t i = 0; i < o->words.count; i++)
        if (!strcmp(o->words.word[i], c->name))
            return true;
    return o->words.count == 0;
}

static int check_words(const struct options *o, struct err *e)
{
    for (uint32_t i = 0; i < o->words.count; i++)
        if (!validate_find(o->words.word[i]))
            return err_set(e, ERR_USAGE, "no case '%s' (see tessera validate --list)",
                           o->words.word[i]);
    return 0;
}

static void list_cases(void)
{
    for (size_t i = 0; i < validate_case_count; i++)
        (void)printf("%-14s %s\n", validate_cases[i].name, validate_cases[i].summary);
}

static int run_cases(const struct options *o, struct validation *v, FILE *page,
                     struct outcome *outcome, size_t *count, struct err *e)
{
    struct json_out j;
    json_out_file(&j, stdout);
    if (o->json)
        json_out_array(&j, NULL);
    for (size_t i = 0; i < validate_case_count; i++) {
        const struct validate_case *c = &validate_cases[i];
        const char *machine = o->machine ? o->machine : c->machine;
        if (!chosen(o, c))
            continue;
        if (validate_run(v, c, e))
            return -1;
        clear_progress();
        if (o->json)
            json_case(&j, v, machine);
        else
            print_case(v, machine);
        if (page)
            validate_markdown_case(page, v, machine);
        outcome[(*count)++] = weigh(v);
    }
    if (o->json)
        json_out_end(&j);
    return 0;
}

/* run_cases with the page open, if one is wanted. */
static int run_with_page(const struct options *o, struct validation *v, struct outcome *outcome,
                         size_t *count, struct err *e)
{
    if (!o->markdown)
        return run_cases(o, v, NULL, outcome, count, e);
    FILE *page = fopen(o->markdown, "w");
    if (!page)
        return err_input(e, "%s: %s", o->markdown, strerror(errno));
    validate_markdown_begin(page);
    int result = run_cases(o, v, page, outcome, count, e);
    if (fclose(page) && !result)
        result = err_input(e, "%s: %s", o->markdown, strerror(errno));
    return result;
}

static int validate(const struct options *o, struct err *e)
{
    struct images images;
    struct machine machine;
    struct validation v = {.images = &images, .quick = o->quick, .progress = show_progress};
    struct outcome outcome[64];
    size_t count = 0;
    if (check_words(o, e) || firmware_load(&images, o->firmware, e))
        return -1;
    if (o->machine && machine_read(&machine, o->machine, e))
        return -1;
    v.machine = o->machine ? &machine : NULL;
    int result = run_with_page(o, &v, outcome, &count, e);
    validate_close(&v);
    if (!result && !o->json)
        print_summary(outcome, count);
    for (size_t i = 0; i < count && !result; i++)
        if (outcome[i].failed)
            result = err_set(e, ERR_COMPARE, "%s: %u points differ by more than their limit",
                             outcome[i].c->name, outcome[i].failed);
    return result;
}

static int run_validate(int argc, char **argv, struct err *e)
{
    struct options o = {0};
    const struct option table[] = {
        {"", "CASE", "which cases; all when none is named", OPTION_WORDS, &o.words, NULL},
        {"list", NULL, "name the cases", OPTION_FLAG, &o.list, NULL},
        {"quick", NULL, "fewer and smaller points", OPTION_FLAG, &o.quick, NULL},
        {"machine", "NAME", "run all cases on this machine instead of each on its own", OPTION_TEXT,
         &o.machine, NULL},
        {"firmware", "DIR", "folder of tile.elf and rom.elf (default: beside the program)",
         OPTION_TEXT, &o.firmware, NULL},
        {"json", NULL, "as JSON", OPTION_FLAG, &o.json, NULL},
        {"markdown", "FILE", "write the tables as a page too", OPTION_TEXT, &o.markdown, NULL},
        {0},
    };
    int result = options_parse(&verb_validate, table, argc, argv, e);
    if (result < 0)
        return -1;
    if (result == 0 && o.list)
        list_cases();
    else if (result == 0)
        return validate(&o, e);
    return 0;
}
