/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_boot.c - `tessera boot`: a whole fabric comes up and adds up one vector over all its tiles.
 */
#include "base/json.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "run/allreduce.h"

#include <string.h>
#include <unistd.h>

static int run_boot(int argc, char **argv, struct err *e);
const struct verb verb_boot = {
    .name = "boot",
    .summary = "boot a whole fabric and sum a vector over all its tiles",
    .example = "tessera boot --machine wse3 --fabric 256x256 --allreduce 1",
    .run = run_boot,
};

struct boot_options {
    const char *machine, *firmware, *load, *engine;
    uint32_t fabric[2];
    uint64_t words, threads, max_cycles;
    bool json;
};

/* One of the words of a list, as its number. */
static int pick(int *out, const char *option, const char *given, const char *const *words,
                struct err *e)
{
    *out = 0;
    while (given && words[*out] && strcmp(words[*out], given) != 0)
        ++*out;
    return words[*out] ? 0 : err_set(e, ERR_USAGE, "--%s: not '%s'", option, given);
}

static void show_progress(void *self, const char *what, uint64_t part, uint64_t whole)
{
    double *shown = self;
    double now = wall_seconds();
    if (!isatty(STDERR_FILENO) || (now - *shown < 0.2 && part < whole))
        return;
    *shown = now;
    (void)fprintf(stderr, "\r\033[K%s %llu of %llu%s", what, (unsigned long long)part,
                  (unsigned long long)whole, part == whole ? "\n" : "");
}

static double tile_bytes(const struct allreduce_cfg *c, const struct allreduce_result *r)
{
    return (double)(r->memory_bytes - r->memory_before) / ((double)c->width * c->height);
}

static void print_text(const struct allreduce_cfg *c, const struct allreduce_result *r)
{
    static const char *const loaded[] = {"image through the mesh, programs written to SRAM",
                                         "image and programs through the mesh",
                                         "image and programs written to SRAM"};
    double off = ((double)r->cycles - (double)r->predicted) / (double)r->predicted;
    (void)printf("%u x %u = %llu tiles of machine %s, %u words\n", c->width, c->height,
                 (unsigned long long)c->width * c->height, c->machine->name, c->words);
    (void)printf("boot            %12llu cycles: %s (up to %u bytes)\n",
                 (unsigned long long)r->boot_cycles, loaded[c->load], r->program_bytes);
    (void)printf("allreduce       %12llu cycles, %.2f us at %.2f GHz: rows %s, columns %s\n",
                 (unsigned long long)r->cycles, (double)r->cycles / c->machine->clock_hz * 1e6,
                 c->machine->clock_hz / 1e9, reduce_kind_name(r->row), reduce_kind_name(r->column));
    (void)printf("  predicted     %12llu cycles (%+.1f %%)\n", (unsigned long long)r->predicted,
                 100 * off);
    (void)printf("every tile holds the sum\n");
    (void)printf("wall time       %12.1f s: open %.1f, boot %.1f, allreduce %.1f, check %.1f\n",
                 r->open_seconds + r->boot_seconds + r->sum_seconds + r->check_seconds,
                 r->open_seconds, r->boot_seconds, r->sum_seconds, r->check_seconds);
    (void)printf("host memory     %12.1f MiB at most, %.0f bytes a tile\n",
                 (double)r->memory_bytes / (1 << 20), tile_bytes(c, r));
    (void)printf("word-hops       %12llu, %.1f million a second\n",
                 (unsigned long long)r->link_moves,
                 (double)r->link_moves / 1e6 / (r->boot_seconds + r->sum_seconds));
}

static void print_json(const struct allreduce_cfg *c, const struct allreduce_result *r,
                       const char *load)
{
    struct json_out o;
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    json_out_string(&o, "machine", c->machine->name);
    json_out_uint(&o, "fabric_width", c->width);
    json_out_uint(&o, "fabric_height", c->height);
    json_out_uint(&o, "tiles", (uint64_t)c->width * c->height);
    json_out_uint(&o, "words", c->words);
    json_out_string(&o, "load", load);
    json_out_uint(&o, "threads", c->threads);
    json_out_string(&o, "label", "executed");
    json_out_string(&o, "row_kind", reduce_kind_name(r->row));
    json_out_string(&o, "column_kind", reduce_kind_name(r->column));
    json_out_uint(&o, "program_bytes", r->program_bytes);
    json_out_uint(&o, "boot_cycles", r->boot_cycles);
    json_out_uint(&o, "allreduce_cycles", r->cycles);
    json_out_uint(&o, "predicted_cycles", r->predicted);
    json_out_double(&o, "open_wall_seconds", r->open_seconds);
    json_out_double(&o, "boot_wall_seconds", r->boot_seconds);
    json_out_double(&o, "allreduce_wall_seconds", r->sum_seconds);
    json_out_double(&o, "check_wall_seconds", r->check_seconds);
    json_out_uint(&o, "host_memory_bytes", r->memory_bytes);
    json_out_double(&o, "host_bytes_per_tile", tile_bytes(c, r));
    json_out_uint(&o, "link_moves", r->link_moves);
    json_out_end(&o);
}

static int boot(const struct boot_options *o, struct err *e)
{
    static const char *const loads[] = {"image", "fabric", "direct", NULL};
    static const char *const engines[] = {"fast", "plain", NULL};
    struct machine machine;
    struct images images;
    struct allreduce_result result;
    double shown = 0;
    int load, engine;
    if (pick(&load, "load", o->load, loads, e) || pick(&engine, "engine", o->engine, engines, e) ||
        machine_read(&machine, o->machine ? o->machine : "small", e) ||
        firmware_load(&images, o->firmware, e))
        return -1;
    if (o->words > ALLREDUCE_WORDS_MAX || o->threads > 4096)
        return err_set(e, ERR_USAGE, "--allreduce: at most %d words; --threads: at most 4096",
                       ALLREDUCE_WORDS_MAX);
    struct allreduce_cfg cfg = {.machine = &machine,
                                .images = &images,
                                .width = o->fabric[0] ? o->fabric[0] : machine.fabric_width,
                                .height = o->fabric[1] ? o->fabric[1] : machine.fabric_height,
                                .words = (uint32_t)o->words,
                                .load = (enum boot_load)load,
                                .engine = (enum wafer_engine)engine,
                                .threads = (uint32_t)o->threads,
                                .max_cycles = o->max_cycles,
                                .progress = show_progress,
                                .progress_self = &shown};
    if (!cfg.width || !cfg.height)
        return err_set(e, ERR_USAGE, "--fabric WxH is needed: machine %s has no size of its own",
                       machine.name);
    if (allreduce_run(&cfg, &result, e))
        return -1;
    if (o->json)
        print_json(&cfg, &result, loads[load]);
    else
        print_text(&cfg, &result);
    return 0;
}

static int run_boot(int argc, char **argv, struct err *e)
{
    struct boot_options o = {.words = 1, .threads = 1};
    const struct option table[] = {
        {"machine", "NAME", "small, wse2, wse3 or a machine file (default small)", OPTION_TEXT,
         &o.machine, NULL},
        {"fabric", "WxH", "tiles, instead of the machine's", OPTION_PAIR, o.fabric, NULL},
        {"allreduce", "N", "words of the vector (default 1)", OPTION_COUNT, &o.words, NULL},
        {"load", "HOW",
         "image (default): the firmware through the mesh, programs written to SRAM; fabric: both "
         "through the mesh; direct: both written",
         OPTION_TEXT, &o.load, NULL},
        {"engine", "NAME", "fast (default) or plain", OPTION_TEXT, &o.engine, NULL},
        {"threads", "N", "of the fast engine (default 1)", OPTION_COUNT, &o.threads, NULL},
        {"firmware", "DIR", "folder of tile.elf and rom.elf (default: beside the program)",
         OPTION_TEXT, &o.firmware, NULL},
        {"max-cycles", "N", "stop with exit code 6 when boot or sum takes longer", OPTION_COUNT,
         &o.max_cycles, NULL},
        {"json", NULL, "as JSON", OPTION_FLAG, &o.json, NULL},
        {0},
    };
    int result = options_parse(&verb_boot, table, argc, argv, e);
    if (result == 0)
        result = boot(&o, e);
    return result < 0 ? -1 : 0;
}
