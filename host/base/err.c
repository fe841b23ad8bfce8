/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - the sticky error record. */
#include "base/err.h"

#include <stdio.h>

/* Names from hostile files appear in errors: nothing in them may look like a second line. */
static void keep_one_line(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

int err_setv(struct err *e, enum err_kind kind, const char *fmt, va_list args)
{
    if (e && e->kind == ERR_OK) {
        e->kind = kind;
        (void)vsnprintf(e->text, sizeof e->text, fmt, args);
        keep_one_line(e->text);
    }
    return -1;
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    err_setv(e, kind, fmt, args);
    va_end(args);
    return -1;
}

int err_input(struct err *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    err_setv(e, ERR_INPUT, fmt, args);
    va_end(args);
    return -1;
}
