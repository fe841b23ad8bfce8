/* SPDX-License-Identifier: Apache-2.0 */
/* nobody.c - the bus at which nobody answers. */
#include "core/core.h"

#include <stddef.h>

static int refuse_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    (void)self, (void)addr, (void)bytes, (void)value;
    return CORE_LOAD_FAULT;
}

static int refuse_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    (void)self, (void)addr, (void)bytes, (void)value;
    return CORE_STORE_FAULT;
}

static int refuse_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    (void)self, (void)addr, (void)halfword;
    return CORE_FETCH_FAULT;
}

const struct core_bus core_bus_nobody = {NULL, refuse_load, refuse_store, refuse_fetch};
