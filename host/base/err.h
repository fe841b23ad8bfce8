/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - how a host function says what went wrong.
 *
 * A function that can fail returns 0 or -1 and takes a `struct err *` last. The first failure wins:
 * a caller may go on and add nothing. Only main() prints an error and exits, with the code of
 * `kind`. */
#ifndef TESSERA_BASE_ERR_H
#define TESSERA_BASE_ERR_H

#include <stdarg.h>

/* Exit codes of the program, documented in README.md. */
enum err_kind {
    ERR_OK = 0,
    ERR_COMPARE = 1,         /* a comparison failed */
    ERR_USAGE = 2,           /* bad command line */
    ERR_INPUT = 3,           /* bad model, ELF or machine file */
    ERR_FAULT = 4,           /* tile fault or trap */
    ERR_DEADLOCK = 5,        /* no progress with work outstanding */
    ERR_LIMIT = 6,           /* a limit (cycles, time) was reached */
    ERR_NOT_IMPLEMENTED = 7, /* a known gap */
    ERR_INTERNAL = 70        /* our bug */
};

enum { ERR_TEXT_MAX = 1024 };

struct err {
    enum err_kind kind; /* ERR_OK until the first failure */
    char text[ERR_TEXT_MAX];
};

/* Record a failure unless one is recorded already (the first wins). `e` may be NULL: then only the
 * result tells. Always returns -1, so that `return err_input(e, ...)` reads well. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_setv(struct err *e, enum err_kind kind, const char *fmt, va_list args);

/* Bad input (ERR_INPUT): say file, item and reason in one line. */
int err_input(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
