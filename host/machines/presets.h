/* SPDX-License-Identifier: Apache-2.0 */
/* presets.h - the machine files that are built into the program. fabric/machine.h reads them. */
#ifndef TESSERA_MACHINES_PRESETS_H
#define TESSERA_MACHINES_PRESETS_H

#include <stdbool.h>
#include <stddef.h>

struct preset {
    const char *name; /* small */
    const char *path; /* host/machines/small.txt, for errors */
    const char *text; /* not zero-terminated */
    size_t bytes;
};

/* The i-th preset; false past the last. What it points to is static. */
bool preset_get(size_t i, struct preset *out);

#endif
