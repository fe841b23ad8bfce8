/* SPDX-License-Identifier: Apache-2.0 */
/* aot.h - an image translated to C ahead of time: writing the C, and loading it once compiled.
 *
 * The C compiler knows the whole image and keeps the core's registers in the host's, so this is the
 * faster engine behind fast_run(). It is an option: without it, or when it does not fit the image
 * or the host, the threaded loop runs, with the same results. How the build makes one: firmware.mk.
 */
#ifndef TESSERA_CORE_AOT_H
#define TESSERA_CORE_AOT_H

#include "base/err.h"
#include "core/code.h"

#include <stdio.h>

/* What a translation is bound to: the core must have these windows. */
struct aot_windows {
    uint32_t ram_base, ram_bytes;
    uint32_t rom_base, rom_bytes;
};

struct aot_cfg {
    uint32_t base, bytes;       /* of the image, as struct core_code has it */
    const uint8_t *code;        /* [bytes] */
    struct aot_windows windows; /* bases 4-aligned */
    const uint32_t *entry;      /* where execution may begin, besides what the code itself shows */
    uint32_t entries;
};

/* Write the translation. Compile it with the host's headers in reach (-I. -Ihost), as a shared
 * object. 0, or -1 with ERR_INPUT when the file cannot be written. */
int aot_write(FILE *out, const struct aot_cfg *cfg, struct err *e);

struct aot;

/* Load a shared object made from aot_write's C. NULL with ERR_INPUT if there is none, or it is of
 * another image or another version of this program, or needs what this host does not have: then
 * the caller goes on without. The file is a program and is executed before anything about it can
 * be checked: only one that the build made, never one that came with an input. */
struct aot *aot_open(const char *path, uint32_t base, const uint8_t *code, uint32_t bytes,
                     struct err *e);
void aot_close(struct aot *a); /* NULL is fine; no core may be running it */

#endif
