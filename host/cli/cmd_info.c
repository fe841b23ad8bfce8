/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info.c - `tessera info`: what a checkpoint, an ELF file or a machine file holds. */
#include "base/json.h"
#include "cli/common.h"
#include "cli/info_model.h"
#include "cli/verbs.h"
#include "core/elf.h"

#include <stdio.h>

static int run_info(int argc, char **argv, struct err *e);
const struct verb verb_info = {
    .name = "info",
    .summary = "show what a checkpoint, a firmware ELF or a machine holds",
    .example = "tessera info --model kimi-k2.6",
    .run = run_info,
};

static int info_elf(const char *path, bool json, struct err *e)
{
    struct elf_image image;
    if (elf_open(&image, path, e))
        return -1;
    struct json_out o;
    json_out_file(&o, stdout);
    if (json) {
        json_out_object(&o, NULL);
        json_out_uint(&o, "entry", image.entry);
        json_out_array(&o, "segments");
    } else {
        (void)printf("entry 0x%08x, %u symbols\n", image.entry, image.symbol_count);
    }
    for (unsigned i = 0; i < image.segments; i++) {
        const struct elf_segment *s = &image.segment[i];
        if (!json) {
            (void)printf("segment 0x%08x %6u bytes in the file, %6u in memory, %s%s%s\n", s->addr,
                         s->file_bytes, s->memory_bytes, s->flags & ELF_R ? "r" : "-",
                         s->flags & ELF_W ? "w" : "-", s->flags & ELF_X ? "x" : "-");
            continue;
        }
        json_out_object(&o, NULL);
        json_out_uint(&o, "address", s->addr);
        json_out_uint(&o, "file_bytes", s->file_bytes);
        json_out_uint(&o, "memory_bytes", s->memory_bytes);
        json_out_end(&o);
    }
    if (json) {
        json_out_end(&o);
        json_out_end(&o);
    }
    elf_close(&image);
    return 0;
}

static int run_info(int argc, char **argv, struct err *e)
{
    const char *model = NULL, *weights = NULL, *elf = NULL, *machine = NULL;
    bool json = false;
    const struct option table[] = {
        {"model", "NAME", MODEL_HELP, OPTION_TEXT, &model, NULL},
        {"weights", "RULE", WEIGHTS_HELP, OPTION_TEXT, &weights, NULL},
        {"elf", "FILE", "a RISC-V ELF file", OPTION_TEXT, &elf, NULL},
        {"machine", "NAME", "a preset or a machine file, resolved", OPTION_TEXT, &machine, NULL},
        {"json", NULL, "as JSON (model and ELF)", OPTION_FLAG, &json, NULL},
        {0},
    };
    int result = options_parse(&verb_info, table, argc, argv, e);
    if (result)
        return result < 0 ? -1 : 0;
    if (!model && !elf && !machine)
        return err_set(e, ERR_USAGE, "tessera info: one of --model, --elf, --machine is needed");
    if (model && info_model(model, weights, json, e))
        return -1;
    if (elf && info_elf(elf, json, e))
        return -1;
    struct machine m;
    if (machine && machine_read(&m, machine, e))
        return -1;
    if (machine)
        machine_print(&m, stdout);
    return 0;
}
