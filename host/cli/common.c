/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - opening what a command line names. */
#include "cli/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int firmware_load(struct images *out, const char *folder, struct err *e)
{
    char own[4096];
    beside_program(own, sizeof own, "firmware");
    if (images_load(out, folder ? folder : own, e))
        return -1;
    images_translated(out, own);
    return 0;
}

int stage_open_model(struct stage *s, const struct place_options *p, struct err *e)
{
    memset(s, 0, sizeof *s);
    struct model_choice choice;
    if (machine_read(&s->machine, p->machine ? p->machine : "small", e) ||
        model_choose(&choice, p->model, p->weights, e) || model_open(&s->checkpoint, &choice, e))
        return -1;
    memcpy(s->model, choice.folder, sizeof s->model);
    s->synthetic = choice.synthetic;
    return 0;
}

void show_placing(void *self, uint32_t done, uint32_t rows)
{
    (void)self;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\rplacing: row %u of %u%s", done, rows, done == rows ? "\n" : "");
}

static int put_qemu_tile(void *self, struct wafer *w, const struct plan *plan, struct err *e)
{
    struct stage *s = self;
    char monitor[4096];
    beside_program(monitor, sizeof monitor, "virt/monitor.elf");
    struct qemu_tile_cfg cfg = {.monitor = monitor,
                                .rom = s->images.rom,
                                .x = s->qemu_at[0],
                                .y = s->qemu_at[1],
                                .width = plan->width,
                                .height = plan->height};
    if (qemu_tile_open(&s->qemu, &cfg, e))
        return -1;
    struct foreign_tile ops = qemu_tile_ops(s->qemu);
    return wafer_set_foreign_tile(w, cfg.x, cfg.y, &ops, e);
}

int stage_plan_cfg(const struct stage *s, const struct place_options *p, uint32_t context,
                   struct plan_cfg *out, struct err *e)
{
    bool bf16 = p->cache && !strcmp(p->cache, "bf16");
    uint64_t positions = p->context ? p->context : context;
    uint32_t most = checkpoint_config(s->checkpoint)->positions_max;
    if (p->wafers > WAFERS_MAX)
        return err_set(e, ERR_USAGE, "--wafers: at most %d", WAFERS_MAX);
    if (positions > most)
        return err_set(e, ERR_USAGE, "--context: %llu positions, the model has %u",
                       (unsigned long long)positions, most);
    if (p->cache && !bf16 && strcmp(p->cache, "f32") != 0)
        return err_set(e, ERR_USAGE, "--cache: '%s' is neither f32 nor bf16", p->cache);
    *out = (struct plan_cfg){.checkpoint = s->checkpoint,
                             .machine = &s->machine,
                             .wafers = (uint32_t)p->wafers,
                             .width = p->fabric[0] ? p->fabric[0] : s->machine.fabric_width,
                             .height = p->fabric[1] ? p->fabric[1] : s->machine.fabric_height,
                             .context = (uint32_t)positions,
                             .users = p->users,
                             .cache_bf16 = bf16,
                             .band = (uint32_t)p->band,
                             .blocks = (uint32_t)p->blocks};
    return 0;
}

int stage_engine(const struct place_options *p, enum wafer_engine *out, struct err *e)
{
    bool plain = p->engine && !strcmp(p->engine, "plain");
    if (p->engine && !plain && strcmp(p->engine, "fast") != 0)
        return err_set(e, ERR_USAGE, "--engine: '%s' is neither fast nor plain", p->engine);
    if (p->threads > THREADS_MAX)
        return err_set(e, ERR_USAGE, "--threads: at most %d", THREADS_MAX);
    *out = plain ? WAFER_PLAIN : WAFER_FAST;
    return 0;
}

int stage_open_session(struct stage *s, const struct place_options *p, uint32_t context,
                       struct err *e)
{
    bool direct = p->load && !strcmp(p->load, "direct");
    if (p->load && !direct && strcmp(p->load, "fabric") != 0)
        return err_set(e, ERR_USAGE, "--load: '%s' is neither fabric nor direct", p->load);
    enum wafer_engine engine;
    struct plan_cfg place;
    if (stage_engine(p, &engine, e) || stage_plan_cfg(s, p, context, &place, e))
        return -1;
    if (firmware_load(&s->images, p->firmware, e))
        return -1;
    struct session_cfg cfg = {.place = place,
                              .images = &s->images,
                              .load_direct = direct,
                              .engine = engine,
                              .threads = (uint32_t)p->threads,
                              .stress_seed = p->stress,
                              .max_cycles = p->max_cycles,
                              .prepare = p->qemu_tile_given ? put_qemu_tile : NULL,
                              .prepare_self = s,
                              .progress = show_placing};
    memcpy(s->qemu_at, p->qemu_tile, sizeof s->qemu_at);
    return session_open(&s->session, &cfg, e);
}

void stage_close(struct stage *s)
{
    session_close(s->session);
    qemu_tile_close(s->qemu);
    checkpoint_close(s->checkpoint);
}
