/* SPDX-License-Identifier: Apache-2.0 */
/* info_model.c - what a model holds: shapes, parameters, bytes by what they are for, and how many
 * wafers that means at least. */
#include "cli/info_model.h"

#include "base/json.h"
#include "cli/common.h"
#include "model/census.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* SRAM of one WSE-3 as published; a bound for any placement, before code, buffers and KV cache. */
static const uint64_t wafer_bytes = 44000000000;

struct field {
    const char *name;
    uint64_t value;
};
enum { FIELDS_MAX = 32 };

/* The numbers of a model, once, for text and JSON. */
static uint32_t model_fields(const struct checkpoint *ck, struct field *out)
{
    const struct model_config *k = checkpoint_config(ck);
    struct census all;
    census_model(ck, &all);
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
        {"groups", k->groups},
        {"groups_used", k->groups_used},
        {"shared_experts", k->shared_experts},
        {"expert_width", k->expert_width},
        {"dense_width", k->dense_width},
        {"vocab", k->vocab},
        {"positions_max", k->positions_max},
        {"parameters", census_parameters(&all)},
        {"weight_bytes", census_bytes(&all)},
        {"weight_bytes_per_token", census_bytes_per_token(ck)},
        {"kv_bytes_per_token", census_kv_bytes(k)},
    };
    _Static_assert(sizeof list / sizeof list[0] <= FIELDS_MAX, "the caller's array");
    memcpy(out, list, sizeof list);
    return sizeof list / sizeof list[0];
}

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

static uint64_t wafers_at_least(uint64_t bytes)
{
    return (bytes + wafer_bytes - 1) / wafer_bytes;
}

/* The layers from `first` on that weigh the same. The weights outside the layers follow the last
 * one as a group of their own. Returns the layer after the group. */
static uint32_t same_layers(const struct checkpoint *ck, uint32_t first, struct census *out)
{
    uint32_t layers = checkpoint_config(ck)->layers, next = first + 1;
    struct census other;
    census_layer(ck, first, out);
    for (; next < layers; next++) {
        census_layer(ck, next, &other);
        if (memcmp(&other, out, sizeof other) != 0)
            break;
    }
    return next;
}

/* ---- text ---- */

static void print_row(const char *name, const struct census *c)
{
    (void)printf("%-16s", name);
    for (int kind = 0; kind < CENSUS_KINDS; kind++)
        (void)printf(" %*" PRIu64, kind == CENSUS_ROUTED ? 15 : 14, c->bytes[kind]);
    (void)printf(" %15" PRIu64 "\n", census_bytes(c));
}

static void print_bytes(const struct checkpoint *ck)
{
    uint32_t layers = checkpoint_config(ck)->layers;
    (void)printf("\n%-16s", "bytes as stored");
    for (int kind = 0; kind < CENSUS_KINDS; kind++)
        (void)printf(" %*s", kind == CENSUS_ROUTED ? 15 : 14,
                     census_kind_name((enum census_kind)kind));
    (void)printf(" %15s\n", "total");
    struct census c;
    for (uint32_t first = 0, next; first <= layers; first = next) {
        char name[48];
        next = same_layers(ck, first, &c);
        if (first == layers)
            (void)snprintf(name, sizeof name, "outside layers");
        else if (next == first + 1)
            (void)snprintf(name, sizeof name, "layer %u", first);
        else
            (void)snprintf(name, sizeof name, "each of %u-%u", first, next - 1);
        print_row(name, &c);
    }
    census_model(ck, &c);
    print_row("model", &c);
}

static void print_wafers(uint64_t bytes)
{
    uint64_t wafers = wafers_at_least(bytes);
    double gb = (double)bytes / 1e9, wafer_gb = (double)wafer_bytes / 1e9;
    if (wafers > 1)
        (void)printf("\none wafer of %g GB cannot hold this model: %.1f GB / %g GB = %.2f, so it "
                     "needs at least %" PRIu64 " wafers\n",
                     wafer_gb, gb, wafer_gb, gb / wafer_gb, wafers);
    else
        (void)printf("\nneeds at least 1 wafer of %g GB: %.1f GB / %g GB = %.4f\n", wafer_gb, gb,
                     wafer_gb, gb / wafer_gb);
    (void)printf("(weights alone; KV cache, buffers, code and stack come on top)\n");
}

static void print_text(const struct checkpoint *ck, const struct model_choice *m)
{
    const struct model_config *k = checkpoint_config(ck);
    struct field fields[FIELDS_MAX];
    uint32_t n = model_fields(ck, fields);
    (void)printf("%-23s %s\n", "quantization", quantization_name(k));
    if (m->synthetic)
        (void)printf("%-23s assumed: made by rule, seed %" PRIu64 "\n", "weights", m->seed);
    else
        (void)printf("%-23s stored\n", "weights");
    for (uint32_t i = 0; i < n; i++)
        (void)printf("%-23s %" PRIu64 "\n", fields[i].name, fields[i].value);
    print_bytes(ck);
    print_wafers(checkpoint_bytes(ck));
}

/* ---- JSON ---- */

static void json_kinds(struct json_out *o, const char *key, const uint64_t *values)
{
    json_out_object(o, key);
    for (int kind = 0; kind < CENSUS_KINDS; kind++)
        json_out_uint(o, census_kind_name((enum census_kind)kind), values[kind]);
    json_out_end(o);
}

static void json_layers(struct json_out *o, const struct checkpoint *ck)
{
    struct census c;
    json_out_array(o, "layer_groups");
    for (uint32_t first = 0, next; first < checkpoint_config(ck)->layers; first = next) {
        next = same_layers(ck, first, &c);
        json_out_object(o, NULL);
        json_out_uint(o, "first", first);
        json_out_uint(o, "last", next - 1);
        json_out_uint(o, "parameters_each", census_parameters(&c));
        json_out_uint(o, "bytes_each", census_bytes(&c));
        json_kinds(o, "bytes_each_by_kind", c.bytes);
        json_out_end(o);
    }
    json_out_end(o);
}

static void print_json(const struct checkpoint *ck, const struct model_choice *m)
{
    struct json_out o;
    struct field fields[FIELDS_MAX];
    struct census all;
    uint32_t n = model_fields(ck, fields);
    census_model(ck, &all);
    json_out_file(&o, stdout);
    json_out_object(&o, NULL);
    json_out_string(&o, "quantization", quantization_name(checkpoint_config(ck)));
    json_out_string(&o, "weights", m->synthetic ? "assumed" : "stored");
    if (m->synthetic)
        json_out_uint(&o, "seed", m->seed);
    for (uint32_t i = 0; i < n; i++)
        json_out_uint(&o, fields[i].name, fields[i].value);
    json_kinds(&o, "parameters_by_kind", all.parameters);
    json_kinds(&o, "bytes_by_kind", all.bytes);
    json_layers(&o, ck);
    uint64_t wafers = wafers_at_least(checkpoint_bytes(ck));
    json_out_uint(&o, "wafer_bytes", wafer_bytes);
    json_out_uint(&o, "wafers_at_least", wafers);
    json_out_bool(&o, "one_wafer_is_enough_for_the_weights", wafers == 1);
    json_out_end(&o);
}

int info_model(const char *name, const char *weights, bool json, struct err *e)
{
    struct model_choice choice;
    struct checkpoint *ck;
    if (model_choose(&choice, name, weights, e) || model_open(&ck, &choice, e))
        return -1;
    if (json)
        print_json(ck, &choice);
    else
        print_text(ck, &choice);
    checkpoint_close(ck);
    return 0;
}
