/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - which build this is. */
#ifndef TESSERA_REPORT_VERSION_H
#define TESSERA_REPORT_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 16 hexadecimal digits over the bytes of the running program and of the firmware beside it
 * (tile.elf, rom.elf): any change of emulator, placement or firmware changes them, and so does any
 * other change of the program. "unknown" when the program cannot read itself. */
const char *version_digest(void);

/* Was it executed by this build? */
bool version_is_ours(const char *version);

/* One step of the digest (FNV-1a, 64 bits): begin with VERSION_SEED. */
#define VERSION_SEED UINT64_C(0xcbf29ce484222325)
uint64_t version_add(uint64_t digest, const void *bytes, size_t count);

#endif
