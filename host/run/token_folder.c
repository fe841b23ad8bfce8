/* SPDX-License-Identifier: Apache-2.0 */
/* token_folder.c - a folder of finished stages. */
#include "run/token_folder.h"

#include "base/xalloc.h"
#include "report/version.h"
#include "run/floats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct path {
    char text[4096];
};

static struct path file_of(const struct token_folder *s, const char *name)
{
    struct path p;
    (void)snprintf(p.text, sizeof p.text, "%s/%s", s->folder, name);
    return p;
}

static struct path stage_file(const struct token_folder *s, uint32_t stage, const char *ending)
{
    char name[32];
    (void)snprintf(name, sizeof name, "stage-%u.%s", stage, ending);
    return file_of(s, name);
}

/* ---- whose is it? ---- */

/* The line that made-with.txt holds. */
static void seal(char *out, size_t bytes, const char *made_with)
{
    (void)snprintf(out, bytes, "%s %s", version_digest(), made_with);
}

/* 0: no such file. */
static bool read_seal(const struct token_folder *s, char *out, size_t bytes)
{
    FILE *f = fopen(file_of(s, "made-with.txt").text, "r");
    if (!f)
        return false;
    size_t n = fread(out, 1, bytes - 1, f);
    (void)fclose(f);
    out[n] = 0;
    out[strcspn(out, "\n")] = 0;
    return true;
}

static int write_seal(const struct token_folder *s, const char *text, struct err *e)
{
    struct path to = file_of(s, "made-with.txt"), part = file_of(s, "made-with.part");
    FILE *f = fopen(part.text, "w");
    if (!f)
        return err_input(e, "%s: %s", part.text, strerror(errno));
    bool whole = fprintf(f, "%s\n", text) > 0;
    if (fclose(f) || !whole || rename(part.text, to.text))
        return err_input(e, "%s: %s", to.text, strerror(errno));
    return 0;
}

/* Both begin with a version and a blank. */
static int refuse(const struct token_folder *s, const char *have, const char *want, struct err *e)
{
    size_t have_version = strcspn(have, " "), want_version = strcspn(want, " ");
    if (have_version != want_version || strncmp(have, want, want_version) != 0)
        return err_input(e,
                         "%s: begun by version %.*s, this is %.*s; --restart begins anew, --state "
                         "DIR elsewhere",
                         s->folder, (int)have_version, have, (int)want_version, want);
    return err_input(e,
                     "%s: begun with '%s', not '%s'; --restart begins anew, --state DIR elsewhere",
                     s->folder, have + have_version + 1, want + want_version + 1);
}

/* ---- what is there ---- */

static void clear(const struct token_folder *s)
{
    for (uint32_t i = 0; i < s->stages; i++) {
        (void)unlink(stage_file(s, i, "json").text);
        (void)unlink(stage_file(s, i, "f32").text);
    }
}

static int read_stages(struct token_folder *s, struct err *e)
{
    for (uint32_t i = 0; i < s->stages; i++) {
        struct path at = stage_file(s, i, "json");
        struct record *r = &s->records.record[i];
        if (access(at.text, F_OK))
            return 0;
        if (record_read(r, at.text, e))
            return -1;
        if (r->executed_layer != i)
            return err_input(e, "%s: executed_layer: %u, not %u", at.text, r->executed_layer, i);
        s->records.count++;
    }
    return 0;
}

static int begin_or_go_on(struct token_folder *s, const char *made_with, bool restart,
                          struct err *e)
{
    char want[2048], have[2048];
    seal(want, sizeof want, made_with);
    bool there = read_seal(s, have, sizeof have);
    if (there && restart)
        clear(s);
    if (!there || restart)
        return write_seal(s, want, e);
    if (strcmp(want, have) != 0)
        return refuse(s, have, want, e);
    return read_stages(s, e);
}

/* Makes it, too. The system lets go of the lock when the program ends, however it ends. */
static int lock_folder(struct token_folder *s, struct err *e)
{
    if (mkdir(s->folder, 0777) && errno != EEXIST)
        return err_input(e, "%s: %s", s->folder, strerror(errno));
    s->lock = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->lock < 0)
        return err_input(e, "%s: %s", s->folder, strerror(errno));
    if (!flock(s->lock, LOCK_EX | LOCK_NB))
        return 0;
    (void)close(s->lock);
    return err_input(e, "%s: another run is at work here; --state DIR takes another folder",
                     s->folder);
}

int token_folder_open(struct token_folder *s, const char *folder, uint32_t stages,
                      const char *made_with, bool restart, struct err *e)
{
    *s = (struct token_folder){.stages = stages};
    if ((size_t)snprintf(s->folder, sizeof s->folder, "%s", folder) >= sizeof s->folder)
        return err_input(e, "%s: the name is too long", folder);
    if (lock_folder(s, e))
        return -1;
    s->records.record = xcalloc(stages, sizeof *s->records.record);
    if (begin_or_go_on(s, made_with, restart, e)) {
        token_folder_close(s);
        return -1;
    }
    return 0;
}

void token_folder_close(struct token_folder *s)
{
    if (s->records.record)
        (void)close(s->lock);
    records_close(&s->records);
}

int token_folder_add(struct token_folder *s, const struct record *r, const float *output,
                     size_t count, struct err *e)
{
    uint32_t stage = (uint32_t)s->records.count;
    if (floats_write(stage_file(s, stage, "f32").text, output, count, e) ||
        record_write_file(r, stage_file(s, stage, "json").text, e))
        return -1;
    s->records.record[s->records.count++] = *r;
    return 0;
}

int token_folder_output(const struct token_folder *s, uint32_t stage, float *out, size_t count,
                        struct err *e)
{
    return floats_read(stage_file(s, stage, "f32").text, out, count, e);
}
