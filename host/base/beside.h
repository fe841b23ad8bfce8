/* SPDX-License-Identifier: Apache-2.0 */
/* beside.h - what lies beside the running program: firmware, models, records. */
#ifndef TESSERA_BASE_BESIDE_H
#define TESSERA_BASE_BESIDE_H

#include <stddef.h>

/* "<folder of this program>/<name>". */
void beside_program(char *out, size_t bytes, const char *name);

#endif
