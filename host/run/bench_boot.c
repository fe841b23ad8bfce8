/* SPDX-License-Identifier: Apache-2.0 */
/* bench_boot.c - bench items of booting: the image through the mesh into every tile, no program,
 * every core asleep. Each runs in a process of its own, so that its memory is its own. */
#include "run/bench.h"

#include "base/clock.h"
#include "base/memory.h"
#include "run/boot_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOOT_CYCLES_MAX = 10000000 };
enum boot_figure { BOOT_SECONDS, BOOT_BYTES };

struct boot_figures {
    double seconds, bytes; /* per tile */
    struct err e;
};

struct booting {
    const struct wafer *w;
    struct io *io;
    struct boot_image image;
    unsigned side;
};

/* The image for all, then each tile's empty share of its row's stream (firmware/rom/loader.c). */
static bool send_all(void *self)
{
    struct booting *b = self;
    uint32_t end = 0;
    if (!boot_image_step(&b->image, wafer_cycle(b->w)))
        return false;
    for (uint32_t y = 0; y < b->side; y++)
        for (uint32_t x = 0; x < b->side; x++)
            io_send(b->io, (struct edge_port){PORT_WEST, y}, COLOUR_LOAD, &end, 1,
                    IO_LAST_IS_CONTROL);
    return true;
}

static void boot(const struct bench_env *env, unsigned side, enum wafer_engine engine,
                 struct boot_figures *out)
{
    struct wafer_cfg cfg = {.machine = env->machine,
                            .firmware = &env->images->firmware,
                            .width = side,
                            .height = side,
                            .engine = engine};
    double before = (double)memory_now(), from = wall_seconds(), tiles = (double)side * side;
    struct wafer *w;
    if (wafer_open(&w, &cfg, &out->e))
        return;
    struct io *io = io_open(w, &cfg);
    struct booting b = {.w = w, .io = io, .side = side};
    boot_image_open(&b.image, io, env->images, side + side);
    if (!wafer_run(w, send_all, &b, BOOT_CYCLES_MAX, &out->e) &&
        !wafer_run_quiet(w, BOOT_CYCLES_MAX, &out->e))
        (void)wafer_check_conservation(w, &out->e);
    out->seconds = (wall_seconds() - from) / tiles;
    out->bytes = ((double)memory_now() - before) / tiles;
    io_close(io);
    wafer_close(w);
}

/* The child's figures come back through a pipe. */
static int boot_apart(const struct bench_env *env, unsigned side, enum wafer_engine engine,
                      struct boot_figures *out, struct err *e)
{
    int ends[2], status = 0;
    if (pipe(ends))
        return err_set(e, ERR_INTERNAL, "bench: no pipe");
    pid_t child = fork();
    if (child == 0) {
        struct boot_figures f = {0};
        boot(env, side, engine, &f);
        _exit(write(ends[1], &f, sizeof f) != (ssize_t)sizeof f);
    }
    (void)close(ends[1]);
    bool whole = child > 0 && read(ends[0], out, sizeof *out) == (ssize_t)sizeof *out;
    (void)close(ends[0]);
    if (child > 0)
        (void)waitpid(child, &status, 0);
    if (!whole)
        return err_set(e, ERR_INTERNAL, "bench: the booting process ended early");
    if (out->e.kind)
        return err_set(e, out->e.kind, "%s", out->e.text);
    return 0;
}

static int run_boot(const struct bench_item *i, const struct bench_env *env, double *value,
                    struct err *e)
{
    struct boot_figures f = {0};
    if (boot_apart(env, i->a, (enum wafer_engine)i->b, &f, e))
        return -1;
    *value = i->c == BOOT_SECONDS ? 1 / f.seconds : f.bytes;
    return 0;
}

void bench_items_boot(struct bench_list *l)
{
    static const unsigned sides[] = {32, 128};
    struct bench_item i = {.run = run_boot};
    for (unsigned s = 0; s < sizeof sides / sizeof sides[0]; s++) {
        i.a = sides[s];
        i.b = WAFER_FAST;
        i.c = BOOT_SECONDS;
        i.once = i.a >= 128;
        i.unit = "tiles/s";
        i.text = "booted over the mesh";
        bench_add(l, i, "boot/tiles/%u", i.a);
    }
    i.a = 128;
    i.c = BOOT_BYTES;
    i.once = i.less = true;
    i.unit = "bytes/tile";
    i.text = "resident host memory of a booted tile";
    bench_add(l, i, "boot/memory/%u", i.a);
}
