/* SPDX-License-Identifier: Apache-2.0 */
/* router.h - which experts a token takes, and with what weights, from its router scores. */
#ifndef TESSERA_MODEL_ROUTER_H
#define TESSERA_MODEL_ROUTER_H

#include "model/config.h"

/* score[e] = sigmoid of the router's product, bias[e] its correction, which only chooses. Fills
 * chosen[experts_used], best first (of equals the lower index), and their weights.
 * `scratch` is [experts + groups] floats. */
void router_choose(const struct model_config *c, const float *score, const float *bias,
                   uint32_t *chosen, float *weights, float *scratch);

#endif
