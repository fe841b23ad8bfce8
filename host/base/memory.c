/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - resident memory from /proc. */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A field of /proc/self/status in bytes. */
static uint64_t status_field(const char *field)
{
    char line[256];
    unsigned long long kib = 0;
    size_t n = strlen(field);
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, field, n))
            kib = strtoull(line + n, NULL, 10);
    if (f)
        (void)fclose(f);
    return kib * 1024;
}

uint64_t memory_now(void)
{
    return status_field("VmRSS:");
}

uint64_t memory_peak(void)
{
    return status_field("VmHWM:");
}
