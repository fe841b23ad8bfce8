/* SPDX-License-Identifier: Apache-2.0 */
/* info_model.h - the part of `tessera info` about models. */
#ifndef TESSERA_CLI_INFO_MODEL_H
#define TESSERA_CLI_INFO_MODEL_H

#include "base/err.h"

#include <stdbool.h>

/* Print shapes, parameters and bytes of a model to stdout; `name` and `weights` as in
 * model_name.h. */
int info_model(const char *name, const char *weights, bool json, struct err *e);

#endif
