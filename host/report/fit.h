/* SPDX-License-Identifier: Apache-2.0 */
/* fit.h - how many wafers a model's bytes need: bounds that no placement can go below. */
#ifndef TESSERA_REPORT_FIT_H
#define TESSERA_REPORT_FIT_H

#include "fabric/machine.h"
#include "model/checkpoint.h"

struct fit {
    uint64_t weight_bytes;    /* of the whole model, as stored */
    uint64_t cache_bytes;     /* KV cache of all users' positions in fp32 */
    uint64_t wafer_bytes;     /* all SRAM of a wafer */
    uint64_t room_bytes;      /* of it, what code, firmware data and stack leave */
    uint64_t largest_layer;   /* bytes with its cache */
    uint32_t wafers_by_bytes; /* weights alone, in all SRAM, cut anywhere */
    uint32_t wafers;          /* whole layers with their cache, in the room that is left; the
                                 embedding is with the host. 0: a layer is larger than a wafer */
};

void fit_model(struct fit *out, const struct checkpoint *ck, const struct machine *m,
               uint32_t context, uint32_t users);

#endif
