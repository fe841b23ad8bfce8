/* SPDX-License-Identifier: Apache-2.0 */
/* machine_sources.h - what the comments of a machine file say about where its values come from.
 *
 * A value's comment stands behind it, or on the lines directly above it (then it also speaks for
 * the following values without one). It begins with public, inferred or assumed; "as NAME" means
 * what machine NAME of the project says. Anything else is no source. */
#ifndef TESSERA_REPORT_MACHINE_SOURCES_H
#define TESSERA_REPORT_MACHINE_SOURCES_H

#include "base/err.h"
#include "report/label.h"

#include <stddef.h>

enum { MACHINE_VALUES_MAX = 64 };

struct machine_value {
    char key[40], value[64], note[240]; /* note: the comment */
    enum label label; /* PUBLISHED, INFERRED, ASSUMED; NOT_EXECUTED: no source is given */
};

struct machine_sources {
    struct machine_value value[MACHINE_VALUES_MAX]; /* every key but the name, as in the .def */
    size_t count;
};

/* For a machine that machine_read has read. A key that is not in the file has its default, which
 * is no source. */
int machine_sources_read(struct machine_sources *out, const char *name_or_path, struct err *e);

#endif
