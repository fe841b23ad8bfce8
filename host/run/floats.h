/* SPDX-License-Identifier: Apache-2.0 */
/* floats.h - vectors as files: float32, least significant byte first, nothing else. */
#ifndef TESSERA_RUN_FLOATS_H
#define TESSERA_RUN_FLOATS_H

#include "base/err.h"

#include <stddef.h>

/* Exactly `count` numbers. Errors are ERR_INPUT and name the file. */
int floats_read(const char *path, float *out, size_t count, struct err *e);

/* The file is there whole or not at all. */
int floats_write(const char *path, const float *from, size_t count, struct err *e);

#endif
