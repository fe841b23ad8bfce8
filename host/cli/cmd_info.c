/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info.c - `tessera info`: what a checkpoint, an ELF file or a machine file holds. */
#include "base/json.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "core/elf.h"

#include <stdio.h>
#include <string.h>

static int run_info(int argc, char **argv, struct err *e);
const struct verb verb_info = {
    .name = "info",
    .summary = "show what a checkpoint, a firmware ELF or a machine holds",
    .example = "tessera info --model host/models/kimi-nano",
    .run = run_info,
};

static const char *quantization_name(const struct model_config *k)
{
    switch (k->quant) {
    case QUANT_NONE:
        return "none";
    case QUANT_FP8:
        return "FP8 E4M3 blocks";
    case QUANT_INT4:
        return "INT4 group 32";
    }
    return "?";
}

/* The numbers of a config, once, for text and JSON. */
struct field {
    const char *name;
    uint64_t value;
};
static uint32_t config_fields(const struct checkpoint *ck, struct field *out)
{
    const struct model_config *k = checkpoint_config(ck);
    const struct field list[] = {
        {"layers", k->layers},
        {"dense_layers", k->dense_layers},
        {"hidden", k->hidden},
        {"heads", k->heads},
        {"q_lora_rank", k->q_lora_rank},
        {"kv_lora_rank", k->kv_lora_rank},
        {"nope_dim", k->nope_dim},
        {"rope_dim", k->rope_dim},
        {"v_dim", k->v_dim},
        {"experts", k->experts},
        {"experts_used", k->experts_used},
        {"shared_experts", k->shared_experts},
        {"expert_width", k->expert_width},
        {"dense_width", k->dense_width},
        {"vocab", k->vocab},
        {"positions_max", k->positions_max},
        {"weight_bytes", checkpoint_bytes(ck)},
    };
    memcpy(out, list, sizeof list);
    return sizeof list / sizeof list[0];
}

static int info_model(const char *folder, bool json, struct err *e)
{
    struct checkpoint *ck;
    struct field fields[32];
    if (checkpoint_open(&ck, folder, e))
        return -1;
    uint32_t n = config_fields(ck, fields);
    struct json_out o;
    json_out_file(&o, stdout);
    if (json) {
        json_out_object(&o, NULL);
        json_out_string(&o, "quantization", quantization_name(checkpoint_config(ck)));
        for (uint32_t i = 0; i < n; i++)
            json_out_uint(&o, fields[i].name, fields[i].value);
        json_out_end(&o);
    } else {
        (void)printf("%-16s %s\n", "quantization", quantization_name(checkpoint_config(ck)));
        for (uint32_t i = 0; i < n; i++)
            (void)printf("%-16s %llu\n", fields[i].name, (unsigned long long)fields[i].value);
    }
    checkpoint_close(ck);
    return 0;
}

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
    const char *model = NULL, *elf = NULL, *machine = NULL;
    bool json = false;
    const struct option table[] = {
        {"model", "DIR", "a checkpoint folder", OPTION_TEXT, &model, NULL},
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
    if (model && info_model(model, json, e))
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
