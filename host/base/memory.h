/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - what this process takes of the host's memory, for reports only. */
#ifndef TESSERA_BASE_MEMORY_H
#define TESSERA_BASE_MEMORY_H

#include <stdint.h>

/* Resident bytes: now, and at most so far. 0 where the system does not tell. */
uint64_t memory_now(void);
uint64_t memory_peak(void);

#endif
