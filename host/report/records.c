/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - reading a folder of records. */
#include "report/records.h"

#include "base/beside.h"
#include "base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void records_folder(char *out, size_t bytes)
{
    beside_program(out, bytes, "records");
}

static int is_record(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 5 && d->d_name[0] != '.' && !strcmp(d->d_name + n - 5, ".json");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool same_layer(const struct record *a, const struct record *b)
{
    return !strcmp(a->model, b->model) && !strcmp(a->machine, b->machine) &&
           !strcmp(a->kind, b->kind) && a->executed_layer == b->executed_layer &&
           a->context == b->context && a->users == b->users && a->wafers == b->wafers;
}

static int add(struct records *r, const char *path, struct err *e)
{
    struct record *next = &r->record[r->count];
    if (record_read(next, path, e))
        return -1;
    for (size_t i = 0; i < r->count; i++)
        if (same_layer(&r->record[i], next))
            return err_input(e,
                             "%s: executed_layer: another file of this folder is about the same "
                             "layer, context, users and wafers",
                             path);
    r->count++;
    return 0;
}

int records_load(struct records *out, const char *folder, struct err *e)
{
    struct dirent **names;
    *out = (struct records){.count = 0};
    int count = scandir(folder, &names, is_record, by_name);
    if (count < 0)
        return errno == ENOENT ? 0 : err_input(e, "%s: %s", folder, strerror(errno));
    out->record = xcalloc((size_t)count + 1, sizeof *out->record);
    int result = 0;
    for (int i = 0; i < count; i++) {
        char path[4096 + 256];
        (void)snprintf(path, sizeof path, "%.4000s/%.255s", folder, names[i]->d_name);
        if (!result)
            result = add(out, path, e);
        free(names[i]);
    }
    free(names);
    if (result)
        records_close(out);
    return result;
}

void records_close(struct records *r)
{
    free(r->record);
    *r = (struct records){.count = 0};
}
