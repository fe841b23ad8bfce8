/* SPDX-License-Identifier: Apache-2.0 */
/* common.h - what the verbs share: the model, machine and firmware of a command line. */
#ifndef TESSERA_CLI_COMMON_H
#define TESSERA_CLI_COMMON_H

#include "base/beside.h"
#include "base/clock.h"
#include "cli/model_name.h"
#include "cli/options.h"
#include "io/qemu_tile.h"
#include "model/checkpoint.h"
#include "run/session.h"

#include <stddef.h>

enum { WAFERS_MAX = 1024, THREADS_MAX = 1024 };

/* Options about where to run. */
struct place_options {
    const char *model, *weights, *machine, *firmware, *load, *engine;
    uint32_t fabric[2], qemu_tile[2];
    uint32_t users; /* sequences side by side; set by the verb */
    bool qemu_tile_given;
    uint64_t context, wafers, band, blocks, threads, stress, max_cycles;
    const char *cache;
};

#define PLACE_OPTIONS(p)                                                                           \
    PLACE_OPTIONS_FOR(p, "positions the KV cache holds (default: what the command needs)",         \
                      "what the KV cache holds: f32 (default) or bf16")
#define PLACE_OPTIONS_FOR(p, context_help, cache_help)                                             \
    {"model", "NAME", MODEL_HELP, OPTION_TEXT, &(p)->model, NULL},                                 \
        {"weights", "RULE", WEIGHTS_HELP, OPTION_TEXT, &(p)->weights, NULL},                       \
        {"machine",   "NAME",        "small, wse2, wse3 or a machine file (default small)",        \
         OPTION_TEXT, &(p)->machine, NULL},                                                        \
        {"fabric",    "WxH",       "tiles, instead of the machine's or what the model needs",      \
         OPTION_PAIR, (p)->fabric, NULL},                                                          \
        {"context", "N", context_help, OPTION_COUNT, &(p)->context, NULL},                         \
        {"band",       "ROWS",     "rows of attention (default: all, or as fits; plan.h)",         \
         OPTION_COUNT, &(p)->band, NULL},                                                          \
        {"blocks",     "N",          "blocks of heads beside each other (default: the fastest)",   \
         OPTION_COUNT, &(p)->blocks, NULL},                                                        \
        {"cache", "TYPE", cache_help, OPTION_TEXT, &(p)->cache, NULL},                             \
    {                                                                                              \
        "wafers", "N",                                                                             \
            "wafers side by side (default: one, or as many as a given fabric makes necessary)",    \
            OPTION_COUNT, &(p)->wafers, NULL                                                       \
    }

#define EMULATOR_OPTIONS(p)                                                                        \
    {"firmware",  "DIR",          "folder of tile.elf and rom.elf (default: beside the program)",  \
     OPTION_TEXT, &(p)->firmware, NULL},                                                           \
        {"engine",    "NAME",       "fast (default) or plain: the same results",                   \
         OPTION_TEXT, &(p)->engine, NULL},                                                         \
        {"threads",    "N",           "threads of the fast engine (default 1): the same results",  \
         OPTION_COUNT, &(p)->threads, NULL},                                                       \
    {                                                                                              \
        "max-cycles", "N", "stop with exit code 6 when a token takes longer", OPTION_COUNT,        \
            &(p)->max_cycles, NULL                                                                 \
    }

#define RUN_OPTIONS(p)                                                                             \
    EMULATOR_OPTIONS(p), {"load",                                                                  \
                          "HOW",                                                                   \
                          "fabric (default): stream weights over the mesh; direct: write SRAM",    \
                          OPTION_TEXT,                                                             \
                          &(p)->load,                                                              \
                          NULL},                                                                   \
        {"stress",     "SEED",       "stall links and ramps at random; results must not change",   \
         OPTION_COUNT, &(p)->stress, NULL},                                                        \
    {                                                                                              \
        "qemu-tile", "X,Y", "this tile is a qemu-system-riscv32 process", OPTION_PAIR,             \
            (p)->qemu_tile, &(p)->qemu_tile_given                                                  \
    }

/* For loading: shown on a terminal only. */
void show_placing(void *self, uint32_t rows_done, uint32_t rows);

/* An open model on an open wafer. */
struct stage {
    char model[4096]; /* folder */
    bool synthetic;   /* its weights are made by rule */
    struct checkpoint *checkpoint;
    struct machine machine;
    struct images images;
    struct session *session;
    struct qemu_tile *qemu; /* NULL: every tile is emulated */
    uint32_t qemu_at[2];
};

int stage_open_model(struct stage *s, const struct place_options *p, struct err *e);
/* What the options say of a placement, for a plan of the open model; context when they leave it
 * open. */
int stage_plan_cfg(const struct stage *s, const struct place_options *p, uint32_t context,
                   struct plan_cfg *out, struct err *e);
/* What EMULATOR_OPTIONS say. */
int stage_engine(const struct place_options *p, enum wafer_engine *out, struct err *e);
/* After stage_open_model; `context` is used when the options leave it open. */
int stage_open_session(struct stage *s, const struct place_options *p, uint32_t context,
                       struct err *e);
void stage_close(struct stage *s);

/* The images of a folder, or of the folder beside this program when it is NULL; with the
 * translations that are beside this program. */
int firmware_load(struct images *out, const char *folder, struct err *e);

#endif
