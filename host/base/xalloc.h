/* SPDX-License-Identifier: Apache-2.0 */
/* xalloc.h - allocation that cannot fail (it ends the process), and an arena that is freed whole.
 *
 * For sizes that come from input, check them first: these functions die on overflow and on an
 * exhausted machine, with exit code 70. Memory is zeroed. */
#ifndef TESSERA_BASE_XALLOC_H
#define TESSERA_BASE_XALLOC_H

#include <stddef.h>

void *xcalloc(size_t count, size_t bytes);
void *xrealloc(void *old, size_t count, size_t bytes); /* new bytes are not zeroed */
char *xstrdup(const char *text);

struct arena; /* owns everything taken from it */

struct arena *arena_open(void);
void arena_close(struct arena *a);                              /* frees all of it; NULL is fine */
void *arena_alloc(struct arena *a, size_t count, size_t bytes); /* zeroed, 16-byte aligned */
char *arena_strdup(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
