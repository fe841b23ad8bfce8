/* SPDX-License-Identifier: Apache-2.0 */
/* floats.c - vectors to files and back. */
#include "run/floats.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int floats_read(const char *path, float *out, size_t count, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_input(e, "%s: %s", path, strerror(errno));
    bool whole = fread(out, sizeof *out, count, f) == count && fgetc(f) == EOF && !ferror(f);
    (void)fclose(f);
    return whole ? 0 : err_input(e, "%s: not %zu float32 numbers", path, count);
}

int floats_write(const char *path, const float *from, size_t count, struct err *e)
{
    char part[4096 + 8];
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return err_input(e, "%s: the name is too long", path);
    FILE *f = fopen(part, "wb");
    if (!f)
        return err_input(e, "%s: %s", part, strerror(errno));
    bool whole = fwrite(from, sizeof *from, count, f) == count;
    if (fclose(f) || !whole || rename(part, path))
        return err_input(e, "%s: %s", path, strerror(errno));
    return 0;
}
