/* SPDX-License-Identifier: Apache-2.0 */
/* layer_record.h - an executed layer as a record (report/record.h). */
#ifndef TESSERA_RUN_LAYER_RECORD_H
#define TESSERA_RUN_LAYER_RECORD_H

#include "report/record.h"
#include "run/layer_run.h"

/* layer_first..layer_last are the neighbours whose strips have the same kind, width, band, input
 * rows and blocks. `model` is what reports call it. */
void layer_record(const struct layer_cfg *cfg, const char *model, const struct layer_result *r,
                  struct record *out);

#endif
