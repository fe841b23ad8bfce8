/* SPDX-License-Identifier: Apache-2.0 */
/* beside.c - the folder of the running program. */
#include "base/beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void beside_program(char *out, size_t bytes, const char *name)
{
    char self[3800];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    (void)snprintf(out, bytes, "%s/%s", slash ? self : ".", name);
}
