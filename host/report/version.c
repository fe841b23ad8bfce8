/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - a digest of the program's own bytes. */
#include "report/version.h"

#include "base/beside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t version_add(uint64_t digest, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++)
        digest = (digest ^ at[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static bool add_file(uint64_t *digest, const char *path)
{
    unsigned char block[65536];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        *digest = version_add(*digest, block, n);
    bool whole = !ferror(f);
    (void)fclose(f);
    return whole;
}

const char *version_digest(void)
{
    static const char *const firmware[] = {"firmware/tile.elf", "firmware/rom.elf"};
    static char text[17];
    uint64_t digest = VERSION_SEED;
    if (*text)
        return text;
    if (!add_file(&digest, "/proc/self/exe"))
        return "unknown";
    for (size_t i = 0; i < sizeof firmware / sizeof firmware[0]; i++) {
        char path[4096];
        beside_program(path, sizeof path, firmware[i]);
        (void)add_file(&digest, path); /* without firmware there is nothing to tell apart */
    }
    (void)snprintf(text, sizeof text, "%016" PRIx64, digest);
    return text;
}

bool version_is_ours(const char *version)
{
    return strcmp(version, "unknown") != 0 && !strcmp(version, version_digest());
}
