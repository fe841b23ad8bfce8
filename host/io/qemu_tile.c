/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_tile.c - starts the QEMU process of a live tile and keeps the host's ends of its rings.
 *
 * Shared memory and console are anonymous files (memfd), so nothing is left behind when either side
 * crashes. */
#include "io/qemu_tile.h"

#include "base/xalloc.h"
#include "hal/virt/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPINS = 2000, NAP_NANOSECONDS = 20000, TIMEOUT_SECONDS = 20, NOT_FOUND = 127 };

struct qemu_tile {
    pid_t pid; /* 0 when there is none */
    int memory_fd, console_fd;
    uint8_t *base; /* RING_FILE_BYTES */
    struct ring_header *header;
    struct ring *in, *out;
    uint32_t x, y;
    uint32_t seen_steps; /* tile_steps that `stirred` has reported */
    uint32_t next_colour;
    uint32_t timeout_seconds;
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int share_memory(struct qemu_tile *q, struct err *e)
{
    q->memory_fd = memfd_create("tessera-tile", 0);
    q->console_fd = memfd_create("tessera-console", 0);
    if (q->memory_fd < 0 || q->console_fd < 0 || ftruncate(q->memory_fd, RING_FILE_BYTES))
        return err_set(e, ERR_INTERNAL, "live tile: no shared memory: %s", strerror(errno));
    void *base = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, q->memory_fd, 0);
    if (base == MAP_FAILED)
        return err_set(e, ERR_INTERNAL, "live tile: cannot map memory: %s", strerror(errno));
    q->base = base;
    q->header = base;
    q->in = (void *)(q->base + RING_TO_TILE);
    q->out = (void *)(q->base + RING_FROM_TILE);
    return 0;
}

static void fill_memory(struct qemu_tile *q, const struct qemu_tile_cfg *cfg)
{
    struct ring_header *h = q->header;
    h->version = RING_VERSION;
    h->x = cfg->x;
    h->y = cfg->y;
    h->width = cfg->width;
    h->height = cfg->height;
    h->host_steps = 1; /* asleep_at starts at 0: not asleep yet */
    h->magic = RING_MAGIC;
    memcpy(q->base + RING_ROM, cfg->rom, TILE_ROM_BYTES);
}

/* In the child: only calls that are safe between fork and exec. */
static _Noreturn void become_qemu(const struct qemu_tile *q, char *const *argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(q->console_fd, 1) < 0 ||
        dup2(q->console_fd, 2) < 0)
        _exit(NOT_FOUND - 1);
    execvp(argv[0], argv);
    _exit(NOT_FOUND);
}

static int start_process(struct qemu_tile *q, const struct qemu_tile_cfg *cfg, struct err *e)
{
    char memory[128];
    (void)snprintf(memory, sizeof memory,
                   "memory-backend-file,id=link,share=on,mem-path=/proc/self/fd/%d,size=%u",
                   q->memory_fd, RING_FILE_BYTES);
    const char *argv[] = {cfg->qemu ? cfg->qemu : "qemu-system-riscv32",
                          "-M",
                          "virt",
                          "-m",
                          "16M",
                          "-bios",
                          "none",
                          "-display",
                          "none",
                          "-nodefaults",
                          "-monitor",
                          "none",
                          "-serial",
                          "stdio",
                          "-object",
                          memory,
                          "-device",
                          "ivshmem-plain,memdev=link",
                          "-kernel",
                          cfg->monitor,
                          NULL};
    char *copy[sizeof argv / sizeof *argv] = {0};
    memcpy(copy, argv, sizeof argv);
    q->pid = fork();
    if (q->pid < 0) {
        q->pid = 0;
        return err_set(e, ERR_INTERNAL, "live tile: cannot fork: %s", strerror(errno));
    }
    if (q->pid == 0)
        become_qemu(q, copy);
    return 0;
}

/* What QEMU and the tile printed, on one line. */
static void console_text(const struct qemu_tile *q, char *out, size_t bytes)
{
    ssize_t got = pread(q->console_fd, out, bytes - 1, 0);
    out[got > 0 ? got : 0] = 0;
    for (char *c = out; *c; c++)
        if (*c == '\n')
            *c = c[1] ? ' ' : 0;
}

/* -1 if the process has ended. */
static int check_alive(struct qemu_tile *q, struct err *e)
{
    int status;
    char text[512];
    if (waitpid(q->pid, &status, WNOHANG) != q->pid)
        return 0;
    q->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
        return err_input(e, "live tile: cannot run qemu-system-riscv32 (Debian: apt-get install "
                            "qemu-system-misc)");
    console_text(q, text, sizeof text);
    return err_set(e, ERR_INTERNAL, "live tile: QEMU ended with %s %d: %s",
                   WIFEXITED(status) ? "status" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
                   text[0] ? text : "no message");
}

static void pause_briefly(uint32_t *spins)
{
    struct timespec nap = {0, NAP_NANOSECONDS};
    if (++*spins > SPINS)
        nanosleep(&nap, NULL);
}

static int wait_until_started(struct qemu_tile *q, struct err *e)
{
    uint32_t spins = 0;
    double end = seconds_now() + q->timeout_seconds;
    while (ring_get(&q->header->state) == RING_NEW) {
        if (check_alive(q, e))
            return -1;
        if (seconds_now() > end)
            return err_set(e, ERR_LIMIT, "live tile: QEMU did not start the monitor within %u s",
                           q->timeout_seconds);
        pause_briefly(&spins);
    }
    return 0;
}

int qemu_tile_open(struct qemu_tile **out, const struct qemu_tile_cfg *cfg, struct err *e)
{
    struct qemu_tile *q = xcalloc(1, sizeof *q);
    *out = NULL;
    q->memory_fd = q->console_fd = -1;
    q->x = cfg->x;
    q->y = cfg->y;
    q->timeout_seconds = cfg->timeout_seconds ? cfg->timeout_seconds : TIMEOUT_SECONDS;
    int failed = access(cfg->monitor, R_OK)
                     ? err_input(e, "%s: cannot read the live tile's monitor: %s", cfg->monitor,
                                 strerror(errno))
                     : share_memory(q, e);
    if (!failed) {
        fill_memory(q, cfg);
        failed = start_process(q, cfg, e) || wait_until_started(q, e);
    }
    if (failed) {
        qemu_tile_close(q);
        return -1;
    }
    *out = q;
    return 0;
}

void qemu_tile_close(struct qemu_tile *q)
{
    if (!q)
        return;
    if (q->pid > 0) {
        kill(q->pid, SIGKILL);
        waitpid(q->pid, NULL, 0);
    }
    if (q->base)
        munmap(q->base, RING_FILE_BYTES);
    if (q->memory_fd >= 0)
        close(q->memory_fd);
    if (q->console_fd >= 0)
        close(q->console_fd);
    free(q);
}

/* ---- the functions of struct foreign_tile ---- */

static void step(struct qemu_tile *q)
{
    ring_set(&q->header->host_steps, q->header->host_steps + 1);
}

static void start(void *self, uint32_t pc, bool code_locked)
{
    struct qemu_tile *q = self;
    q->header->start = pc;
    q->header->code_locked = code_locked;
    ring_set(&q->header->go, 1);
    step(q);
}

static uint32_t room(void *self, uint8_t colour)
{
    const struct qemu_tile *q = self;
    return RING_WORDS - (q->in[colour].written - ring_get(&q->in[colour].read));
}

static void take(void *self, struct wavelet v)
{
    struct qemu_tile *q = self;
    assert(ring_room(&q->in[v.colour]));
    ring_put(&q->in[v.colour], v.data, v.control);
    step(q);
}

static bool give(void *self, uint32_t colours, struct wavelet *v)
{
    struct qemu_tile *q = self;
    for (uint32_t k = 0; k < TILE_COLOURS; k++) {
        uint32_t c = (q->next_colour + k) % TILE_COLOURS;
        if (!(colours >> c & 1) || !ring_waiting(&q->out[c]))
            continue;
        struct ring_slot s = ring_take(&q->out[c]);
        *v = (struct wavelet){.data = s.word, .colour = (uint8_t)c, .control = s.control != 0};
        q->next_colour = c + 1;
        step(q);
        return true;
    }
    return false;
}

static bool configure(void *self, uint32_t *offset, uint32_t *value)
{
    struct qemu_tile *q = self;
    struct ring_header *h = q->header;
    if (ring_get(&h->config_written) == h->config_read)
        return false;
    struct ring_slot s = h->config[h->config_read % RING_CONFIG_WORDS];
    *offset = s.word;
    *value = s.control;
    ring_set(&h->config_read, h->config_read + 1);
    step(q);
    return true;
}

static bool stirred(void *self)
{
    struct qemu_tile *q = self;
    uint32_t steps = ring_get(&q->header->tile_steps);
    bool moved = steps != q->seen_steps;
    q->seen_steps = steps;
    return moved;
}

static bool faulted(void *self, struct foreign_fault *out)
{
    struct qemu_tile *q = self;
    struct ring_header *h = q->header;
    if (ring_get(&h->state) != RING_FAULTED)
        return false;
    *out = (struct foreign_fault){.file = h->fault[0],
                                  .line = h->fault[1],
                                  .pc = h->fault[2],
                                  .info = h->fault[3],
                                  .stack_free = h->fault[4],
                                  .code = h->fault[5],
                                  .task = h->task};
    return true;
}

static int wait_for_life(void *self, struct err *e)
{
    struct qemu_tile *q = self;
    struct ring_header *h = q->header;
    uint32_t spins = 0;
    double end = seconds_now() + q->timeout_seconds;
    for (;;) {
        /* read before the steps: what the tile did before it fell asleep is then seen */
        bool asleep = ring_get(&h->asleep_at) == h->host_steps;
        if (stirred(q))
            return 1;
        if (asleep)
            return 0;
        if (check_alive(q, e))
            return -1;
        if (seconds_now() > end)
            return err_set(e, ERR_LIMIT, "tile (%u,%u) in QEMU: no sign of life for %u s", q->x,
                           q->y, q->timeout_seconds);
        pause_briefly(&spins);
    }
}

struct foreign_tile qemu_tile_ops(struct qemu_tile *q)
{
    return (struct foreign_tile){.self = q,
                                 .start = start,
                                 .room = room,
                                 .take = take,
                                 .stirred = stirred,
                                 .configure = configure,
                                 .give = give,
                                 .wait = wait_for_life,
                                 .faulted = faulted,
                                 .sram = q->base + RING_SRAM};
}

int qemu_tile_pid(const struct qemu_tile *q)
{
    return q->pid;
}
