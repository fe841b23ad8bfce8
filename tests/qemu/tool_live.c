/* SPDX-License-Identifier: Apache-2.0 */
/* tool_live.c - what live_tile.sh cannot see through the command line. tool_live BUILD_DIR ACTION
 * ...
 *
 *   sram MODEL X,Y  the model on two wafers, one with tile (X,Y) in QEMU, loaded over the mesh and
 *                   given some tokens: the logits, and in the end every tile's SRAM, must be equal
 *   fault           a tile with a program of another version, emulated and in QEMU: prints both
 *                   reports
 *   store           a tile whose kernel writes the last word of the code region: the same
 *   hang            a tile that posts to itself for ever: prints the error
 *   killed          QEMU is killed: prints the error
 *
 * Exit code 0 when that went as said, 1 for a difference, 2 for anything else. */
#include "base/xalloc.h"
#include "io/qemu_tile.h"
#include "run/session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct live {
    char monitor[4096];
    struct images images;
    struct machine machine;
    struct qemu_tile *tile;
    uint32_t at[2];
};

static int put_tile(struct live *l, struct wafer *w, uint32_t width, uint32_t height, struct err *e)
{
    struct qemu_tile_cfg cfg = {.monitor = l->monitor,
                                .rom = l->images.rom,
                                .x = l->at[0],
                                .y = l->at[1],
                                .width = width,
                                .height = height,
                                .timeout_seconds = 2};
    if (qemu_tile_open(&l->tile, &cfg, e))
        return -1;
    struct foreign_tile ops = qemu_tile_ops(l->tile);
    return wafer_set_foreign_tile(w, l->at[0], l->at[1], &ops, e);
}

/* ---- sram ---- */

static int prepare(void *self, struct wafer *w, const struct plan *plan, struct err *e)
{
    return put_tile(self, w, plan->width, plan->height, e);
}

static int step_both(struct session *a, struct session *b, uint32_t token, struct err *e)
{
    uint32_t vocab = session_plan(a)->config->vocab;
    float *one = xcalloc(vocab, sizeof *one), *other = xcalloc(vocab, sizeof *other);
    int result = session_push(a, 0, token, e) || session_push(b, 0, token, e) ||
                 session_output(a, one, e) || session_output(b, other, e);
    if (!result && memcmp(one, other, vocab * sizeof *one) != 0) {
        (void)printf("the logits after token %u differ\n", token);
        result = 1;
    }
    free(one);
    free(other);
    return result;
}

/* Stacks are left out: what interrupted whom is a matter of time. */
static int compare_sram(struct session *a, struct session *b)
{
    static uint8_t one[TILE_SRAM_BYTES], other[TILE_SRAM_BYTES];
    const struct plan *p = session_plan(a);
    for (uint32_t i = 0; i < p->width * p->height; i++) {
        uint32_t x = i % p->width, y = i / p->width;
        wafer_read(session_wafer(a, 0), x, y, one);
        wafer_read(session_wafer(b, 0), x, y, other);
        memset(one + TILE_STACK_OFFSET, 0, TILE_STACK_BYTES);
        memset(other + TILE_STACK_OFFSET, 0, TILE_STACK_BYTES);
        for (uint32_t at = 0; at < TILE_SRAM_BYTES; at++) {
            if (one[at] == other[at])
                continue;
            (void)printf("tile (%u,%u) byte 0x%x: %02x emulated, %02x beside QEMU\n", x, y, at,
                         one[at], other[at]);
            return 1;
        }
    }
    return 0;
}

static int run_sram(struct live *l, const char *model, struct err *e)
{
    static const uint32_t tokens[] = {79, 110, 305};
    struct checkpoint *ck = NULL;
    struct session *a = NULL, *b = NULL;
    if (checkpoint_open(&ck, model, e))
        return 2;
    struct session_cfg cfg = {.place = {.checkpoint = ck, .machine = &l->machine, .context = 8},
                              .images = &l->images};
    int result = session_open(&a, &cfg, e) ? 2 : 0;
    cfg.prepare = prepare;
    cfg.prepare_self = l;
    if (!result && session_open(&b, &cfg, e))
        result = 2;
    for (unsigned i = 0; !result && i < sizeof tokens / sizeof *tokens; i++)
        result = step_both(a, b, tokens[i], e);
    if (!result)
        result = compare_sram(a, b);
    session_close(a);
    session_close(b);
    checkpoint_close(ck);
    return result;
}

/* ---- a small wafer with one program ---- */

/* The program of a tile that goes wrong. */
struct program {
    struct program_header header;
    struct program_task task;
    uint16_t list[2];
    struct args_rsqrt args;
};

/* Run a 2 x 1 wafer until it stops, tile (1,0) in QEMU or emulated; prints the error. */
static int run_small(struct live *l, const struct program *p, bool in_qemu, bool kill_it)
{
    struct err e = {0};
    struct wafer *w;
    struct wafer_cfg cfg = {
        .machine = &l->machine, .firmware = &l->images.firmware, .width = 2, .height = 1};
    l->at[0] = 1;
    l->at[1] = 0;
    if (wafer_open(&w, &cfg, &e)) {
        (void)printf("%s\n", e.text);
        return 2;
    }
    int result = in_qemu ? put_tile(l, w, 2, 1, &e) : 0;
    if (!result)
        result = wafer_load(w, 1, 0, TILE_PROGRAM_OFFSET, p, sizeof *p, &e);
    if (!result) {
        wafer_start_loaded(w);
        if (kill_it)
            kill(qemu_tile_pid(l->tile), SIGKILL);
        result = wafer_run_quiet(w, 100000, &e);
    }
    (void)printf("%s\n", result ? e.text : "nothing happened");
    wafer_close(w);
    qemu_tile_close(l->tile);
    l->tile = NULL;
    return result ? 0 : 1;
}

static struct program good_program(void)
{
    return (struct program){
        .header = {.magic = PROGRAM_MAGIC,
                   .version = PROGRAM_VERSION,
                   .bytes = sizeof(struct program),
                   .tasks = TILE_PROGRAM_OFFSET + offsetof(struct program, task),
                   .task_count = 1,
                   .starts = TILE_PROGRAM_OFFSET + offsetof(struct program, list),
                   .start_count = 1},
        .task = {.need = 1,
                 .args = TILE_PROGRAM_OFFSET + offsetof(struct program, args),
                 .start_count = 1,
                 .starts = TILE_PROGRAM_OFFSET + offsetof(struct program, list)},
        .list = {PROGRAM_POST(0)},
    };
}

static int run_action(struct live *l, int argc, char **argv, struct err *e)
{
    struct program p = good_program();
    const char *action = argv[2];
    if (!strcmp(action, "sram") && argc == 5 && sscanf(argv[4], "%u,%u", &l->at[0], &l->at[1]) == 2)
        return run_sram(l, argv[3], e);
    if (!strcmp(action, "hang"))
        return run_small(l, &p, true, false);
    if (!strcmp(action, "killed"))
        return run_small(l, &p, true, true);
    if (!strcmp(action, "fault")) {
        p.header.version = 7;
    } else if (!strcmp(action, "store")) {
        p.task.kernel = KERNEL_rsqrt;
        p.args.out = TILE_CODE_BYTES - 4;
    } else {
        return err_set(e, ERR_USAGE, "unknown action %s", action), 2;
    }
    return run_small(l, &p, false, false) || run_small(l, &p, true, false);
}

int main(int argc, char **argv)
{
    static struct live l;
    struct err e = {0};
    char folder[4096];
    int result = 2;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: tool_live BUILD_DIR ACTION ...\n");
        return 2;
    }
    (void)snprintf(l.monitor, sizeof l.monitor, "%s/virt/monitor.elf", argv[1]);
    (void)snprintf(folder, sizeof folder, "%s/firmware", argv[1]);
    if (!machine_read(&l.machine, "small", &e) && !images_load(&l.images, folder, &e))
        result = run_action(&l, argc, argv, &e);
    if (e.kind != ERR_OK)
        (void)fprintf(stderr, "tool_live: %s\n", e.text);
    qemu_tile_close(l.tile);
    return result;
}
