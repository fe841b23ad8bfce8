/* SPDX-License-Identifier: Apache-2.0 */
/* split.h - one loop over several threads. Parts are equal and neighbouring, so a loop whose rounds
 * do not depend on each other gives the same result with any number of threads. */
#ifndef TESSERA_MODEL_SPLIT_H
#define TESSERA_MODEL_SPLIT_H

#include <stdint.h>

enum { SPLIT_MAX = 64 };

/* Rounds first .. first + count - 1; worker 0 .. threads - 1 says whose scratch to use. */
typedef void split_work(void *self, unsigned worker, uint32_t first, uint32_t count);

/* Rounds 0 .. n - 1 by 1 .. SPLIT_MAX threads, the caller's among them. Returns when all are done.
 * Cost: a thread is begun for each part but one, about 30 us. */
void split_run(unsigned threads, uint32_t n, split_work *work, void *self);

#endif
