/* SPDX-License-Identifier: Apache-2.0 */
/* presets.c - the table of the texts that preset_text.S brings in. */
#include "machines/presets.h"

#define PRESET(id) extern const char preset_##id[], preset_##id##_end[];
#include "machines/presets.def"

bool preset_get(size_t i, struct preset *out)
{
    static const struct {
        const char *name, *path, *begin, *end;
    } table[] = {
#define PRESET(id) {#id, "host/machines/" #id ".txt", preset_##id, preset_##id##_end},
#include "machines/presets.def"
    };
    if (i >= sizeof table / sizeof table[0])
        return false;
    *out = (struct preset){table[i].name, table[i].path, table[i].begin,
                           (size_t)(table[i].end - table[i].begin)};
    return true;
}
