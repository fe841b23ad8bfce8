/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_bench.c - `tessera bench`: how fast the emulator is on this computer. */
#include "base/json.h"
#include "base/xalloc.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "run/bench.h"

#include <stdlib.h>
#include <unistd.h>

static int run_bench(int argc, char **argv, struct err *e);
const struct verb verb_bench = {
    .name = "bench",
    .summary = "time the emulator: cores, fabric, threads, boot, the small model",
    .example = "tessera bench core fabric/neighbour",
    .run = run_bench,
};

struct options {
    const char *firmware, *model, *machine;
    bool json, list;
    struct option_words words;
};

static bool chosen(const struct options *o, const struct bench_item *i)
{
    for (uint32_t n = 0; n < o->words.count; n++)
        if (bench_chosen(i, o->words.word[n]))
            return true;
    return o->words.count == 0;
}

static int check_words(const struct options *o, const struct bench_list *l, struct err *e)
{
    for (uint32_t n = 0; n < o->words.count; n++) {
        size_t i = 0;
        while (i < l->count && !bench_chosen(&l->item[i], o->words.word[n]))
            i++;
        if (i == l->count)
            return err_set(e, ERR_USAGE, "no bench case '%s' (see tessera bench --list)",
                           o->words.word[n]);
    }
    return 0;
}

static void print_list(const struct bench_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        (void)printf("%-28s %s, %s\n", l->item[i].id, l->item[i].unit, l->item[i].text);
}

static void print_row(const struct bench_item *i, const struct bench_result *r)
{
    char peer[64] = "";
    if (i->peer > 0)
        (void)snprintf(peer, sizeof peer, "%.0f x %s (%.2f)", r->median / i->peer, i->peer_name,
                       i->peer);
    (void)printf("%10.*f %10.*f %-10s  %-22s tessera bench %s\n", r->median < 100 ? 2 : 0,
                 r->median, r->best < 100 ? 2 : 0, r->best, i->unit, peer, i->id);
    (void)fflush(stdout);
}

static void json_row(struct json_out *o, const struct bench_item *i, const struct bench_result *r)
{
    json_out_object(o, NULL);
    json_out_string(o, "case", i->id);
    json_out_string(o, "unit", i->unit);
    json_out_string(o, "counts", i->text);
    json_out_double(o, "median", r->median);
    json_out_double(o, "best", r->best);
    json_out_uint(o, "times", i->once ? 1 : BENCH_TIMES);
    if (i->peer > 0) {
        json_out_string(o, "peer", i->peer_name);
        json_out_double(o, "peer_value", i->peer);
    }
    char command[80];
    (void)snprintf(command, sizeof command, "tessera bench %s", i->id);
    json_out_string(o, "command", command);
    json_out_end(o);
}

static int run_items(const struct options *o, const struct bench_list *l,
                     const struct bench_env *env, struct err *e)
{
    struct json_out j;
    json_out_file(&j, stdout);
    if (o->json)
        json_out_array(&j, NULL);
    else
        (void)printf("%10s %10s %-10s  %-22s %s\n", "median", "best of 3", "unit", "peer",
                     "again with");
    for (size_t n = 0; n < l->count; n++) {
        const struct bench_item *i = &l->item[n];
        struct bench_result r;
        if (!chosen(o, i))
            continue;
        if (isatty(STDERR_FILENO))
            (void)fprintf(stderr, "\r\033[K%s", i->id);
        if (bench_run(i, env, &r, e))
            return -1;
        if (isatty(STDERR_FILENO))
            (void)fprintf(stderr, "\r\033[K");
        if (o->json)
            json_row(&j, i, &r);
        else
            print_row(i, &r);
    }
    if (o->json)
        json_out_end(&j);
    return 0;
}

static int bench(const struct options *o, const struct bench_list *l, struct err *e)
{
    struct images images;
    struct machine machine;
    char folder[4096], model[4096], programs[4096];
    beside_program(folder, sizeof folder, "firmware");
    beside_program(programs, sizeof programs, "bench");
    beside_program(model, sizeof model, "../host/models/kimi-nano");
    if (check_words(o, l, e) || firmware_load(&images, o->firmware, e) ||
        machine_read(&machine, o->machine ? o->machine : "small", e))
        return -1;
    struct bench_env env = {.images = &images,
                            .machine = &machine,
                            .programs = programs,
                            .firmware = o->firmware ? o->firmware : folder,
                            .model = o->model ? o->model : model};
    return run_items(o, l, &env, e);
}

static int run_bench(int argc, char **argv, struct err *e)
{
    struct options o = {0};
    const struct option table[] = {
        {"", "CASE", "which cases, by the front of their names; all when none is named",
         OPTION_WORDS, &o.words, NULL},
        {"list", NULL, "name the cases", OPTION_FLAG, &o.list, NULL},
        {"machine", "NAME", "machine of the fabric and of the model (default small)", OPTION_TEXT,
         &o.machine, NULL},
        {"model", "DIR", "checkpoint of the model cases (default kimi-nano)", OPTION_TEXT, &o.model,
         NULL},
        {"firmware", "DIR", "folder of tile.elf and rom.elf (default: beside the program)",
         OPTION_TEXT, &o.firmware, NULL},
        {"json", NULL, "as JSON", OPTION_FLAG, &o.json, NULL},
        {0},
    };
    int result = options_parse(&verb_bench, table, argc, argv, e);
    if (result)
        return result < 0 ? -1 : 0;
    struct bench_list *l = xcalloc(1, sizeof *l);
    bench_items(l);
    if (o.list)
        print_list(l);
    else
        result = bench(&o, l, e);
    free(l);
    return result;
}
